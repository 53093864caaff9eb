import { deepStrictEqual, ok, strictEqual } from "node:assert";
import { test } from "node:test";
import fc from "fast-check";
import { ENTITY_KINDS, SHAPE } from "../kernel/index.ts";
import {
  BASE,
  type Context,
  contextOf,
  integrityOf,
  secrecyOf,
  type TagId,
  UNLABELLED,
} from "../label/index.ts";
import { idOf } from "../label/testing.ts";
import { parseShadow, type Shadow, Shadows, shadowText } from "./shadows.ts";

const R = SHAPE.csn_record;
const TAGS = ["a", "b", "v"].map(idOf);
const [a, b, v] = TAGS as [TagId, TagId, TagId];
const context = (secrecy: readonly TagId[], integrity: readonly TagId[] = []): Context =>
  contextOf(secrecyOf(secrecy), integrityOf(integrity));

type End = { kind: "process" | "file"; number: number; compartment?: number };

function moved(from: End, source: Context, to: End, sink: Context, both = false) {
  const record = Buffer.alloc(R.size);
  for (const [at, kindAt, end] of [
    [R.source, R.source_kind, from],
    [R.sink, R.sink_kind, to],
  ] as const) {
    record[kindAt] = ENTITY_KINDS.indexOf(end.kind);
    record.writeBigUInt64LE(BigInt(end.number), at);
    record.writeUInt32LE(end.kind === "file" ? 254 << 20 : end.number, at + 8);
    record.writeUInt32LE(end.compartment ?? 0, at + 12);
  }
  return { record, source, sink, both };
}

const process = (number: number, compartment?: number): End => ({
  kind: "process",
  number,
  ...(compartment !== undefined && { compartment }),
});
const file = (number: number): End => ({ kind: "file", number });

test("what an observed program took in goes on with what it writes, and with who reads that", () => {
  const shadows = new Shadows();
  deepStrictEqual(shadows.follow(moved(file(1), context([a]), process(1), UNLABELLED)), {
    secrecy: [a],
    integrity: [],
  });
  deepStrictEqual(shadows.follow(moved(process(1), UNLABELLED, file(2), context([b]))), {
    secrecy: [a],
    integrity: [],
  });
  deepStrictEqual(shadows.follow(moved(file(2), context([b]), process(2), context([b]))), {
    secrecy: [a],
    integrity: [],
  });
  strictEqual(shadows.follow(moved(process(2), context([b]), file(3), context([a, b]))), null);
  strictEqual(shadows.follow(moved(file(9), UNLABELLED, process(3), UNLABELLED)), null);
});

test("integrity: what the data does not have, wherever that is claimed", () => {
  const shadows = new Shadows();
  const claims = context([], [v]);
  deepStrictEqual(shadows.follow(moved(process(1), UNLABELLED, file(1), claims)), {
    secrecy: [],
    integrity: [v],
  });
  deepStrictEqual(shadows.follow(moved(file(1), claims, process(2), claims)), {
    secrecy: [],
    integrity: [v],
  });
  strictEqual(shadows.follow(moved(file(1), claims, process(3), UNLABELLED)), null);
  strictEqual(shadows.follow(moved(file(5), BASE, process(4), claims)), null);
});

test("all programs of a compartment are one end, until it ends", () => {
  const shadows = new Shadows();
  shadows.follow(moved(file(1), context([a]), process(1, 7), UNLABELLED));
  deepStrictEqual(shadows.ofCompartment(7)?.secrecy, [a]);
  ok(shadows.follow(moved(process(2, 7), UNLABELLED, file(2), UNLABELLED)));
  shadows.forgetCompartment(7);
  strictEqual(shadows.follow(moved(process(2, 7), UNLABELLED, file(3), UNLABELLED)), null);
});

test("both directions: each end gets what the other has", () => {
  const shadows = new Shadows();
  deepStrictEqual(shadows.follow(moved(process(1), context([b]), file(1), context([a]), true)), {
    secrecy: [a, b].sort(),
    integrity: [],
  });
  ok(shadows.follow(moved(process(1), context([b]), file(4), context([b]))));
});

test("after a boot only what is on a disk is known", () => {
  const shadows = new Shadows();
  shadows.follow(moved(file(1), context([a]), process(1), UNLABELLED));
  shadows.follow(moved(process(1), UNLABELLED, file(2), UNLABELLED));
  shadows.forgetMemory();
  strictEqual(shadows.follow(moved(process(1), UNLABELLED, file(3), UNLABELLED)), null);
  ok(shadows.follow(moved(file(2), UNLABELLED, process(5), UNLABELLED)));
});

const anyContext = fc
  .tuple(fc.subarray([a, b]), fc.subarray([v]))
  .map(([secrecy, integrity]) => context(secrecy, integrity));
const anyEnd = fc.oneof(
  fc.nat(3).map((n) => process(n, n % 2)),
  fc.nat(3).map(file),
);

test("property: with a shadow, what arrives is never less than all that it came from", () => {
  fc.assert(
    fc.property(
      fc.array(anyContext, { minLength: 8, maxLength: 8 }),
      fc.array(fc.tuple(anyEnd, anyEnd), { maxLength: 40 }),
      (contexts, steps) => {
        const shadows = new Shadows();
        const name = (end: End) => (end.compartment ? "c1" : `${end.kind}${end.number}`);
        const names = ["c1", ...[0, 1, 2, 3].flatMap((n) => [`process${n}`, `file${n}`])];
        const at = (end: End) => contexts[names.indexOf(name(end)) % 8]!;
        /** All tags that data which was there has, and those it lacks: kept the simple way. */
        const truth = new Map<string, { has: Set<TagId>; lacks: Set<TagId> }>();
        const known = (end: End) => {
          const own = at(end);
          const all = truth.get(name(end)) ?? { has: new Set(), lacks: new Set() };
          for (const tag of own.secrecy) all.has.add(tag as TagId);
          for (const tag of TAGS) if (!own.integrity.includes(tag as never)) all.lacks.add(tag);
          truth.set(name(end), all);
          return all;
        };
        for (const [from, to] of steps) {
          if (name(from) === name(to)) continue;
          const carried = shadows.follow(moved(from, at(from), to, at(to)));
          const [source, sink] = [known(from), known(to)];
          for (const tag of source.has) sink.has.add(tag);
          for (const tag of source.lacks) sink.lacks.add(tag);
          for (const tag of source.has)
            ok(
              at(to).secrecy.includes(tag as never) || carried?.secrecy.includes(tag),
              "a secrecy tag was lost",
            );
          for (const tag of source.lacks)
            ok(
              !at(to).integrity.includes(tag as never) || carried?.integrity.includes(tag),
              "a lack was lost",
            );
          for (const tag of carried?.secrecy ?? []) ok(source.has.has(tag), "a tag from nowhere");
        }
      },
    ),
  );
});

test("property: what was stored with the flows gives the same again", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyEnd, anyContext, anyEnd, anyContext, fc.boolean()), { maxLength: 30 }),
      (steps) => {
        const [live, again] = [new Shadows(), new Shadows()];
        for (const [from, source, to, sink, both] of steps) {
          const flow = moved(from, source, to, sink, both);
          const carried = live.follow(flow);
          if (carried !== null) again.learn(flow, parseShadow(shadowText(carried)));
        }
        for (const n of [0, 1, 2, 3])
          for (const end of [process(n, n % 2), file(n)]) {
            const look = (shadows: Shadows): Shadow | null =>
              shadows.follow(moved(end, UNLABELLED, file(99), context([], [v])));
            const [x, y] = [look(live), look(again)];
            deepStrictEqual(x, y);
          }
      },
    ),
  );
});
