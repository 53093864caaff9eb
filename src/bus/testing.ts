/**
 * For the bus's tests: parties, a recorder that remembers, and the plainest of message types. Not part of the product.
 */
import { contextEquals } from "../label/index.ts";
import type { Context } from "../label/index.ts";
import { matches } from "./core/topic.ts";
import type { BusEvent, Classifier, MessageType, Party, Payload, Unreadable } from "./types.ts";

/** A party whose context can be set. */
export class TestParty implements Party {
  readonly principal: string;
  readonly name: string;
  now: Context;
  privileges: readonly Context[] = [];

  constructor(name: string, now: Context, principal = name) {
    this.name = name;
    this.principal = principal;
    this.now = now;
  }

  context(): Context {
    return this.now;
  }

  mayPublishAs(wanted: Context): boolean {
    return this.privileges.some((one) => contextEquals(one, wanted));
  }
}

export class Remembering {
  readonly events: BusEvent[] = [];
  isBroken = false;

  record(event: BusEvent): void {
    if (this.isBroken) throw new Error("the disk is full");
    this.events.push(event);
  }

  kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }
}

export const UNTYPED: Classifier = { typeOf: () => null };

/** What a {@link listType} is made of: one context for each name. */
export interface ListType {
  readonly topic: string;
  readonly context: Context | null;
  readonly attributes: Readonly<Record<string, Context>>;
  readonly withheld: "remove" | "refuse";
}

/** Payloads that are JSON lists of names, each an attribute. */
export function classifierOf(types: readonly ListType[]): Classifier {
  const made = types.map(listType);
  return { typeOf: (topic) => made.find((type) => matches(type.topic.split("/"), topic)) ?? null };
}

function listType({ topic, context, attributes, withheld }: ListType): MessageType {
  return { name: topic, topic, withheld, read: (bytes) => readList(bytes, context, attributes) };
}

function readList(
  bytes: Uint8Array,
  context: Context | null,
  known: ListType["attributes"],
): Payload | Unreadable {
  let names: string[];
  try {
    names = JSON.parse(Buffer.from(bytes).toString()) as string[];
  } catch {
    return { unreadable: "no JSON" };
  }
  if (!names.every((name) => Object.hasOwn(known, name))) return { unreadable: "unknown attribute" };
  const redact = (keep: readonly boolean[]): Uint8Array | null => {
    if (keep.every(Boolean)) return bytes;
    const kept = names.filter((_, at) => keep[at]);
    return kept.length === 0 ? null : Buffer.from(JSON.stringify(kept));
  };
  // One index for each name: names may share a context, which the interface allows to be listed twice for a test.
  return { context, attributes: names.map((name) => known[name] as Context), redact };
}
