/**
 * Ranges of addresses and ports as people write them: `10.2.0.0/16:5432`, `[2001:db8::]/32:443-444`. [NET-1] Pure.
 *
 * Guarantee: a range that is accepted names endpoints outside the host, and its text (`rangeText`) is the only
 * one for it. What no policy can speak for is refused with the reason: loopback is the context's own network,
 * who is in a multicast group nobody knows, and a link is not left.
 * Not covered: host names; policy gives addresses.
 */
import { isIPv4, isIPv6 } from "node:net";

/** The last port; a range without ports has all, from 0, which nobody can write. */
const LAST_PORT = 65535;
/** Bits before an IPv4 address among the 128. */
const V4_PREFIX = 96;

export type AddressRange = {
  family: 4 | 6;
  /** As IPv6 has it, IPv4 as ::ffff:a.b.c.d; zero beyond the prefix. */
  bytes: Uint8Array;
  /** Of the 128: 96 to 128 for IPv4. */
  bits: number;
  first: number;
  last: number;
};

export type ParsedRange = { ok: true; range: AddressRange } | { ok: false; message: string; hint: string };

const FORM_HINT = "write `10.2.0.0/16:5432`, `10.2.0.1`, `[2001:db8::]/32:443` or `10.0.0.0/8:8000-8100`";

export function parseRange(text: string): ParsedRange {
  const fail = (message: string, hint = FORM_HINT): ParsedRange => ({
    ok: false,
    message: `${JSON.stringify(text)}: ${message}`,
    hint,
  });
  // brackets around IPv6, which may go without when no port follows
  const parts =
    /^\[([^\]]*)\](?:\/(\w+))?(?::(.*))?$/.exec(text) ??
    /^((?:[^/[\]]*:){2}[^/[\]]*)(?:\/(\w+))?$/.exec(text) ??
    /^([^/:[\]]*)(?:\/(\w+))?(?::(.*))?$/.exec(text);
  if (parts === null) return fail("expected an address, found something else");
  const [, address = "", length, ports] = parts;
  const isBracketed = text.startsWith("[");
  const family = isIPv4(address) && !isBracketed ? 4 : isIPv6(address) && !address.includes("%") ? 6 : null;
  if (family === null) {
    const isName = /^[a-z0-9-]+(\.[a-z0-9-]+)*\.?$/i.test(address) && /[a-z]/i.test(address);
    return isName
      ? fail("expected an address, found a name", `\`getent ahosts ${address}\` shows its addresses`)
      : fail(`expected an IPv4 or IPv6 address, found \`${address}\``);
  }
  const most = family === 4 ? 32 : 128;
  if (length !== undefined && !(isNumber(length) && Number(length) <= most))
    return fail(`expected 0 to ${most} bits after \`/\`, found \`${length}\``);
  const bits = 128 - most + Number(length ?? most);
  const given = bytesOf(address, family);
  const bytes = masked(given, bits);
  const [first, last] = ports === undefined ? [0, LAST_PORT] : portsOf(ports);
  if (first === undefined || last === undefined)
    return fail(
      `expected a port from 1 to ${LAST_PORT}, or two as FIRST-LAST with the lower one first, found \`${ports}\``,
      "without `:PORT` all ports are meant",
    );
  const range: AddressRange = { family, bytes, bits, first, last };
  if (!given.every((byte, at) => byte === bytes[at]))
    return fail(
      `expected nothing but zeros beyond the first ${length} bits, found an address in the middle of its range`,
      `the range is \`${rangeText(range)}\`; that address alone is \`${rangeText({ ...range, bytes: given, bits: 128 })}\``,
    );
  const place = PLACES.find((one) => covers(one, range));
  if (place !== undefined)
    return fail(`expected addresses outside the host, found ${place.what}`, place.hint(range));
  return { ok: true, range };
}

/** The one way to write it; what was given to `parseRange`, in short. */
export function rangeText({ family, bytes, bits, first, last }: AddressRange): string {
  const address = addressText(bytes);
  const length = bits === 128 ? "" : `/${family === 4 ? bits - V4_PREFIX : bits}`;
  if (first === 0 && last === LAST_PORT) return `${address}${length}`;
  const host = family === 6 ? `[${address}]` : address;
  return `${host}${length}:${first}${first === last ? "" : `-${last}`}`;
}

/** `10.2.0.1`, `2001:db8::1`. */
export function addressText(bytes: Uint8Array): string {
  if (isV4(bytes)) return bytes.subarray(12).join(".");
  const groups = Array.from({ length: 8 }, (_, at) => (bytes[2 * at]! << 8) | bytes[2 * at + 1]!);
  // the longest run of zeros is left out [RFC 5952]; URLs are written that way
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]`).hostname.slice(1, -1);
}

/** `10.2.0.1:5432`, `[2001:db8::1]:443`. */
export function endpointText(bytes: Uint8Array, port: number): string {
  return `${isV4(bytes) ? addressText(bytes) : `[${addressText(bytes)}]`}:${port}`;
}

export function isV4(bytes: Uint8Array): boolean {
  return bytes.every((byte, at) => at >= 12 || byte === (at >= 10 ? 0xff : 0));
}

type Prefix = Pick<AddressRange, "family" | "bytes" | "bits">;

/** Is every address of `inner` one of `outer`? Families are apart: `::/0` has no IPv4. */
export function covers(outer: Prefix, inner: Prefix): boolean {
  return (
    outer.family === inner.family &&
    outer.bits <= inner.bits &&
    masked(inner.bytes, outer.bits).every((byte, at) => byte === outer.bytes[at])
  );
}

/** Bits beyond the prefix as zeros. */
export function masked(bytes: Uint8Array, bits: number): Uint8Array {
  return bytes.map((byte, at) => {
    const kept = Math.min(8, Math.max(0, bits - 8 * at));
    return byte & (0xff00 >> kept) & 0xff;
  });
}

/** For an IPv4 or IPv6 address in a form that node:net takes. */
export function bytesOf(address: string, family = isIPv4(address) ? 4 : 6): Uint8Array {
  const bytes = new Uint8Array(16);
  if (family === 4) {
    bytes.set([0xff, 0xff, ...address.split(".").map(Number)], 10);
    return bytes;
  }
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1); // without a dotted part
  const [head = [], tail] = plain.split("::").map((side) => (side === "" ? [] : side.split(":")));
  const groups =
    tail === undefined ? head : [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  for (const [at, group] of groups.entries()) {
    bytes[2 * at] = Number.parseInt(group, 16) >> 8;
    bytes[2 * at + 1] = Number.parseInt(group, 16) & 0xff;
  }
  return bytes;
}

function portsOf(text: string): [number, number] | [] {
  const [first = "", last = first, ...more] = text.split("-");
  if (more.length > 0 || ![first, last].every((port) => isNumber(port) && port !== "0")) return [];
  if (Number(first) > Number(last) || Number(last) > LAST_PORT) return [];
  return [Number(first), Number(last)];
}

/** Decimal as everybody writes it: `010` is eight to some. */
function isNumber(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text);
}

type Place = Prefix & { what: string; hint: (range: AddressRange) => string };

/** Where the kernel monitor does not ask policy, or must not (bpf/socket.bpf.c). */
const PLACES: readonly Place[] = [
  ...places(
    ["127.0.0.0/8", "0.0.0.0/32", "::/127"],
    "loopback, which is the context's own network",
    () => "programs of one context reach each other there without any policy",
  ),
  ...places(
    ["224.0.0.0/3", "ff00::/8"],
    "addresses of many (multicast, broadcast or reserved)",
    () => "who receives there nobody knows, so nothing labelled may go there; give the hosts' own addresses",
  ),
  ...places(
    ["fe80::/10"],
    "addresses of one link only",
    () => "a context's network shares no link with others; give the host's other address",
  ),
  ...places(
    ["fd5c:9a3e:71b4::/48"],
    "addresses of csn's own networks",
    () => "programs of different contexts do not reach each other there",
  ),
  ...places(
    ["::ffff:0:0/96"],
    "IPv4 written as IPv6",
    (range) => `write \`${rangeText({ ...range, family: 4 })}\`, which holds for both`,
  ),
];

function places(prefixes: readonly string[], what: string, hint: Place["hint"]): Place[] {
  return prefixes.map((text) => {
    const [address = "", length] = text.split("/");
    const family = address.includes(":") ? 6 : 4;
    const bits = Number(length) + (family === 4 ? V4_PREFIX : 0);
    return { family, bytes: bytesOf(address, family), bits, what, hint };
  });
}
