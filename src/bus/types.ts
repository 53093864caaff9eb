/**
 * What the bus, the message types and the carriers (MQTT, HTTP) say to each other. Types only.
 */
import type { Context, TagId } from "../label/index.ts";

/** What the message types say about publications. */
export interface Classifier {
  /** The type whose topic filter matches; null: an untyped message (one attribute-less body in the publisher's context). */
  typeOf(topic: string): MessageType | null;
  /**
   * What everything that is ever published under the filter is at least as secret as; null: nothing is known.
   * A subscription that could never carry anything is refused by it.
   */
  floorOf?(filter: string): Context | null;
}

export interface MessageType {
  readonly name: string;
  /** Topic filter in MQTT's notation. */
  readonly topic: string;
  /** What is done with what the sender or a receiver may not have: taken out, or the whole message refused or withheld. */
  readonly withheld: "remove" | "refuse";
  /** Reads a payload. "unreadable": not the declared format or schema, duplicate keys, too deep …: withheld from everyone. */
  read(payload: Uint8Array): Payload | Unreadable;
}

/** A payload that can't be told apart into attributes; the reason is for the record. */
export interface Unreadable {
  readonly unreadable: string;
}

export interface Payload {
  /** Context of the message as a whole: every attribute is at least as secret [MSG-1]. null: the publisher's. */
  readonly context: Context | null;
  /** Contexts of the attributes that are present, each distinct one once, joined with the message's; fixed order. */
  readonly attributes: readonly Context[];
  /** The payload with only the attributes whose context's index is kept. null: nothing is left. All kept: the original bytes. */
  redact(keep: readonly boolean[]): Uint8Array | null;
}

/** Who did something, for the record. */
export interface Who {
  readonly principal: string;
  readonly name: string;
  /** A process of this host, by the kernel's word. */
  readonly process?: { readonly pid: number; readonly uid: number };
}

/** Someone connected to the bus. */
export interface Party extends Who {
  /** Stamped on what it publishes. */
  readonly principal: string;
  /** For the record and for control: device id, program and pid … */
  readonly name: string;
  /** Its context now; asked at each use. Throws when it can't be found out, and then nothing is allowed. [CTX-5] */
  context(): Context;
  /** May it publish in this context although its own does not flow there (by its privileges)? */
  mayPublishAs(wanted: Context): boolean;
  /** The tag of that name; null: there is none, or none that it may know of, which is not told apart. Without it, it knows no names. */
  readonly tagNamed?: (name: string) => TagId | null;
}

/** MQTT 5's properties of a message, which CloudEvents have under other names. */
export interface Properties {
  readonly payloadFormatIndicator?: boolean;
  /** Seconds. */
  readonly messageExpiryInterval?: number;
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  readonly userProperties?: readonly (readonly [name: string, value: string])[];
}

export type QoS = 0 | 1 | 2;

/** What a party asks the bus to publish. */
export interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly properties?: Properties;
  readonly qos?: QoS;
  readonly retain?: boolean;
  /** Published in this context instead of the sender's own. */
  readonly as?: Context;
}

/** Why something was not accepted. */
export type Refusal =
  /** No topic or filter, or too long or deep. */
  | "topic"
  /** The sender may not publish in this context, or the whole message's type forbids it. */
  | "context"
  /** The payload is not what the topic's type declares. */
  | "payload"
  /** A limit: rate, retained messages, subscriptions, properties, size. */
  | "quota"
  /** Everything under this filter is above the party: the channel could never carry anything. */
  | "never"
  /** The party was cut off, or may not control. */
  | "forbidden"
  /** Context unknown, or the record could not be written: refused to be safe. */
  | "failed";

export type PublishResult =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly reason: Refusal };

/** Something that happened on the bus. */
export interface BusEvent {
  readonly kind:
    | "publish" // an attempt to publish, before it is judged
    | "accept" // it was let on to the bus
    | "refuse" // it was not; or a subscription was not
    | "remove" // attributes were taken out, at the source (no `to`) or for a receiver
    | "deliver"
    | "withhold"
    | "open" // a channel was set up: a subscription, or a connection
    | "close"
    | "control";
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The message's number on this bus, 0: none. */
  readonly message: number;
  readonly topic: string;
  readonly from: Who | null;
  readonly to: Who | null;
  /** Context of the data; null: unknown, or nothing is moved. */
  readonly data: Context | null;
  /** Context of the party that was judged; null: unknown, or nobody was. */
  readonly party: Context | null;
  /** Rule or reason; empty when it simply was allowed. */
  readonly reason: string;
  /** How many distinct contexts' attributes were taken out. */
  readonly removed: number;
}

/** Where flows are recorded, before and after enforcement. What can't be recorded (a throw) does not happen. */
export interface Recorder {
  record(event: BusEvent): void;
}
