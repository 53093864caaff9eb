/**
 * What is read and written, against the package mqtt-packet: whatever one writes, the other reads the same, and what our
 * reader accepts of damaged packets, the package reads the same as well.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { generate, parser } from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import { UNLABELLED } from "../../../label/index.ts";
import { Message, View } from "../../core/message.ts";
import { KEYS } from "../../labels.ts";
import { LastString } from "./cursor.ts";
import { Frames } from "./frames.ts";
import { Malformed } from "./malformed.ts";
import { readPacket } from "./read.ts";
import type { ClientPacket, Version } from "./read.ts";
import { writePublish } from "./write.ts";

const word = fc.string({ unit: "grapheme", maxLength: 12 }).filter((text) => !text.includes("\0"));
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const qos = fc.constantFrom(0, 1, 2);
const id = fc.integer({ min: 1, max: 65_535 });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const optional = <T>(record: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T, never>(record, { requiredKeys: [] });
const userProperties = fc.dictionary(word, fc.oneof(word, fc.array(word, { minLength: 2, maxLength: 3 })), { maxKeys: 3, noNullPrototype: true }); // prettier-ignore
const ofMessage = { payloadFormatIndicator: fc.boolean(), messageExpiryInterval: u32, contentType: word, responseTopic: word.filter((text) => !/[+#]/.test(text)), correlationData: bytes, userProperties }; // prettier-ignore
const will = fc.record({ topic: word.filter(Boolean), payload: bytes.filter((one) => one.length > 0), qos, retain: fc.boolean(), properties: optional({ ...ofMessage, willDelayInterval: u32 }) }); // prettier-ignore
const subscription = fc.record({ topic: word, qos, nl: fc.boolean(), rap: fc.boolean(), rh: qos });

const packet = fc.oneof(
  fc
    .record({
      cmd: fc.constant("connect"),
      clientId: word.filter(Boolean),
      clean: fc.boolean(),
      keepalive: fc.integer({ min: 0, max: 65_535 }),
      username: word.filter(Boolean),
      password: bytes,
      properties: optional({
        sessionExpiryInterval: u32,
        receiveMaximum: id,
        maximumPacketSize: u32.filter(Boolean),
        topicAliasMaximum: id,
        requestResponseInformation: fc.boolean(),
        requestProblemInformation: fc.boolean(),
        userProperties,
      }),
      will: fc.option(will),
    }),
  fc.record({ cmd: fc.constant("publish"), topic: word, payload: bytes, qos, retain: fc.boolean(), messageId: id, properties: optional({ ...ofMessage, topicAlias: id }) }), // prettier-ignore
  fc.record({ cmd: fc.constantFrom("puback", "pubrec"), messageId: id, reasonCode: fc.constantFrom(0, 0x10, 0x87) }),
  fc.record({ cmd: fc.constantFrom("pubrel", "pubcomp"), messageId: id, reasonCode: fc.constantFrom(0, 0x92) }),
  fc.record({ cmd: fc.constant("subscribe"), messageId: id, subscriptions: fc.array(subscription, { minLength: 1, maxLength: 3 }), properties: optional({ subscriptionIdentifier: fc.integer({ min: 1, max: 268_435_455 }), userProperties }) }), // prettier-ignore
  fc.record({ cmd: fc.constant("unsubscribe"), messageId: id, unsubscriptions: fc.array(word, { minLength: 1, maxLength: 3 }), properties: fc.record({ userProperties }) }), // prettier-ignore
  fc.record({ cmd: fc.constant("pingreq") }),
  fc.record({ cmd: fc.constant("disconnect"), reasonCode: fc.constantFrom(0, 4, 0x81), properties: optional({ sessionExpiryInterval: u32, reasonString: word }) }), // prettier-ignore
); // prettier-ignore
const version = fc.constantFrom<Version>(4, 5);

/** A packet of the package's that it can write. */
function written(one: object, protocolVersion: Version): Buffer {
  const isConnect = "cmd" in one && one.cmd === "connect";
  return generate({ ...one, ...(isConnect ? { protocolVersion } : {}) } as Packet, { protocolVersion });
}

function frameOf(buffer: Buffer): { header: number; body: Buffer } {
  const found: { header: number; body: Buffer }[] = [];
  new Frames(1 << 20).push(buffer, (header, all, start, end) => found.push({ header, body: all.subarray(start, end) }), () => false); // prettier-ignore
  assert.equal(found.length, 1);
  return found[0] as { header: number; body: Buffer };
}

function ours(buffer: Buffer, spoken: Version): ClientPacket {
  const { header, body } = frameOf(buffer);
  return readPacket(header, body, header >>> 4 === 1 ? null : spoken);
}

function theirs(buffer: Buffer, protocolVersion: Version): Packet | null {
  let read: Packet | null = null;
  let isWrong = false;
  const reader = parser({ protocolVersion });
  reader.on("packet", (one) => {
    read = one;
  });
  reader.on("error", () => {
    isWrong = true;
  });
  reader.parse(buffer);
  return isWrong ? null : read;
}

/** Both as the same plain text. */
function assertSame(mine: ClientPacket, other: Packet): void {
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));
  const properties = (wire: { userProperties?: [string, string][] } | undefined): unknown => {
    if (wire === undefined) return {};
    // Names may be any text, also those that every object has.
    const grouped = Object.create(null) as Record<string, string | string[]>;
    for (const [name, value] of wire.userProperties ?? []) {
      // The package takes an empty value for none, and forgets it when another follows.
      const before = grouped[name];
      grouped[name] = !before ? value : Array.isArray(before) ? [...before, value] : [before, value];
    }
    return plain({ ...wire, ...(wire.userProperties ? { userProperties: grouped } : {}) });
  };
  const { kind } = mine;
  assert.equal(kind, other.cmd);
  if (mine.kind === "publish" && other.cmd === "publish") {
    const { topic, payload, qos: quality, retain, dup } = other;
    assert.deepEqual([mine.topic, mine.payload.toString("hex"), mine.qos, mine.retain, mine.isAgain], [topic, (payload as Buffer).toString("hex"), quality, retain, dup]); // prettier-ignore
    assert.deepEqual(properties(mine.properties), plain(other.properties ?? {}));
  } else if (mine.kind === "connect" && other.cmd === "connect") {
    const expected = [other.clientId, other.clean, other.keepalive, other.username ?? null, other.password?.toString("hex")]; // prettier-ignore
    assert.deepEqual([mine.clientId, mine.cleanStart, mine.keepAlive, mine.username, mine.password?.toString("hex")], expected); // prettier-ignore
    assert.deepEqual(properties(mine.properties), plain(other.properties ?? {}));
    assert.deepEqual(mine.will && [mine.will.topic, mine.will.payload.toString("hex"), mine.will.qos, mine.will.retain, properties(mine.will.properties)], other.will ? [other.will.topic, (other.will.payload as Buffer).toString("hex"), other.will.qos, other.will.retain, plain(other.will.properties ?? {})] : null); // prettier-ignore
  } else if (mine.kind === "subscribe" && other.cmd === "subscribe") {
    assert.deepEqual(mine.filters.map(({ filter }) => filter), other.subscriptions.map(({ topic }) => topic)); // prettier-ignore
    assert.deepEqual(mine.filters.map(({ qos: quality }) => quality), other.subscriptions.map((one) => one.qos)); // prettier-ignore
    assert.equal(mine.identifier, other.properties?.subscriptionIdentifier);
  } else if (mine.kind === "unsubscribe" && other.cmd === "unsubscribe") {
    assert.deepEqual(mine.filters, other.unsubscriptions);
  } else if ("id" in mine) {
    assert.equal(mine.id, other.messageId);
  }
}

test("what the package writes is read the same by both", () => {
  fc.assert(
    fc.property(packet, version, (one, spoken) => {
      const buffer = written(one, spoken);
      const read = theirs(buffer, spoken);
      // The package writes what it then doesn't read (a reason code where MQTT 3.1.1 has none): not our matter.
      if (read !== null) assertSame(ours(buffer, spoken), read);
    }),
    { numRuns: 3000 },
  );
});

test("of damaged packets, what is accepted is read the same by both, and the rest is Malformed and nothing else", () => {
  let accepted = 0;
  let refused = 0;
  const damage = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(packet, version, damage, (one, spoken, changes) => {
      const buffer = written(one, spoken);
      if (theirs(buffer, spoken) === null) return;
      const { header, body } = frameOf(buffer);
      for (const [at, byte] of changes) if (body.length > 0) body[at % body.length] = byte;
      let mine: ClientPacket;
      try {
        mine = readPacket(header, body, header >>> 4 === 1 ? null : spoken);
      } catch (error) {
        assert.ok(error instanceof Malformed);
        refused++;
        return;
      }
      const read = theirs(buffer, mine.kind === "connect" ? mine.version : spoken);
      if (read === null) return;
      accepted++;
      assertSame(mine, read);
    }),
    { numRuns: 6000 },
  );
  assert.ok(accepted > 1000 && refused > 1000, `${accepted} accepted, ${refused} refused`);
});

test("random bytes are Malformed or a packet, never anything else", () => {
  fc.assert(
    fc.property(fc.nat(255), fc.uint8Array({ maxLength: 60 }), fc.option(version), (header, body, spoken) => {
      try {
        readPacket(header, Buffer.from(body), spoken);
      } catch (error) {
        assert.ok(error instanceof Malformed);
      }
    }),
    { numRuns: 5000 },
  );
});

test("frames do not depend on how the bytes were cut", () => {
  const frame = fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 300 }));
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 6 }), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (all, cuts) => {
      const stream = Buffer.concat(
        all.map(([header, body]) =>
          Buffer.concat([
            Uint8Array.of(header, ...(body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7])),
            body,
          ]),
        ),
      );
      const got: [number, string][] = [];
      const frames = new Frames(1000);
      for (let at = 0, n = 0; at < stream.length; n++) {
        const end = Math.min(stream.length, at + (cuts[n % cuts.length] as number));
        const chunk = Buffer.from(stream.subarray(at, end));
        frames.push(chunk, (header, held, from, to) => got.push([header, held.toString("hex", from, to)]), () => false); // prettier-ignore
        at = end;
      }
      assert.equal(frames.held, 0);
      assert.deepEqual(got, all.map(([header, body]) => [header, Buffer.from(body).toString("hex")])); // prettier-ignore
    }),
  );
}); // prettier-ignore

test("a length is refused before anything is kept: too long, not the shortest form, more than four bytes", () => {
  const push = (...start: number[]) =>
    new Frames(100).push(Buffer.from(start), () => assert.fail(), () => false); // prettier-ignore
  assert.doesNotThrow(() => push(0x30, 98));
  assert.throws(() => push(0x30, 99), { reason: 0x95 });
  assert.throws(() => push(0x30, 0xff, 0xff, 0xff, 0x7f), { reason: 0x95 });
  assert.throws(() => push(0x30, 0x80, 0), { reason: 0x81 });
  assert.throws(() => push(0x30, 0xff, 0xff, 0xff, 0xff), { reason: 0x81 });
});

test("what is written to each receiver is read by the package, and user properties keep their order", () => {
  const pairs = fc.array(fc.tuple(word, word), { maxLength: 4 });
  const record = fc.record({ topic: word, payload: bytes, properties: optional({ ...ofMessage, userProperties: pairs }), expires: fc.boolean() }); // prettier-ignore
  const sending = fc.record({ version, qos: fc.constantFrom(0 as const, 1 as const, 2 as const), id, retain: fc.boolean(), again: fc.boolean(), identifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 2 }) }); // prettier-ignore
  fc.assert(
    fc.property(record, fc.array(sending, { minLength: 1, maxLength: 4 }), ({ topic, payload, properties, expires }, sendings) => {
      const { messageExpiryInterval: _, ...others } = properties;
      const expiresAt = expires ? 10_000 : Infinity;
      const facts = { number: 1, topic, qos: 2 as const, retain: false, properties: others, publisher: { principal: "p", name: "n" }, context: UNLABELLED, type: null, expiresAt };
      const view = new View(new Message(facts, payload, null), payload, 0);
      for (const one of sendings) {
        const isAgain = one.again && one.qos > 0;
        const buffer = writePublish(view, { ...one, isAgain }, KEYS, 5000);
        const read = theirs(buffer, one.version);
        assert.ok(read?.cmd === "publish");
        const got = [read.topic, (read.payload as Buffer).toString("hex"), read.qos, read.retain, read.dup];
        assert.deepEqual(got, [topic, payload.toString("hex"), one.qos, one.retain, isAgain]);
        if (one.qos > 0) assert.equal(read.messageId, one.id);
        if (one.version === 4) continue;
        assert.equal(read.properties?.messageExpiryInterval, expires ? 5 : undefined);
        assert.deepEqual([read.properties?.subscriptionIdentifier ?? []].flat(), one.identifiers);
        const again = one.identifiers.length === 0 ? ours(buffer, 5) : null;
        if (again?.kind === "publish")
          assert.deepEqual(again.properties.userProperties, [...(others.userProperties ?? []), ["ifcpublisher", "p"], ["ifccontext", "S=;I="]]);
      }
    }),
  );
}); // prettier-ignore

test("names of user properties may be those that every object has", () => {
  for (const name of ["__proto__", "valueOf", "constructor"]) {
    const named = Object.fromEntries([[name, "1"]]);
    const buffer = written(
      { cmd: "publish", topic: "t", payload: "", qos: 0, properties: { userProperties: named } },
      5,
    );
    const read = ours(buffer, 5);
    assert.deepEqual(read.kind === "publish" && read.properties.userProperties, [[name, "1"]]);
  }
});

test("a topic that comes again is the same string, and one that differs in one byte is not", () => {
  const text = fc.array(fc.constantFrom("a", "b", "é", "/"), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("")); // prettier-ignore
  fc.assert(
    fc.property(fc.array(fc.tuple(text, bytes), { maxLength: 10 }), (said) => {
      const last = new LastString();
      for (const [topic, payload] of said) {
        const whole = Buffer.from(generate({ cmd: "publish", topic, payload, qos: 0, dup: false, retain: false })); // prettier-ignore
        const read = readPacket(0x30, whole, 4, 2, whole.length, last);
        whole.fill(0xff);
        assert.ok(read.kind === "publish");
        assert.deepEqual([read.topic, read.payload], [topic, payload]);
      }
    }),
  );
});

test("a topic that is cut short is no topic, whatever came before", () => {
  const last = new LastString();
  assert.ok(readPacket(0x30, Buffer.from([0, 2, 97, 98]), 4, 0, 4, last));
  assert.throws(() => readPacket(0x30, Buffer.from([0, 2, 97, 98]), 4, 0, 3, last), { reason: 0x81 });
  assert.throws(() => readPacket(0x30, Buffer.from([0]), 4, 0, 1, last), { reason: 0x81 });
  const empty = new LastString();
  assert.throws(() => readPacket(0x30, Buffer.from([0, 0]), 4, 0, 1, empty), { reason: 0x81 });
});
