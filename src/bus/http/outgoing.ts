/**
 * What a receiver sees of a message, as a CloudEvent in JSON on one line.
 *
 * Guarantee: everything that begins with `ifc` was put there by the bus; an id tells nothing of other messages (the bus's own numbers
 * would tell how many were withheld). JSON data stands there with the characters that it has, but for space between them.
 */
import { randomUUID } from "node:crypto";
import { isUtf8 } from "node:buffer";
import type { Message, View } from "../core/message.ts";
import { type LabelText, stamped } from "../labels.ts";
import { readJson } from "../message/json.ts";
import { cutJson } from "../message/json-cut.ts";
import { Positions } from "../message/position.ts";
import { Unfit } from "../message/unfit.ts";
import { isJson } from "./event.ts";

export const TOPIC_ATTRIBUTE = "ifctopic";
const NAME = /^(?!data$|data_base64$|datacontenttype$|ifc)[a-z0-9]{1,64}$/;
const NOWHERE = new Positions(null, []);
/** Of messages that came without: the same for all who get it. */
const ids = new WeakMap<Message, string>();

export function eventText({ message, payload }: View, labels: LabelText): string {
  const { properties, topic } = message.facts;
  const { contentType = null } = properties;
  const ours = [...stamped(message, labels), [TOPIC_ATTRIBUTE, topic] as const];
  const type = contentType === null ? [] : [["datacontenttype", contentType] as const];
  const members = [...attributesOf(message), ...type, ...ours].map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
  );
  return `{${members.join(",")}${dataMember(payload, contentType)}}`;
}

/** What the publisher said, where it is an event; else what the bus says for it. */
function attributesOf(message: Message): readonly (readonly [string, string])[] {
  const { properties, publisher } = message.facts;
  const pairs = (properties.userProperties ?? []).filter(([name]) => NAME.test(name));
  // which of two is meant nobody knows
  const once = pairs.filter(([name]) => pairs.filter(([other]) => other === name).length === 1);
  const given = new Map(once);
  const isEvent =
    given.get("specversion") === "1.0" && ["id", "source", "type"].every((name) => Boolean(given.get(name)));
  if (isEvent) return once;
  const id = ids.get(message) ?? randomUUID();
  ids.set(message, id);
  const made = [["specversion", "1.0"], ["id", id], ["source", `/principals/${encodeURIComponent(publisher.principal)}`], ["type", "csn.message"]] as const; // prettier-ignore
  return [...made, ...once.filter(([name]) => !made.some(([own]) => own === name))];
}

/** With a comma before it, or empty. */
function dataMember(bytes: Uint8Array, contentType: string | null): string {
  if (bytes.length === 0) return "";
  const text = isUtf8(bytes) ? Buffer.from(bytes).toString("utf8") : null;
  const json = text !== null && isJson(contentType) ? oneLine(text) : null;
  if (json !== null) return `,"data":${json}`;
  if (text !== null && !isJson(contentType)) return `,"data":${JSON.stringify(text)}`;
  return `,"data_base64":"${Buffer.from(bytes).toString("base64")}"`;
}

/** null: no JSON that all read the same. */
function oneLine(text: string): string | null {
  try {
    readJson(text, NOWHERE.start());
  } catch (error) {
    if (error instanceof Unfit) return null;
    throw error;
  }
  return /[\r\n]/.test(text) ? (cutJson(text, []) ?? text.replaceAll(/\s/g, "")) : text;
}
