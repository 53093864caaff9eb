/**
 * A message that is on the bus, with its context and its attributes' contexts.
 *
 * Guarantee: every attribute is at least as secret and at most as trusted as the message [MSG-1]. The payload leaves it
 * only by `viewFor`, which judges a clearance (and for the store on disk, by `stored`), and each distinct set of
 * attributes is written out once.
 */
import { checkFlow, flowsTo, join } from "../../label/index.ts";
import type { Context } from "../../label/index.ts";
import type { MessageType, Payload, Properties, QoS, Who } from "../types.ts";
import { flows } from "./verdicts.ts";

/** What one class of receivers sees: those who are cleared for the same attributes. */
export class View {
  readonly message: Message;
  readonly payload: Uint8Array;
  /** How many distinct contexts' attributes were taken out. */
  readonly removed: number;
  /** What carriers keep with it: the bytes in their own formats, so that each is made once. */
  readonly frames: (Buffer | undefined)[] = [undefined, undefined, undefined, undefined];

  constructor(message: Message, payload: Uint8Array, removed: number) {
    this.message = message;
    this.payload = payload;
    this.removed = removed;
  }
}

export interface Facts {
  readonly number: number;
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: Properties;
  readonly publisher: Who;
  readonly context: Context;
  readonly type: MessageType | null;
  /** Milliseconds since 1970; Infinity: never. */
  readonly expiresAt: number;
}

const NONE: readonly Context[] = [];

export class Message {
  readonly facts: Facts;
  /** In bytes, for the limits on queues. */
  readonly size: number;
  readonly #bytes: Uint8Array;
  readonly #payload: Payload | null;
  readonly #attributes: readonly Context[];
  /** By which attributes are kept; made when the first is taken out. */
  #views: Map<string, View | null> | null = null;
  readonly #whole: View;

  /**
   * @param payload what the type read from `bytes`; null for an untyped message
   * @throws LabelError E_LABEL_TOO_LONG when message and attribute together have too many tags
   */
  constructor(facts: Facts, bytes: Uint8Array, payload: Payload | null) {
    this.facts = facts;
    this.size = bytes.length + 200;
    this.#bytes = bytes;
    this.#payload = payload;
    this.#attributes = payload === null ? NONE : attributesWithin(facts.context, payload);
    this.#whole = new View(this, bytes, 0);
  }

  /** Contexts of the attributes, in the type's order. */
  get attributes(): readonly Context[] {
    return this.#attributes;
  }

  /** Judges a receiver [MSG-3]: what it sees, or the rule or reason for which it sees nothing. */
  viewFor(clearance: Context): View | string {
    const { context, type } = this.facts;
    if (!flows(context, clearance)) return checkFlow(context, clearance)?.rule ?? "failed";
    if (this.#attributes.length === 0) return this.#whole;
    if (this.#attributes.every((attribute) => flows(attribute, clearance))) return this.#whole;
    if (type?.withheld === "refuse") return "MSG-2";
    return this.#viewOf(this.#attributes.map((attribute) => flows(attribute, clearance))) ?? "MSG-2";
  }

  #viewOf(keep: readonly boolean[]): View | null {
    const set = keep.map(Number).join("");
    this.#views ??= new Map();
    const known = this.#views.get(set);
    if (known !== undefined) return known;
    const payload = this.#payload?.redact(keep) ?? null;
    const removed = keep.filter((isKept) => !isKept).length;
    const view = payload === null ? null : new View(this, payload, removed);
    this.#views.set(set, view);
    return view;
  }

  /** For the store on disk alone, which belongs to the platform. */
  stored(): { readonly facts: Facts; readonly bytes: Uint8Array } {
    return { facts: this.facts, bytes: this.#bytes };
  }
}

/** The attributes' contexts, none less secret or more trusted than the message. [MSG-1] */
export function attributesWithin(context: Context, payload: Payload): Context[] {
  return payload.attributes.map((attribute) =>
    flowsTo(context, attribute) ? attribute : join(context, attribute),
  );
}
