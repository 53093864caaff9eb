/**
 * Writes the bus's packets.
 *
 * Guarantee: a message is written once for each version of the protocol and each class of receivers (a View); receivers
 * differ in the first byte and the packet identifier alone, unless it expires or has subscription identifiers.
 */
import { generate, writeToStream } from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import type { View } from "../../core/message.ts";
import { stamped } from "../../labels.ts";
import type { LabelText } from "../../labels.ts";
import type { QoS } from "../../types.ts";
import { writeProperties } from "./properties.ts";
import type { MessageProperties } from "./properties.ts";
import type { AckKind, Version } from "./read.ts";
import { Writer } from "./writer.ts";

// Otherwise the package makes 65,536 buffers when it is first used.
writeToStream.cacheNumbers = false;

// Used for one frame after another, and never kept.
const frame = new Writer();
const section = new Writer();

/** How one receiver gets a message. */
export interface Sending {
  readonly version: Version;
  readonly qos: QoS;
  /** 0 with QoS 0. */
  readonly id: number;
  readonly retain: boolean;
  readonly isAgain: boolean;
  readonly identifiers: readonly number[];
}

/** @param now milliseconds since 1970, from which the rest of the message's time is told; not used where it does not expire */
export function writePublish(view: View, sending: Sending, labels: LabelText, now: number): Buffer {
  const { version, qos, id, retain, isAgain, identifiers } = sending;
  const isSame = version === 4 || (identifiers.length === 0 && view.message.facts.expiresAt === Infinity);
  const place = (version === 5 ? 2 : 0) + (qos > 0 ? 1 : 0);
  let made = isSame ? view.frames[place] : undefined;
  if (made === undefined) {
    made = writeFrame(view, version, qos > 0, identifiers, labels, now);
    if (isSame) view.frames[place] = made;
  }
  if (qos === 0 && !retain) return made;

  const own = Buffer.from(made);
  own[0] = 0x30 | (isAgain ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  if (qos > 0) own.writeUInt16BE(id, idPlace(own));
  return own;
}

function writeFrame(
  view: View,
  version: Version,
  hasId: boolean,
  identifiers: readonly number[],
  labels: LabelText,
  now: number,
): Buffer {
  const { message, payload } = view;
  const { topic } = message.facts;
  section.clear();
  if (version === 5) writeProperties(propertiesOf(view, identifiers, labels, now), section);
  const topicBytes = Buffer.byteLength(topic);
  const length = 2 + topicBytes + (hasId ? 2 : 0) + payload.length;
  frame.clear().byte(0x30);
  if (version === 4) frame.variable(length).string(topic);
  else frame.variable(length + lengthOf(section.length) + section.length).string(topic);
  if (hasId) frame.number16(0);
  if (version === 5) frame.variable(section.length).bytes(section.written());
  return frame.bytes(payload).taken();
}

/** Bytes that a number takes. */
function lengthOf(value: number): number {
  if (value < 128) return 1;
  if (value < 128 ** 2) return 2;
  return value < 128 ** 3 ? 3 : 4;
}

function propertiesOf(
  { message }: View,
  subscriptionIdentifiers: readonly number[],
  labels: LabelText,
  now: number,
): MessageProperties {
  const { properties, expiresAt } = message.facts;
  return {
    ...properties,
    subscriptionIdentifiers,
    messageExpiryInterval:
      expiresAt === Infinity ? undefined : Math.max(1, Math.ceil((expiresAt - now) / 1000)),
    userProperties: [...(properties.userProperties ?? []), ...stamped(message, labels)],
  };
}

/** Where the packet identifier stands: after the length and the topic. */
function idPlace(publish: Buffer): number {
  let at = 1;
  while ((publish[at] as number) >= 128) at++;
  return at + 3 + publish.readUInt16BE(at + 1);
}

const ACK_BYTES: Readonly<Record<AckKind, number>> = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 }; // prettier-ignore

/** An acknowledgement; MQTT 3.1.1 has no reason in it. */
export function writeAck(kind: AckKind, id: number, version: Version, reason: number, text = ""): Buffer {
  if (version === 4 || reason === 0) return Buffer.from([ACK_BYTES[kind], 2, id >>> 8, id & 255]);
  const properties = text === "" ? {} : { properties: { reasonString: text } };
  return write({ cmd: kind, messageId: id, reasonCode: reason, ...properties }, version);
}

/** Any other packet, by the package. */
export function write(packet: Packet, version: Version): Buffer {
  return generate(packet, { protocolVersion: version });
}
