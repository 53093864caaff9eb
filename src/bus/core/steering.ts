/**
 * Carries out what a third party may do to the bus: its channels and the standing of its parties.
 *
 * Guarantee: it holds from the next message on, for running channels as for new ones.
 * Not covered: who may, which `Bus.control` asks before.
 */
import type { Limits } from "../limits.ts";
import type { QoS, Refusal } from "../types.ts";
import type { Endpoint, SubscribeOptions } from "./channel.ts";
import type { ControlRequest } from "./control.ts";
import type { Events } from "./events.ts";
import type { Standing } from "./standing.ts";
import { isNamed } from "./standing.ts";
import { readFilter } from "./topic.ts";
import { flows } from "./verdicts.ts";

/** What of the bus is steered. */
export interface Steered {
  readonly standing: Standing;
  readonly events: Events;
  readonly limits: Limits;
  now(): number;
  subscribe(
    endpoint: Endpoint,
    filter: string,
    options: SubscribeOptions,
  ): { readonly accepted: true } | { readonly accepted: false; readonly reason: Refusal };
  unsubscribe(endpoint: Endpoint, filter: string): boolean;
}

export class Steering {
  readonly #bus: Steered;
  readonly #endpoints: ReadonlySet<Endpoint>;

  constructor(bus: Steered, endpoints: ReadonlySet<Endpoint>) {
    this.#bus = bus;
    this.#endpoints = endpoints;
  }

  /** Null, or why it can't be done: nobody of that name is there, or it is no filter. */
  carryOut(request: ControlRequest): Refusal | null {
    switch (request.action) {
      case "map":
        return this.#map(request.target, request.filter, request.qos);
      case "unmap":
        return this.#unmap(request.target, request.filter);
      case "divert":
        if (readFilter(request.filter, this.#bus.limits)?.group !== null) return "topic";
        this.#bus.standing.divert(request.filter, request.gate);
        return null;
      case "relabel":
        this.#bus.standing.relabel(request.target, request.context);
        break;
      case "isolate":
        this.#bus.standing.isolate(request.target, request.isolated);
        break;
      case "glass": {
        const until = this.#bus.now() + request.seconds * 1000;
        this.#bus.standing.breakGlass(request.target, {
          context: request.context,
          reason: request.reason,
          until,
        });
        break;
      }
    }
    this.review(request.target);
    return null;
  }

  #map(target: string, filter: string, qos: QoS): Refusal | null {
    const endpoints = this.#named(target);
    if (endpoints.length === 0) return "forbidden";
    for (const endpoint of endpoints) {
      const result = this.#bus.subscribe(endpoint, filter, { qos });
      if (!result.accepted) return result.reason;
    }
    return null;
  }

  #unmap(target: string, filter: string): Refusal | null {
    const wasThere = this.#named(target).map((endpoint) => this.#bus.unsubscribe(endpoint, filter));
    return wasThere.includes(true) ? null : "topic";
  }

  /** Channels that became legal or illegal are set up and torn down on the record; each delivery is judged anyway. */
  review(target: string): void {
    for (const endpoint of this.#named(target)) {
      const to = endpoint.who;
      const party = this.#bus.standing.contextOf(endpoint.party, this.#bus.now());
      for (const subscription of endpoint.subscriptions.values()) {
        const { floor, filter } = subscription;
        const isOpen = party !== null && (floor === null || flows(floor, party));
        if (isOpen === subscription.isOpen) continue;
        subscription.isOpen = isOpen;
        this.#bus.events.write(isOpen ? "open" : "close", { topic: filter.text, to, data: floor, party, reason: "relabelled" }); // prettier-ignore
      }
    }
  }

  #named(target: string): Endpoint[] {
    return Array.from(this.#endpoints).filter(({ party }) => isNamed(party, target));
  }
}
