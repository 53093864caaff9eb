/**
 * docs/policy.md: each example is a valid document, its cases pass, and its properties are as the page implies.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseProperty } from "../prove/property.ts";
import { prove } from "../prove/prove.ts";
import { checkDocuments } from "./assume.ts";
import { readDocuments } from "./read.ts";
import { KINDS } from "./schema.ts";
import { runTests } from "./table.ts";

const guide = readFileSync(new URL("../../../docs/policy.md", import.meta.url), "utf8");
const now = new Date("2026-06-01T00:00:00Z");

test("the examples of the guide are valid together, cover every kind, and their cases pass", () => {
  const text = Array.from(guide.matchAll(/^```yaml policy\n([^]*?)^```$/gm), (match) => match[1]).join(
    "---\n",
  );
  const { documents, problems } = readDocuments([{ name: "docs/policy.md", text }]);
  assert.deepEqual(problems, []);
  assert.deepEqual(new Set(documents.map(({ kind }) => kind)), new Set(Object.keys(KINDS)));
  const { problems: faults, after } = checkDocuments(documents, now);
  assert.deepEqual(faults, []);
  const outcomes = runTests(after, documents, now, null);
  assert.deepEqual(
    outcomes.filter(({ ok }) => !ok),
    [],
  );
  assert.equal(outcomes.length, 5);
  for (const document of documents)
    if (document.kind === "Property")
      for (const line of document.spec.holds)
        assert.ok(prove(after, parseProperty(line, after), now).holds, line);
});

test("a case that is wrong fails, and one about what there is not", () => {
  const text = `apiVersion: csn/v1
kind: PolicyTest
metadata: {name: a/b}
spec:
  cases:
    - {from: {secrecy: [a/x]}, to: unlabelled, expect: allow}
    - {from: {secrecy: [a/x]}, to: unlabelled, expect: refuse, rule: FLOW-2}
    - {from: {secrecy: [a/x]}, to: unlabelled, expect: refuse, tags: []}
    - {from: {secrecy: [a/x]}, to: unlabelled, expect: refuse, gates: [a/none]}
    - {from: {secrecy: [a/none]}, to: unlabelled, expect: refuse}
    - {from: {path: /data}, to: unlabelled, expect: refuse}
    - {holder: nobody, privilege: s-, tag: a/x, expect: missing}
    - {property: a/x never reaches nowhere/at-all, expect: false}
---
apiVersion: csn/v1
kind: Tag
metadata: {name: a/x}
`;
  const { documents } = readDocuments([{ name: "p.yaml", text }]);
  const outcomes = runTests(checkDocuments(documents, now).after, documents, now, null);
  assert.deepEqual(
    outcomes.map(({ ok }) => ok),
    Array.from({ length: 8 }, () => false),
  );
});
