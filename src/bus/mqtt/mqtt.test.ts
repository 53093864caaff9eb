/**
 * The bus with a client that others wrote (mqtt.js), over TCP: what each version and quality of service does, with labels.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { IClientOptions } from "mqtt";
import { contextKey, UNLABELLED } from "../../label/index.ts";
import type { TagId } from "../../label/index.ts";
import { contextFromText } from "../../label/testing.ts";
import type { QoS } from "../index.ts";
import { Loopback } from "./testing.ts";

const loop = await new Loopback({ limits: { inflight: 8 } }).start();
after(() => loop.stop());
loop.people.set("low", UNLABELLED);
loop.people.set("high", contextFromText({ secrecy: ["x"], integrity: [] }));

const VERSIONS = [4, 5] as const;
const QOS = [0, 1, 2] as const;
let number = 0;
/** A topic that no other case has. */
const topicFor = (what: string): string => `${what}/${++number}`;

for (const version of VERSIONS)
  for (const sent of QOS)
    for (const asked of QOS)
      for (const retain of [false, true])
        test(`MSG-3: MQTT ${version === 4 ? "3.1.1" : 5}, QoS ${sent} to ${asked}${retain ? ", retained" : ""}: who is cleared gets it, who is not does not, also once relabelled`, () =>
          relations(version, sent, asked, retain));

async function relations(protocolVersion: 4 | 5, sent: QoS, asked: QoS, retain: boolean): Promise<void> {
  const topic = topicFor("relations");
  const options = { protocolVersion };
  const [high, alsoHigh, low] = [
    await loop.client("high", options),
    await loop.client("high", options),
    await loop.client("low", options),
  ];
  for (const client of [alsoHigh, low]) await client.mqtt.subscribeAsync(topic, { qos: asked });
  await high.say(topic, "secret", { qos: sent, retain });
  await low.say(topic, "open", { qos: sent, retain: false });
  await alsoHigh.until(2);
  await low.until(1);
  assert.deepEqual(alsoHigh.words.sort(), [`${topic}=open`, `${topic}=secret`]);
  assert.deepEqual(low.words, [`${topic}=open`]);
  assert.ok(alsoHigh.got.every(({ qos }) => qos === Math.min(sent, asked)));

  // Retained messages reach who comes later, judged as he is then.
  const late = await loop.client("low", options);
  await late.mqtt.subscribeAsync(topic, { qos: asked });
  await late.settled();
  assert.deepEqual(late.words, []);
  const lateHigh = await loop.client("high", options);
  await lateHigh.mqtt.subscribeAsync(topic, { qos: asked });
  await lateHigh.settled();
  assert.deepEqual(lateHigh.words, retain ? [`${topic}=secret`] : []);
  if (retain) assert.equal(lateHigh.got[0]?.retain, true);

  const relabel = { action: "relabel", target: "low" } as const;
  const by = { principal: "third", name: "third" };
  assert.equal(loop.bus.control(by, { ...relabel, context: loop.people.contexts.get("high") ?? null }), null);
  await high.say(topic, "now", { qos: sent });
  await low.until(2);
  assert.deepEqual(low.words.slice(1), [`${topic}=now`]);
  loop.bus.control(by, { ...relabel, context: null });
  await high.say(topic, "again", { qos: sent });
  await low.settled();
  assert.equal(low.got.length, 2);
  for (const client of [high, alsoHigh, low, late, lateHigh]) await client.leave();
}

for (const version of VERSIONS)
  for (const qos of [1, 2] as const)
    test(`MQTT ${version === 4 ? "3.1.1" : 5}: a session that stays gets what came meanwhile with QoS ${qos}, once, in order, and only what it may have when it is back`, async () => {
      const topic = topicFor("session");
      const clientId = topicFor("client");
      const stays: IClientOptions =
        version === 4
          ? { protocolVersion: 4, clean: false, clientId }
          : { protocolVersion: 5, clean: false, clientId, properties: { sessionExpiryInterval: 600 } };
      const first = await loop.client("low", stays);
      await first.mqtt.subscribeAsync(topic, { qos });
      await first.leave(qos === 2);
      const sender = await loop.client("low", { protocolVersion: version });
      const secret = await loop.client("high", { protocolVersion: version });
      for (let n = 0; n < 30; n++) await (n % 3 === 2 ? secret : sender).say(topic, `${n}`, { qos });
      const back = await loop.client("low", stays);
      await back.until(20);
      await back.settled();
      const expected = Array.from({ length: 30 }, (_, n) => n).filter((n) => n % 3 !== 2);
      assert.deepEqual(back.words, expected.map((n) => `${topic}=${n}`)); // prettier-ignore
      for (const client of [back, sender, secret]) await client.leave();
    });

test("a session is its principal's: another's client with the same identifier has its own", async () => {
  const stays = { clean: false, clientId: "same", properties: { sessionExpiryInterval: 600 } };
  const topic = topicFor("own");
  const high = await loop.client("high", stays);
  await high.mqtt.subscribeAsync(topic, { qos: 1 });
  const low = await loop.client("low", stays);
  assert.equal(high.mqtt.connected, true);
  await low.settled();
  await high.leave();
  const other = await loop.client("high", { ...stays, protocolVersion: 4 });
  await other.say(topic, "1", { qos: 1 });
  await other.settled();
  assert.deepEqual(other.words, [], "with another version of the protocol it begins anew");
  await Promise.all([low.leave(), other.leave()]);
});

test("a second connection takes a session over, and the first is told", async () => {
  const first = await loop.client("low", { clientId: "taken" });
  const told = new Promise((done) => first.mqtt.on("disconnect", ({ reasonCode }) => done(reasonCode)));
  const second = await loop.client("low", { clientId: "taken" });
  assert.equal(await told, 0x8e);
  await second.leave();
});

test("wills: published when the client leaves without a word, after their delay, not when it comes back or says goodbye", async () => {
  const topic = topicFor("will");
  const watch = await loop.client("high");
  const low = await loop.client("low");
  for (const client of [watch, low]) await client.mqtt.subscribeAsync(topic, { qos: 1 });
  const will = (word: string, delay = 0) => ({
    will: { topic, payload: Buffer.from(word), qos: 1 as const, properties: { willDelayInterval: delay } },
  });
  await (await loop.client("low", will("polite"))).leave();
  await (await loop.client("low", will("rude"))).leave(true);
  await watch.until(1);
  await (await loop.client("high", will("secret"))).leave(true);
  await watch.until(2);
  const stays = { clientId: "late", properties: { sessionExpiryInterval: 100 }, clean: false };
  await (await loop.client("low", { ...stays, ...will("too early", 50) })).leave(true);
  const back = await loop.client("low", { ...stays, ...will("late", 50) });
  loop.ahead += 60_000;
  loop.server.tick();
  await back.leave(true);
  await watch.settled();
  assert.equal(watch.got.length, 2);
  // The bus notices in its own time that the connection is gone.
  while (loop.server.connections > 2) await new Promise((done) => setImmediate(done));
  loop.ahead += 60_000;
  loop.server.tick();
  await watch.until(3);
  assert.deepEqual(watch.words, [`${topic}=rude`, `${topic}=secret`, `${topic}=late`]);
  await low.until(2);
  assert.deepEqual(low.words, [`${topic}=rude`, `${topic}=late`]);
  await Promise.all([watch.leave(), low.leave()]);
});

test("a will stays as secret as its client was when it connected", async () => {
  const topic = topicFor("will");
  const [low, high] = [await loop.client("low"), await loop.client("high")];
  for (const client of [low, high]) await client.mqtt.subscribeAsync(topic, { qos: 1 });
  loop.people.set("shifty", contextFromText({ secrecy: ["x"], integrity: [] }));
  const shifty = await loop.client("shifty", { will: { topic, payload: Buffer.from("secret"), qos: 1 } });
  loop.people.set("shifty", UNLABELLED);
  await shifty.leave(true);
  await high.until(1);
  await low.settled();
  assert.deepEqual([high.words, low.words], [[`${topic}=secret`], []]);
  await Promise.all([low.leave(), high.leave()]);
});

test("a will that waits is as secret as its client was when it left, and when it was looked at before", async () => {
  const topic = topicFor("will");
  const [low, high] = [await loop.client("low"), await loop.client("high")];
  for (const client of [low, high]) await client.mqtt.subscribeAsync(topic, { qos: 1 });
  const secret = contextFromText({ secrecy: ["x"], integrity: [] });
  const stays = { clean: false, properties: { sessionExpiryInterval: 100 } };
  const leaving = async (name: string) => {
    loop.people.set(name, UNLABELLED);
    const will = {
      topic,
      payload: Buffer.from(name),
      qos: 1 as const,
      properties: { willDelayInterval: 50 },
    };
    return loop.client(name, { clientId: name, ...stays, will });
  };
  const [atEnd, between] = [await leaving("at-end"), await leaving("between")];
  for (const name of ["at-end", "between"]) loop.people.set(name, secret);
  loop.server.tick();
  loop.people.set("between", UNLABELLED);
  const before = loop.server.connections;
  await Promise.all([atEnd.leave(true), between.leave(true)]);
  while (loop.server.connections > before - 2) await new Promise((done) => setImmediate(done));
  loop.people.set("at-end", UNLABELLED);
  loop.ahead += 60_000;
  loop.server.tick();
  await high.until(2);
  await low.settled();
  assert.deepEqual([high.words.toSorted(), low.words], [[`${topic}=at-end`, `${topic}=between`], []]);
  await Promise.all([low.leave(), high.leave()]);
});

test("a context may be asked for by tags' names, in a message and in a will; a name that is not known is refused", async () => {
  const topic = topicFor("names");
  const [low, high] = [await loop.client("low"), await loop.client("high")];
  for (const client of [low, high]) await client.mqtt.subscribeAsync(topic, { qos: 1 });
  const tag = loop.people.contexts.get("high")?.secrecy[0] as TagId;
  loop.people.tags.set("a/secret", tag);
  const asking = (name: string) => ({ qos: 1 as const, properties: { userProperties: { ifccontext: `S=${name};I=` } } }); // prettier-ignore
  await low.say(topic, "raised", asking("a/secret"));
  await high.until(1);
  const stamps = high.got[0]?.properties?.userProperties as Record<string, string> | undefined;
  assert.equal(stamps?.["ifccontext"], `S=${tag};I=`);
  await assert.rejects(low.say(topic, "unknown", asking("a/unknown")), { code: 0x87 });
  const will = (name: string) => ({ will: { topic, payload: Buffer.from("will"), retain: false, ...asking(name) } }); // prettier-ignore
  await assert.rejects(loop.client("low", will("a/unknown")), { code: 0x90 });
  await (await loop.client("low", will("a/secret"))).leave(true);
  await high.until(2);
  await low.settled();
  assert.deepEqual([high.words, low.words], [[`${topic}=raised`, `${topic}=will`], []]);
  await Promise.all([low.leave(), high.leave()]);
});

test("labels and publisher that a client supplies are taken off, and the bus puts on what is so", async () => {
  const topic = topicFor("stamp");
  const high = await loop.client("high");
  const low = await loop.client("low");
  await high.mqtt.subscribeAsync(topic);
  const context = contextKey(loop.people.contexts.get("low") as never);
  const secret = contextKey(loop.people.contexts.get("high") as never);
  const say = (userProperties: Record<string, string | string[]>, client = low) =>
    client.say(topic, "1", { properties: { userProperties } });
  await say({ ifcpublisher: "root", IFCcontext2: "x", b: ["2", "1"], a: "3" });
  await high.until(1);
  assert.deepEqual({ ...high.got[0]?.properties?.userProperties }, { ifcpublisher: "low", ifccontext: context, b: ["2", "1"], a: "3" }); // prettier-ignore
  // Raising is everybody's right, lowering is not.
  await say({ ifccontext: secret });
  await high.until(2);
  assert.equal(high.got[1]?.properties?.userProperties?.["ifccontext"], secret);
  const lowered = high.say(topic, "2", { qos: 1, properties: { userProperties: { ifccontext: context } } });
  await assert.rejects(lowered, { code: 0x87 });
  for (const wrong of ["", "S=;I=;", "nonsense"])
    await assert.rejects(low.say(topic, "3", { qos: 1, properties: { userProperties: { ifccontext: wrong } } }), { code: 0x87 }); // prettier-ignore
  await high.settled();
  assert.equal(high.got.length, 2);
  await Promise.all([high.leave(), low.leave()]);
});

test("MQTT 5: identifiers, options, aliases, expiry, request and response, properties in order", async () => {
  const topic = topicFor("five");
  const one = await loop.client("low", { properties: { topicAliasMaximum: 5 } });
  const two = await loop.client("low", { autoUseTopicAlias: true });
  await one.mqtt.subscribeAsync(`${topic}/#`, { qos: 1, properties: { subscriptionIdentifier: 7 } });
  await one.mqtt.subscribeAsync(`${topic}/+`, { qos: 0, rap: true, properties: { subscriptionIdentifier: 9 } }); // prettier-ignore
  const properties = { responseTopic: "answer", correlationData: Buffer.from("c"), contentType: "text/plain", payloadFormatIndicator: true, messageExpiryInterval: 100 }; // prettier-ignore
  for (const word of ["1", "2"]) await two.say(`${topic}/a`, word, { qos: 1, retain: true, properties });
  await one.until(2);
  const [first] = one.got;
  assert.deepEqual(first?.properties?.subscriptionIdentifier, [7, 9]);
  const { responseTopic, contentType, payloadFormatIndicator, messageExpiryInterval } = first?.properties ?? {}; // prettier-ignore
  assert.deepEqual([responseTopic, contentType, payloadFormatIndicator, messageExpiryInterval], ["answer", "text/plain", true, 100]); // prettier-ignore
  assert.deepEqual([first?.retain, first?.qos, first?.properties?.correlationData?.toString()], [true, 1, "c"]); // prettier-ignore
  loop.ahead += 101_000;
  const late = await loop.client("low");
  await late.mqtt.subscribeAsync(`${topic}/#`);
  await late.settled();
  assert.deepEqual(late.words, []);
  await one.mqtt.subscribeAsync(`${topic}/own`, { nl: true, qos: 0, properties: { subscriptionIdentifier: 1 } }); // prettier-ignore
  await one.mqtt.unsubscribeAsync([`${topic}/#`, `${topic}/+`]);
  await one.say(`${topic}/own`, "mine");
  await two.say(`${topic}/own`, "yours");
  await one.until(3);
  assert.deepEqual(one.words.slice(2), [`${topic}/own=yours`]);
  await Promise.all([one.leave(), two.leave(), late.leave()]);
});

test("MQTT 5: retained messages come always, for a new subscription, or never, as it asks", async () => {
  const topic = topicFor("handling");
  const client = await loop.client("low");
  await client.say(topic, "kept", { qos: 1, retain: true });
  for (const [rh, count] of [[2, 0], [1, 0], [0, 1], [1, 1], [0, 2]] as const) {
    await client.mqtt.subscribeAsync(topic, { qos: 1, rh });
    await client.settled();
    assert.equal(client.got.length, count, `retain handling ${rh}`);
  }
  await client.mqtt.unsubscribeAsync(topic);
  await client.mqtt.subscribeAsync(topic, { qos: 1, rh: 1 });
  await client.until(3);
  await client.leave();
}); // prettier-ignore

test("shared subscriptions: each message to one of the cleared, in turn", async () => {
  const topic = topicFor("shared");
  const members = [await loop.client("low"), await loop.client("high"), await loop.client("high")];
  for (const member of members) await member.mqtt.subscribeAsync(`$share/g/${topic}`, { qos: 1 });
  const high = await loop.client("high");
  for (let n = 0; n < 10; n++) await high.say(topic, `${n}`, { qos: 1 });
  await members[1]?.until(5);
  await members[2]?.until(5);
  await members[0]?.settled();
  assert.deepEqual(members.map(({ got }) => got.length), [0, 5, 5]); // prettier-ignore
  const low = members[0];
  await assert.rejects(low?.mqtt.subscribeAsync("$share/g/x", { nl: true, qos: 0 }) ?? Promise.resolve());
  await Promise.all([...members.slice(1), high].map((client) => client.leave()));
});

test("what is refused has a reason code: topics, filters, nobody, isolated", async () => {
  const low = await loop.client("low");
  await assert.rejects(low.say("$SYS/x", "1", { qos: 1 }), { code: 0x90 });
  await assert.rejects(low.say("a/".repeat(40), "1", { qos: 2 }), { code: 0x90 });
  await assert.rejects(loop.client("nobody"), { code: 0x87 });
  await assert.rejects(loop.client("nobody", { protocolVersion: 4 }), { code: 5 });
  await assert.rejects(loop.client("low", { protocolVersion: 3, protocolId: "MQIsdp" }), { code: 1 });
  const by = { principal: "third", name: "third" };
  loop.bus.control(by, { action: "isolate", target: "low", isolated: true });
  await assert.rejects(low.say("t", "1", { qos: 1 }), { code: 0x87 });
  await assert.rejects(loop.client("low"), { code: 0x87 });
  loop.bus.control(by, { action: "isolate", target: "low", isolated: false });
  await low.say("t", "1", { qos: 1 });
  await low.leave();
});

test("$SYS: everybody learns version and uptime, nobody with a finite clearance the counts", async () => {
  const low = await loop.client("high");
  await low.mqtt.subscribeAsync("$SYS/#");
  await low.until(2);
  await low.settled();
  assert.deepEqual(low.got.map(({ topic }) => topic).sort(), ["$SYS/broker/uptime", "$SYS/broker/version"]);
  await low.leave();
});

test("a client that says nothing in its time is cut", async () => {
  const low = await loop.client("low", { keepalive: 10, reschedulePings: false });
  const told = new Promise((done) => low.mqtt.on("disconnect", ({ reasonCode }) => done(reasonCode)));
  loop.ahead += 16_000;
  loop.server.tick();
  assert.equal(await told, 0x8d);
});
