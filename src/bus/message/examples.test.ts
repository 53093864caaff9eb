/**
 * examples/bus: valid, its cases and properties hold, and the bus gives each reader what its README says.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Context, contextOf, integrityOf, secrecyOf, UNLABELLED } from "../../label/index.ts";
import {
  checkDocuments,
  parseProperty,
  prove,
  readDocuments,
  runTests,
  type State,
} from "../../policy/index.ts";
import { Bus } from "../bus.ts";
import { Remembering, TestParty } from "../testing.ts";
import { typesInForce } from "./in-force.ts";

const ROOT = new URL("../../../", import.meta.url);
const textOf = (path: string) => readFileSync(new URL(path, ROOT), "utf8");
const now = new Date("2026-11-26T00:00:00Z");

function example(name: string) {
  const file = `examples/bus/${name}/policy.yaml`;
  const folder = new URL(`examples/bus/${name}/`, ROOT);
  const schemas = readdirSync(folder).filter((one) => one.endsWith(".schema.json"));
  const files = [file, ...schemas.map((one) => `examples/bus/${name}/${one}`)];
  const { documents, problems } = readDocuments(files.map((one) => ({ name: one, text: textOf(one) })));
  const { after: state, problems: faults } = checkDocuments(documents, now);
  assert.deepEqual([problems, faults], [[], []]);
  return { documents, state };
}

/** A bus with the example's types; who is `null` is unlabelled. */
function busOf(state: State) {
  const { classifier, problems } = typesInForce(state);
  assert.deepEqual(problems, []);
  const bus = new Bus({ classifier, recorder: new Remembering() });
  const ids = (tags: readonly string[]) => tags.map((tag) => state.tags.get(tag as never)!.id);
  const contextFor = (name: string | null): Context => {
    if (name === null) return UNLABELLED;
    const { secrecy, integrity } = state.contexts.get(name)!.context;
    return contextOf(secrecyOf(ids(secrecy)), integrityOf(ids(integrity)));
  };
  const reader = (context: string | null, ...filters: string[]): (() => string[]) => {
    const seen: string[] = [];
    const endpoint = bus.attach(new TestParty(String(context), contextFor(context)), (message, channel) => {
      const view = bus.open(message, channel);
      if (view !== null) seen.push(Buffer.from(view.payload).toString());
    });
    for (const filter of filters) bus.subscribe(endpoint, filter);
    return () => seen.splice(0);
  };
  const publish = (context: string | null, topic: string, payload: string) => {
    const result = bus.publish(new TestParty("publisher", contextFor(context)), { topic, payload: Buffer.from(payload) });
    return result.accepted || result.reason;
  };
  return { reader, publish };
} // prettier-ignore

for (const name of ["syslog", "home", "plant"])
  test(`${name}: valid, and what it says of itself is so`, () => {
    const { documents, state } = example(name);
    const outcomes = runTests(state, documents, now, null);
    assert.ok(outcomes.length > 0);
    assert.deepEqual(outcomes.filter(({ ok }) => !ok), []);
    for (const document of documents)
      if (document.kind === "Property")
        for (const line of document.spec.holds) assert.ok(prove(state, parseProperty(line, state), now).holds, line);
  }); // prettier-ignore

test("syslog: four consoles, and the gate lets critical lines down", () => {
  const { reader, publish } = busOf(example("syslog").state);
  const levels = [null, "ops/protected", "ops/secret", "ops/top-secret"] as const;
  const consoles = levels.map((level) => reader(level, "syslog/raw", "syslog/critical"));
  const lines = textOf("examples/bus/syslog/sample.jsonl").trimEnd().split("\n");
  for (const line of lines) assert.equal(publish("ops/top-secret", "syslog/raw", line), true);
  assert.deepEqual(consoles.map((seen) => seen()), [[], [], [], lines]);

  const gate = fileURLToPath(new URL("gates/lines.py", ROOT));
  const schema = fileURLToPath(new URL("examples/bus/syslog/critical.schema.json", ROOT));
  const { stdout } = spawnSync("python3", ["-I", gate, "--schema", schema], { input: `${lines.join("\n")}\n` });
  const critical = stdout.toString().trimEnd().split("\n");
  assert.deepEqual(critical, lines.filter((line) => (JSON.parse(line) as { priority: number }).priority <= 2));
  for (const line of critical) assert.equal(publish("ops/protected", "syslog/critical", line), true);
  const heads = critical.map((line) => line.slice(0, line.indexOf(',"process"')) + "}");
  assert.deepEqual(consoles.map((seen) => seen()), [[], heads, critical, critical]);
  // above the gate, nobody publishes below
  assert.equal(publish("ops/top-secret", "syslog/critical", critical[0]!), "context");
}); // prettier-ignore

test("home: the care home sees the climate, the daughter also who is there", () => {
  const { reader, publish } = busOf(example("home").state);
  const readers = [null, "home/care-home", "home/daughter"].map((who) => reader(who, "#"));
  const message = '{ "at": "10:00", "temperature": 21.50, "presence": true }';
  assert.equal(publish("home/care-home", "home/hall/sensor", message), true);
  assert.deepEqual(readers.map((seen) => seen()), [[], ['{"at":"10:00","temperature":21.50}'], [message]]);
  assert.equal(publish("home/daughter", "home/hall/camera", "a picture"), true);
  assert.deepEqual(readers.map((seen) => seen()), [[], [], ["a picture"]]);
  for (const bad of ['{"at":"10:00","Presence":true}', '{"at":"10:00","presence":true,"presence":false}', "[]"])
    assert.equal(publish("home/care-home", "home/hall/sensor", bad), "payload");
  assert.deepEqual(readers.map((seen) => seen()), [[], [], []]);
}); // prettier-ignore

test("plant: an actuator gets only what the gate vouches for", () => {
  const { reader, publish } = busOf(example("plant").state);
  const actuator = reader("plant/command", "plant/+/command", "plant/+/request");
  assert.equal(publish(null, "plant/1/request", '{"valve":"inlet","set":500}'), true);
  assert.equal(publish(null, "plant/1/command", '{"valve":"inlet","set":50}'), "context");
  assert.equal(publish("plant/command", "plant/1/command", '{"valve":"inlet","set":50}'), true);
  assert.equal(publish("plant/command", "plant/1/command", '{"valve":"inlet","set":81}'), "payload");
  assert.deepEqual(actuator(), ['{"valve":"inlet","set":50}']);
});
