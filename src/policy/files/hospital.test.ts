/**
 * A policy of fifty documents with a planted hole: patients' data gets out over a case summary and an invoice.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parseProperty } from "../prove/property.ts";
import { prove } from "../prove/prove.ts";
import { checkDocuments } from "./assume.ts";
import { type AnyDocument, readDocuments } from "./read.ts";

const folder = new URL("fixtures/hospital/", import.meta.url);
const files = readdirSync(folder).map((name) => ({
  name,
  text: readFileSync(new URL(name, folder), "utf8"),
}));
const now = new Date("2026-01-01");

function proofs(documents: readonly AnyDocument[]) {
  const { problems, after } = checkDocuments(documents, now);
  assert.deepEqual(problems, []);
  return documents
    .flatMap((document) => (document.kind === "Property" ? document.spec.holds : []))
    .map((line) => prove(after, parseProperty(line, after), now));
}

test("the planted hole is found and its path named; without it the policy is proven", () => {
  const { documents, problems } = readDocuments(files);
  assert.deepEqual(problems, []);
  assert.equal(documents.length, 50);
  const [leak, dosing, sponsors] = proofs(documents);
  assert.deepEqual([leak!.holds, dosing!.holds, sponsors!.holds], [false, true, true]);
  assert.equal(leak!.path.length, 4);
  assert.match(leak!.path[0]!, /^data with registry\/patient$/);
  assert.match(
    leak!.path[1]!,
    /gate clinic\/summarise: S=clinic\/case,registry\/patient -> S=clinic\/case, by grant [0-9a-f]{32} from registry/,
  );
  assert.match(
    leak!.path[2]!,
    /gate clinic\/invoice: S=clinic\/case -> S=billing\/invoice, by grant .* from clinic .* from billing/,
  );
  assert.match(
    leak!.path[3]!,
    /gate billing\/statement: S=billing\/invoice -> unlabelled, by grant .* from billing/,
  );
  for (const hole of ["registry/summarise", "clinic/invoice-out", "billing/invoice-in", "billing/statement"])
    assert.ok(
      proofs(documents.filter(({ kind, name }) => kind !== "Grant" || name !== hole))[0]!.holds,
      `without ${hole}`,
    );
});
