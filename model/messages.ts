/**
 * MSG-1 to MSG-3 as plainly as possible: who sees what of which message. The oracle for src/bus.
 *
 * Written from docs/model.md and the words of the commands, independently of src/bus: everything is looked up in lists
 * that are never tidied, and every question is answered from scratch.
 * Not covered: groups that share a subscription (which member is chosen), limits, QoS (each message once).
 */
import { flow, join } from "./reference.ts";
import type { Context } from "./reference.ts";

/** A type of message: its topic, its own context (null: the sender's), and one for each named attribute. */
export type PlainType = {
  readonly topic: string;
  readonly context: Context | null;
  readonly attributes: Readonly<Record<string, Context>>;
  readonly withheld: "remove" | "refuse";
};

type Member = {
  readonly name: string;
  context: Context;
  relabelled: Context | null;
  glass: { context: Context; until: number } | null;
  isIsolated: boolean;
  privileges: readonly Context[];
  filters: Map<string, "own">;
  /** Not there: what comes waits. */
  isAway: boolean;
  waiting: { message: PlainMessage }[];
  seen: string[];
};

type PlainMessage = {
  readonly topic: string;
  readonly from: string;
  readonly context: Context;
  /** Names of attributes with their contexts; null: untyped, `text` is all. */
  readonly parts: readonly (readonly [string, Context])[] | null;
  readonly text: string;
  readonly refuses: boolean;
};

export class PlainBus {
  readonly members = new Map<string, Member>();
  readonly #types: readonly PlainType[];
  #retained: PlainMessage[] = [];
  #diversions: { filter: string; gate: string }[] = [];
  now = 0;

  constructor(types: readonly PlainType[]) {
    this.#types = types;
  }

  join(name: string, context: Context, privileges: readonly Context[]): void {
    this.members.set(name, {
      name,
      context,
      relabelled: null,
      glass: null,
      isIsolated: false,
      privileges,
      filters: new Map(),
      isAway: false,
      waiting: [],
      seen: [],
    });
  }

  member(name: string): Member {
    return this.members.get(name) as Member;
  }

  /** Null: isolated. */
  contextOf(name: string): Context | null {
    const { isIsolated, relabelled, context, glass } = this.member(name);
    if (isIsolated) return null;
    const own = relabelled ?? context;
    return glass !== null && glass.until > this.now ? join(own, glass.context) : own;
  }

  /** @param names of the attributes; null: `text`, untyped. Gives whether it was let on to the bus. */
  publish(
    from: string,
    topic: string,
    names: readonly string[] | null,
    text: string,
    retain: boolean,
    as: Context | null,
  ): boolean {
    const own = this.contextOf(from);
    if (own === null) return false;
    const may = (wanted: Context): boolean =>
      allows(own, wanted) ||
      this.member(from).privileges.some((one) => allows(one, wanted) && allows(wanted, one));
    const type = names === null ? undefined : this.#types.find((one) => isIn(one.topic, topic));
    if (type === undefined || names === null) {
      const context = as ?? own;
      if (!may(context)) return false;
      this.#pass({ topic, from, context, parts: null, text, refuses: false }, retain);
      return true;
    }
    const context = type.context === null ? (as ?? own) : as === null ? type.context : join(type.context, as);
    if (!may(context)) return false;
    const all = names.map((name) => [name, join(context, type.attributes[name] as Context)] as const);
    const parts = all.filter(([, wanted]) => may(wanted));
    if (parts.length < all.length && (type.withheld === "refuse" || parts.length === 0)) return false;
    this.#pass({ topic, from, context, parts, text: "", refuses: type.withheld === "refuse" }, retain);
    return true;
  }

  subscribe(name: string, filter: string): void {
    if (this.contextOf(name) === null) return;
    this.member(name).filters.set(filter, "own");
    for (const topic of new Set(this.#retained.map((message) => message.topic))) {
      if (!isIn(filter, topic)) continue;
      const newest = this.#retained.filter((message) => message.topic === topic).toReversed();
      const message = newest.find((one) => this.#look(name, one) !== null);
      if (message !== undefined) this.#hand(name, message);
    }
  }

  unsubscribe(name: string, filter: string): void {
    this.member(name).filters.delete(filter);
  }

  away(name: string): void {
    this.member(name).isAway = true;
  }

  back(name: string): void {
    const member = this.member(name);
    member.isAway = false;
    for (const { message } of member.waiting.splice(0)) this.#hand(name, message);
  }

  divert(filter: string, gate: string | null): void {
    this.#diversions = this.#diversions.filter((one) => one.filter !== filter);
    if (gate !== null) this.#diversions.push({ filter, gate });
  }

  #pass(message: PlainMessage, retain: boolean): void {
    if (retain) {
      this.#retained = this.#retained.filter(
        (old) => old.topic !== message.topic || !allows(message.context, old.context),
      );
      if (message.parts !== null || message.text !== "") this.#retained.push(message);
    }
    for (const { name, filters } of this.members.values())
      if ([...filters.keys()].some((filter) => isIn(filter, message.topic))) this.#hand(name, message);
  }

  #hand(name: string, message: PlainMessage): void {
    const member = this.member(name);
    if (member.isAway) {
      member.waiting.push({ message });
      return;
    }
    const seen = this.#look(name, message);
    if (seen !== null) member.seen.push(seen);
  }

  /** What the member would see now. */
  #look(name: string, message: PlainMessage): string | null {
    const own = this.contextOf(name);
    if (own === null || !allows(message.context, own)) return null;
    const diversion = this.#diversions.find(({ filter }) => isIn(filter, message.topic));
    if (diversion !== undefined) {
      if (message.from === diversion.gate && name === diversion.gate) return null;
      if (message.from !== diversion.gate && name !== diversion.gate) return null;
    }
    if (message.parts === null) return `${message.topic} ${message.text}`;
    const cleared = message.parts.filter(([, context]) => allows(context, own)).map(([part]) => part);
    if (cleared.length < message.parts.length && (message.refuses || cleared.length === 0)) return null;
    return `${message.topic} ${JSON.stringify(cleared)}`;
  }
}

function allows(from: Context, to: Context): boolean {
  return flow(from, to) === "allow";
}

/** MQTT's filters as a regular expression. */
export function isIn(filter: string, topic: string): boolean {
  if (/^[+#]/.test(filter) && topic.startsWith("$")) return false;
  const escaped = filter.replace(/[.*?^${}()|[\]\\]/g, "\\$&").replaceAll("+", "[^/]*");
  const pattern = escaped === "#" ? ".*" : escaped.replace(/\/#$/, "(/.*)?");
  return new RegExp(`^${pattern}$`, "s").test(topic);
}
