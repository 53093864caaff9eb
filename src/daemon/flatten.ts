/**
 * Rules for addresses as the kernel has them: each prefix with all that counts below it. [NET-1] Pure.
 *
 * The rule: of the rules that have an address and port, the one with the longest prefix decides. The kernel finds
 * only the longest prefix of an address, whatever the port; so an entry also has the port ranges of the wider
 * prefixes that its own leave open.
 */
import { type AddressRange, covers, masked, parseRange, rangeText } from "../api/index.ts";
import { LIMITS, type RangeEntry } from "../kernel/index.ts";
import { type Context, contextEquals, UNLABELLED } from "../label/index.ts";
import { CsnError } from "./errors.ts";

export type Rule = { range: AddressRange; context: Context };

type Prefix = Pick<AddressRange, "family" | "bytes" | "bits">;
type Ports = { first: number; last: number; context: Context };

/**
 * Addresses that a wider prefix must not reach, and which can't have rules of their own (src/api/address.ts):
 * who is in a group nobody knows; and IPv4, which the kernel has as a part of IPv6, is no part of `::/0`.
 */
const FENCES: readonly { fence: Prefix; within: 4 | 6 }[] = [
  { fence: mapped([224, 0, 0, 0], 3), within: 4 },
  { fence: { family: 6, bytes: Uint8Array.of(0xff, ...Array<number>(15).fill(0)), bits: 8 }, within: 6 },
  { fence: { ...mapped([0, 0, 0, 0], 0), family: 6 }, within: 6 },
];

/** @throws CsnError E_NETWORK_LIMIT */
export function flatten(rules: readonly Rule[]): RangeEntry[] {
  const prefixes = new Map(rules.map(({ range }) => [prefixText(range), range]));
  const entries = new Map<string, RangeEntry>();
  for (const { fence, within } of FENCES) {
    const key = keyText(fence);
    const isReached = rules.some(({ range }) => range.family === within && covers(range, fence));
    if (isReached) entries.set(key, { bytes: fence.bytes, bits: fence.bits, ports: [] });
  }
  const tree = new Tree(rules);
  for (const prefix of prefixes.values()) {
    const ports = portsOf(tree.above(prefix));
    if (ports.length > LIMITS.RANGE_PORTS)
      throw limit(
        `expected at most ${LIMITS.RANGE_PORTS} ranges of ports below \`${prefixText(prefix)}\`, those of wider prefixes included, found ${ports.length}`,
        "join ranges of ports that are next to each other, or give some of them a prefix of their own",
      );
    entries.set(keyText(prefix), { bytes: prefix.bytes, bits: prefix.bits, ports });
  }
  if (entries.size > LIMITS.MAX_RANGES)
    throw limit(
      `expected at most ${LIMITS.MAX_RANGES} prefixes with a context, found ${entries.size}`,
      "give wider ranges",
    );
  return [...entries.values()];
}

/** Rules by their prefix, so that those above one are found without looking at all. */
class Tree {
  readonly #rules = new Map<string, Rule[]>();
  readonly #lengths: number[];

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) {
      const key = this.#key(rule.range, rule.range.bits);
      this.#rules.set(key, [...(this.#rules.get(key) ?? []), rule]);
    }
    this.#lengths = [...new Set(rules.map(({ range }) => range.bits))].sort((a, b) => b - a);
  }

  /** The longest prefix first, its own. */
  above(prefix: Prefix): Rule[] {
    return this.#lengths
      .filter((bits) => bits <= prefix.bits)
      .flatMap((bits) => this.#rules.get(this.#key(prefix, bits)) ?? []);
  }

  #key({ family, bytes }: Prefix, bits: number): string {
    return `${family} ${keyText({ family, bytes: masked(bytes, bits), bits })}`;
  }
}

/** All that counts at a prefix. @param rules its own first, then the wider ones', which count where these are silent */
function portsOf(rules: readonly Rule[]): Ports[] {
  const found: Ports[] = [];
  for (const { range, context } of rules)
    for (const part of without(range, found)) found.push({ ...part, context });
  const joined: Ports[] = [];
  for (const part of found.sort((a, b) => a.first - b.first)) {
    const before = joined.at(-1);
    if (before?.last === part.first - 1 && contextEquals(before.context, part.context))
      before.last = part.last;
    else joined.push({ ...part });
  }
  return joined.filter(({ context }) => !contextEquals(context, UNLABELLED)); // as what no range has
}

/** What of these ports the others leave open. */
function without(
  range: { first: number; last: number },
  others: readonly Ports[],
): { first: number; last: number }[] {
  let open = [{ first: range.first, last: range.last }];
  for (const other of others)
    open = open.flatMap((part) =>
      [
        { first: part.first, last: Math.min(part.last, other.first - 1) },
        { first: Math.max(part.first, other.last + 1), last: part.last },
      ].filter(({ first, last }) => first <= last),
    );
  return open;
}

/** Stored text, which `rangeText` wrote. @throws CsnError E_STORE */
export function storedRange(text: string): AddressRange {
  const parsed = parseRange(text);
  if (parsed.ok) return parsed.range;
  throw new CsnError(
    "E_STORE",
    `csn's state holds something that is no range of addresses: ${parsed.message}`,
    "restore csn's state from a backup",
    500,
  );
}

function prefixText({ family, bytes, bits }: Prefix): string {
  return rangeText({ family, bytes, bits, first: 0, last: 65535 });
}

function keyText({ bytes, bits }: Prefix): string {
  return `${Buffer.from(bytes).toString("hex")}/${bits}`;
}

function mapped(address: readonly [number, number, number, number], bits: number): Prefix {
  return {
    family: 4,
    bytes: Uint8Array.of(...Array<number>(10).fill(0), 0xff, 0xff, ...address),
    bits: 96 + bits,
  };
}

function limit(message: string, hint: string): CsnError {
  return new CsnError("E_NETWORK_LIMIT", message, hint, 409);
}
