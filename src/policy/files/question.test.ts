import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { faultLine } from "./problem.ts";
import { readQuestions } from "./question.ts";
import { readDocuments } from "./read.ts";

const EXAMPLE = new URL("../../../examples/questions/registry.yaml", import.meta.url);
const example = { name: "registry.yaml", text: readFileSync(EXAMPLE, "utf8") };
const faultsOf = (spec: string, head = "") =>
  readQuestions([
    { name: "q.yaml", text: `apiVersion: csn/v1\nkind: Question\n${head || "metadata: {name: q}"}\nspec: ${spec}\n` },
  ]).problems.map((problem) => faultLine("E_ASK_FILE", problem)); // prettier-ignore

test("the example has a question of each kind", () => {
  const { questions, problems } = readQuestions([example]);
  assert.deepEqual(problems, []);
  assert.deepEqual(questions, [
    { name: "registry/only-anonymised", from: "registry/patient", to: "outside", through: ["registry/anonymise"] },
    { name: "registry/never-to-the-vendor", from: "registry/patient", to: "user:vendor", never: true },
    { name: "registry/embargo", from: "registry/numbers", to: "outside", through: ["registry/publish"], olderThan: "30d" },
  ]); // prettier-ignore
});

test("the examples of docs/questions.md are valid", () => {
  const guide = readFileSync(new URL("../../../docs/questions.md", import.meta.url), "utf8");
  const blocks = Array.from(guide.matchAll(/^```yaml\n([^]*?)^```$/gm), (match) => match[1]);
  assert.ok(blocks.length > 0);
  const { questions, problems } = readQuestions([{ name: "docs/questions.md", text: blocks.join("---\n") }]);
  assert.deepEqual(problems, []);
  assert.equal(questions.length, 3);
});

test("what is wrong is told with its place, what was expected and what is there", () => {
  assert.deepEqual(
    faultsOf("{from: a/b, to: outside}"),
    ["q.yaml:4:1: E_ASK_FILE: expected `through` to be a list of gates, unless the question has `never: true`, found nothing"], // prettier-ignore
  );
  assert.deepEqual(faultsOf("{from: a/b, to: outside, never: true, through: [a/c]}"), [
    "q.yaml:4:45: E_ASK_FILE: expected `through` to be absent, since `never` allows no way, found a list",
  ]);
  assert.match(
    faultsOf("{from: a/b, to: outside, never: true, olderThan: 3d}")[0]!,
    /`olderThan` to be absent/,
  );
  assert.match(faultsOf("{from: a/b, to: outside, through: [a/c], olderThan: soon}")[0]!, /4:5\d: .*how long, as `30d`, `12h` or `1y`, found `soon`$/); // prettier-ignore
  assert.match(
    faultsOf("{from: /srv/x, to: outside, never: true}")[0]!,
    /`from` to be a tag: .* found `\/srv\/x`$/,
  );
  assert.match(faultsOf("{from: a/b, to: outside, through: []}")[0]!, /at least 1 entries, found 0$/);
  assert.match(faultsOf("{from: a/b, to: outside, never: true, thru: x}")[0]!, /no key `thru`/);
  assert.match(faultsOf("{}", "metadata: {name: A}").join("\n"), /`name` to be a name: a-z/);
});

test("a question is no part of a policy, nor a policy a question", () => {
  assert.match(readDocuments([example]).problems[0]!.expected, /one of Tag, /);
  const tag = { name: "p.yaml", text: "apiVersion: csn/v1\nkind: Tag\nmetadata: {name: a/b}\n" };
  const [problem] = readQuestions([tag]).problems;
  assert.deepEqual([problem!.expected, problem!.found], ["`kind` to be one of Question", "`Tag`"]);
});
