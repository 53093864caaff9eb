/**
 * Input that breaks the protocol: one reason code, a record, the end of that connection, and no effect on others.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { duplexPair } from "node:stream";
import type { Duplex } from "node:stream";
import { after, test } from "node:test";
import fc from "fast-check";
import { generate, parser } from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import { UNLABELLED } from "../../label/index.ts";
import { contextFromText } from "../../label/testing.ts";
import { Loopback } from "./testing.ts";

const loop = await new Loopback({
  limits: { subscriptions: 50, packetBytes: 1000, inflight: 4, topicAliases: 2, strangers: 3 },
}).start();
loop.people.set("ann:x", UNLABELLED);
after(() => loop.stop());

const five = { protocolVersion: 5 as const };
const packet = (one: object): Buffer => generate(one as Packet, five);
const hello = (more: object = {}): Buffer =>
  packet({ cmd: "connect", clientId: "c", username: "ann", protocolVersion: 5, clean: true, ...more });
const publish = (more: object = {}): Buffer => packet({ cmd: "publish", topic: "t", payload: "1", qos: 0, ...more }); // prettier-ignore
const raw = (...bytes: (number | string)[]): Buffer =>
  Buffer.concat(bytes.map((one) => (typeof one === "string" ? Buffer.from(one) : Uint8Array.of(one))));
/** A QoS 0 PUBLISH to a topic given as bytes. */
const publishTo = (...topic: number[]): Buffer => raw(0x30, topic.length + 3, 0, topic.length, ...topic, 0);

/** Reason code of CONNACK or DISCONNECT; null: the connection ends without a word. */
const CASES: readonly (readonly [what: string, bytes: Buffer, reason: number | null])[] = [
  ["no CONNECT first", publish(), null],
  ["CONNECT twice", Buffer.concat([hello(), hello()]), 0x82],
  ["another protocol", raw(0x10, 13, 0, 4, "MQTX", 5, 2, 0, 0, 0, 0, 0), 0x84],
  ["version 6", raw(0x10, 13, 0, 4, "MQTT", 6, 2, 0, 0, 0, 0, 0), 1],
  ["a reserved flag in CONNECT", raw(0x10, 13, 0, 4, "MQTT", 5, 3, 0, 0, 0, 0, 0), 0x81],
  ["will flags without will", raw(0x10, 13, 0, 4, "MQTT", 5, 0x0a, 0, 0, 0, 0, 0), 0x81],
  ["CONNECT with more than it says", raw(0x10, 14, 0, 4, "MQTT", 5, 2, 0, 0, 0, 0, 0, 0), 0x81],
  ["CONNECT cut short", raw(0x10, 9, 0, 4, "MQTT", 5, 2, 0), 0x81],
  ["receive maximum 0", raw(0x10, 16, 0, 4, "MQTT", 5, 2, 0, 0, 3, 33, 0, 0, 0, 0), 0x82],
  ["a property twice", raw(0x10, 19, 0, 4, "MQTT", 5, 2, 0, 0, 6, 33, 0, 1, 33, 0, 1, 0, 0), 0x82],
  ["an unknown property", raw(0x10, 15, 0, 4, "MQTT", 5, 2, 0, 0, 2, 99, 0, 0, 0), 0x81],
  ["enhanced authentication", hello({ properties: { authenticationMethod: "X" } }), 0x8c],
  ["a certain nobody", hello({ username: "nobody" }), 0x87],
  ["a will with a wildcard", hello({ will: { topic: "a/#", payload: "x" } }), 0x90],
  ["a will in a context that can't be read", Buffer.concat([hello({ will: { topic: "a", payload: "x", properties: { userProperties: { ifccontext: "?" } } } })]), 0x90],
  ["a packet over the limit", Buffer.concat([hello(), raw(0x30, 0xff, 0x7f)]), 0x95],
  ["a length of five bytes", Buffer.concat([hello(), raw(0x30, 0xff, 0xff, 0xff, 0xff, 1)]), 0x81],
  ["wildcard in a topic", Buffer.concat([hello(), publish({ topic: "a/#" })]), 0x81],
  ["NUL in a topic", Buffer.concat([hello(), publishTo(97, 0)]), 0x81],
  ["no UTF-8 in a topic", Buffer.concat([hello(), publishTo(0xc3, 0x28)]), 0x81],
  ["half of a surrogate pair", Buffer.concat([hello(), publishTo(0xed, 0xa0, 0x80)]), 0x81],
  ["no topic", Buffer.concat([hello(), publish({ topic: "" })]), 0x82],
  ["topic alias 0", Buffer.concat([hello(), publish({ properties: { topicAlias: 0 } })]), 0x94],
  ["topic alias over the limit", Buffer.concat([hello(), publish({ properties: { topicAlias: 3 } })]), 0x94],
  ["topic alias unknown", Buffer.concat([hello(), publish({ topic: "", properties: { topicAlias: 1 } })]), 0x82],
  ["QoS 3", Buffer.concat([hello(), raw(0x36, 6, 0, 1, "t", 0, 1, 0)]), 0x81],
  ["packet identifier 0", Buffer.concat([hello(), raw(0x32, 6, 0, 1, "t", 0, 0, 0)]), 0x81],
  ["subscription identifier from a client", Buffer.concat([hello(), raw(0x30, 6, 0, 1, "t", 2, 11, 1)]), 0x81],
  ["wildcard in a response topic", Buffer.concat([hello(), publish({ properties: { responseTopic: "a/+" } })]), 0x82],
  ["wildcard in a will's response topic", hello({ will: { topic: "a", payload: "x", properties: { responseTopic: "#" } } }), 0x82],
  ["a property that belongs to another packet", Buffer.concat([hello(), raw(0x82, 12, 0, 1, 5, 17, 0, 0, 0, 9, 0, 1, "t", 0)]), 0x81],
  ["PUBACK with a reason that there is not", Buffer.concat([hello(), raw(0x40, 3, 0, 1, 0xff)]), 0x82],
  ["PUBREC with PUBCOMP's reason", Buffer.concat([hello(), raw(0x50, 3, 0, 1, 0x92)]), 0x82],
  ["PUBREL with PUBACK's reason", Buffer.concat([hello(), raw(0x62, 3, 0, 1, 0x10)]), 0x82],
  ["DISCONNECT with a reason that there is not", Buffer.concat([hello(), raw(0xe0, 1, 0x20)]), 0x82],
  ["a filter without a character", Buffer.concat([hello(), raw(0x82, 6, 0, 1, 0, 0, 0, 0)]), 0x81],
  ["a filter with # before its end", Buffer.concat([hello(), raw(0x82, 9, 0, 1, 0, 0, 3, "#/a", 0)]), 0x81],
  ["a filter with + in a word", Buffer.concat([hello(), raw(0x82, 8, 0, 1, 0, 0, 2, "a+", 0)]), 0x81],
  ["a shared filter without topics", Buffer.concat([hello(), raw(0x82, 14, 0, 1, 0, 0, 8, "$share/g", 0)]), 0x82],
  ["UNSUBSCRIBE without a character", Buffer.concat([hello(), raw(0xa2, 5, 0, 1, 0, 0, 0)]), 0x81],
  ["a client that takes no packet as long as CONNACK", hello({ properties: { maximumPacketSize: 10 } }), 0x95],
  ["a client that takes not even DISCONNECT", hello({ properties: { maximumPacketSize: 2 } }), null],
  ["a client that takes no packet as long as SUBACK", Buffer.concat([hello({ properties: { maximumPacketSize: 40 } }), packet({ cmd: "subscribe", messageId: 1, subscriptions: Array.from({ length: 50 }, () => ({ topic: "a", qos: 0 })) })]), 0x95],
  ["an empty SUBSCRIBE", Buffer.concat([hello(), raw(0x82, 3, 0, 1, 0)]), 0x81],
  ["SUBSCRIBE with wrong flags", Buffer.concat([hello(), raw(0x80, 7, 0, 1, 0, 0, 1, "t", 0)]), 0x81],
  ["SUBSCRIBE with wrong options", Buffer.concat([hello(), raw(0x82, 7, 0, 1, 0, 0, 1, "t", 0x40)]), 0x81],
  ["PUBACK for what was never sent, then PUBREL unknown", Buffer.concat([hello(), raw(0x40, 2, 0, 9), raw(0x62, 2, 0, 9), raw(0xf0, 0)]), 0x82],
  ["five QoS 2 messages under way, four allowed", Buffer.concat([hello(), ...[1, 2, 3, 4, 5].map((messageId) => publish({ qos: 2, messageId }))]), 0x93],
  ["a session made to stay at the end", Buffer.concat([hello(), packet({ cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval: 9 } })]), 0x82],
  ["more filters than one client may have", Buffer.concat([hello(), packet({ cmd: "subscribe", messageId: 1, subscriptions: Array.from({ length: 51 }, () => ({ topic: "#", qos: 0 })) })]), 0x97],
  ["a principal that looks like another's client", hello({ username: "ann:x" }), 0x87],
  ["a server's packet", Buffer.concat([hello(), raw(0x20, 3, 0, 0, 0)]), 0x82],
]; // prettier-ignore

for (const [what, bytes, reason] of CASES)
  test(`${what}: ${reason === null ? "no answer" : `reason 0x${reason.toString(16)}`}`, async () => {
    const before = loop.recorder.events.length;
    const bystander = await loop.client("ben");
    await bystander.mqtt.subscribeAsync("by/stander");
    const answers = await answersTo(bytes);
    const last = answers.at(-1);
    const code = last?.cmd === "connack" ? (last.reasonCode ?? last.returnCode) : last?.cmd === "disconnect" ? last.reasonCode : null; // prettier-ignore
    assert.equal(code ?? null, reason);
    const recorded = loop.recorder.events.slice(before);
    assert.ok(
      recorded.some(({ kind }) => kind === "refuse" || kind === "close"),
      "it is on the record",
    );
    await bystander.say("by/stander", "still here");
    await bystander.until(1);
    await bystander.leave();
  });

/** With or without an error before. */
function closed(stream: Duplex): Promise<unknown> {
  return new Promise((done) => stream.once("close", () => done(null)));
}

/** All that the bus says until it ends the connection. */
async function answersTo(bytes: Buffer): Promise<Packet[]> {
  const socket = connect(loop.port, "127.0.0.1");
  const answers: Packet[] = [];
  // A refusal of MQTT 3.1.1 looks the same as one of 5 but for the properties.
  const [reader, older] = [parser(five), parser({ protocolVersion: 4 })];
  const said: Buffer[] = [];
  socket.on("data", (chunk) => said.push(chunk));
  socket.on("error", () => {});
  socket.write(bytes);
  await closed(socket);
  const all = Buffer.concat(said);
  const used = all[0] === 0x20 && all[1] === 2 ? older : reader;
  used.on("packet", (one) => answers.push(one));
  used.on("error", () => {});
  used.parse(all);
  return answers;
}

test("strangers are few, and have little time", async () => {
  while (loop.server.connections > 0) await new Promise((done) => setImmediate(done));
  const sockets = Array.from({ length: 3 }, () => connect(loop.port, "127.0.0.1"));
  for (const socket of sockets) socket.on("error", () => {});
  while (loop.server.connections < 3) await new Promise((done) => setImmediate(done));
  const fourth = connect(loop.port, "127.0.0.1");
  fourth.on("error", () => {});
  await closed(fourth);
  const allClosed = sockets.map((socket) => closed(socket.resume()));
  loop.ahead += 11_000;
  loop.server.tick();
  await Promise.all(allClosed);
  assert.equal(loop.server.connections, 0);
  assert.equal(loop.bus.events.tally.limits.get("connectMilliseconds"), 3);
});

test("a slow reader stops nobody: QoS 0 is dropped, QoS 1 waits up to the limit, all of it on the record", async () => {
  const own = await new Loopback({ limits: { unsentBytes: 20_000, queuedMessages: 10 } }).start();
  const slow = connect(own.port, "127.0.0.1");
  slow.on("error", () => {});
  slow.write(Buffer.concat([hello(), packet({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "t", qos: 1 }] })])); // prettier-ignore
  await once(slow, "data");
  slow.pause();
  const fast = await own.client("ben");
  await fast.mqtt.subscribeAsync("t");
  const sender = await own.client("ben");
  let sent = 0;
  const reasons = (): Set<string> => new Set(own.recorder.events.map(({ reason }) => reason));
  while (!reasons().has("slow") || !reasons().has("queue full")) {
    await sender.say("t", "x".repeat(10_000), { qos: sent++ % 2 === 0 ? 0 : 1 });
  }
  await fast.until(sent);
  slow.destroy();
  await own.stop();
});

test("who is cut but keeps its side open is gone all the same", async () => {
  const socket = connect({ port: loop.port, host: "127.0.0.1", allowHalfOpen: true });
  const gone = closed(socket);
  socket.on("error", () => {});
  socket.write(Buffer.concat([hello(), hello()]));
  await once(socket.resume(), "end");
  // Nobody ends this side: it goes on until the bus has closed the socket and says so.
  const clock = setInterval(() => socket.write(packet({ cmd: "pingreq" })), 10);
  await gone;
  clearInterval(clock);
});

test("sessions: as many as the limit, and one more is refused", async () => {
  const own = await new Loopback({ limits: { sessions: 2 } }).start();
  const two = [await own.client("ann"), await own.client("ben")];
  await assert.rejects(own.client("ann"), { code: 0x97 });
  await assert.rejects(own.client("ann", { protocolVersion: 4 }), { code: 3 });
  await two[0]?.leave();
  while (own.server.sessions.count > 1) await new Promise((done) => setImmediate(done));
  await (await own.client("ann")).leave();
  await own.stop();
});

test("a client gets no more at once than it takes, and nothing longer", async () => {
  const socket = connect(loop.port, "127.0.0.1");
  const got: Packet[] = [];
  const reader = parser(five);
  let wake = (): void => {};
  reader.on("packet", (one) => {
    got.push(one);
    wake();
  });
  socket.on("data", (chunk) => reader.parse(chunk));
  const until = async (count: number): Promise<void> => {
    while (got.length < count) await new Promise<void>((done) => (wake = done));
  };
  socket.write(hello({ properties: { receiveMaximum: 1, maximumPacketSize: 100 } }));
  socket.write(packet({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "few", qos: 1 }] }));
  await until(2);
  const sender = await loop.client("ben");
  for (const word of ["1", "x".repeat(200), "2"]) await sender.say("few", word, { qos: 1 });
  await until(3);
  socket.write(packet({ cmd: "pingreq" }));
  await until(4);
  assert.equal(got[3]?.cmd, "pingresp", "one is under way, the others wait");
  socket.write(packet({ cmd: "puback", messageId: got[2]?.messageId ?? 0 }));
  await until(5);
  const words = got.flatMap((one) => (one.cmd === "publish" ? [one.payload.toString()] : []));
  assert.deepEqual(words, ["1", "2"]);
  assert.ok(loop.recorder.events.some(({ reason }) => reason === "too large for the client"));
  socket.destroy();
  await sender.leave();
});

test("QoS 2: PUBCOMP before PUBREC ends the connection, and a PUBREC that says no is not answered", async () => {
  const sender = await loop.client("ben");
  for (const [answer, expected] of [
    [packet({ cmd: "pubcomp", messageId: 1 }), ["disconnect"]],
    // It is done with, and another PUBREC for it as well.
    [
      Buffer.concat([raw(0x50, 3, 0, 1, 0x87), raw(0x50, 3, 0, 1, 0x87), packet({ cmd: "pingreq" })]),
      ["pingresp"],
    ],
  ] as const) {
    const socket = connect(loop.port, "127.0.0.1");
    const got: Packet[] = [];
    const reader = parser(five);
    let wake = (): void => {};
    reader.on("packet", (one) => {
      got.push(one);
      wake();
    });
    socket.on("data", (chunk) => reader.parse(chunk));
    socket.write(Buffer.concat([hello(), packet({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "two", qos: 2 }] })])); // prettier-ignore
    const until = async (count: number): Promise<void> => {
      while (got.length < count) await new Promise<void>((done) => (wake = done));
    };
    await until(2);
    await sender.say("two", "word", { qos: 2 });
    await until(3);
    socket.write(answer);
    await until(4);
    assert.deepEqual(got.slice(3).map(({ cmd }) => cmd), expected); // prettier-ignore
    socket.destroy();
  }
  await sender.leave();
});

test("MSG-3: what was sent and not acknowledged is judged again before it is sent again", async () => {
  const stays = { clientId: "again", clean: false, properties: { sessionExpiryInterval: 100 } };
  const socket = connect(loop.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(Buffer.concat([hello(stays), packet({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "again/+", qos: 2 }] })])); // prettier-ignore
  const sender = await loop.client("ben");
  while (loop.bus.counts().subscriptions === 0) await new Promise((done) => setImmediate(done));
  for (const qos of [1, 2] as const) await sender.say(`again/${qos}`, "word", { qos });
  socket.destroy();
  await closed(socket);
  while (loop.server.connections > 1) await new Promise((done) => setImmediate(done));

  // Integrity that the sender does not have is asked for now.
  loop.people.set("ann", contextFromText({ secrecy: [], integrity: ["v"] }));
  const { length: before } = loop.recorder.events;
  const back = await loop.client("ann", stays);
  await back.settled();
  const withheld = loop.recorder.events.slice(before).filter(({ reason }) => reason === "FLOW-2");
  assert.deepEqual([back.words, withheld.length], [[], 2]);
  await back.leave();
  loop.people.set("ann", UNLABELLED);
  const third = await loop.client("ann", stays);
  await third.settled();
  assert.deepEqual(third.words, [], "and it is gone");
  await Promise.all([third.leave(), sender.leave()]);
  const last = await loop.client("ann", { ...stays, clean: true, properties: { sessionExpiryInterval: 0 } });
  await last.leave();
});

test("streams of damaged packets: no crash, no stuck connection, nothing left behind", async () => {
  const good = [
    hello(), hello({ will: { topic: "w", payload: "x", qos: 1 }, properties: { sessionExpiryInterval: 0 } }),
    publish(), publish({ qos: 1, messageId: 1 }), publish({ qos: 2, messageId: 2 }),
    publish({ properties: { topicAlias: 1, userProperties: { a: ["1", "2"] } } }),
    packet({ cmd: "pubrel", messageId: 2 }), packet({ cmd: "puback", messageId: 1 }), packet({ cmd: "pubrec", messageId: 1 }),
    packet({ cmd: "subscribe", messageId: 3, subscriptions: [{ topic: "#", qos: 2 }, { topic: "$share/g/#", qos: 1 }] }),
    packet({ cmd: "unsubscribe", messageId: 4, unsubscriptions: ["#"] }),
    packet({ cmd: "pingreq" }), packet({ cmd: "disconnect", reasonCode: 0 }),
  ]; // prettier-ignore
  const damage = fc.record({
    at: fc.nat(400),
    byte: fc.nat(255),
    what: fc.constantFrom("set", "cut", "add"),
  });
  const stream = fc.record({
    packets: fc.array(fc.constantFrom(...good), { minLength: 1, maxLength: 8 }),
    isMet: fc.boolean(),
    damages: fc.array(damage, { maxLength: 3 }),
    chunk: fc.integer({ min: 1, max: 200 }),
  });
  while (loop.server.connections > 0) await new Promise((done) => setImmediate(done));
  const sessions = loop.server.sessions.count;
  await fc.assert(
    fc.asyncProperty(stream, async ({ packets, isMet, damages, chunk }) => {
      let bytes = Buffer.concat([...(isMet ? [hello()] : []), ...packets]);
      for (const { at, byte, what } of damages) {
        const place = at % (bytes.length || 1);
        if (what === "set") bytes[place] = byte;
        else if (what === "cut") bytes = Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + 1)]);
        else bytes = Buffer.concat([bytes.subarray(0, place), Uint8Array.of(byte), bytes.subarray(place)]);
      }
      const [mine, its] = duplexPair();
      mine.resume();
      mine.on("error", () => {});
      loop.server.accept(its, { transport: "tcp", address: "", socket: its as never });
      for (let at = 0; at < bytes.length && !mine.destroyed && mine.writable; at += chunk)
        mine.write(bytes.subarray(at, at + chunk));
      mine.end();
      await closed(its);
      assert.equal(loop.server.connections, 0);
    }),
    { numRuns: 1500 },
  );
  assert.equal(loop.server.sessions.count, sessions);
  assert.equal(loop.bus.counts().endpoints, 0);
  assert.equal(loop.recorder.events.some(({ reason }) => reason === "the bus failed"), false); // prettier-ignore
});
