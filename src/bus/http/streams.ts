/**
 * All streams: who may take up which, and when they end.
 */
import type { ServerResponse } from "node:http";
import type { Bus } from "../bus.ts";
import type { LabelText } from "../labels.ts";
import type { Turn } from "../mqtt/turn.ts";
import type { Party, Refusal } from "../types.ts";
import { Stream } from "./stream.ts";

/** Streams of one principal; more are refused. */
const MAX_OF_PRINCIPAL = 100;
const MAX_FILTERS = 32;

export class Streams {
  readonly #bus: Bus;
  readonly #labels: LabelText;
  readonly #turn: Pick<Turn, "mark"> | undefined;
  readonly #streams = new Map<string, Stream>();

  /** @param turn when what is written leaves; none: at once */
  constructor(bus: Bus, labels: LabelText, turn?: Pick<Turn, "mark">) {
    this.#bus = bus;
    this.#labels = labels;
    this.#turn = turn;
  }

  get count(): number {
    return this.#streams.size;
  }

  /** How many wait for their client. */
  get waiting(): number {
    return [...this.#streams.values()].filter(({ endsAt }) => endsAt !== null).length;
  }

  /**
   * Opens a stream, or takes up the one that `lastEventId` is of, if it is this principal's and has the same filters.
   *
   * @param expiresAt milliseconds since 1970
   * @returns why not; null when it is open
   */
  open(response: ServerResponse, party: Party, filters: readonly string[], lastEventId: string, expiresAt: number): Refusal | null {
    if (filters.length === 0 || filters.length > MAX_FILTERS) return "topic";
    const key = JSON.stringify(filters);
    const [, id = "", number = ""] = /^([0-9a-f]{32})-([1-9]\d{0,14})$/.exec(lastEventId) ?? [];
    const known = this.#streams.get(id);
    const isOurs = known?.filters === key && known.endpoint.party.principal === party.principal;
    if (isOurs && known.hasWritten(Number(number))) {
      known.connect(response, party, Number(number), expiresAt);
      return null;
    }
    if (this.#streams.size >= this.#bus.limits.sessions || this.#countOf(party.principal) >= MAX_OF_PRINCIPAL)
      return "quota";
    const stream = new Stream(this.#bus, this.#labels, this.#turn, party, key);
    for (const filter of filters) {
      const result = this.#bus.subscribe(stream.endpoint, filter, { qos: 1 });
      if (result.accepted) continue;
      stream.end();
      return result.reason;
    }
    this.#streams.set(stream.id, stream);
    stream.connect(response, party, 0, expiresAt);
    return null;
  } // prettier-ignore

  tick(now: number): void {
    for (const [id, stream] of this.#streams) {
      if (stream.tick(now)) continue;
      this.#streams.delete(id);
      stream.end();
    }
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.end();
    this.#streams.clear();
  }

  #countOf(principal: string): number {
    let count = 0;
    for (const { endpoint } of this.#streams.values()) if (endpoint.party.principal === principal) count++;
    return count;
  }
}
