/**
 * Messages as rows of the store, and back.
 *
 * Guarantee: a message comes back in a context no less secret and no more trusted than it had, and judged by its type as
 * it is now. Whose type is another now, or can't read it any more, does not come back.
 */
import { contextKey, join, parseContextKey } from "../../label/index.ts";
import { Message } from "../core/message.ts";
import type { Facts } from "../core/message.ts";
import type { Classifier, Properties, QoS } from "../types.ts";

export type Row = Readonly<Record<string, string | number | null | Uint8Array>>;

/** In the order of the table's columns. */
export function messageRow(message: Message): (string | number | null | Uint8Array)[] {
  const { facts, bytes } = message.stored();
  const { number, topic, qos, retain, properties, publisher, context, type, expiresAt } = facts;
  const { correlationData, ...others } = properties;
  const written = { ...others, ...(correlationData && { correlationData: Buffer.from(correlationData).toString("base64") }) }; // prettier-ignore
  const expires = expiresAt === Infinity ? null : expiresAt;
  return [number, topic, qos, Number(retain), JSON.stringify(written), publisher.principal, publisher.name, contextKey(context), type?.name ?? null, expires, bytes]; // prettier-ignore
}

/**
 * @returns why it does not come back, as text, or the message
 * @throws when the row is damaged
 */
export function messageFrom(row: Row, classifier: Classifier): Message | string {
  const { number, topic, qos, retain, expires } = row as Record<string, number> & { topic: string };
  const bytes = Buffer.from(row["bytes"] as Uint8Array);
  const { correlationData, ...others } = JSON.parse(row["properties"] as string) as Properties & {
    correlationData?: string;
  };
  const properties = { ...others, ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData, "base64") }) }; // prettier-ignore
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
