/**
 * Messages and wills as rows of the store, and back.
 *
 * Guarantee: a message comes back in a context no less secret and no more trusted than it had, and judged by its type as
 * it is now. Whose type is another now, or can't read it any more, does not come back.
 */
import { contextKey, join, parseContextKey } from "../../label/index.ts";
import { Message } from "../core/message.ts";
import type { Facts } from "../core/message.ts";
import type { KeptWill } from "../mqtt/keeper.ts";
import type { Classifier, Properties, QoS } from "../types.ts";

export type Row = Readonly<Record<string, string | number | null | Uint8Array>>;

/** In the order of the table's columns. */
export function messageRow(message: Message): (string | number | null | Uint8Array)[] {
  const { facts, bytes } = message.stored();
  const { number, topic, qos, retain, properties, publisher, context, type, expiresAt } = facts;
  const expires = expiresAt === Infinity ? null : expiresAt;
  return [number, topic, qos, Number(retain), propertiesText(properties), publisher.principal, publisher.name, contextKey(context), type?.name ?? null, expires, bytes]; // prettier-ignore
}

/**
 * @returns why it does not come back, as text, or the message
 * @throws when the row is damaged
 */
export function messageFrom(row: Row, classifier: Classifier): Message | string {
  const { number, topic, qos, retain, expires } = row as Record<string, number> & { topic: string };
  const bytes = Buffer.from(row["bytes"] as Uint8Array);
  const properties = propertiesFrom(row["properties"] as string);
  const publisher = { principal: row["principal"] as string, name: row["name"] as string };
  // Nothing, retained, is untyped under every topic.
  const type = bytes.length === 0 && row["type"] === null ? null : classifier.typeOf(topic);
  if ((type?.name ?? null) !== row["type"]) return "its type is another now";
  const payload = type?.read(bytes) ?? null;
  if (payload !== null && "unreadable" in payload) return payload.unreadable;

  const stored = parseContextKey(row["context"] as string);
  const context = payload?.context ? join(stored, payload.context) : stored;
  const facts: Facts = {
    number: number as number,
    topic,
    qos: qos as QoS,
    retain: retain === 1,
    properties,
    publisher,
    context,
    type,
    expiresAt: expires ?? Infinity,
  };
  return new Message(facts, bytes, payload);
}

/** In the order of the table's columns. */
export function willRow(will: KeptWill): (string | number | null | Uint8Array)[] {
  const { key, publication, delay, known, isLocal, at } = will;
  const { topic, payload, properties = {}, qos = 0, retain = false, as } = publication;
  const asked = as === undefined ? null : contextKey(as);
  return [key, topic, qos, Number(retain), propertiesText(properties), asked, payload, delay, contextKey(known), Number(isLocal), at]; // prettier-ignore
}

/** @throws when the row is damaged */
export function willFrom(row: Row): KeptWill {
  const asked = row["asked"] as string | null;
  return {
    key: row["session"] as string,
    publication: {
      topic: row["topic"] as string,
      payload: Buffer.from(row["bytes"] as Uint8Array),
      properties: propertiesFrom(row["properties"] as string),
      qos: row["qos"] as QoS,
      retain: row["retain"] === 1,
      ...(asked === null ? {} : { as: parseContextKey(asked) }),
    },
    delay: row["delay"] as number,
    known: parseContextKey(row["known"] as string),
    isLocal: row["local"] === 1,
    at: row["due"] as number | null,
  };
}

function propertiesText({ correlationData, ...others }: Properties): string {
  const data = correlationData && { correlationData: Buffer.from(correlationData).toString("base64") };
  return JSON.stringify({ ...others, ...data });
}

function propertiesFrom(text: string): Properties {
  const { correlationData, ...others } = JSON.parse(text) as Properties & { correlationData?: string };
  const data =
    correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData, "base64") };
  return { ...others, ...data };
}
