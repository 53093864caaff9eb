/**
 * Endpoints and channels: who is connected, and what reaches it.
 */
import type { Context } from "../../label/index.ts";
import type { Party, QoS, Who } from "../types.ts";
import { whoOf } from "./events.ts";
import type { Message } from "./message.ts";
import type { Filter } from "./topic.ts";

/** How a party wants to receive, in MQTT 5's words (section 3.8.3.1). */
export interface SubscribeOptions {
  readonly qos?: QoS;
  /** Not what it published itself. */
  readonly noLocal?: boolean;
  /** Live messages say whether they were published as retained. */
  readonly retainAsPublished?: boolean;
  /** Which retained messages are sent now. Default: always. */
  readonly retained?: "always" | "new" | "never";
  /** Given back with each message. */
  readonly identifier?: number;
}

export interface Subscription {
  readonly endpoint: Endpoint;
  readonly filter: Filter;
  readonly options: SubscribeOptions;
  /** What all that can come is at least; null: not known. */
  readonly floor: Context | null;
  /** Whether anything could come when its party's context was last looked at. */
  isOpen: boolean;
}

/** What brings a topic's messages to one endpoint: its subscriptions to it, seen as one. */
export interface Channel {
  readonly endpoint: Endpoint;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly identifiers: readonly number[];
  /** Key of the group that shares the subscription; null: not shared. */
  readonly group: string | null;
}

/**
 * Called for each message that may be for the endpoint, which has not been judged yet: `Bus.open` does that when the
 * message is really sent.
 */
export type Deliver = (message: Message, channel: Channel, isRetained: boolean) => void;

/** Told of an endpoint's subscriptions, to keep them. */
export interface SubscriptionKeeper {
  subscribed(filter: string, options: SubscribeOptions): void;
  unsubscribed(filter: string): void;
}

/** Someone on the bus, for as long as its connection or its session lasts. */
export class Endpoint {
  #party: Party;
  /** Its names alone, for the record. */
  who: Who;
  readonly deliver: Deliver;
  /** False: a session that waits for its client. */
  isOnline = true;
  readonly subscriptions = new Map<string, Subscription>();

  readonly keeper: SubscriptionKeeper | null;

  constructor(party: Party, deliver: Deliver, keeper: SubscriptionKeeper | null) {
    this.#party = party;
    this.who = whoOf(party);
    this.deliver = deliver;
    this.keeper = keeper;
  }

  get party(): Party {
    return this.#party;
  }

  set party(party: Party) {
    this.#party = party;
    this.who = whoOf(party);
  }
}

/** A single subscription as a channel. */
export function channelOf({ endpoint, filter, options }: Subscription): Channel {
  return {
    endpoint,
    qos: options.qos ?? 0,
    noLocal: options.noLocal ?? false,
    retainAsPublished: options.retainAsPublished ?? false,
    identifiers: options.identifier === undefined ? [] : [options.identifier],
    group: filter.group === null ? null : filter.text,
  };
}

/** Several subscriptions of one endpoint to the same topic: one copy comes, by the best of them. */
export function merged(subscriptions: readonly Subscription[]): Channel {
  const channels = subscriptions.map(channelOf);
  const first = channels[0] as Channel;
  if (channels.length === 1) return first;
  return {
    ...first,
    qos: Math.max(...channels.map(({ qos }) => qos)) as QoS,
    noLocal: channels.every(({ noLocal }) => noLocal),
    retainAsPublished: channels.some(({ retainAsPublished }) => retainAsPublished),
    identifiers: channels.flatMap(({ identifiers }) => identifiers),
  };
}
