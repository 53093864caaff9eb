/**
 * The bus: what is published reaches those who subscribed and are cleared for it, and nobody else.
 *
 * Guarantee: a message gets on to the bus only in a context in which its sender may publish; each receiver is judged when
 * it is delivered, by its context then [MSG-3], and sees only the attributes that flow to it [MSG-1] [MSG-2]; every
 * attempt and every outcome is recorded first, and what could not be recorded does not happen. A sender is never told who
 * receives, a receiver never what was withheld.
 * Not covered: members of a group that shares a subscription notice each other's share; so do all who use up a limit.
 */
import type { Context } from "../label/index.ts";
import { Endpoint } from "./core/channel.ts";
import type { Channel, Deliver, SubscribeOptions, Subscription, SubscriptionKeeper } from "./core/channel.ts";
import { faultOf, sentenceOf } from "./core/control.ts";
import type { ControlRequest, MayControl } from "./core/control.ts";
import { Events, whoOf } from "./core/events.ts";
import { Delivery } from "./core/delivery.ts";
import { Message } from "./core/message.ts";
import type { View } from "./core/message.ts";
import { Rates } from "./core/rate.ts";
import { Retained } from "./core/retained.ts";
import type { RetainedStore } from "./core/retained.ts";
import { Routes } from "./core/routes.ts";
import { arePropertiesFine, judgeSending, NO_PROPERTIES } from "./core/sending.ts";
import { Standing } from "./core/standing.ts";
import type { StandingText } from "./core/standing.ts";
import { Steering } from "./core/steering.ts";
import { isTopic, readFilter } from "./core/topic.ts";
import { flows } from "./core/verdicts.ts";
import { LIMITS } from "./limits.ts";
import type { Limits } from "./limits.ts";
import type { Classifier, Party, Publication, PublishResult, Recorder, Refusal, Who } from "./types.ts";

/** Topics that are remembered. */
const REMEMBERED = 10_000;

export interface BusOptions {
  readonly classifier: Classifier;
  readonly recorder: Recorder;
  readonly limits?: Partial<Limits>;
  /** Default: nobody may. */
  readonly mayControl?: MayControl;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Keeps what has to outlive a restart; `standing` is durable when it returns, or throws. */
export interface BusKeeper extends RetainedStore {
  standing(text: StandingText): void;
}

/** A subscription that stands, or why it does not. */
export type SubscribeResult =
  | { readonly accepted: true; readonly subscription: Subscription; readonly isNew: boolean }
  | { readonly accepted: false; readonly reason: Refusal };

export class Bus {
  readonly limits: Limits;
  readonly retained: Retained;
  readonly standing = new Standing();
  readonly now: () => number;
  readonly events: Events;
  readonly #classifier: Classifier;
  readonly #mayControl: MayControl;
  readonly #endpoints = new Set<Endpoint>();
  readonly #routes = new Routes();
  /** That may have messages of clients. */
  readonly #topics = new Set<string>();
  readonly #rates: Rates;
  readonly #delivery: Delivery;
  readonly #steering: Steering;
  #keeper: BusKeeper | null = null;
  #number = 0;

  constructor({ classifier, recorder, limits, mayControl, now }: BusOptions) {
    this.limits = { ...LIMITS, ...limits };
    this.now = now ?? Date.now;
    this.events = new Events(recorder, this.now);
    this.retained = new Retained(this.limits);
    this.#classifier = classifier;
    this.#mayControl = mayControl ?? (() => false);
    this.#rates = new Rates(this.limits.rate);
    this.#steering = new Steering(this, this.#endpoints);
    const { retained, standing, events } = this;
    this.#delivery = new Delivery({ routes: this.#routes, retained, standing, events, now: this.now });
  }

  /**
   * Connects someone.
   *
   * @param deliver called for what may be for it; it asks `open` when it really sends
   * @param keeper told of its subscriptions
   */
  attach(party: Party, deliver: Deliver, keeper: SubscriptionKeeper | null = null): Endpoint {
    const endpoint = new Endpoint(party, deliver, keeper);
    this.#endpoints.add(endpoint);
    this.events.write("open", { to: whoOf(party), reason: "connected" });
    return endpoint;
  }

  /** Ends an endpoint and its subscriptions. */
  detach(endpoint: Endpoint): void {
    for (const { filter } of [...endpoint.subscriptions.values()]) this.unsubscribe(endpoint, filter.text);
    if (this.#endpoints.delete(endpoint))
      this.events.write("close", { to: endpoint.who, reason: "disconnected" });
  }

  /** Publishes, and tells nothing of who receives. Never throws. */
  publish(party: Party, asked: Publication): PublishResult {
    const { topic } = asked;
    const from = whoOf(party);
    const now = this.now();
    const own = this.standing.contextOf(party, now);
    const refuse = (reason: Refusal, why: string, data: Context | null = null): PublishResult => {
      this.events.write("refuse", { topic, from, data, party: own, reason: why });
      this.events.tally.refuse(reason, why);
      return { accepted: false, reason };
    };
    if (!this.events.sent("publish", 0, topic, from, asked.as ?? own, own, now))
      return { accepted: false, reason: "failed" };

    if (own === null) {
      if (this.standing.isIsolated(party)) return refuse("forbidden", "isolated");
      return refuse("failed", "CTX-5");
    }
    // Topics with `$` are the bus's own.
    if (!this.#isTopic(topic)) return refuse("topic", "no topic");
    if (asked.payload.length > this.limits.packetBytes) return refuse("quota", "payload too long");
    const { properties = NO_PROPERTIES, retain = false } = asked;
    if (!arePropertiesFine(properties, this.limits.userProperties)) return refuse("quota", "properties");
    if (!this.#rates.take(party.principal, now)) return refuse("quota", "rate");

    const isEmpty = asked.payload.length === 0;
    const sendable = judgeSending(party, own, this.#classifier, asked);
    if ("refusal" in sendable) return refuse(sendable.refusal, sendable.why, asked.as ?? null);
    const { type, context, bytes, payload, removed } = sendable;
    if (retain && !isEmpty && !this.retained.hasRoom(party.principal)) return refuse("quota", "retained");

    const number = ++this.#number;
    const expiry = properties.messageExpiryInterval;
    const expiresAt = expiry === undefined ? Infinity : now + expiry * 1000;
    const facts = { number, topic, qos: asked.qos ?? 0, retain, properties, publisher: from, context, type, expiresAt }; // prettier-ignore
    const message = new Message(facts, bytes, payload);
    if (removed > 0) {
      const said = { message: number, topic, from, data: context, party: own, reason: "MSG-2", removed };
      if (!this.events.write("remove", said)) return { accepted: false, reason: "failed" };
    }
    if (!this.events.sent("accept", number, topic, from, context, own, now))
      return { accepted: false, reason: "failed" };
    if (retain) this.retained.put(message, isEmpty);
    this.#delivery.send(message);
    return { accepted: true };
  }

  /** Notes that a carrier could not take what a party wanted to publish. */
  refuse(party: Party, topic: string, reason: Refusal, why: string): PublishResult {
    this.events.write("refuse", { topic, from: whoOf(party), reason: why });
    this.events.tally.refuse(reason, why);
    return { accepted: false, reason };
  }

  /** Says something of the bus itself, under `$SYS/`; no rule is bent for it: its context is what it is. */
  announce(topic: string, payload: Uint8Array, context: Context): void {
    const publisher = { principal: "csn", name: "bus" };
    const facts = { number: ++this.#number, topic, qos: 0 as const, retain: true, properties: {}, publisher, context, type: null, expiresAt: Infinity }; // prettier-ignore
    const message = new Message(facts, payload, null);
    this.retained.put(message, false);
    this.#delivery.send(message);
  }

  /** Subscribes an endpoint, and hands it the retained messages. Never throws. */
  subscribe(endpoint: Endpoint, text: string, options: SubscribeOptions = {}): SubscribeResult {
    const to = endpoint.who;
    const own = this.standing.contextOf(endpoint.party, this.now());
    const refuse = (reason: Refusal, why: string, data: Context | null = null): SubscribeResult => {
      this.events.write("refuse", { topic: text, to, data, party: own, reason: why });
      this.events.tally.refuse(reason, why);
      return { accepted: false, reason };
    };
    const filter = readFilter(text, this.limits);
    if (filter === null) return refuse("topic", "no filter");
    if (own === null) return refuse("forbidden", "isolated, or its context is unknown");
    const before = endpoint.subscriptions.get(text);
    if (before === undefined && endpoint.subscriptions.size >= this.limits.subscriptions)
      return refuse("quota", "subscriptions");
    if (!this.#rates.take(endpoint.party.principal, this.now())) return refuse("quota", "rate");
    const floor = this.#floorOf(filter.topics);
    if (floor === undefined) return refuse("failed", "the message's type failed");
    if (floor !== null && !flows(floor, own)) return refuse("never", "FLOW-1, FLOW-2", floor);

    if (!this.events.write("open", { topic: text, to, data: floor, party: own, reason: "subscribed" }))
      return { accepted: false, reason: "failed" };
    const subscription = { endpoint, filter, options, floor, isOpen: true };
    this.#put(subscription);
    endpoint.keeper?.subscribed(text, options);
    const isNew = before === undefined;
    this.#delivery.sendRetained(subscription, isNew);
    return { accepted: true, subscription, isNew };
  }

  /** Puts back the subscription of a session that was kept: nothing retained is sent, and its party is judged later. */
  resubscribe(endpoint: Endpoint, text: string, options: SubscribeOptions): void {
    const filter = readFilter(text, this.limits);
    if (filter === null) return;
    const floor = this.#floorOf(filter.topics);
    if (floor !== undefined) this.#put({ endpoint, filter, options, floor, isOpen: true });
  }

  /** False when there was no such subscription. */
  unsubscribe(endpoint: Endpoint, text: string): boolean {
    const subscription = endpoint.subscriptions.get(text);
    if (subscription === undefined) return false;
    endpoint.subscriptions.delete(text);
    this.#routes.remove(subscription);
    endpoint.keeper?.unsubscribed(text);
    this.events.write("close", { topic: text, to: endpoint.who, reason: "unsubscribed" });
    return true;
  }

  /** What a receiver sees of a message at this moment [MSG-3], recorded; null: nothing. */
  open(message: Message, channel: Channel): View | null {
    return this.#delivery.open(message, channel);
  }

  /** Gives a message that a member of a group did not get to another member. Of no group: does nothing. */
  release(message: Message, channel: Channel): void {
    this.#delivery.release(message, channel);
  }

  /** Notes that a receiver did not get a message for another reason than its context. */
  dropped(message: Message, channel: Channel, reason: string): void {
    this.#delivery.dropped(message, channel, reason);
  }

  /** Carries out what a third party asks; null, or why not. */
  control(by: Who, request: ControlRequest): Refusal | null {
    const reason = sentenceOf(request);
    const data = "context" in request ? request.context : null;
    const fault = faultOf(request);
    if (fault !== null || !this.#mayControl(by, request)) {
      this.events.write("refuse", { from: whoOf(by), data, reason: `${reason} (${fault ?? "may not"})` });
      return fault === null ? "forbidden" : "topic";
    }
    if (!this.events.write("control", { from: whoOf(by), data, reason })) return "failed";
    return this.#steering.carryOut(request) ?? this.#keepStanding();
  }

  /** To be called now and then, about once a second: ends what has had its time. */
  tick(): void {
    const now = this.now();
    for (const target of this.standing.endGlass(now)) {
      this.events.write("control", { reason: `glass ${target} is over` });
      this.#steering.review(target);
      this.#keepStanding();
    }
    this.retained.sweep(now);
    this.#rates.sweep(now);
  }

  /** Keeps retained messages and what third parties decide, from now on. */
  keepIn(keeper: BusKeeper): void {
    this.#keeper = keeper;
    this.retained.keepIn(keeper);
  }

  /** Messages get numbers above this one. */
  continueAfter(number: number): void {
    this.#number = Math.max(this.#number, number);
  }

  /** How much there is, for those who run the bus. */
  counts(): Readonly<Record<"endpoints" | "subscriptions" | "retained" | "messages" | "unrecorded", number>> {
    const [endpoints, subscriptions, retained] = [this.#endpoints.size, this.#routes.count, this.retained.count]; // prettier-ignore
    return { endpoints, subscriptions, retained, messages: this.#number, unrecorded: this.events.lost };
  }

  /** Remembers what was one: topics come again and again. */
  #isTopic(topic: string): boolean {
    if (this.#topics.has(topic)) return true;
    if (!isTopic(topic, this.limits) || topic.startsWith("$")) return false;
    if (this.#topics.size >= REMEMBERED) this.#topics.clear();
    this.#topics.add(topic);
    return true;
  }

  /** Undefined: it could not be found out. */
  #floorOf(filter: string): Context | null | undefined {
    try {
      return this.#classifier.floorOf?.(filter) ?? null;
    } catch {
      return undefined;
    }
  }

  #put(subscription: Subscription): void {
    const { endpoint, filter } = subscription;
    const before = endpoint.subscriptions.get(filter.text);
    if (before !== undefined) this.#routes.remove(before);
    endpoint.subscriptions.set(filter.text, subscription);
    this.#routes.add(subscription);
  }

  /** What was decided holds, even if it can't be kept over a restart: that is said. */
  #keepStanding(): Refusal | null {
    try {
      this.#keeper?.standing(this.standing.write());
      return null;
    } catch {
      return "failed";
    }
  }
}
