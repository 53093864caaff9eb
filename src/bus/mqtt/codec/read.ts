/**
 * Reads a client's packets, MQTT 3.1.1 and 5.
 *
 * Guarantee: a packet is read exactly or not at all: what the protocol forbids in its bytes is Malformed, with the reason
 * code that the protocol names. Each kind of packet is held against what the package mqtt-packet reads (read.test.ts).
 * Not covered: what a packet may say at this moment, which is session.ts and connection.ts.
 */
import type { QoS } from "../../types.ts";
import { Cursor, LastString } from "./cursor.ts";
import { Malformed, REASON } from "./malformed.ts";
import { NO_PROPERTIES, readProperties } from "./properties.ts";
import type { WireProperties } from "./properties.ts";

/** 4 is MQTT 3.1.1. */
export type Version = 4 | 5;

export interface WirePublish {
  readonly kind: "publish";
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly isAgain: boolean;
  /** 0 with QoS 0. */
  readonly id: number;
  readonly properties: WireProperties;
  readonly payload: Buffer;
}

export interface WireWill {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: WireProperties;
}

export interface WireConnect {
  readonly kind: "connect";
  readonly version: Version;
  readonly clientId: string;
  readonly cleanStart: boolean;
  /** Seconds; 0: none. */
  readonly keepAlive: number;
  readonly will: WireWill | null;
  readonly username: string | null;
  readonly password: Buffer | null;
  readonly properties: WireProperties;
}

export interface WireFilter {
  readonly filter: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
}

export type AckKind = "puback" | "pubrec" | "pubrel" | "pubcomp";

export type ClientPacket =
  | WireConnect
  | WirePublish
  | { readonly kind: AckKind; readonly id: number; readonly reason: number }
  | {
      readonly kind: "subscribe";
      readonly id: number;
      readonly identifier: number | undefined;
      readonly filters: readonly WireFilter[];
    }
  | { readonly kind: "unsubscribe"; readonly id: number; readonly filters: readonly string[] }
  | { readonly kind: "pingreq" }
  | { readonly kind: "disconnect"; readonly reason: number; readonly sessionExpiry: number | undefined };

/** Reason codes that a client may give: to a PUBLISH, for a PUBREL or PUBCOMP, and when it leaves (MQTT 5, section 2.4). */
const PUBLISH_REASONS = new Set([0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]);
const RELEASE_REASONS = new Set([0, 0x92]);
const GOODBYES = new Set([0, 4, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99]);

const ACKS: Readonly<Record<number, AckKind>> = { 4: "puback", 5: "pubrec", 6: "pubrel", 7: "pubcomp" };

/**
 * @param header the packet's first byte
 * @param version what CONNECT named; null before it, and then nothing but CONNECT may come
 * @param start where what follows the packet's length begins in `bytes`
 * @param end where it ends
 * @param lastTopic of this client's messages
 * @throws Malformed
 */
export function readPacket(
  header: number,
  bytes: Buffer,
  version: Version | null,
  start = 0,
  end = bytes.length,
  lastTopic = new LastString(),
): ClientPacket {
  const type = header >>> 4;
  const flags = header & 15;
  const cursor = new Cursor(bytes, start, end);
  if ((type === 1) !== (version === null))
    throw new Malformed(REASON.protocol, "CONNECT comes first, and once");
  if (version === null) return exactly(flags, 0, cursor, readConnect(cursor));
  if (type === 3) return readPublish(flags, cursor, version, lastTopic);
  const ack = ACKS[type];
  if (ack !== undefined) return exactly(flags, ack === "pubrel" ? 2 : 0, cursor, readAck(ack, cursor, version)); // prettier-ignore
  if (type === 8) return exactly(flags, 2, cursor, readSubscribe(cursor, version));
  if (type === 10) return exactly(flags, 2, cursor, readUnsubscribe(cursor, version));
  if (type === 12) return exactly(flags, 0, cursor, { kind: "pingreq" });
  if (type === 14) return exactly(flags, 0, cursor, readDisconnect(cursor, version));
  throw new Malformed(REASON.protocol, `a client may not send packet type ${type}`);
}

function exactly(flags: number, expected: number, cursor: Cursor, packet: ClientPacket): ClientPacket {
  if (flags !== expected) throw new Malformed(REASON.malformed, "wrong flags in the first byte");
  cursor.end();
  return packet;
}

function readConnect(cursor: Cursor): WireConnect {
  const protocol = cursor.string();
  const version = cursor.byte();
  if (protocol !== "MQTT" || (version !== 4 && version !== 5))
    throw new Malformed(REASON.version, "expected MQTT 3.1.1 or 5");
  const flags = cursor.byte();
  const willQoS = (flags >>> 3) & 3;
  if ((flags & 1) !== 0) throw new Malformed(REASON.malformed, "reserved flag is set");
  if (willQoS === 3 || ((flags & 4) === 0 && (flags & 0x38) !== 0))
    throw new Malformed(REASON.malformed, "wrong will flags");
  if (version === 4 && (flags & 0x40) !== 0 && (flags & 0x80) === 0)
    throw new Malformed(REASON.malformed, "password without user name");
  const keepAlive = cursor.number16();
  const properties = version === 5 ? readProperties(cursor, "connect") : NO_PROPERTIES;
  const clientId = cursor.string();
  const will = (flags & 4) === 0 ? null : readWill(cursor, version, willQoS as QoS, (flags & 0x20) !== 0);
  const username = (flags & 0x80) === 0 ? null : cursor.string();
  const password = (flags & 0x40) === 0 ? null : cursor.binary();
  return { kind: "connect", version, clientId, cleanStart: (flags & 2) !== 0, keepAlive, will, username, password, properties }; // prettier-ignore
}

function readWill(cursor: Cursor, version: Version, qos: QoS, retain: boolean): WireWill {
  const properties = version === 5 ? readProperties(cursor, "will") : NO_PROPERTIES;
  return { properties, topic: cursor.string(), payload: Buffer.from(cursor.binary()), qos, retain };
}

function readPublish(flags: number, cursor: Cursor, version: Version, lastTopic: LastString): WirePublish {
  const qos = (flags >>> 1) & 3;
  if (qos === 3) throw new Malformed(REASON.malformed, "no such QoS");
  const isAgain = (flags & 8) !== 0;
  if (isAgain && qos === 0) throw new Malformed(REASON.malformed, "QoS 0 is never sent again");
  const topic = cursor.stringAgain(lastTopic);
  const id = qos === 0 ? 0 : readId(cursor);
  const properties = version === 5 ? readProperties(cursor, "publish") : NO_PROPERTIES;
  return { kind: "publish", topic, qos: qos as QoS, retain: (flags & 1) !== 0, isAgain, id, properties, payload: cursor.rest() }; // prettier-ignore
}

function readAck(kind: AckKind, cursor: Cursor, version: Version): ClientPacket {
  const id = readId(cursor);
  const reasons = kind === "puback" || kind === "pubrec" ? PUBLISH_REASONS : RELEASE_REASONS;
  const reason = version === 5 && cursor.left > 0 ? readReason(cursor, reasons) : 0;
  if (version === 5 && cursor.left > 0) readProperties(cursor, "ack");
  return { kind, id, reason };
}

function readSubscribe(cursor: Cursor, version: Version): ClientPacket {
  const id = readId(cursor);
  const properties = version === 5 ? readProperties(cursor, "subscribe") : NO_PROPERTIES;
  const filters: WireFilter[] = [];
  do {
    const filter = cursor.string();
    const options = cursor.byte();
    const [qos, handling] = [options & 3, (options >>> 4) & 3];
    if (qos === 3 || handling === 3 || (options & (version === 5 ? 0xc0 : 0xfc)) !== 0)
      throw new Malformed(REASON.malformed, "wrong subscription options");
    filters.push({
      filter,
      qos: qos as QoS,
      noLocal: (options & 4) !== 0,
      retainAsPublished: (options & 8) !== 0,
      retainHandling: handling as 0 | 1 | 2,
    });
  } while (cursor.left > 0);
  return { kind: "subscribe", id, identifier: properties.subscriptionIdentifier, filters };
}

function readUnsubscribe(cursor: Cursor, version: Version): ClientPacket {
  const id = readId(cursor);
  if (version === 5) readProperties(cursor, "unsubscribe");
  const filters: string[] = [];
  do filters.push(cursor.string());
  while (cursor.left > 0);
  return { kind: "unsubscribe", id, filters };
}

function readDisconnect(cursor: Cursor, version: Version): ClientPacket {
  const reason = version === 5 && cursor.left > 0 ? readReason(cursor, GOODBYES) : 0;
  const properties = version === 5 && cursor.left > 0 ? readProperties(cursor, "disconnect") : NO_PROPERTIES;
  return { kind: "disconnect", reason, sessionExpiry: properties.sessionExpiryInterval };
}

function readReason(cursor: Cursor, allowed: ReadonlySet<number>): number {
  const reason = cursor.byte();
  if (!allowed.has(reason)) throw new Malformed(REASON.protocol, "a reason code that does not belong here");
  return reason;
}

function readId(cursor: Cursor): number {
  const id = cursor.number16();
  if (id === 0) throw new Malformed(REASON.malformed, "packet identifier 0");
  return id;
}
