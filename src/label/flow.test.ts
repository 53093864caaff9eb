import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chanceFrom, contextsOver, randomPair } from "../../model/fixtures.ts";
import { flow, join as referenceJoin, same } from "../../model/reference.ts";
import { contextFrom, readCases } from "../../model/vectors.ts";
import type { ContextText } from "../../model/vectors.ts";
import { BASE, checkFlow, contextEquals, flowsTo, join, PLATFORM_IN, SEALED, UNLABELLED } from "./index.ts";
import type { Context } from "./index.ts";
import { contextFromText, integrityFrom, secrecyFrom } from "./testing.ts";

for (const { id, comment, from, to, expect } of readCases("flow")) {
  test(`${id}: ${comment}`, () => {
    const denial = checkFlow(contextFromText(from), contextFromText(to));
    if (expect === "allow") return assert.equal(denial, null);
    const tags = expect.rule === "FLOW-1" ? secrecyFrom(expect.tags) : integrityFrom(expect.tags);
    return assert.deepEqual(denial, { rule: expect.rule, tags });
  });
}

const withAll: ContextText[] = ["a", "b", "c"].flatMap((tag) => [
  { secrecy: "ALL", integrity: [tag] },
  { secrecy: [tag], integrity: "ALL" },
]);
const small: ContextText[] = [...contextsOver(["a", "b", "c"]), ...withAll];
const known: Context[] = [UNLABELLED, BASE, PLATFORM_IN, SEALED];
const all: Context[] = [...small.map(contextFromText), ...known.slice(1)];

test(`flow and join agree with the reference: all ${small.length ** 2} pairs over 3 tags and ⊤`, () => {
  for (const a of small) for (const b of small) assertAgrees(a, b);
});

test("flow and join agree with the reference: 20,000 random pairs of up to 64 tags", () => {
  const chance = chanceFrom(1);
  for (let n = 0; n < 20_000; n++) {
    const { from, to } = randomPair(chance);
    assertAgrees(from, to);
  }
});

function assertAgrees(a: ContextText, b: ContextText): void {
  const expected = flow(contextFrom(a), contextFrom(b));
  const [mineA, mineB] = [contextFromText(a), contextFromText(b)];
  assert.equal(checkFlow(mineA, mineB)?.rule ?? "allow", expected);
  assert.equal(flowsTo(mineA, mineB), expected === "allow");
  assert.equal(contextEquals(mineA, mineB), same(contextFrom(a), contextFrom(b)));

  const bound = referenceJoin(contextFrom(a), contextFrom(b));
  if (bound.secrecy !== "ALL" && bound.secrecy.size > 64) {
    assert.throws(() => join(mineA, mineB), { code: "E_LABEL_TOO_LONG" });
    return;
  }
  const text = (label: ReadonlySet<string> | "ALL") => (label === "ALL" ? label : [...label]);
  const made = contextFromText({ secrecy: text(bound.secrecy), integrity: text(bound.integrity) });
  assert.deepEqual(join(mineA, mineB), made);
}

test("a flow is reflexive, antisymmetric and transitive: every triple over 3 tags, the named contexts included", () => {
  const below = all.map((a) => all.map((b) => flowsTo(a, b)));
  const at = (a: number, b: number): boolean => below[a]?.[b] ?? false;
  for (let a = 0; a < all.length; a++) {
    assert.ok(at(a, a));
    for (let b = 0; b < all.length; b++) {
      if (at(a, b) && at(b, a)) assert.ok(contextEquals(all[a] as Context, all[b] as Context));
      if (!at(a, b)) continue;
      for (let c = 0; c < all.length; c++) if (at(b, c)) assert.ok(at(a, c));
    }
  }
});

test("join is the least upper bound: every triple over 3 tags, the named contexts included", () => {
  for (const a of all)
    for (const b of all) {
      const bound = join(a, b);
      assert.ok(flowsTo(a, bound) && flowsTo(b, bound), "an upper bound");
      for (const c of all) assert.equal(flowsTo(bound, c), flowsTo(a, c) && flowsTo(b, c));
    }
});

const label = fc.oneof(
  { weight: 1, arbitrary: fc.constant("ALL" as const) },
  {
    weight: 9,
    arbitrary: fc.uniqueArray(
      fc.integer({ min: 0, max: 99 }).map((n) => `t${n}`),
      { maxLength: 32 },
    ),
  },
);
const context = fc.record({ secrecy: label, integrity: label }).map(contextFromText);

test("join is commutative, associative up to the limit, idempotent and absorbing", () => {
  fc.assert(
    fc.property(context, context, (a, b) => {
      const bound = join(a, b);
      assert.ok(contextEquals(bound, join(b, a)));
      assert.ok(contextEquals(join(a, a), a));
      assert.ok(contextEquals(join(a, bound), bound));
      assert.equal(flowsTo(a, b), contextEquals(bound, b));
    }),
  );
});

test("a denial names exactly the tags that are at fault: with them granted, the flow is allowed", () => {
  fc.assert(
    fc.property(context, context, (a, b) => {
      const denial = checkFlow(a, b);
      if (denial?.rule === "FLOW-1")
        assert.notEqual(checkFlow(a, join(b, { ...UNLABELLED, secrecy: denial.tags }))?.rule, "FLOW-1");
    }),
  );
});

test("the daemon is a gate: what it reads and writes is legal without a trusted bit", () => {
  for (const object of all) {
    assert.equal(checkFlow(object, PLATFORM_IN), null, "csnd reads everything");
    assert.equal(checkFlow(BASE, object), null, "csnd writes everything");
  }
  assert.equal(checkFlow(PLATFORM_IN, UNLABELLED)?.rule, "FLOW-1", "but its in alone flows nowhere below");
});

test("csn's state is read only with S = ⊤ and written only with I = ⊤", () => {
  for (const other of all) {
    assert.equal(flowsTo(SEALED, other), other.secrecy === "ALL");
    assert.equal(flowsTo(other, SEALED), other.integrity === "ALL");
  }
});
