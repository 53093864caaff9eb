/**
 * The table that the kernel gets, against a search over the rules; and the way from one table to another.
 */
import { deepStrictEqual, ok, throws } from "node:assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type AddressRange, covers, masked, parseRange, rangeText } from "../api/index.ts";
import { keyOf, type RangeEntry, steps } from "../kernel/index.ts";
import {
  type Context,
  contextKey,
  contextOf,
  integrityOf,
  parseTagId,
  secrecyOf,
  UNLABELLED,
} from "../label/index.ts";
import { CsnError } from "./errors.ts";
import { flatten, type Rule } from "./flatten.ts";

const CONTEXTS = [
  UNLABELLED,
  ...["a", "b", "c"].map((c) => contextOf(secrecyOf([parseTagId(c.repeat(32))]), integrityOf([]))),
];
const [, A, B] = CONTEXTS as [Context, Context, Context];

const range = (text: string): AddressRange => {
  const parsed = parseRange(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.range;
};
const rule = (text: string, context: Context): Rule => ({ range: range(text), context });

type Endpoint = { family: 4 | 6; bytes: Uint8Array; port: number };

/** To all, or to a group (bpf/socket.bpf.c): no rule can be about these. */
const isForMany = ({ family, bytes }: Endpoint) => (family === 4 ? bytes[12]! >= 224 : bytes[0] === 0xff);

/** What the rules say, as plainly as possible. */
function search(rules: readonly Rule[], at: Endpoint): Context {
  const matching = rules
    .filter(
      (one) =>
        covers(one.range, { ...at, bits: 128 }) && one.range.first <= at.port && at.port <= one.range.last,
    )
    .sort((a, b) => b.range.bits - a.range.bits);
  return isForMany(at) ? UNLABELLED : (matching[0]?.context ?? UNLABELLED);
}

/** As bpf/socket.bpf.c: the entry of the longest prefix, and only that. */
function lookUp(table: ReadonlyMap<string, RangeEntry>, { bytes, port }: Endpoint): Context {
  for (let bits = 128; bits >= 0; bits--) {
    const entry = table.get(keyOf({ bytes: masked(bytes, bits), bits }));
    if (entry !== undefined)
      return entry.ports.find(({ first, last }) => first <= port && port <= last)?.context ?? UNLABELLED;
  }
  return UNLABELLED;
}

const tableOf = (rules: readonly Rule[]) => new Map(flatten(rules).map((entry) => [keyOf(entry), entry]));

/** Few different bits and ports, so that ranges meet. */
const port = fc.integer({ min: 0, max: 8 });
const address = fc.oneof(
  fc.tuple(fc.constantFrom(0, 10, 127, 200, 224, 255), fc.constantFrom(0, 1, 128)).map(([head, tail]) => ({
    family: 4 as const,
    bytes: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, head, 0, 0, tail),
  })),
  fc.tuple(fc.constantFrom(0, 0x20, 0xfe, 0xff), fc.constantFrom(0, 1, 128)).map(([head, tail]) => ({
    family: 6 as const,
    bytes: Uint8Array.of(head, ...Array<number>(14).fill(0), tail),
  })),
);
const someRule: fc.Arbitrary<Rule> = fc
  .tuple(
    address,
    fc.constantFrom(0, 1, 2, 3, 7, 8, 25, 31, 32),
    fc.boolean(),
    port,
    port,
    fc.constantFrom(...CONTEXTS),
  )
  .map(([{ family, bytes }, length, isLong, one, other, context]) => {
    const bits = family === 4 ? 96 + length : isLong ? 96 + length : length;
    return {
      range: {
        family,
        bits,
        bytes: masked(bytes, bits),
        first: Math.min(one, other),
        last: Math.max(one, other),
      },
      context,
    };
  })
  .filter((one) => parseRange(rangeText({ ...one.range, first: 0, last: 65535 })).ok); // else no rule can be there
/** As the daemon lets them be: below one prefix each port once. */
const someRules = fc.array(someRule, { maxLength: 12 }).map((rules) => {
  const kept: Rule[] = [];
  for (const one of rules)
    if (!kept.some(({ range: r }) => r.bits === one.range.bits && covers(r, one.range) && r.first <= one.range.last && one.range.first <= r.last)) kept.push(one); // prettier-ignore
  return kept;
});
const endpoint: fc.Arbitrary<Endpoint> = fc
  .tuple(address, port)
  .map(([{ family, bytes }, at]) => ({ family, bytes, port: at }));

describe("the table of the kernel", () => {
  it("says what a search over the rules says", () => {
    fc.assert(
      fc.property(someRules, fc.array(endpoint, { minLength: 1, maxLength: 30 }), (rules, ends) => {
        const table = tableOf(rules);
        return ends.every((end) => lookUp(table, end) === search(rules, end));
      }),
      { numRuns: 2000 },
    );
  });

  it("on its way from one policy to another says at any moment what one of the two says", () => {
    fc.assert(
      fc.property(someRules, someRules, fc.boolean(), fc.array(endpoint, { minLength: 1, maxLength: 20 }), (before, more, isStep, ends) => {
        // one rule set or unset, or a daemon that finds anything at all
        const after = isStep ? before.slice(1) : more;
        const [old, wanted] = [tableOf(before), tableOf(after)];
        const now = new Map(old);
        const bytes = (table: ReadonlyMap<string, RangeEntry>) =>
          new Map([...table].map(([key, entry]) => [key, Buffer.from(JSON.stringify(entry.ports.map((p) => [p.first, p.last, contextKey(p.context)])))]));
        for (const { key, value } of steps(bytes(old), bytes(wanted))) {
          if (value === null) now.delete(key);
          else now.set(key, wanted.get(key)!);
          for (const end of ends) if (![search(before, end), search(after, end)].includes(lookUp(now, end))) return false;
        }
        return ends.every((end) => lookUp(now, end) === search(after, end));
      }),
      { numRuns: 500 },
    ); // prettier-ignore
  });

  it("has the ports of a wider prefix where a narrower one is silent, joined where they meet", () => {
    const table = flatten([
      rule("10.0.0.0/8", A),
      rule("10.2.0.0/16:5432", B),
      rule("10.3.0.0/16:1-65535", A),
      rule("10.4.0.0/16", UNLABELLED),
    ]);
    const ports = (n: number) => table[n]!.ports.map((p) => [p.first, p.last, p.context]);
    deepStrictEqual(ports(1), [
      [0, 5431, A],
      [5432, 5432, B],
      [5433, 65535, A],
    ]);
    deepStrictEqual([ports(2), ports(3)], [[[0, 65535, A]], []]);
  });

  it("0.0.0.0/0 reaches no group, and ::/0 neither groups nor IPv4", () => {
    const table = tableOf([rule("0.0.0.0/0", A), rule("::/0", B)]);
    const say = (text: string) => lookUp(table, { family: 4, bytes: Uint8Array.from(range("10.0.0.1").bytes.map((b, at) => (at < 12 ? b : Number(text.split(".")[at - 12])))), port: 1 }); // prettier-ignore
    deepStrictEqual(["9.9.9.9", "223.0.0.1", "224.0.0.1", "255.255.255.255"].map(say), [
      A,
      A,
      UNLABELLED,
      UNLABELLED,
    ]);
    const only = tableOf([rule("::/0", B)]);
    deepStrictEqual(lookUp(only, { family: 4, bytes: range("9.9.9.9").bytes, port: 1 }), UNLABELLED);
    deepStrictEqual(lookUp(only, { family: 6, bytes: range("2001:db8::1").bytes, port: 1 }), B);
    deepStrictEqual(lookUp(only, { family: 6, bytes: Uint8Array.of(255, 2, ...Array<number>(14).fill(1)), port: 1 }), UNLABELLED); // prettier-ignore
  });

  it("holds 16 ranges of ports below a prefix, wider ones' included, and no more", () => {
    const alternating = (n: number) =>
      Array.from({ length: n }, (_, i) => rule(`10.2.0.0/16:${i + 1}`, i % 2 ? A : B));
    ok(flatten(alternating(16)));
    const full = (error: unknown) => error instanceof CsnError && error.code === "E_NETWORK_LIMIT";
    throws(() => flatten(alternating(17)), full);
    throws(() => flatten([...alternating(16), rule("10.0.0.0/8", A)]), full);
    ok(flatten([...Array.from({ length: 60 }, (_, i) => rule(`10.2.0.0/16:${i + 1}`, A))]));
    const many = (n: number) => Array.from({ length: n }, (_, i) => rule(`10.${i >> 8}.${i & 255}.1`, A));
    ok(flatten(many(4096)));
    throws(() => flatten(many(4097)), full);
  });
});
