/**
 * Labels and identity as text beside a message: MQTT 5's user properties, CloudEvents' `ifc…` attributes.
 *
 * Guarantee: what a client supplies under these names never reaches a receiver: it is taken off, and the bus puts on what
 * is so. What it supplies as context is a wish, which `Bus.publish` judges. A tag that it names and that there is not is answered
 * like one that it may not know of.
 */
import { contextKey, contextOf, integrityOf, LabelError, parseContextKey, parseTagId, secrecyOf } from "../label/index.ts"; // prettier-ignore
import type { Context, TagId } from "../label/index.ts";
import type { Message } from "./core/message.ts";
import type { Party } from "./types.ts";

export type Pairs = readonly (readonly [name: string, value: string])[];

/** Every name that begins so, in any case, belongs to the bus. */
const OURS = /^ifc/i;
export const CONTEXT_PROPERTY = "ifccontext";
export const PUBLISHER_PROPERTY = "ifcpublisher";

/** How contexts are written. */
export interface LabelText {
  write(context: Context): string;
  /** @throws an error for what is no context, or names tags that there are not, or that the sender may not know of */
  read(text: string, sender: Pick<Party, "tagNamed">): Context;
}

/** The reason for the record, where a supplied context is refused. */
export const UNREADABLE = "a context that can't be read, or that names a tag which the sender does not know";

const texts = new WeakMap<Context, string>();

/** The canonical text of src/label, with the tags' ids; written once for each context. */
export const KEYS: LabelText = {
  write(context) {
    let text = texts.get(context);
    if (text === undefined) texts.set(context, (text = contextKey(context)));
    return text;
  },
  read: (text, sender) => (text.includes("/") ? readNames(text, sender) : parseContextKey(text)),
};

/** The same form with names of tags, `S=owner/name;I=`, or names and ids, in any order. @throws LabelError */
function readNames(text: string, sender: Pick<Party, "tagNamed">): Context {
  const [, secrecy, integrity] = /^S=([^;]*);I=([^;]*)$/.exec(text) ?? [];
  if (secrecy === undefined || integrity === undefined) throw unreadable();
  const tags = (label: string): TagId[] => (label === "" ? [] : label.split(",").map(tag));
  const tag = (word: string): TagId => {
    if (!word.includes("/")) return parseTagId(word);
    const found = sender.tagNamed?.(word) ?? null;
    if (found === null) throw unreadable();
    return found;
  };
  return contextOf(secrecyOf(tags(secrecy)), integrityOf(tags(integrity)));
}

function unreadable(): LabelError {
  return new LabelError("E_CONTEXT_KEY", `expected a context, found ${UNREADABLE}`);
}

/** What a client supplied: the context that it wishes for, and the rest. */
export interface Supplied {
  readonly rest: Pairs;
  readonly as?: Context;
}

/** Takes off what is the bus's. Null: a context was supplied that can't be read, or more than one. */
export function stripped(
  supplied: Pairs | undefined,
  labels: LabelText,
  sender: Pick<Party, "tagNamed">,
): Supplied | null {
  if (supplied === undefined) return { rest: [] };
  const rest = supplied.filter(([name]) => !OURS.test(name));
  const wished = supplied.filter(([name]) => name.toLowerCase() === CONTEXT_PROPERTY);
  if (wished.length === 0) return { rest };
  if (wished.length > 1) return null;
  try {
    return { rest, as: labels.read(wished[0]?.[1] ?? "", sender) };
  } catch {
    return null;
  }
}

/** What the bus says of a message: whose it is, and its context. */
export function stamped({ facts }: Message, labels: LabelText): Pairs {
  return [
    [PUBLISHER_PROPERTY, facts.publisher.principal],
    [CONTEXT_PROPERTY, labels.write(facts.context)],
  ];
}
