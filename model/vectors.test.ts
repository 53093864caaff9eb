/**
 * The cases of spec/vectors against their schema and against the reference.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { z } from "zod";
import { flow, operation, same, without } from "./reference.ts";
import {
  contextFrom,
  labelFrom,
  readCases,
  readVectorFile,
  subjectFrom,
  targetFrom,
  VECTOR_FILES,
} from "./vectors.ts";

const schema = z.fromJSONSchema(readVectorFile("schema.json") as Parameters<typeof z.fromJSONSchema>[0]);

for (const name of VECTOR_FILES) {
  test(`spec/vectors/${name}.json has the shape of schema.json`, () => {
    const result = schema.safeParse(readVectorFile(`${name}.json`));
    assert.ok(result.success, result.error?.message);
  });

  test(`spec/vectors/${name}.json has no id twice and cites only rules of docs/model.md`, () => {
    const text = readFileSync(new URL("../docs/model.md", import.meta.url), "utf8");
    const ids = new Set<string>();
    for (const { id, rules } of readCases(name)) {
      assert.ok(!ids.has(id), `${id} twice`);
      ids.add(id);
      for (const rule of rules) assert.ok(text.includes(`**${rule}**`), `${id} cites ${rule}`);
    }
  });
}

test("the schema refuses what is none of its kinds", () => {
  const file = readVectorFile("flow.json") as { kind: string; cases: Record<string, unknown>[] };
  assert.ok(!schema.safeParse({ ...file, kind: "label" }).success);
  assert.ok(!schema.safeParse({ ...file, cases: [{ ...file.cases[0], expect: "maybe" }] }).success);
  assert.ok(!schema.safeParse({ ...file, cases: [{ ...file.cases[0], more: 1 }] }).success);
});

test("each rule that the data is about has a case that allows and one that refuses", () => {
  const cases = readCases("operations");
  const never = new Set(["OP-6"]); // it creates with the maker's context, which nothing can refuse
  for (let n = 1; n <= 13; n++) {
    const mine = cases.filter((each) => each.operation === `OP-${n}`);
    assert.ok(
      mine.some((each) => each.expect === "allow"),
      `OP-${n} allowed`,
    );
    if (!never.has(`OP-${n}`))
      assert.ok(
        mine.some((each) => each.expect !== "allow"),
        `OP-${n} refused`,
      );
  }
});

for (const { id, comment, from, to, expect } of readCases("flow")) {
  test(`reference, ${id}: ${comment}`, () => {
    const [a, b] = [contextFrom(from), contextFrom(to)];
    const verdict = flow(a, b);
    assert.equal(verdict, expect === "allow" ? "allow" : expect.rule);
    if (expect === "allow") return;
    const missing =
      expect.rule === "FLOW-1" ? without(a.secrecy, b.secrecy) : without(b.integrity, a.integrity);
    assert.deepEqual(missing, labelFrom(expect.tags));
  });
}

for (const { id, comment, operation: op, subject, target, expect } of readCases("operations")) {
  test(`reference, ${id} (${op}): ${comment}`, () => {
    const verdict = operation(op, subjectFrom(subject), targetFrom(target));
    assert.equal(verdict, expect === "allow" ? "allow" : (expect.flow?.rule ?? "labelled"));
  });
}

test("the reference's equality is that of sets", () => {
  const context = (...tags: string[]) => ({ secrecy: new Set(tags), integrity: new Set(tags) });
  assert.ok(same(context("a", "b"), context("b", "a")));
  assert.ok(!same(context("a", "b"), context("a")));
  assert.ok(!same({ secrecy: "ALL", integrity: "ALL" }, context("a")));
});
