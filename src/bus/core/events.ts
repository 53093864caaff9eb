/**
 * Writes events for the record.
 *
 * Guarantee: `write` is false when the recorder failed, and then the caller does not let happen what it was to record.
 */
import type { Context } from "../../label/index.ts";
import type { BusEvent, Recorder, Who } from "../types.ts";
import type { Message } from "./message.ts";
import { Tally } from "./tally.ts";

/** What an event says beyond the defaults. */
export type Said = Partial<Omit<BusEvent, "kind" | "at">>;

export class Events {
  readonly #recorder: Recorder;
  readonly #now: () => number;
  /** Of what was recorded. */
  readonly tally = new Tally();
  /** Events that could not be recorded. */
  lost = 0;

  constructor(recorder: Recorder, now: () => number) {
    this.#recorder = recorder;
    this.#now = now;
  }

  write(kind: BusEvent["kind"], said: Said): boolean {
    return this.#record({
      kind,
      at: this.#now(),
      message: said.message ?? 0,
      topic: said.topic ?? "",
      from: said.from ?? null,
      to: said.to ?? null,
      data: said.data ?? null,
      party: said.party ?? null,
      reason: said.reason ?? "",
      removed: said.removed ?? 0,
    });
  }

  /** About a sender's message: the two events that each message has. @param data the message's context */
  sent(
    kind: "publish" | "accept",
    message: number,
    topic: string,
    from: Who,
    data: Context | null,
    party: Context | null,
    at: number,
  ): boolean {
    return this.#record({ kind, at, message, topic, from, to: null, data, party, reason: "", removed: 0 });
  }

  /** About a message on its way to a receiver. @param to names alone, as whoOf gives them  @param at milliseconds since 1970 */
  toward(
    kind: "deliver" | "withhold" | "remove",
    { facts }: Message,
    to: Who,
    party: Context | null,
    reason: string,
    removed: number,
    at: number,
  ): boolean {
    const { number, topic, publisher, context } = facts;
    return this.#record({ kind, at, message: number, topic, from: publisher, to, data: context, party, reason, removed }); // prettier-ignore
  }

  #record(event: BusEvent): boolean {
    try {
      this.#recorder.record(event);
    } catch {
      this.lost++;
      return false;
    }
    this.tally.count(event);
    return true;
  }
}

/** Names alone: the record must not hold a party with its secrets. */
export function whoOf({ principal, name, process }: Who): Who {
  return process === undefined ? { principal, name } : { principal, name, process };
}
