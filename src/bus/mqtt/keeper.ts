/**
 * What is kept of sessions, so that they outlive the bus. The store on disk is one; without one nothing is kept.
 */
import type { SubscribeOptions } from "../core/channel.ts";
import type { Message } from "../core/message.ts";
import type { Context } from "../../label/index.ts";
import type { Publication, QoS } from "../types.ts";
import type { Version } from "./codec/read.ts";

/** A session as it is kept. */
export interface KeptSession {
  readonly key: string;
  readonly principal: string;
  readonly clientId: string;
  readonly version: Version;
  /** Seconds that it lives without a connection. */
  readonly expiry: number;
  /** When it ends; null: it is connected. Milliseconds since 1970. */
  readonly endsAt: number | null;
}

/** A message that waits for, or is under way to, one session. */
export interface Outgoing {
  /** Order within the session. */
  readonly place: number;
  readonly message: Message;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly identifiers: readonly number[];
  readonly group: string | null;
  /** Packet identifier; 0: it waits. */
  id: number;
  /** The client has it and said so (PUBREC); what is left is that both forget it. */
  isReleased: boolean;
}

/** A will as it is kept. */
export interface KeptWill {
  /** Its session's. */
  readonly key: string;
  readonly publication: Publication;
  /** Milliseconds. */
  readonly delay: number;
  /** All that its client was known to be. */
  readonly known: Context;
  /** Was it a program of this host? */
  readonly isLocal: boolean;
  /** When it is due; null: its client is there. Milliseconds since 1970. */
  readonly at: number | null;
}

export interface Keeper {
  /** Adds a will, or notes what changed of it; and that it is published or not needed any more. */
  will(will: KeptWill): void;
  willOver(key: string): void;
  session(session: KeptSession): void;
  ended(key: string): void;
  subscribed(key: string, filter: string, options: SubscribeOptions): void;
  unsubscribed(key: string, filter: string): void;
  /** Adds an outgoing message, or notes what changed of it. */
  outgoing(key: string, outgoing: Outgoing): void;
  done(key: string, outgoing: Outgoing): void;
  /** A packet identifier of QoS 2 that the client used; and that it is free again. */
  received(key: string, id: number): void;
  released(key: string, id: number): void;
}

export const NOTHING_KEPT: Keeper = {
  will() {},
  willOver() {},
  session() {},
  ended() {},
  subscribed() {},
  unsubscribed() {},
  outgoing() {},
  done() {},
  received() {},
  released() {},
};
