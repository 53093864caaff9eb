/**
 * Wills: what is published for clients that left without a word (MQTT 5, section 3.1.2.5).
 *
 * Guarantee: a will is published once its time has come, unless its client said goodbye or came back before; also when the bus
 * was killed meanwhile, for then every client has left. It is as secret as its client was when it connected, whenever it was
 * looked at since (each second), when it left, and when the will is published, and no more trusted.
 * Not covered: of a bus that is killed, what its client became in the last second; the one bit that it had not said goodbye.
 */
import { contextEquals, join } from "../../label/index.ts";
import type { Context } from "../../label/index.ts";
import type { Bus } from "../bus.ts";
import type { Party, Publication } from "../types.ts";
import type { Keeper, KeptWill } from "./keeper.ts";

/** One client's. */
export class Will {
  readonly publication: Publication;
  /** Milliseconds. */
  readonly delay: number;
  readonly #client: Party;
  #known: Context;

  /** @param known its client's context so far */
  constructor(client: Party, publication: Publication, delay: number, known: Context) {
    this.#client = client;
    this.publication = publication;
    this.delay = delay;
    this.#known = known;
  }

  /** All that its client was known to be. */
  get known(): Context {
    return this.#known;
  }

  /** Is its client a program of this host? */
  get isLocal(): boolean {
    return this.#client.process !== undefined;
  }

  /** Who publishes it. */
  get party(): Party {
    return { ...this.#client, context: () => join(this.#known, this.#client.context()) };
  }

  /** Looks at its client. True: it is more secret or less trusted by what was seen. */
  look(): boolean {
    try {
      const seen = this.party.context();
      if (contextEquals(seen, this.#known)) return false;
      this.#known = seen;
      return true;
    } catch {
      // It has no context now: whether it has one counts when the will is published.
      return false;
    }
  }
}

interface Held {
  readonly will: Will;
  /** When it is published; null: its client is there. Milliseconds since 1970. */
  at: number | null;
}

/** All wills, by their sessions' keys. */
export class Wills {
  readonly #bus: Bus;
  readonly #keeper: Keeper;
  readonly #all = new Map<string, Held>();

  constructor(bus: Bus, keeper: Keeper) {
    this.#bus = bus;
    this.#keeper = keeper;
  }

  /** A client is there, and has a will. */
  hold(key: string, will: Will): void {
    this.#put(key, { will, at: null });
  }

  /** To be called about once a second while its client is there. */
  look(key: string): void {
    const held = this.#all.get(key);
    if (held?.will.look() === true) this.#put(key, held);
  }

  /** Its client said goodbye. */
  drop(key: string): void {
    if (this.#all.delete(key)) this.#keeper.willOver(key);
  }

  /** Its client left without a word. */
  left(key: string, now: number): void {
    const held = this.#all.get(key);
    if (held === undefined) return;
    held.will.look();
    held.at = now + held.will.delay;
    if (held.will.delay === 0) this.publish(key);
    else this.#put(key, held);
  }

  /** Its client came back to its session: before the will was due, or too late. */
  back(key: string, now: number): void {
    const at = this.#all.get(key)?.at ?? Infinity;
    if (at <= now) this.publish(key);
    else this.drop(key);
  }

  /** At once: its session ended. */
  publish(key: string): void {
    const held = this.#all.get(key);
    if (held === undefined) return;
    this.drop(key);
    this.#bus.publish(held.will.party, held.will.publication);
  }

  /** Those that are due. */
  tick(now: number): void {
    for (const [key, { at }] of this.#all) if (at !== null && at <= now) this.publish(key);
  }

  /** Puts a kept one back. @param client who it is now  @param at when it is due */
  restore(kept: KeptWill, client: Party, at: number): void {
    const { key, publication, delay, known } = kept;
    this.#put(key, { will: new Will(client, publication, delay, known), at });
  }

  #put(key: string, held: Held): void {
    this.#all.set(key, held);
    const { publication, delay, known, isLocal } = held.will;
    this.#keeper.will({ key, publication, delay, known, isLocal, at: held.at });
  }
}
