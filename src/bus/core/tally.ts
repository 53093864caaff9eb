/**
 * Counts of what happened on the bus, for those who run it: metrics.ts writes them out.
 *
 * Guarantee: what is counted apart is named here or is a closed type of ours, so no name, topic or tag that somebody chose
 * makes a count of its own. Counting takes no memory.
 * Not covered: who may see them; they tell of everybody's doings.
 */
import type { Limits } from "../limits.ts";
import type { BusEvent, Refusal } from "../types.ts";

/** Why a receiver did not get a message that its context would not have kept from it. */
export const DROPS = ["away", "slow", "queue full", "too large for the client", "expired", "failed"] as const;
/** Why a receiver may not have a message. */
export const RULES = ["FLOW-1", "FLOW-2", "MSG-2", "MSG-3", "CTX-5", "diverted"] as const;
const OTHER = "other";
const KNOWN: ReadonlySet<string> = new Set([...DROPS, ...RULES]);

/** Which limit a reason speaks of. */
const LIMIT_OF: Readonly<Record<string, keyof Limits>> = {
  "payload too long": "packetBytes",
  properties: "userProperties",
  rate: "rate",
  retained: "retained",
  subscriptions: "subscriptions",
  "queue full": "queuedMessages",
  slow: "unsentBytes",
};

export class Tally {
  /** Of the kinds of events that are counted, how many were recorded. */
  published = 0;
  accepted = 0;
  delivered = 0;
  controls = 0;
  /** Requests to publish or subscribe. */
  readonly refused: Record<Refusal, number> = { topic: 0, context: 0, payload: 0, quota: 0, never: 0, forbidden: 0, failed: 0 }; // prettier-ignore
  /** Deliveries that did not happen, by reason: {@link DROPS}, {@link RULES}, or "other". */
  readonly withheld = new Map<string, number>([...KNOWN, OTHER].map((reason) => [reason, 0]));
  readonly limits = new Map<keyof Limits, number>();
  /** Attributes' contexts that were taken out, at the source and for receivers. */
  attributes = 0;

  /** On every event: one addition for those that are frequent, and deliveries before all. */
  count(event: BusEvent): void {
    const { kind } = event;
    if (kind === "deliver") this.delivered++;
    else if (kind === "publish") this.published++;
    else if (kind === "accept") this.accepted++;
    else if (kind === "remove") this.attributes += event.removed;
    else if (kind === "withhold") this.#withhold(event.reason);
    else if (kind === "control") this.controls++;
  }

  #withhold(reason: string): void {
    const known = KNOWN.has(reason) ? reason : OTHER;
    this.withheld.set(known, (this.withheld.get(known) ?? 0) + 1);
    this.#hitBy(reason);
  }

  /** @param why as it is recorded */
  refuse(reason: Refusal, why: string): void {
    this.refused[reason]++;
    this.#hitBy(why);
  }

  /** A limit was reached. */
  hit(limit: keyof Limits): void {
    this.limits.set(limit, (this.limits.get(limit) ?? 0) + 1);
  }

  #hitBy(why: string): void {
    const limit = LIMIT_OF[why];
    if (limit !== undefined) this.hit(limit);
  }
}
