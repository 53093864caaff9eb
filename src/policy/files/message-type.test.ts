/**
 * MessageType documents: what is refused and where, what is kept, and that it comes back as it was.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestWorld } from "../testing.ts";
import { checkDocuments } from "./assume.ts";
import { exportPolicy, writeDocuments } from "./export.ts";
import { readMessageType } from "./message-type.ts";
import { planPolicy } from "./plan.ts";
import { problemLine } from "./problem.ts";
import { readDocuments } from "./read.ts";

const now = new Date("2026-01-01");
const typed = (name: string, spec: string) =>
  `apiVersion: csn/v1\nkind: MessageType\nmetadata: {name: ${name}}\nspec:\n  ${spec.replaceAll("\n", "\n  ")}\n`;
const documentsOf = (...texts: string[]) => {
  const { documents, problems } = readDocuments([{ name: "p.yaml", text: texts.join("---\n") }]);
  assert.deepEqual(problems, []);
  return documents;
};
const check = (...texts: string[]) => {
  const { problems, notes } = checkDocuments(documentsOf(...texts), now);
  return { problems: problems.map(problemLine), notes };
};

test("what makes no sense is a problem at its place", () => {
  const cases: readonly (readonly [spec: string, expected: RegExp])[] = [
    ["topic: a/#/b", /:5:10: .*expected `#` at the end only, found `a\/#\/b`/],
    ["topic: $SYS/x", /:5:10: .*the bus's own/],
    ["topic: a\nattributes: [{path: 'a[0]', context: unlabelled}]", /:6:\d+: .*found `\[0\]`/],
    ["topic: a\nattributes: [{path: /a/0, context: unlabelled}]", /:6:\d+: .*`\[\*\]` for the elements of a list/],
    ["topic: a\nattributes: [{path: a, context: unlabelled}, {path: /a, context: unlabelled}]", /:6:55: .*each path once, found `\/a` again/],
    ["topic: a\nattributes: [{path: a, context: o/none}]", /:6:\d+: .*the name of a Context/],
    ["topic: a\ncontext: {secrecy: [o/s], integrity: [o/i]}\nattributes: [{path: a, context: {integrity: [o/i, o/j]}}]", /:7:\d+: .*\[MSG-1\] no integrity that the message does not have, found `o\/j`/],
    ["topic: a\nattributes: [{path: a.b, context: {integrity: [o/i]}}, {path: a, context: {secrecy: [o/s]}}]", /:6:\d+: .*\[MSG-1\] no integrity that `a` does not have, found `o\/i`/],
    ["topic: a\nattributes: [{path: a.b, context: {integrity: [o/i]}}, {path: '*', context: {secrecy: [o/s]}}]", /\[MSG-1\]/],
    ["topic: a\nschema: {type: strong}", /:6:11: .*a JSON Schema .*found .*strong|:6:.*a JSON Schema/],
    ["topic: a\nschema: {tipe: string}", /a JSON Schema .* unknown keyword/],
    ["topic: a\nschema: {minimum: .nan}", /a JSON Schema/],
    ["topic: a\nschema: {$ref: other.json}", /stands alone/],
    ["topic: a\nschema: {pattern: '(?<=a)b'}", /a JSON Schema/],
    ["topic: a\nformat: bytes\nschema: true", /:7:\d+: .*none with the format `bytes`/],
    ["topic: a\nformat: bytes\nattributes: [{path: a, context: unlabelled}]", /:7:3: .*none with the format `bytes`/],
  ]; // prettier-ignore
  for (const [spec, expected] of cases) assert.match(check(typed("o/t", spec)).problems.join("\n"), expected, spec);
}); // prettier-ignore

test("together with what it is in, an attribute has at most 64 tags", () => {
  const tags = (letter: string, count: number) => Array.from({ length: count }, (_, i) => `o/${letter}${i}`).join(", ");
  const spec = (count: number) => `topic: a\ncontext: {secrecy: [${tags("m", 40)}]}\nattributes: [{path: a, context: {secrecy: [${tags("a", count)}]}}]`;
  assert.deepEqual(check(typed("o/t", spec(24))).problems, []);
  assert.match(check(typed("o/t", spec(25))).problems.join("\n"), /\[CTX-1\].*found 65/);
}); // prettier-ignore

test("fields that there are not, and none", () => {
  const problems = (spec: string) =>
    readDocuments([{ name: "p.yaml", text: typed("o/t", spec) }]).problems.map(problemLine).join("\n");
  assert.match(problems("context: unlabelled"), /`topic` to be a string, found nothing/);
  assert.match(problems("topic: a\nformat: xml"), /`format` to be one of `json`, `cbor`, `bytes`, found `xml`/);
  assert.match(problems("topic: a\nwithheld: drop"), /`withheld` to be one of `remove`, `refuse`, found `drop`/);
  assert.match(problems("topic: a\nfilter: b"), /no key `filter`/);
}); // prettier-ignore

test("of two types for one topic, one has to be narrower, and it is said which wins", () => {
  const pair = (a: string, b: string) => check(typed("o/a", `topic: '${a}'`), typed("o/b", `topic: '${b}'`));
  for (const [a, b] of [["x/+", "+/y"], ["x/#", "x/#"], ["+/#", "#"]] as const) {
    const { problems } = pair(a, b);
    assert.match(problems.join("\n"), /:11:10: .*narrower or wider.*found o\/a .* and o\/b/);
  }
  assert.deepEqual(pair("x/+", "x/y/z").problems, []);
  const { problems, notes } = pair("x/#", "x/+/y");
  assert.deepEqual(problems, []);
  assert.deepEqual(notes, ["p.yaml:11: where both match, o/b (`x/+/y`) wins over o/a (`x/#`)"]);
}); // prettier-ignore

test("a type is held against those in force, and does not tell whose they are to who may not know", () => {
  const t = new TestWorld("alice", "bob");
  t.tags("alice/x");
  const secret = documentsOf(typed("alice/t", "topic: a/+\ncontext: {secrecy: [alice/x]}"));
  for (const { by, body } of planPolicy(t.world.state, secret, t.now).steps) t.say(by, body);
  const other = documentsOf(typed("bob/t", "topic: +/b"));
  const lines = (mayKnow?: (tag: string) => boolean) =>
    planPolicy(t.world.state, other, t.now, mayKnow === undefined ? {} : { mayKnow }).problems.map(problemLine).join("\n");
  assert.match(lines(), /found alice\/t \(`a\/\+`\) and bob\/t/);
  assert.match(lines(() => false), /found one that is in force and bob\/t/);
  // the same type, changed: only its new topic counts
  assert.deepEqual(planPolicy(t.world.state, documentsOf(typed("alice/t", "topic: +/b")), t.now).problems, []);
}); // prettier-ignore

test("tags that there are not", () => {
  const t = new TestWorld("alice");
  const { problems } = planPolicy(t.world.state, documentsOf(typed("alice/t", "topic: a\ncontext: {secrecy: [alice/x]}")), t.now);
  assert.match(problems.map(problemLine).join("\n"), /:6:3: .*tags that there are, found `alice\/x`/);
}); // prettier-ignore

test("an attribute that the schema requires is remarked, since the rest is no message", () => {
  const schema = "schema: {type: object, required: [a], properties: {a: {type: object, required: [b]}, l: {items: {required: [c]}}}, additionalProperties: {required: [d]}}";
  const attributes = ["a", "a.b", "l[*].c", "*.d", "x.e", "l"].map((path) => `{path: "${path}", context: {secrecy: [o/s]}}`);
  const spec = `topic: a\n${schema}\nattributes: [${attributes.join(", ")}]`;
  const remarked = (text: string) => check(typed("o/t", text)).notes.flatMap((note) => /requires `(.*?)`/.exec(note)?.[1] ?? []);
  assert.deepEqual(remarked(spec), ["a", "a.b", "l[*].c", "*.d"]);
  assert.deepEqual(remarked(`${spec}\nwithheld: refuse`), []);
}); // prettier-ignore

test("a schema's texts are no tags, and its numbers are kept", () => {
  const schema = "schema: {enum: [text/plain, a/b], minimum: -0.5, multipleOf: 0.1}";
  assert.deepEqual(check(typed("o/t", `topic: a\n${schema}`)), { problems: [], notes: [] });
});

test("what is kept is read again, is exported as a document, and plans to nothing", () => {
  const t = new TestWorld("alice");
  t.tags("alice/x", "alice/y");
  const documents = documentsOf(
    `apiVersion: csn/v1\nkind: Context\nmetadata: {name: alice/c}\nspec: {secrecy: [alice/y, alice/x]}\n`,
    typed("alice/plain", "topic: '#'"),
    typed("alice/full", "topic: a/+\nformat: cbor\nschema: {type: object, properties: {b: {minimum: 0.5}, a: true}}\ncontext: unlabelled\nattributes: [{path: /a~1b, context: alice/c}]\nwithheld: refuse"),
  );
  const first = planPolicy(t.world.state, documents, t.now);
  assert.deepEqual(first.problems, []);
  for (const { by, body } of first.steps) t.say(by, body);
  assert.deepEqual(planPolicy(t.world.state, documents, t.now).steps, []);
  const kept = t.world.state.documents.get("MessageType alice/full")!.spec;
  assert.deepEqual(readMessageType(kept), {
    topic: "a/+",
    format: "cbor",
    withheld: "refuse",
    context: { secrecy: [], integrity: [] },
    attributes: [{ path: "/a~1b", context: { secrecy: ["alice/x", "alice/y"], integrity: [] } }],
    schema: { type: "object", properties: { b: { minimum: 0.5 }, a: true } },
  });
  const again = readDocuments(writeDocuments(exportPolicy(t.world.state, t.now), "policy.schema.json"));
  assert.deepEqual(again.problems, []);
  assert.deepEqual(planPolicy(t.world.state, again.documents, t.now).steps, []);
  assert.equal(readMessageType('{"context":{"secrecy":[],"integrity":[]},"attributes":[]}'), null);
}); // prettier-ignore

test("a schema in a file beside the policy is as if it stood there", () => {
  const schema = { type: "object", properties: { "a:b": { const: "x: \"y\": {" } } };
  const text = typed("o/t", "topic: a\nschemaFile: t.schema.json");
  const read = (...files: { name: string; text: string }[]) => {
    const { documents, problems } = readDocuments([{ name: "policy/p.yaml", text }, ...files]);
    return problems.length > 0 ? problems.map(problemLine).join("\n") : (documents[0]!.spec as { schema: unknown }).schema;
  };
  const file = (content: string, name = "policy/t.schema.json") => ({ name, text: content });
  assert.deepEqual(read(file(JSON.stringify(schema, null, 2))), schema);
  assert.deepEqual(read(file("true", "./policy/t.schema.json")), true);
  assert.match(String(read()), /policy\/p.yaml:6:15: .*a file `t.schema.json` beside this one, among those given, found none/);
  assert.match(String(read(file("true", "t.schema.json"))), /found none/);
  for (const bad of ["{", "[]", "1", '{"type":"object","type":"string"}', '{"properties":{"a":true,"\\u0061":false}}'])
    assert.match(String(read(file(bad))), /policy\/t.schema.json:1:1: .*a JSON Schema/, bad);
  const both = typed("o/t", "topic: a\nschema: true\nschemaFile: t.schema.json");
  const problems = (yaml: string) => readDocuments([{ name: "p.yaml", text: yaml }]).problems.map(problemLine).join("\n");
  assert.match(problems(both), /`schema` or `schemaFile`, found both/);
  for (const outside of ["../t.schema.json", "/etc/t.schema.json", "t.json"])
    assert.match(problems(typed("o/t", `topic: a\nschemaFile: ${outside}`)), /a file beside this one/);
}); // prettier-ignore
