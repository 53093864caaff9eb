/**
 * MQTT 5's properties (section 2.2.2): which there are, where each may stand, and how each is written.
 *
 * Guarantee: a property that may not stand in its packet, stands there twice, or has a value out of its range ends the
 * connection. The order of user properties is kept.
 */
import { Cursor } from "./cursor.ts";
import { Malformed, REASON } from "./malformed.ts";
import type { Writer } from "./writer.ts";

export interface WireProperties {
  payloadFormatIndicator?: boolean;
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  subscriptionIdentifier?: number;
  sessionExpiryInterval?: number;
  authenticationMethod?: string;
  authenticationData?: Buffer;
  requestProblemInformation?: boolean;
  willDelayInterval?: number;
  requestResponseInformation?: boolean;
  reasonString?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumPacketSize?: number;
  userProperties?: [name: string, value: string][];
}

/** Where properties stand, coming from a client. */
export type Place = "connect" | "will" | "publish" | "subscribe" | "unsubscribe" | "ack" | "disconnect";

type Kind = "flag" | "number16" | "number32" | "variable" | "string" | "binary";
type Name = Exclude<keyof WireProperties, "userProperties">;
interface Known {
  readonly name: Name;
  readonly kind: Kind;
  readonly places: readonly Place[];
  readonly isPositive?: boolean;
}

const message: readonly Place[] = ["will", "publish"];
const connect: readonly Place[] = ["connect"];
const USER = 38;

const KNOWN: Readonly<Record<number, Known>> = {
  1: { name: "payloadFormatIndicator", kind: "flag", places: message },
  2: { name: "messageExpiryInterval", kind: "number32", places: message },
  3: { name: "contentType", kind: "string", places: message },
  8: { name: "responseTopic", kind: "string", places: message },
  9: { name: "correlationData", kind: "binary", places: message },
  11: { name: "subscriptionIdentifier", kind: "variable", places: ["subscribe"], isPositive: true },
  17: { name: "sessionExpiryInterval", kind: "number32", places: ["connect", "disconnect"] },
  21: { name: "authenticationMethod", kind: "string", places: connect },
  22: { name: "authenticationData", kind: "binary", places: connect },
  23: { name: "requestProblemInformation", kind: "flag", places: connect },
  24: { name: "willDelayInterval", kind: "number32", places: ["will"] },
  25: { name: "requestResponseInformation", kind: "flag", places: connect },
  31: { name: "reasonString", kind: "string", places: ["ack", "disconnect"] },
  33: { name: "receiveMaximum", kind: "number16", places: connect, isPositive: true },
  34: { name: "topicAliasMaximum", kind: "number16", places: connect },
  35: { name: "topicAlias", kind: "number16", places: ["publish"] },
  39: { name: "maximumPacketSize", kind: "number32", places: connect, isPositive: true },
};

/** What a packet without properties has. */
export const NO_PROPERTIES: Readonly<WireProperties> = Object.freeze({});

/** @throws Malformed */
export function readProperties(packet: Cursor, place: Place): WireProperties {
  const length = packet.variable();
  if (length === 0) return NO_PROPERTIES;
  const read: WireProperties = {};
  const cursor = new Cursor(packet.part(length));
  while (cursor.left > 0) {
    const id = cursor.byte();
    if (id === USER) {
      (read.userProperties ??= []).push([cursor.string(), cursor.string()]);
      continue;
    }
    const known = KNOWN[id];
    if (known === undefined) throw new Malformed(REASON.malformed, `unknown property ${id}`);
    // MQTT 5, section 2.2.2.2: what does not belong to the packet is malformed, what comes twice breaks the protocol.
    if (!known.places.includes(place))
      throw new Malformed(REASON.malformed, `${known.name} may not stand here`);
    if (known.name in read) throw new Malformed(REASON.protocol, `${known.name} stands here twice`);
    const value = readValue(cursor, known.kind);
    if (known.isPositive === true && value === 0)
      throw new Malformed(REASON.protocol, `${known.name} may not be 0`);
    if (known.name === "responseTopic" && /[+#]/.test(value as string))
      throw new Malformed(REASON.protocol, "wildcard in a response topic");
    Object.assign(read, { [known.name]: value });
  }
  return read;
}

function readValue(cursor: Cursor, kind: Kind): boolean | number | string | Buffer {
  if (kind !== "flag") return cursor[kind]();
  const byte = cursor.byte();
  if (byte > 1) throw new Malformed(REASON.protocol, "expected 0 or 1");
  return byte === 1;
}

/** What the bus writes with a message. */
export interface MessageProperties {
  readonly payloadFormatIndicator?: boolean | undefined;
  readonly messageExpiryInterval?: number | undefined;
  readonly contentType?: string | undefined;
  readonly responseTopic?: string | undefined;
  readonly correlationData?: Uint8Array | undefined;
  readonly subscriptionIdentifiers?: readonly number[];
  readonly userProperties?: readonly (readonly [name: string, value: string])[];
}

/** A message's properties, without their length. */
export function writeProperties(properties: MessageProperties, into: Writer): void {
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic, correlationData } =
    properties;
  if (payloadFormatIndicator !== undefined) into.byte(1).byte(Number(payloadFormatIndicator));
  if (messageExpiryInterval !== undefined) into.byte(2).number32(messageExpiryInterval);
  if (contentType !== undefined) into.byte(3).string(contentType);
  if (responseTopic !== undefined) into.byte(8).string(responseTopic);
  if (correlationData !== undefined) into.byte(9).number16(correlationData.length).bytes(correlationData);
  for (const identifier of properties.subscriptionIdentifiers ?? []) into.byte(11).variable(identifier);
  for (const [name, value] of properties.userProperties ?? []) into.byte(USER).string(name).string(value);
}
