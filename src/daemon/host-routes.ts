/**
 * Where packets go: the routes of a network, as the kernel shows them, and which part of a range they reach. Pure.
 */
import { type AddressRange, covers, rangeText } from "../api/index.ts";

export type Prefix = Pick<AddressRange, "family" | "bytes" | "bits">;
export type Route = Prefix & { interface: string };

/** The files of a network that `routesOf` reads, one after the other. */
export const ROUTE_FILES = ["/proc/net/route", "/proc/net/ipv6_route"];

/** include/uapi/linux/route.h, ipv6_route.h: up; answers with an error; the network's own address. */
const UP = 1;
const REJECT = 0x200;
const LOCAL = 0x80000000;

/** The main table's routes to other hosts. */
export function routesOf(text: string): Route[] {
  return text.split("\n").flatMap((line) => {
    const columns = line.trim().split(/\s+/);
    return columns.length === 11 ? routeV4(columns) : columns.length === 10 ? routeV6(columns) : [];
  });
}

/** Numbers as the host has them in memory. */
function routeV4([name = "", destination = "", , flags = "", , , , mask = ""]: string[]): Route[] {
  if (!/^[0-9A-F]{8}$/.test(destination) || (parseInt(flags, 16) & (UP | REJECT)) !== UP) return [];
  const bits = 96 + parseInt(mask, 16).toString(2).replaceAll("0", "").length;
  const bytes = Buffer.concat([
    Buffer.alloc(10),
    Buffer.of(0xff, 0xff),
    Buffer.from(destination, "hex").reverse(),
  ]);
  return [{ interface: name, family: 4, bytes, bits }];
}

function routeV6([destination = "", bits = "", , , , , , , flags = "", name = ""]: string[]): Route[] {
  const set = parseInt(flags, 16);
  if ((set & UP) === 0 || (set & REJECT) !== 0 || set >= LOCAL || name === "lo") return [];
  const bytes = Buffer.from(destination, "hex");
  if (bytes[0] === 0xff || (bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80)) return []; // a group, or a link
  return [{ interface: name, family: 6, bytes, bits: parseInt(bits, 16) }];
}

/** The addresses that both have; null when there are none. */
export function overlap(a: Prefix, b: Prefix): Prefix | null {
  const [wide, narrow] = a.bits <= b.bits ? [a, b] : [b, a];
  return covers(wide, narrow) ? { family: narrow.family, bytes: narrow.bytes, bits: narrow.bits } : null;
}

export function prefixText({ family, bytes, bits }: Prefix): string {
  return rangeText({ family, bytes, bits, first: 0, last: 65535 });
}
