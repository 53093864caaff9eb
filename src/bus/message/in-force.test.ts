import assert from "node:assert/strict";
import { test } from "node:test";
import { contextKey } from "../../label/index.ts";
import { planPolicy, readDocuments } from "../../policy/index.ts";
import { TestWorld } from "../../policy/testing.ts";
import { typesInForce } from "./in-force.ts";

const YAML = `
apiVersion: csn/v1
kind: MessageType
metadata: {name: home/sensor}
spec:
  topic: home/+/sensor
  schema: {type: object}
  context: {secrecy: [home/data]}
  attributes: [{path: presence, context: {secrecy: [home/presence]}}]
---
apiVersion: csn/v1
kind: MessageType
metadata: {name: home/other}
spec: {topic: home/#, format: bytes}
`;

function inForce() {
  const t = new TestWorld("home");
  t.tags("home/data", "home/presence");
  const { documents, problems } = readDocuments([{ name: "p.yaml", text: YAML }]);
  const plan = planPolicy(t.world.state, documents, t.now);
  assert.deepEqual([problems, plan.problems], [[], []]);
  for (const { by, body } of plan.steps) t.say(by, body);
  return t.world.state;
}

test("what policy has put in force is what the bus reads payloads by [MSG-1]", () => {
  const state = inForce();
  const { classifier, problems } = typesInForce(state);
  assert.deepEqual(problems, []);
  const read = classifier.typeOf("home/hall/sensor")!.read(Buffer.from('{"presence":true,"t":21}'));
  assert.ok(!("unreadable" in read));
  const id = (name: string) => state.tags.get(name)!.id;
  assert.equal(contextKey(read.context!), `S=${id("home/data")};I=`);
  const both = [id("home/data"), id("home/presence")].sort().join(",");
  assert.deepEqual(read.attributes.map(contextKey), [`S=${both};I=`]);
  assert.equal(Buffer.from(read.redact([false])!).toString(), '{"t":21}');
  assert.equal(classifier.typeOf("home/door")?.name, "home/other");
  assert.equal(classifier.typeOf("garden"), null);
});

test("a type that can't be used refuses all on its topics, and does not leave them to a wider type", () => {
  const state = inForce();
  state.tags.delete("home/presence");
  const { classifier, problems } = typesInForce(state);
  assert.match(problems.join("\n"), /^home\/sensor: expected a tag that there is, found `home\/presence`$/);
  const read = classifier.typeOf("home/hall/sensor")!.read(Buffer.from("{}"));
  assert.deepEqual(read, { unreadable: "the message type can't be used" });
  assert.ok(!("unreadable" in classifier.typeOf("home/door")!.read(Buffer.from("x"))));
});

test("a text that nobody can read refuses all topics that no other type has", () => {
  const state = inForce();
  state.documents.set("MessageType home/old", { type: "MessageType", name: "home/old", spec: '{"attributes":[]}' });
  const { classifier, problems } = typesInForce(state);
  assert.equal(problems.length, 1);
  assert.deepEqual(classifier.typeOf("garden")!.read(Buffer.from("{}")), { unreadable: "no message type" });
  assert.ok(!("unreadable" in classifier.typeOf("home/door")!.read(Buffer.from("x"))));
}); // prettier-ignore
