/**
 * The store beside the crashes: what comes back and what must not, what is left behind, and a disk that fails.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { contextFromText } from "../../label/testing.ts";
import { Bus, BusStore, MqttServer, restore } from "../index.ts";
import type { Classifier } from "../index.ts";
import { Loopback } from "../mqtt/testing.ts";
import { Turn } from "../mqtt/turn.ts";
import { classifierOf, Remembering, TestParty, UNTYPED } from "../testing.ts";

const folder = mkdtempSync(join(tmpdir(), "csn-store-"));
after(() => rmSync(folder, { recursive: true }));
let number = 0;
const newFile = (): string => join(folder, `${++number}.db`);
const context = (...secrecy: string[]) => contextFromText({ secrecy, integrity: [] });
const nobody = { authenticate: async () => null };

/** A bus with what the file has. */
async function started(file: string, classifier: Classifier = UNTYPED) {
  const recorder = new Remembering();
  const store = new BusStore(file);
  const bus = new Bus({ classifier, recorder, mayControl: () => true });
  const server = new MqttServer({ bus, authenticator: nobody, keeper: store, version: "test" });
  restore(store, bus, server.sessions, classifier);
  const stop = async (): Promise<void> => {
    await server.close();
    store.close();
  };
  return { bus, store, recorder, server, stop };
}

function retainedFor(bus: Bus, ...secrecy: string[]): string[] {
  const seen: string[] = [];
  const endpoint = bus.attach(new TestParty("reader", context(...secrecy)), (message, channel) => {
    const view = bus.open(message, channel);
    if (view !== null) seen.push(`${message.facts.topic}=${Buffer.from(view.payload).toString()}`);
  });
  bus.subscribe(endpoint, "#");
  bus.detach(endpoint);
  return seen;
}

const type = { topic: "t", context: null, withheld: "remove" as const, attributes: { p: context(), q: context("x") } }; // prettier-ignore

test("retained messages come back with context and attributes; a type that is another now keeps its messages back", async () => {
  const file = newFile();
  const first = await started(file, classifierOf([type]));
  const party = new TestParty("p", context());
  party.privileges = [context("x")];
  const say = (topic: string, payload: string) => first.bus.publish(party, { topic, payload: Buffer.from(payload), retain: true, properties: { correlationData: Buffer.from("c"), contentType: "a" } }); // prettier-ignore
  assert.ok(say("t", '["p","q"]').accepted && say("u", "1").accepted);
  assert.ok(first.bus.publish(party, { topic: "s", payload: Buffer.from("2"), retain: true, as: context("x") }).accepted); // prettier-ignore
  assert.ok(say("gone", "1").accepted && say("gone", "").accepted);
  await first.stop();
  assert.equal(statSync(file).mode & 0o777, 0o600);

  const second = await started(file, classifierOf([type]));
  assert.deepEqual(retainedFor(second.bus), ['t=["p"]', "u=1"]);
  assert.deepEqual(retainedFor(second.bus, "x"), ['t=["p","q"]', "u=1", "s=2"]);
  await second.stop();

  // The type's owner has made it more secret meanwhile.
  const stricter = await started(file, classifierOf([{ ...type, context: context("x") }]));
  assert.deepEqual(retainedFor(stricter.bus), ["u=1"]);
  assert.deepEqual(retainedFor(stricter.bus, "x"), ['t=["p","q"]', "u=1", "s=2"]);
  await stricter.stop();

  const without = await started(file);
  assert.deepEqual(retainedFor(without.bus, "x"), ["u=1", "s=2"]);
  assert.ok(without.recorder.events.some(({ kind, reason }) => kind === "withhold" && reason === "its type is another now")); // prettier-ignore
  await without.stop();
});

test("what third parties decided holds after a restart", async () => {
  const file = newFile();
  const first = await started(file);
  const by = { principal: "third", name: "third" };
  const until = { reason: "fire", seconds: 3600 };
  assert.equal(first.bus.control(by, { action: "isolate", target: "bad", isolated: true }), null);
  assert.equal(first.bus.control(by, { action: "relabel", target: "low", context: context("x") }), null);
  assert.equal(first.bus.control(by, { action: "divert", filter: "t/#", gate: "gate" }), null);
  assert.equal(first.bus.control(by, { action: "glass", target: "doctor", context: context("y"), ...until }), null); // prettier-ignore
  const before = first.bus.standing.write();
  // As a crash: nothing is closed.
  const second = await started(file);
  assert.deepEqual(second.bus.standing.write(), before);
  await second.stop();
  await first.server.close();
});

test("a session that ended, a message that was acknowledged: nothing is left of them", async () => {
  const file = newFile();
  const store = new BusStore(file);
  const loop = await new Loopback({}, { keeper: store }).start();
  loop.bus.keepIn(store);
  const stays = { clientId: "c", clean: false, properties: { sessionExpiryInterval: 100 } };
  const reader = await loop.client("ann", stays);
  await reader.mqtt.subscribeAsync("t", { qos: 2 });
  const writer = await loop.client("ben", { ...stays, clientId: "w" });
  for (const qos of [1, 2] as const) await writer.say("t", "1", { qos });
  await reader.until(2);
  await reader.settled();
  await reader.mqtt.unsubscribeAsync(["settled/nothing"]);
  const counts = () =>
    Object.fromEntries(
      ["session", "subscription", "message", "outgoing", "received"].map((table) => [
        table,
        store.rows(`SELECT count(*) AS n FROM ${table}`)[0]?.["n"],
      ]),
    );
  const none = { session: 2, subscription: 1, message: 0, outgoing: 0, received: 0 };
  assert.deepEqual(counts(), none);
  await reader.leave();
  await writer.say("t", "2", { qos: 1 });
  assert.deepEqual(counts(), { ...none, message: 1, outgoing: 1 });
  loop.ahead += 101_000;
  loop.server.tick();
  assert.deepEqual(counts(), { ...none, session: 1, subscription: 0 });
  // A session that now ends with its connection is not kept any longer.
  await writer.leave();
  const brief = await loop.client("ben", {
    ...stays,
    clientId: "w",
    properties: { sessionExpiryInterval: 0 },
  });
  assert.equal(counts()["session"], 0);
  await brief.leave();
  await loop.stop();
  store.close();
});

test("E_BUS_STORE: after a failed write nothing is acknowledged any more; a damaged file does not start", async () => {
  const file = newFile();
  const store = new BusStore(file);
  const loop = await new Loopback({}, { keeper: store }).start();
  loop.bus.keepIn(store);
  const writer = await loop.client("ben");
  await writer.say("t", "1", { qos: 1, retain: true });
  // As a disk that fails: the table is not there any more.
  new DatabaseSync(file).exec("DROP TABLE message");
  const closed = new Promise((done) => writer.mqtt.once("close", () => done("closed")));
  const answered = writer.say("t", "2", { qos: 1, retain: true }).then(() => "answered", () => "closed"); // prettier-ignore
  assert.equal(await Promise.race([answered, closed]), "closed");
  await assert.rejects(loop.client("ben"));
  assert.throws(() => store.commit(), { code: "E_BUS_STORE" });
  await loop.stop();

  writeFileSync(file, "no database, but long enough to be looked at as one");
  assert.throws(() => new BusStore(file), { code: "E_BUS_STORE" });
  const damaged = newFile();
  const made = new BusStore(damaged);
  made.close();
  const db = new DatabaseSync(damaged);
  db.exec("INSERT INTO message VALUES (1, 't', 0, 1, '{}', 'p', 'p', 'S=wrong', NULL, NULL, x'31')");
  db.exec("INSERT INTO retained VALUES (1)");
  db.close();
  await assert.rejects(started(damaged), { code: "E_BUS_STORE" });
  const will = newFile();
  await (await started(will)).stop();
  const wills = new DatabaseSync(will);
  wills.exec(
    "INSERT INTO will VALUES ('p' || char(10) || 'c', 't', 0, 0, '{}', NULL, x'31', 0, 'S=wrong', 0, NULL)",
  );
  wills.close();
  await assert.rejects(started(will), { code: "E_BUS_STORE" });
});

test("a turn commits before it sends, and sends nothing when it can't", () => {
  const order: string[] = [];
  let isBroken = false;
  const turn = new Turn(() => {
    order.push("commit");
    if (isBroken) throw new Error("no space");
  });
  turn.mark({ flush: () => order.push("flush"), abandon: () => order.push("abandon") });
  turn.end();
  isBroken = true;
  turn.mark({ flush: () => order.push("flush"), abandon: () => order.push("abandon") });
  turn.end();
  assert.deepEqual(order, ["commit", "flush", "commit", "abandon"]);
});
