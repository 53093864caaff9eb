/**
 * Deliveries: a message to each channel of its topic, judged when it is really sent.
 *
 * Guarantee: `open` is the only way to a payload; it asks for the receiver's context at that moment [MSG-3], and records
 * the outcome before it gives anything away. One member of a group gets a message: one that is cleared and there, by
 * turns; if none is there, one whose session waits, and when that turns out not to be cleared, another.
 */
import type { Context } from "../../label/index.ts";
import type { Party } from "../types.ts";
import { channelOf } from "./channel.ts";
import type { Channel, Subscription } from "./channel.ts";
import type { Events } from "./events.ts";
import type { Message } from "./message.ts";
import { View } from "./message.ts";
import type { Retained } from "./retained.ts";
import type { Group, Routes } from "./routes.ts";
import type { Standing } from "./standing.ts";

/** Groups whose turn is remembered. */
const REMEMBERED = 10_000;

export interface DeliveryParts {
  readonly routes: Routes;
  readonly retained: Retained;
  readonly standing: Standing;
  readonly events: Events;
  readonly now: () => number;
}

export class Delivery {
  readonly #parts: DeliveryParts;
  /** Where each group's turn is. */
  readonly #turns = new Map<string, number>();

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  /** Hands a message to all that subscribed. A receiver that fails does not keep it from others. */
  send(message: Message): void {
    const { topic, publisher } = message.facts;
    const { channels, groups } = this.#parts.routes.of(topic);
    for (const channel of channels) {
      if (channel.noLocal && channel.endpoint.party.name === publisher.name) continue;
      this.#hand(message, channel, false);
    }
    for (const group of groups) this.#offer(message, group);
  }

  /** Hands the retained messages to a new subscription: of each topic the newest that it may see. */
  sendRetained(subscription: Subscription, isNew: boolean): void {
    const { filter, options, endpoint } = subscription;
    const wanted = options.retained ?? "always";
    if (filter.group !== null || wanted === "never" || (wanted === "new" && !isNew)) return;
    const channel = channelOf(subscription);
    const now = this.#parts.now();
    for (const messages of this.#parts.retained.matching(filter.levels, now)) {
      const own = this.#parts.standing.contextOf(endpoint.party, now);
      const seen = messages.find((message) => this.#judge(message, endpoint.party, own, now) instanceof View);
      // Withheld is recorded like anything else, for the newest.
      if (seen === undefined) this.open(messages[0] as Message, channel);
      else this.#hand(seen, channel, true);
    }
  }

  /** What the receiver sees of the message now, or null when nothing. */
  open(message: Message, channel: Channel): View | null {
    const { events, standing } = this.#parts;
    const { party, who } = channel.endpoint;
    const now = this.#parts.now();
    const own = standing.contextOf(party, now);
    const view = this.#judge(message, party, own, now);
    if (view instanceof View) {
      const { removed } = view;
      const isTold = removed === 0 || events.toward("remove", message, who, own, "MSG-2", removed, now);
      return isTold && events.toward("deliver", message, who, own, "", removed, now) ? view : null;
    }
    events.toward("withhold", message, who, own, view, 0, now);
    if (view !== "expired") this.release(message, channel);
    return null;
  }

  /** Gives a message that a member of a group did not get to another member. Of no group: does nothing. */
  release(message: Message, { group, endpoint }: Channel): void {
    if (group === null) return;
    const found = this.#parts.routes.of(message.facts.topic).groups.find(({ key }) => key === group);
    const members = found?.members.filter((member) => member.endpoint !== endpoint) ?? [];
    if (members.length > 0) this.#offer(message, { key: group, members });
  }

  /** Notes that a receiver did not get a message for another reason than its context. */
  dropped(message: Message, { endpoint }: Channel, reason: string): void {
    const now = this.#parts.now();
    const own = this.#parts.standing.contextOf(endpoint.party, now);
    this.#parts.events.toward("withhold", message, endpoint.who, own, reason, 0, now);
  }

  /** @param own the party's context at this moment; null: it has none  @returns what it sees, or why nothing */
  #judge(message: Message, party: Party, own: Context | null, now: number): View | string {
    const { topic, publisher, expiresAt } = message.facts;
    if (expiresAt <= now) return "expired";
    if (own === null) return "CTX-5";
    if (this.#parts.standing.isDiverted(topic, publisher, party)) return "diverted";
    try {
      return message.viewFor(own);
    } catch {
      return "its type failed";
    }
  }

  #offer(message: Message, { key, members }: Group): void {
    const turn = this.#turns.get(key) ?? 0;
    const inTurn = members.map((_, at) => members[(turn + at) % members.length] as Channel);
    const now = this.#parts.now();
    let chosen: Channel | undefined;
    let fewest = Infinity;
    for (const member of inTurn) {
      if (!member.endpoint.isOnline) continue;
      const { party } = member.endpoint;
      const view = this.#judge(message, party, this.#parts.standing.contextOf(party, now), now);
      if (!(view instanceof View) || view.removed >= fewest) continue;
      [chosen, fewest] = [member, view.removed];
      if (fewest === 0) break;
    }
    chosen ??= inTurn.find(({ endpoint }) => !endpoint.isOnline);
    if (chosen === undefined) {
      this.#parts.events.toward("withhold", message, { principal: "", name: key }, null, "MSG-3", 0, now);
      return;
    }
    if (this.#turns.size >= REMEMBERED) this.#turns.clear();
    this.#turns.set(key, members.indexOf(chosen) + 1);
    this.#hand(message, chosen, false);
  }

  #hand(message: Message, channel: Channel, isRetained: boolean): void {
    try {
      channel.endpoint.deliver(message, channel, isRetained);
    } catch {
      this.dropped(message, channel, "failed");
    }
  }
}
