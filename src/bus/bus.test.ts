/**
 * The core of the bus against the plain reference of model/messages.ts, and the cases that chance does not reach.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isIn, PlainBus } from "../../model/messages.ts";
import { contextFrom } from "../../model/vectors.ts";
import type { ContextText } from "../../model/vectors.ts";
import { contextFromText } from "../label/testing.ts";
import { Bus, matches, readFilter, LIMITS } from "./index.ts";
import type { Channel, Endpoint, Message } from "./index.ts";
import { FilterTree } from "./core/tree.ts";
import { classifierOf, Remembering, TestParty, UNTYPED } from "./testing.ts";

const NAMES = ["ann", "ben", "cyd", "dan"] as const;
const TOPICS = ["a", "a/b", "c", "c/d"];
const FILTERS = ["a", "a/b", "#", "a/#", "+/b", "+", "c/+", "c/#"];

const text = (secrecy: readonly string[], integrity: readonly string[] = []): ContextText => ({ secrecy, integrity }); // prettier-ignore
const contextText = fc.record({
  secrecy: fc.subarray(["x", "y"]),
  integrity: fc.subarray(["v"]),
});
/** Payloads under c are lists of these. */
const TYPES = [
  {
    topic: "c",
    context: null,
    withheld: "remove" as const,
    attributes: { p: text([], ["v"]), q: text(["x"], ["v"]), r: text(["x", "y"]) },
  },
  {
    topic: "c/d",
    context: text(["x"]),
    withheld: "refuse" as const,
    attributes: { p: text(["x"]), q: text(["x", "y"]), r: text(["x"], ["v"]) },
  },
];

const who = fc.constantFrom(...NAMES);
const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({
    do: fc.constant("publish" as const), who, topic: fc.constantFrom(...TOPICS),
    names: fc.subarray(["p", "q", "r"], { minLength: 1 }), text: fc.constantFrom("", "1", "2"),
    retain: fc.boolean(), as: fc.option(contextText, { freq: 2 }),
  }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("subscribe" as const), who, filter: fc.constantFrom(...FILTERS) }) },
  fc.record({ do: fc.constant("unsubscribe" as const), who, filter: fc.constantFrom(...FILTERS) }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant("change" as const), who, context: contextText }) },
  fc.record({ do: fc.constant("relabel" as const), who, context: fc.option(contextText) }),
  fc.record({ do: fc.constant("isolate" as const), who, isolated: fc.nat(3).map((n) => n === 0) }),
  fc.record({ do: fc.constant("glass" as const), who, context: contextText, seconds: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant("divert" as const), filter: fc.constantFrom("a/#", "c"), gate: fc.option(who) }),
  fc.record({ do: fc.constant("away" as const), who }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant("back" as const), who }) },
  fc.record({ do: fc.constant("wait" as const), isTicking: fc.boolean() }),
); // prettier-ignore
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** The bus, with a hand on each party: what it saw, and whether it is away. */
class Hands {
  readonly recorder = new Remembering();
  now = 0;
  readonly bus: Bus;
  readonly parties = new Map<string, TestParty>();
  readonly seen = new Map<string, string[]>();
  readonly #waiting = new Map<string, [Message, Channel][]>();
  readonly #endpoints = new Map<string, Endpoint>();

  constructor(contexts: readonly ContextText[], privileges: readonly ContextText[]) {
    const types = TYPES.map((type) => ({
      ...type,
      context: type.context && contextFromText(type.context),
      attributes: mapped(type.attributes, contextFromText),
    }));
    const classifier = classifierOf(types);
    this.bus = new Bus({ classifier, recorder: this.recorder, mayControl: () => true, now: () => this.now });
    NAMES.forEach((name, at) => {
      const party = new TestParty(name, contextFromText(contexts[at] as ContextText));
      party.privileges = [contextFromText(privileges[at] as ContextText)];
      this.parties.set(name, party);
      this.seen.set(name, []);
      this.#waiting.set(name, []);
      const endpoint = this.bus.attach(party, (message, channel) => this.#receive(name, message, channel));
      this.#endpoints.set(name, endpoint);
    });
  }

  endpoint(name: string): Endpoint {
    return this.#endpoints.get(name) as Endpoint;
  }

  back(name: string): void {
    this.endpoint(name).isOnline = true;
    for (const [message, channel] of this.#waiting.get(name)?.splice(0) ?? [])
      this.#receive(name, message, channel);
  }

  #receive(name: string, message: Message, channel: Channel): void {
    if (!this.endpoint(name).isOnline) {
      this.#waiting.get(name)?.push([message, channel]);
      return;
    }
    const view = this.bus.open(message, channel);
    if (view !== null)
      this.seen.get(name)?.push(`${message.facts.topic} ${Buffer.from(view.payload).toString()}`);
  }
}

function mapped<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

const everybodyListens: Command[] = NAMES.slice(1).map((name) => ({
  do: "subscribe",
  who: name,
  filter: "#",
}));
const commands = fc
  .array(command, { minLength: 10, maxLength: 40, size: "max" })
  .map((all) => everybodyListens.concat(all));
const contexts = fc.array(contextText, { minLength: 4, maxLength: 4 });

test("MSG-1..3: whatever happens, each party sees what the reference says and nothing else", () => {
  let delivered = 0;
  fc.assert(
    fc.property(contexts, contexts, commands, (own, privileges, all) => {
      const hands = new Hands(own, privileges);
      const plain = new PlainBus(
        TYPES.map(({ topic, withheld, context, attributes }) => ({
          topic,
          withheld,
          context: context && contextFrom(context),
          attributes: mapped(attributes, contextFrom),
        })),
      );
      NAMES.forEach((name, at) =>
        plain.join(name, contextFrom(own[at] as ContextText), [contextFrom(privileges[at] as ContextText)]),
      );
      for (const one of all) {
        apply(hands, plain, one);
        for (const name of NAMES) {
          const seen = hands.seen.get(name) ?? [];
          assert.deepEqual(seen.toSorted(), plain.member(name).seen.toSorted(), `${name} after ${one.do}`);
        }
      }
      delivered += NAMES.reduce((sum, name) => sum + plain.member(name).seen.length, 0);
      const recorded = hands.recorder.kinds().filter((kind) => kind === "deliver").length;
      assert.equal(recorded, NAMES.reduce((sum, name) => sum + (hands.seen.get(name)?.length ?? 0), 0)); // prettier-ignore
    }),
    { numRuns: 2000 },
  );
  assert.ok(delivered > 5000, `only ${delivered} deliveries: the commands prove little`);
});

function apply(hands: Hands, plain: PlainBus, one: Command): void {
  const { bus } = hands;
  const by = { principal: "third", name: "third" };
  switch (one.do) {
    case "publish": {
      // Nothing, retained, takes away; a typed topic otherwise gets a list.
      const isTyped = one.topic.startsWith("c") && !(one.text === "" && one.retain);
      const payload = Buffer.from(isTyped ? JSON.stringify(one.names) : one.text);
      const as = one.as === null ? {} : { as: contextFromText(one.as) };
      const party = hands.parties.get(one.who) as TestParty;
      const { accepted } = bus.publish(party, { topic: one.topic, payload, retain: one.retain, ...as });
      const expected = plain.publish(one.who, one.topic, isTyped ? one.names : null, one.text, one.retain, one.as && contextFrom(one.as)); // prettier-ignore
      assert.equal(accepted, expected);
      return;
    }
    case "subscribe":
      bus.subscribe(hands.endpoint(one.who), one.filter);
      plain.subscribe(one.who, one.filter);
      return;
    case "unsubscribe":
      bus.unsubscribe(hands.endpoint(one.who), one.filter);
      plain.unsubscribe(one.who, one.filter);
      return;
    case "change":
      (hands.parties.get(one.who) as TestParty).now = contextFromText(one.context);
      plain.member(one.who).context = contextFrom(one.context);
      return;
    case "relabel":
      bus.control(by, { action: "relabel", target: one.who, context: one.context && contextFromText(one.context) }); // prettier-ignore
      plain.member(one.who).relabelled = one.context && contextFrom(one.context);
      return;
    case "isolate":
      bus.control(by, { action: "isolate", target: one.who, isolated: one.isolated });
      plain.member(one.who).isIsolated = one.isolated;
      return;
    case "glass": {
      const context = contextFromText(one.context);
      bus.control(by, { action: "glass", target: one.who, context, reason: "fire", seconds: one.seconds });
      plain.member(one.who).glass = { context: contextFrom(one.context), until: plain.now + one.seconds };
      return;
    }
    case "divert":
      bus.control(by, { action: "divert", filter: one.filter, gate: one.gate });
      plain.divert(one.filter, one.gate);
      return;
    case "away":
      hands.endpoint(one.who).isOnline = false;
      plain.away(one.who);
      return;
    case "back":
      hands.back(one.who);
      plain.back(one.who);
      return;
    case "wait":
      hands.now += 1000;
      plain.now += 1;
      if (one.isTicking) bus.tick();
  }
}

test("filters match as the reference's regular expressions do, and the tree as the filters", () => {
  const level = fc.constantFrom("a", "b", "", "$x", ".");
  const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join("/"));
  const filter = fc
    .tuple(fc.array(fc.oneof(level, fc.constant("+")), { maxLength: 4 }), fc.boolean())
    .map(([levels, isOpen]) => [...levels, ...(isOpen ? ["#"] : [])].join("/"));
  fc.assert(
    fc.property(fc.array(filter, { maxLength: 8 }), topic, (filters, one) => {
      const read = filters.map((each) => readFilter(each, LIMITS)).filter((each) => each !== null);
      const tree = new FilterTree<string>();
      for (const { levels, text: each } of read) {
        assert.equal(matches(levels, one), isIn(each, one), each);
        tree.add(levels, each);
      }
      const expected = new Set(read.map((each) => each.text).filter((each) => isIn(each, one)));
      assert.deepEqual(new Set(tree.matching(one)), expected);
      for (const { levels, text: each } of read) tree.remove(levels, each);
      assert.ok(tree.isEmpty);
    }),
  );
});

for (const [filter, isFine] of [
  ["a/#", true],
  ["#", true],
  ["+/+", true],
  ["/", true],
  ["a//b", true],
  ["$share/g/a/#", true],
  ["$SYS/#", true],
  ["", false],
  ["a#", false],
  ["a/#/b", false],
  ["a+", false],
  ["+a/b", false],
  ["a\0b", false],
  ["\ud800", false],
  ["$share", false],
  ["$share/g", false],
  ["$share//a", false],
  ["$share/g+/a", false],
  ["$share/g/", false],
  ["a/".repeat(31) + "a", true],
  ["a/".repeat(32) + "a", false],
  ["x".repeat(1024), true],
  ["x".repeat(1025), false],
] as const)
  // prettier-ignore
  test(`\`${JSON.stringify(filter).slice(0, 30)}\` (${filter.length}) ${isFine ? "is a filter" : "is no filter"}`, () =>
    assert.equal(readFilter(filter, LIMITS) !== null, isFine));

const inContext = (...secrecy: string[]) => contextFromText({ secrecy, integrity: [] });

test("MSG-3: one cleared member of a group gets each message, in turn, and a message withheld later goes to another", () => {
  const bus = new Bus({ classifier: UNTYPED, recorder: new Remembering() });
  const got = new Map<string, string[]>();
  const waiting: [Message, Channel][] = [];
  const join = (name: string, secrecy: readonly string[], isOnline = true) => {
    const party = new TestParty(name, inContext(...secrecy));
    got.set(name, []);
    const endpoint = bus.attach(party, (message, channel) => {
      if (!endpoint.isOnline) waiting.push([message, channel]);
      const view = endpoint.isOnline ? bus.open(message, channel) : null;
      if (view !== null) got.get(name)?.push(Buffer.from(view.payload).toString());
    });
    endpoint.isOnline = isOnline;
    assert.ok(bus.subscribe(endpoint, "$share/g/t").accepted);
    return { party, endpoint };
  };
  const sender = new TestParty("sender", inContext("x"));
  const say = (word: string) => assert.ok(bus.publish(sender, { topic: "t", payload: Buffer.from(word) }).accepted); // prettier-ignore
  join("low", []);
  const one = join("one", ["x"]);
  const two = join("two", ["x"]);
  for (const word of ["1", "2", "3", "4"]) say(word);
  assert.deepEqual([got.get("low"), got.get("one")?.length, got.get("two")?.length], [[], 2, 2]);

  // Who is there goes before whose session waits.
  one.endpoint.isOnline = false;
  for (const word of ["a", "b"]) say(word);
  assert.deepEqual([got.get("two")?.length, waiting.length], [4, 0]);
  two.endpoint.isOnline = false;
  for (const word of ["5", "6"]) say(word);
  assert.equal(waiting.length, 2);
  one.party.now = inContext();
  one.endpoint.isOnline = true;
  two.endpoint.isOnline = true;
  for (const [message, channel] of waiting.splice(0)) {
    const view = bus.open(message, channel);
    if (view !== null) got.get(channel.endpoint.party.name)?.push(Buffer.from(view.payload).toString());
  }
  assert.deepEqual([got.get("one")?.length, got.get("two")?.slice(-2).sort()], [2, ["5", "6"]]);
  assert.deepEqual(got.get("low"), []);
});

test("what can't be recorded does not happen, and a context that can't be found out is none [CTX-5]", () => {
  const recorder = new Remembering();
  const bus = new Bus({ classifier: UNTYPED, recorder });
  const seen: unknown[] = [];
  const party = new TestParty("p", inContext());
  const endpoint = bus.attach(party, (message, channel) => void (bus.open(message, channel) && seen.push(1)));
  assert.ok(bus.subscribe(endpoint, "t").accepted);
  recorder.isBroken = true;
  assert.deepEqual(bus.publish(party, { topic: "t", payload: Buffer.from("1") }), { accepted: false, reason: "failed" }); // prettier-ignore
  assert.equal(bus.subscribe(endpoint, "u").accepted, false);
  assert.ok(bus.counts().unrecorded >= 2);
  recorder.isBroken = false;
  party.context = () => {
    throw new Error("the process is gone");
  };
  assert.deepEqual(bus.publish(party, { topic: "t", payload: Buffer.from("1") }), { accepted: false, reason: "failed" }); // prettier-ignore
  assert.ok(bus.publish(new TestParty("q", inContext()), { topic: "t", payload: Buffer.from("1") }).accepted);
  assert.deepEqual(seen, []);
  assert.equal(recorder.events.at(-1)?.reason, "CTX-5");
});

test("limits: rate, retained messages, subscriptions, properties, size", () => {
  const limits = { rate: 7, retainedPerPrincipal: 1, subscriptions: 1, userProperties: 1, packetBytes: 10 };
  let now = 0;
  const bus = new Bus({ classifier: UNTYPED, recorder: new Remembering(), limits, now: () => now });
  const party = new TestParty("p", inContext());
  const endpoint = bus.attach(party, () => {});
  assert.ok(bus.subscribe(endpoint, "a").accepted && bus.subscribe(endpoint, "a").accepted);
  assert.deepEqual(bus.subscribe(endpoint, "b"), { accepted: false, reason: "quota" });
  const quota = { accepted: false, reason: "quota" };
  const payload = Buffer.from("1");
  assert.ok(bus.publish(party, { topic: "r", payload, retain: true }).accepted);
  assert.deepEqual(bus.publish(party, { topic: "s", payload, retain: true }), quota);
  assert.deepEqual(bus.publish(party, { topic: "t", payload: Buffer.alloc(11) }), quota);
  const userProperties = [["a", "b"], ["a", "c"]] as const; // prettier-ignore
  for (const properties of [
    { userProperties },
    { contentType: "a\0" },
    { contentType: "\ud800" },
    { responseTopic: "x".repeat(70_000) },
    { correlationData: Buffer.alloc(65_536) },
  ])
    // prettier-ignore
    assert.deepEqual(bus.publish(party, { topic: "t", payload, properties }), quota);
  for (let n = 0; n < 3; n++) assert.ok(bus.publish(party, { topic: "t", payload }).accepted);
  assert.deepEqual(bus.publish(party, { topic: "t", payload }), quota);
  now = 1000;
  assert.ok(bus.publish(party, { topic: "t", payload }).accepted);
});

test("control: only by who may, with a reason for broken glass; a channel that can carry nothing is refused", () => {
  const recorder = new Remembering();
  const floor = inContext("x");
  const classifier = { typeOf: () => null, floorOf: (filter: string) => (filter === "x" ? floor : null) };
  const mayControl = ({ principal }: { principal: string }) => principal === "boss";
  const bus = new Bus({ classifier, recorder, mayControl });
  const endpoint = bus.attach(new TestParty("p", inContext()), () => {});
  assert.deepEqual(bus.subscribe(endpoint, "x"), { accepted: false, reason: "never" });
  const relabel = { action: "relabel", target: "p", context: floor } as const;
  assert.equal(bus.control({ principal: "p", name: "p" }, relabel), "forbidden");
  const boss = { principal: "boss", name: "boss" };
  assert.equal(bus.control(boss, relabel), null);
  assert.ok(bus.subscribe(endpoint, "x").accepted);
  assert.equal(bus.control(boss, { ...relabel, context: null }), null);
  const last = recorder.events.at(-1);
  assert.deepEqual([last?.kind, last?.topic, last?.reason], ["close", "x", "relabelled"]);
  for (const [reason, seconds] of [
    ["", 5],
    ["fire", 0],
    ["fire", 1.5],
    ["fire", 1e9],
  ] as const)
    // prettier-ignore
    assert.equal(bus.control(boss, { action: "glass", target: "p", context: floor, reason, seconds }), "topic");
  assert.equal(bus.control(boss, { action: "map", target: "p", filter: "m/#", qos: 1 }), null);
  assert.ok(endpoint.subscriptions.has("m/#"));
  assert.equal(bus.control(boss, { action: "unmap", target: "p", filter: "m/#" }), null);
  assert.equal(bus.control(boss, { action: "unmap", target: "p", filter: "m/#" }), "topic");
  assert.equal(bus.control(boss, { action: "map", target: "nobody", filter: "m", qos: 1 }), "forbidden");
});

test("a message type that fails keeps its messages back, and takes nobody else with it", () => {
  const recorder = new Remembering();
  const fails = (): never => {
    throw new Error("a fault of the type");
  };
  const payload = { context: null, attributes: [inContext("x"), inContext()], redact: fails };
  const typeOf = (topic: string) => {
    if (topic === "unknown") return fails();
    const read = topic === "unreadable" ? fails : () => payload;
    return topic === "open" ? null : { name: topic, topic, withheld: "remove" as const, read };
  };
  const floorOf = (filter: string) => (filter === "floorless" ? fails() : null);
  const bus = new Bus({ classifier: { typeOf, floorOf }, recorder });
  const sender = new TestParty("sender", inContext());
  const seen: string[] = [];
  const endpoint = bus.attach(new TestParty("p", inContext()), (message, channel) => {
    if (bus.open(message, channel) !== null) seen.push(message.facts.topic);
  });
  assert.ok(bus.subscribe(endpoint, "#").accepted);
  assert.deepEqual(bus.subscribe(endpoint, "floorless"), { accepted: false, reason: "failed" });
  const say = (topic: string) => bus.publish(sender, { topic, payload: Buffer.from("1"), retain: true });
  for (const topic of ["unknown", "unreadable"]) assert.deepEqual(say(topic), { accepted: false, reason: "failed" }); // prettier-ignore
  assert.ok(say("unredactable").accepted && say("open").accepted);
  assert.ok(bus.subscribe(endpoint, "+").accepted);
  assert.deepEqual([...new Set(seen)], ["open"]);
  assert.ok(recorder.events.some(({ kind, reason }) => kind === "withhold" && reason === "its type failed"));
});

test("a receiver that throws does not keep a message from the next", () => {
  const recorder = new Remembering();
  const bus = new Bus({ classifier: UNTYPED, recorder });
  const seen: number[] = [];
  for (const at of [0, 1, 2]) {
    const endpoint = bus.attach(new TestParty(`p${at}`, inContext()), () => {
      if (at === 1) throw new Error("a fault of the carrier");
      seen.push(at);
    });
    assert.ok(bus.subscribe(endpoint, "t").accepted);
  }
  assert.ok(bus.publish(new TestParty("p", inContext()), { topic: "t", payload: Buffer.from("1") }).accepted);
  assert.deepEqual(seen, [0, 2]);
});
