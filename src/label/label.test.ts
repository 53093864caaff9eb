import assert from "node:assert/strict";
import { test } from "node:test";
import { readCases } from "../../model/vectors.ts";
import { checkFlow, contextOf, integrityOf, labelEquals, MAX_TAGS, secrecyOf } from "./index.ts";
import type { IntegrityLabel, SecrecyLabel } from "./index.ts";
import { idOf, integrityFrom, secrecyFrom } from "./testing.ts";

for (const { id, comment, tags, expect } of readCases("label")) {
  for (const make of [secrecyFrom, integrityFrom]) {
    test(`${id}, ${make.name}: ${comment}`, () => {
      if ("error" in expect) assert.throws(() => make(tags), { name: "LabelError", code: expect.error });
      else assert.deepEqual(Array.from<string>(make(tags)), expect.tags.map(idOf).sort());
    });
  }
}

test("the limit is exactly MAX_TAGS, and what is refused says how many there were", () => {
  const tags = Array.from({ length: MAX_TAGS + 1 }, (_, n) => idOf(`t${n}`));
  assert.equal(secrecyOf(tags.slice(1)).length, MAX_TAGS);
  assert.throws(() => secrecyOf(tags), /found 65/);
});

test("labels cannot be changed", () => {
  const label = secrecyOf([idOf("a")]) as unknown as string[];
  assert.throws(() => label.push("b"), TypeError);
  const context = contextOf(secrecyOf([]), integrityOf([]));
  assert.throws(() => Object.assign(context, { secrecy: "ALL" }), TypeError);
});

test("secrecy and integrity do not mix", () => {
  const secrecy: SecrecyLabel = secrecyOf([]);
  const integrity: IntegrityLabel = integrityOf([]);
  // Only the compiler judges these: `npm run check` fails when one of them is no error any more.
  // @ts-expect-error an integrity label is no secrecy label
  const wrongSecrecy: SecrecyLabel = integrity;
  // @ts-expect-error a secrecy label is no integrity label
  const wrongIntegrity: IntegrityLabel = secrecy;
  // @ts-expect-error the two sides of a context cannot be swapped
  const swapped = contextOf(integrity, secrecy);
  // @ts-expect-error nor compared
  labelEquals<"secrecy">(secrecy, integrity);
  // @ts-expect-error a plain array is no label: it may be unsorted or too long
  const plain: SecrecyLabel = [idOf("a")];
  // @ts-expect-error a context made by hand needs labels made here
  checkFlow({ secrecy: [], integrity: [] }, swapped);
  assert.ok(wrongSecrecy && wrongIntegrity && plain);
});
