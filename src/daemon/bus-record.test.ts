import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";
import { Bus } from "../bus/index.ts";
import { ENTITY_KINDS, KIND, SHAPE, VERDICTS } from "../kernel/index.ts";
import { type Context, contextOf, integrityOf, secrecyOf, type TagId, UNLABELLED } from "../label/index.ts";
import { BusRecorder } from "./bus-record.ts";
import type { Said } from "./records.ts";

const [A, B] = ["a", "b"].map((c) => contextOf(secrecyOf([c.repeat(32) as TagId]), integrityOf([]))) as [
  Context,
  Context,
];

/** A bus whose record is a list. */
function busOf() {
  const told: Said[] = [];
  let isFull = false;
  const recorder = new BusRecorder(
    { drain: () => {}, events: (said) => !isFull && told.push(...said) > 0 },
    () => {},
  );
  const bus = new Bus({ classifier: { typeOf: () => null }, recorder, mayControl: () => true });
  return { bus, recorder, told, fill: (full: boolean) => (isFull = full) };
}

const party = (name: string, context: () => Context, process?: { pid: number; uid: number }) => ({
  principal: name,
  name: `${name}:1`,
  context,
  mayPublishAs: () => false,
  ...(process === undefined ? {} : { process }),
});

const lines = (told: readonly Said[]) =>
  told.map(({ event }) => {
    const [source, sink] = [event.sourceKind, event.sinkKind].map((kind) => ENTITY_KINDS[kind]);
    return `${event.op} ${source} -> ${sink} ${VERDICTS[event.verdict]!.name}`;
  });

/** Of what is told before a record. */
function nameOf(record: Buffer): string {
  const { name, parts } = SHAPE.csn_name_record;
  equal(record[SHAPE.csn_name_record.kind], KIND.NAME);
  return Array.from({ length: record[parts]! }, (_, at) => record.toString("utf8", name + at * 24, name + at * 24 + 24).replace(/\0.*/s, "")).reverse().join("/"); // prettier-ignore
}

test("a message is one entity between who sent it and each who got it or did not, with the rule [MSG-3]", () => {
  const { bus, recorder, told } = busOf();
  const sender = party("alice", () => A, { pid: 7, uid: 1000 });
  for (const [name, context] of [["cleared", A], ["open", UNLABELLED], ["other", B]] as const) {
    const endpoint = bus.attach(party(name, () => context), (message, channel) => void bus.open(message, channel));
    bus.subscribe(endpoint, "w/#");
  } // prettier-ignore
  const lost = bus.attach(party("lost", () => { throw new Error("gone"); }), (message, channel) => void bus.open(message, channel)); // prettier-ignore
  bus.resubscribe(lost, "w/#", {});
  recorder.flush();
  told.length = 0;
  bus.publish(sender, { topic: "w/one", payload: Buffer.from("x") });
  recorder.flush();
  deepEqual(lines(told), [
    "publish process -> message allowed",
    "deliver message -> client allowed",
    "deliver message -> client refused_secrecy",
    "deliver message -> client refused_secrecy",
    "deliver message -> client refused_unknown",
  ]);
  equal(new Set(told.map(({ event }, at) => (at === 0 ? event.sinkEntity : event.sourceEntity)[0])).size, 1);
  deepEqual(told[0]!.event.sourceEntity, [0n, 7, 0]);
  equal(told[0]!.event.uid, 1000);
  equal(nameOf(told[0]!.before[0]!), "w/one");
  deepEqual([told[1]!.event.source, told[1]!.event.sink], [A, A]);
  deepEqual([told[2]!.event.source, told[2]!.event.sink], [A, UNLABELLED]);
});

test("what a sender may not publish, and a channel that may not be, are refusals; control says who and what", () => {
  const { bus, recorder, told } = busOf();
  bus.publish(party("bob", () => A), { topic: "t", payload: Buffer.from("x"), as: UNLABELLED });
  bus.publish(party("bob", () => A), { topic: "#", payload: Buffer.from("x") });
  bus.control({ principal: "root", name: "root:control" }, { action: "isolate", target: "bob", isolated: true });
  bus.control({ principal: "root", name: "root:control" }, { action: "glass", target: "bob", context: A, reason: "fire", seconds: 60 });
  recorder.flush();
  deepEqual(lines(told), [
    "publish client -> none refused_secrecy",
    "publish client -> none refused_closed",
    "configure client -> none allowed",
    "configure client -> none allowed",
  ]);
  // who owns what the glass was broken for may read of it
  deepEqual([told[3]!.event.source, told[3]!.event.sink], [A, A]);
  deepEqual(told.map(({ detail }) => (JSON.parse(detail) as { reason?: string; bus?: string }).bus ?? ""), ["", "", "isolate bob", "glass bob 60 s: fire"]);
}); // prettier-ignore

test("names are told once; what could not be recorded throws, and names are told again then", () => {
  const { bus, recorder, told, fill } = busOf();
  const say = () => bus.publish(party("ward/sensor", () => A), { topic: "t", payload: Buffer.from("x") });
  say();
  recorder.flush();
  say();
  recorder.flush();
  deepEqual(told.map(({ before }) => before.map(nameOf)), [["ward/sensor:1", "t"], ["t"]]);
  fill(true);
  say();
  throws(() => recorder.flush(), /could not be written/);
  recorder.flush(); // nothing is left of it
  fill(false);
  say();
  recorder.flush();
  deepEqual(told.at(-1)!.before.map(nameOf), ["ward/sensor:1", "t"]);
}); // prettier-ignore
