/**
 * Labels and identity as text beside a message: MQTT 5's user properties, CloudEvents' `ifc…` attributes.
 *
 * Guarantee: what a client supplies under these names never reaches a receiver: it is taken off, and the bus puts on what
 * is so. What it supplies as context is a wish, which `Bus.publish` judges.
 */
import { contextKey, parseContextKey } from "../label/index.ts";
import type { Context } from "../label/index.ts";
import type { Message } from "./core/message.ts";

export type Pairs = readonly (readonly [name: string, value: string])[];

/** Every name that begins so, in any case, belongs to the bus. */
const OURS = /^ifc/i;
export const CONTEXT_PROPERTY = "ifccontext";
export const PUBLISHER_PROPERTY = "ifcpublisher";

/** How contexts are written. */
export interface LabelText {
  write(context: Context): string;
  /** @throws an error for what is no context, or names tags that there are not */
  read(text: string): Context;
}

const texts = new WeakMap<Context, string>();

/** The canonical text of src/label, with the tags' ids; written once for each context. */
export const KEYS: LabelText = {
  write(context) {
    let text = texts.get(context);
    if (text === undefined) texts.set(context, (text = contextKey(context)));
    return text;
  },
  read: parseContextKey,
};

/** What a client supplied: the context that it wishes for, and the rest. */
export interface Supplied {
  readonly rest: Pairs;
  readonly as?: Context;
}

/** Takes off what is the bus's. Null: a context was supplied that can't be read, or more than one. */
export function stripped(supplied: Pairs | undefined, labels: LabelText): Supplied | null {
  if (supplied === undefined) return { rest: [] };
  const rest = supplied.filter(([name]) => !OURS.test(name));
  const wished = supplied.filter(([name]) => name.toLowerCase() === CONTEXT_PROPERTY);
  if (wished.length === 0) return { rest };
  if (wished.length > 1) return null;
  try {
    return { rest, as: labels.read(wished[0]?.[1] ?? "") };
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
