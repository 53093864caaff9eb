import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readCases } from "../../model/vectors.ts";
import { isTagId, LabelError, parseTagId, parseTagName, tagIdFromBytes } from "./index.ts";

for (const { id, comment, text, expect } of readCases("names")) {
  test(`${id}: ${comment}`, () => {
    const parsed = parseTagName(text);
    if ("owner" in expect) {
      assert.deepEqual(parsed, { ok: true, name: text, owner: expect.owner, local: expect.name });
      return;
    }
    assert.ok(!parsed.ok, "expected a problem");
    assert.equal(parsed.problem.kind, expect.problem);
    assert.equal(parsed.problem.part, expect.part);
    assert.notEqual(parsed.problem.expected, "");
    assert.match(parsed.problem.found, /^[ -~]{1,500}$/, "what was found is shown on one line, in ASCII");
  });
}

test("the grammar is what is accepted: any text", () => {
  const grammar = /^[a-z0-9][a-z0-9._-]{0,62}\/[a-z0-9][a-z0-9._-]{0,62}(:[a-z0-9][a-z0-9._-]{0,62})?$/;
  const near = fc.string({ unit: fc.constantFrom(...Array.from("ab09._-/:A \n\u0430")), maxLength: 12 });
  fc.assert(
    fc.property(fc.oneof(near, fc.string()), (text) => {
      // `$` without the m flag matches only at the very end in JavaScript, so a final newline is no match.
      assert.equal(parseTagName(text).ok, grammar.test(text));
    }),
    { numRuns: 5000 },
  );
});

test("ids are 32 lowercase hexadecimal digits", () => {
  assert.equal(
    tagIdFromBytes(Uint8Array.from({ length: 16 }, (_, n) => n)),
    "000102030405060708090a0b0c0d0e0f",
  );
  for (const wrong of [
    "",
    "0".repeat(31),
    "0".repeat(33),
    "A".repeat(32),
    "g".repeat(32),
    `${"0".repeat(32)}\n`,
  ]) {
    assert.ok(!isTagId(wrong));
    assert.throws(
      () => parseTagId(wrong),
      (error) => error instanceof LabelError && error.code === "E_TAG_ID",
    );
  }
  for (const length of [0, 15, 17])
    assert.throws(() => tagIdFromBytes(new Uint8Array(length)), { code: "E_TAG_ID" });
});
