/**
 * Which channels a topic's messages take.
 *
 * Guarantee: the subscriptions that match, those of one endpoint as one channel, those of a group as its members. Nothing
 * is said about who may receive: that is judged at delivery.
 */
import type { Channel, Endpoint, Subscription } from "./channel.ts";
import { channelOf, merged } from "./channel.ts";
import { FilterTree } from "./tree.ts";

export interface Route {
  readonly channels: readonly Channel[];
  readonly groups: readonly Group[];
}

export interface Group {
  readonly key: string;
  readonly members: readonly Channel[];
}

/** Topics whose routes are remembered. */
const REMEMBERED = 10_000;

export class Routes {
  readonly #tree = new FilterTree<Subscription>();
  readonly #known = new Map<string, Route>();
  #count = 0;

  /** Subscriptions. */
  get count(): number {
    return this.#count;
  }

  add(subscription: Subscription): void {
    this.#tree.add(subscription.filter.levels, subscription);
    this.#count++;
    this.#known.clear();
  }

  remove(subscription: Subscription): void {
    this.#tree.remove(subscription.filter.levels, subscription);
    this.#count--;
    this.#known.clear();
  }

  of(topic: string): Route {
    let route = this.#known.get(topic);
    if (route === undefined) {
      route = routeOf(this.#tree.matching(topic));
      if (this.#known.size >= REMEMBERED) this.#known.clear();
      this.#known.set(topic, route);
    }
    return route;
  }
}

function routeOf(subscriptions: readonly Subscription[]): Route {
  const own = new Map<Endpoint, Subscription[]>();
  const groups = new Map<string, Channel[]>();
  for (const subscription of subscriptions) {
    if (subscription.filter.group === null) push(own, subscription.endpoint, subscription);
    else push(groups, subscription.filter.text, channelOf(subscription));
  }
  return {
    channels: Array.from(own.values(), merged),
    groups: Array.from(groups, ([key, members]) => ({ key, members })),
  };
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
