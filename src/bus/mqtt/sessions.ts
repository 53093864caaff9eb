/**
 * All sessions: found, taken over, kept for their time, ended; and with them their clients' wills.
 *
 * Guarantee: a session belongs to one principal and one version of the protocol; a client of another principal with the
 * same identifier has another session, and one that comes back with another version begins anew. There are never more
 * than the limit.
 */
import type { Bus } from "../bus.ts";
import { whoOf } from "../core/events.ts";
import type { Party } from "../types.ts";
import { REASON } from "./codec/malformed.ts";
import type { KeptSession, KeptWill, Outgoing } from "./keeper.ts";
import { Session } from "./session.ts";
import type { SessionFacts, SessionParts } from "./session.ts";
import type { SubscribeOptions } from "../core/channel.ts";
import { Wills } from "./wills.ts";

export class Sessions {
  readonly #parts: SessionParts;
  readonly #bus: Bus;
  readonly #all = new Map<string, Session>();
  readonly wills: Wills;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.wills = new Wills(parts.bus, parts.keeper);
    this.#bus = parts.bus;
  }

  get count(): number {
    return this.#all.size;
  }

  /** What waits or is under way in all of them. */
  get queued(): { readonly messages: number; readonly bytes: number } {
    let [messages, bytes] = [0, 0];
    for (const { queued } of this.#all.values()) {
      messages += queued.messages;
      bytes += queued.bytes;
    }
    return { messages, bytes };
  }

  /**
   * The session for a client that connects: the one that it has, unless it wants to begin anew. Another connection of it
   * ends.
   *
   * @returns null when there are too many
   */
  open(facts: SessionFacts, party: Party, isClean: boolean): { session: Session; isPresent: boolean } | null {
    const before = this.#all.get(facts.key);
    before?.link?.cut(REASON.takenOver, "another connection took the session over");
    if (before !== undefined && (isClean || before.facts.version !== facts.version)) this.end(before);
    const present = this.#all.get(facts.key);
    if (present !== undefined) {
      present.endpoint.party = party;
      this.#bus.events.write("open", { to: whoOf(party), reason: "session resumed" });
      this.wills.back(facts.key, this.#bus.now());
      return { session: present, isPresent: true };
    }
    if (this.#all.size >= this.#bus.limits.sessions) return null;
    const session = new Session(facts, party, this.#parts);
    this.#all.set(facts.key, session);
    return { session, isPresent: false };
  }

  /** The client left; one that said goodbye has no will any more. */
  leave(session: Session): void {
    const now = this.#bus.now();
    session.disconnect(now);
    this.wills.left(session.facts.key, now);
    if (session.expiry === 0) this.end(session);
    else session.keep();
  }

  end(session: Session): void {
    this.#all.delete(session.facts.key);
    session.end();
    this.wills.publish(session.facts.key);
  }

  /** To be called about once a second: ends what has had its time, publishes wills that are due. */
  tick(): void {
    const now = this.#bus.now();
    for (const session of this.#all.values())
      if (session.endsAt !== null && session.endsAt <= now) this.end(session);
    this.wills.tick(now);
  }

  /** Puts a kept session back, without its client. */
  restore(
    kept: KeptSession,
    party: Party,
    subscriptions: readonly (readonly [filter: string, options: SubscribeOptions])[],
    outgoing: readonly Outgoing[],
    received: readonly number[],
  ): void {
    const { key, principal, clientId, version, expiry, endsAt } = kept;
    const session = new Session({ key, principal, clientId, version }, party, this.#parts);
    session.expiry = expiry;
    session.disconnect(this.#bus.now());
    session.endsAt = endsAt ?? session.endsAt;
    this.#all.set(key, session);
    for (const [filter, options] of subscriptions) this.#bus.resubscribe(session.endpoint, filter, options);
    session.restore(outgoing, received);
  }

  /**
   * Puts a kept will back, after the sessions. Its client has left, if it was there; it waits its delay from now on, as long as its
   * session stays. None is published before the first `tick`, or before its client comes back.
   */
  restoreWill(kept: KeptWill, client: Party): void {
    const now = this.#bus.now();
    const waits = this.#all.has(kept.key) ? (kept.at ?? now + kept.delay) : now;
    this.wills.restore(kept, client, waits);
  }
}
