/**
 * Retained messages: the last of each topic, for those who subscribe later.
 *
 * Guarantee: of one topic there is one for each context, and a publication takes the place of those only to whose context
 * its own flows [FLOW-1] [FLOW-2]: nobody makes disappear what he could not have changed. A receiver gets the newest that
 * it may see.
 * Not covered: that the store is full can be noticed by everybody.
 */
import type { Limits } from "../limits.ts";
import type { Message } from "./message.ts";
import { matches } from "./topic.ts";
import { flows } from "./verdicts.ts";

/** Told of each change, to keep it on disk. */
export interface RetainedStore {
  retained(message: Message): void;
  forgotten(message: Message): void;
}

export class Retained {
  readonly #limits: Pick<Limits, "retained" | "retainedPerPrincipal">;
  readonly #topics = new Map<string, Message[]>();
  readonly #perPrincipal = new Map<string, number>();
  #count = 0;
  #store: RetainedStore | null = null;

  constructor(limits: Pick<Limits, "retained" | "retainedPerPrincipal">) {
    this.#limits = limits;
  }

  /** Changes are told to the store from now on. */
  keepIn(store: RetainedStore): void {
    this.#store = store;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether one more of this principal fits. */
  hasRoom(principal: string): boolean {
    const own = this.#perPrincipal.get(principal) ?? 0;
    return this.#count < this.#limits.retained && own < this.#limits.retainedPerPrincipal;
  }

  /** Keeps a message; one with an empty payload only takes away what it replaces. */
  put(message: Message, isEmpty: boolean): void {
    const { topic, context } = message.facts;
    const before = this.#topics.get(topic) ?? [];
    const stay = before.filter((old) => !flows(context, old.facts.context));
    for (const old of before) if (!stay.includes(old)) this.#forget(old);
    if (!isEmpty) {
      stay.push(message);
      this.#counted(message, 1);
      this.#store?.retained(message);
    }
    if (stay.length > 0) this.#topics.set(topic, stay);
    else this.#topics.delete(topic);
  }

  /** For each topic of the filter, its messages, newest first. */
  *matching(filter: readonly string[], now: number): Generator<readonly Message[]> {
    if (!filter.includes("+") && !filter.includes("#")) {
      const topic = filter.join("/");
      const found = this.#alive(topic, now);
      if (found.length > 0) yield found;
      return;
    }
    for (const topic of this.#topics.keys()) {
      if (!matches(filter, topic)) continue;
      const found = this.#alive(topic, now);
      if (found.length > 0) yield found;
    }
  }

  /** Takes away what has expired, of all topics. */
  sweep(now: number): void {
    for (const topic of this.#topics.keys()) this.#alive(topic, now);
  }

  #alive(topic: string, now: number): readonly Message[] {
    const all = this.#topics.get(topic) ?? [];
    const alive = all.filter((message) => message.facts.expiresAt > now);
    if (alive.length < all.length) {
      for (const message of all) if (!alive.includes(message)) this.#forget(message);
      if (alive.length > 0) this.#topics.set(topic, alive);
      else this.#topics.delete(topic);
    }
    return alive.toReversed();
  }

  #forget(message: Message): void {
    this.#counted(message, -1);
    this.#store?.forgotten(message);
  }

  #counted(message: Message, by: 1 | -1): void {
    const { principal } = message.facts.publisher;
    const own = (this.#perPrincipal.get(principal) ?? 0) + by;
    if (own > 0) this.#perPrincipal.set(principal, own);
    else this.#perPrincipal.delete(principal);
    this.#count += by;
  }
}
