import assert from "node:assert/strict";
import { test } from "node:test";
import { contextsOver } from "../../model/fixtures.ts";
import { operation } from "../../model/reference.ts";
import { readCases, subjectFrom, targetFrom } from "../../model/vectors.ts";
import type { ContextText, SubjectText, TargetText } from "../../model/vectors.ts";
import { checkOperation, OPERATIONS } from "./index.ts";
import type { OperationId, Subject, Targets } from "./index.ts";
import { integrityFrom, secrecyFrom, subjectFromText, targetFromText } from "./testing.ts";

const check = (op: string, p: Subject, target: object) =>
  checkOperation(op as OperationId, p, target as Targets[OperationId]);

for (const { id, comment, operation: op, subject, target, expect } of readCases("operations")) {
  test(`${id} (${op}): ${comment}`, () => {
    const denial = check(op, subjectFromText(subject), targetFromText(target));
    if (expect === "allow") return assert.equal(denial, null);
    if (expect.flow === null) return assert.deepEqual(denial, { rule: op, flow: null });
    const { rule, tags } = expect.flow;
    const missing = rule === "FLOW-1" ? secrecyFrom(tags) : integrityFrom(tags);
    return assert.deepEqual(denial, { rule: op, flow: { rule, tags: missing } });
  });
}

test("the operations are OP-1 to OP-13", () => {
  assert.deepEqual(
    OPERATIONS,
    Array.from({ length: 13 }, (_, n) => `OP-${n + 1}`),
  );
});

test("every operation agrees with the reference: all subjects and targets over 1 tag, ⊤ and the named contexts", () => {
  const contexts: ContextText[] = [
    ...contextsOver(["a"]),
    { secrecy: [], integrity: "ALL" },
    { secrecy: "ALL", integrity: [] },
    { secrecy: "ALL", integrity: "ALL" },
  ];
  const subjects = contexts.flatMap((from) => contexts.map((out): SubjectText => ({ in: from, out })));
  const flags = [true, false];
  const targets: TargetText[] = [
    ...contexts.flatMap((object) =>
      contexts.flatMap((directory) =>
        flags.flatMap((readable) =>
          flags.map((writable) => ({
            object,
            directory,
            directories: [directory, object],
            readable,
            writable,
          })),
        ),
      ),
    ),
    { directory: null, directories: [], object: contexts[0] as ContextText },
  ];

  let compared = 0;
  for (const op of OPERATIONS) {
    const isBetweenSubjects = ["OP-8", "OP-9", "OP-10", "OP-11"].includes(op);
    const mine = isBetweenSubjects ? subjects.map((other) => ({ other })) : targets;
    for (const subject of subjects)
      for (const target of mine) {
        if (op === "OP-4" && "directory" in target && target.directory === null) continue;
        const denial = check(op, subjectFromText(subject), targetFromText(target));
        const mineAsText = denial ? (denial.flow?.rule ?? "labelled") : "allow";
        assert.equal(mineAsText, operation(op, subjectFrom(subject), targetFrom(target)), op);
        compared++;
      }
  }
  assert.ok(compared > 90_000, `${compared} compared`);
});
