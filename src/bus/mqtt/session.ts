/**
 * One client's session: what it subscribed to, what waits for it, and what is under way (MQTT 5, section 4.1).
 *
 * Guarantee: with QoS 1 and 2 a message stays until the client acknowledged it, or may not have it when it is sent, also
 * when it is sent again [MSG-3]. A full queue loses the newest, on the record, and nobody waits for a slow client.
 */
import type { Bus } from "../bus.ts";
import type { Channel, Endpoint } from "../core/channel.ts";
import type { Message, View } from "../core/message.ts";
import type { LabelText } from "../labels.ts";
import type { Party, QoS } from "../types.ts";
import { Malformed, REASON } from "./codec/malformed.ts";
import type { AckKind, Version } from "./codec/read.ts";
import { writeAck, writePublish } from "./codec/write.ts";
import type { Keeper, Outgoing } from "./keeper.ts";

/** The connection that a session has now. */
export interface Link {
  readonly isChoked: boolean;
  /** Messages with QoS 1 and 2 that may be under way. */
  readonly window: number;
  /** Longest packet that the client takes. Bytes. */
  readonly longest: number;
  send(frame: Buffer): void;
  /** Ends the connection, with a reason. */
  cut(reason: number, text: string): void;
}

export interface SessionParts {
  readonly bus: Bus;
  readonly keeper: Keeper;
  readonly labels: LabelText;
}

/** What a session is. The key has the principal in it: nobody else's client takes a session over. */
export interface SessionFacts {
  readonly key: string;
  readonly principal: string;
  readonly clientId: string;
  readonly version: Version;
}

export class Session {
  readonly facts: SessionFacts;
  readonly endpoint: Endpoint;
  /** Seconds that it outlives its connection. */
  expiry = 0;
  /** When it ends; null: it is connected. Milliseconds since 1970. */
  endsAt: number | null = null;
  link: Link | null = null;
  readonly #parts: SessionParts;
  #waiting: Outgoing[] = [];
  /** Of what waits and what is under way. */
  #bytes = 0;
  readonly #sent = new Map<number, Outgoing>();
  readonly #received = new Set<number>();
  #lastId = 0;
  #lastPlace = 0;

  constructor(facts: SessionFacts, party: Party, parts: SessionParts) {
    this.facts = facts;
    this.#parts = parts;
    this.endpoint = parts.bus.attach(
      party,
      (message, channel, isRetained) => this.#take(message, channel, isRetained),
      {
        subscribed: (filter, options) => {
          if (this.expiry > 0) parts.keeper.subscribed(facts.key, filter, options);
        },
        unsubscribed: (filter) => parts.keeper.unsubscribed(facts.key, filter),
      },
    );
  }

  /** A client is there: what was under way is sent again, then what waits. */
  connect(link: Link): void {
    this.link = link;
    this.endsAt = null;
    this.endpoint.isOnline = true;
    for (const outgoing of [...this.#sent.values()]) {
      if (outgoing.isReleased) link.send(writeAck("pubrel", outgoing.id, this.facts.version, 0));
      else this.#sendAgain(outgoing);
    }
    this.pump();
  }

  /** The client is gone. */
  disconnect(now: number): void {
    this.link = null;
    this.endpoint.isOnline = false;
    this.endsAt = now + this.expiry * 1000;
  }

  /** What waits or is under way: messages, and their bytes. */
  get queued(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#waiting.length + this.#sent.size, bytes: this.#bytes };
  }

  /** Keeps what a restart has to know; of a session that ends with its connection, nothing. */
  keep(): void {
    if (this.expiry === 0) this.#parts.keeper.ended(this.facts.key);
    else this.#parts.keeper.session({ ...this.facts, expiry: this.expiry, endsAt: this.endsAt });
  }

  /** Ends the session: what a group's member did not get goes to another. */
  end(): void {
    const left = [...this.#sent.values(), ...this.#waiting].filter(({ isReleased }) => !isReleased);
    this.#sent.clear();
    this.#waiting = [];
    this.#parts.keeper.ended(this.facts.key);
    this.#parts.bus.detach(this.endpoint);
    for (const outgoing of left) this.#parts.bus.release(outgoing.message, this.#channelOf(outgoing));
  }

  /** Puts back what was kept. */
  restore(outgoing: readonly Outgoing[], received: readonly number[]): void {
    for (const one of outgoing) {
      this.#lastPlace = Math.max(this.#lastPlace, one.place);
      if (one.id > 0) this.#sent.set(one.id, one);
      else this.#waiting.push(one);
      this.#bytes += one.message.size;
    }
    for (const id of received) this.#received.add(id);
  }

  /** A QoS 2 message came. False: it was here before. @throws Malformed when too many are under way */
  receive(id: number): boolean {
    if (this.#received.has(id)) return false;
    if (this.#received.size >= this.#parts.bus.limits.inflight)
      throw new Malformed(REASON.receiveMaximum, "too many messages under way");
    this.#received.add(id);
    if (this.expiry > 0) this.#parts.keeper.received(this.facts.key, id);
    return true;
  }

  /** The client forgets a QoS 2 message. False: there was none. */
  release(id: number): boolean {
    if (this.expiry > 0) this.#parts.keeper.released(this.facts.key, id);
    return this.#received.delete(id);
  }

  /** The client acknowledges. @throws Malformed for what does not belong to the message */
  acknowledged(kind: Exclude<AckKind, "pubrel">, id: number, reason: number): void {
    const outgoing = this.#sent.get(id);
    const { version } = this.facts;
    if (outgoing === undefined) {
      // It was taken back, or done with before a restart: the client need not keep it.
      if (kind === "pubrec" && reason < REASON.unspecified)
        this.link?.send(writeAck("pubrel", id, version, REASON.success));
      return;
    }
    if ((kind === "puback") !== (outgoing.qos === 1))
      throw new Malformed(REASON.protocol, `${kind} for a message with QoS ${outgoing.qos}`);
    if (kind === "pubcomp" && !outgoing.isReleased)
      throw new Malformed(REASON.protocol, "pubcomp for a message that was not received");
    if (kind === "pubrec" && reason < REASON.unspecified) {
      outgoing.isReleased = true;
      this.#note(outgoing);
      this.link?.send(writeAck("pubrel", id, version, 0));
      return;
    }
    this.#done(outgoing);
    this.pump();
  }

  /** Sends what waits, as far as the client takes it. */
  pump(): void {
    while (this.link !== null && !this.link.isChoked && this.#sent.size < this.link.window) {
      const outgoing = this.#waiting.shift();
      if (outgoing === undefined) return;
      this.#sendFirst(outgoing, this.link);
    }
  }

  #take(message: Message, channel: Channel, isRetained: boolean): void {
    const { bus } = this.#parts;
    const qos = Math.min(message.facts.qos, channel.qos) as QoS;
    const retain = isRetained || (channel.retainAsPublished && message.facts.retain);
    const { identifiers, group } = channel;
    if (qos === 0) {
      if (this.link === null) bus.dropped(message, channel, "away");
      else if (this.link.isChoked) bus.dropped(message, channel, "slow");
      else this.#sendOnce(message, channel, retain, this.link);
      return;
    }
    const isFull =
      this.#waiting.length >= bus.limits.queuedMessages ||
      this.#bytes + message.size > bus.limits.queuedBytes;
    if (isFull) {
      bus.dropped(message, channel, "queue full");
      return;
    }
    const outgoing = { place: ++this.#lastPlace, message, qos, retain, identifiers, group, id: 0, isReleased: false }; // prettier-ignore
    this.#note(outgoing);
    this.#waiting.push(outgoing);
    this.#bytes += message.size;
    this.pump();
  }

  #sendOnce(message: Message, channel: Channel, retain: boolean, link: Link): void {
    const view = this.#parts.bus.open(message, channel);
    if (view === null) return;
    const frame = this.#frame(view, 0, 0, retain, false, channel.identifiers);
    if (frame.length > link.longest) this.#parts.bus.dropped(message, channel, "too large for the client");
    else link.send(frame);
  }

  #sendFirst(outgoing: Outgoing, link: Link): void {
    outgoing.id = this.#freeId();
    this.#sent.set(outgoing.id, outgoing);
    if (this.#transmit(outgoing, link, false)) this.#note(outgoing);
  }

  #sendAgain(outgoing: Outgoing): void {
    if (this.link !== null) this.#transmit(outgoing, this.link, true);
  }

  /** False: the receiver may not have it, or can't, and it is done with. */
  #transmit(outgoing: Outgoing, link: Link, isAgain: boolean): boolean {
    const { message, qos, id, retain, identifiers } = outgoing;
    const channel = this.#channelOf(outgoing);
    const view = this.#parts.bus.open(message, channel);
    const frame = view && this.#frame(view, qos, id, retain, isAgain, identifiers);
    if (frame !== null && frame.length <= link.longest) {
      link.send(frame);
      return true;
    }
    if (frame !== null) this.#parts.bus.dropped(message, channel, "too large for the client");
    this.#done(outgoing);
    return false;
  }

  #frame(
    view: View,
    qos: QoS,
    id: number,
    retain: boolean,
    isAgain: boolean,
    identifiers: readonly number[],
  ): Buffer {
    const { version } = this.facts;
    const { labels, bus } = this.#parts;
    const now = view.message.facts.expiresAt === Infinity ? 0 : bus.now();
    return writePublish(view, { version, qos, id, retain, isAgain, identifiers }, labels, now);
  }

  #channelOf({ qos, identifiers, group }: Outgoing): Channel {
    return { endpoint: this.endpoint, qos, noLocal: false, retainAsPublished: false, identifiers, group };
  }

  #note(outgoing: Outgoing): void {
    if (this.expiry > 0) this.#parts.keeper.outgoing(this.facts.key, outgoing);
  }

  #done(outgoing: Outgoing): void {
    this.#sent.delete(outgoing.id);
    this.#bytes -= outgoing.message.size;
    if (this.expiry > 0) this.#parts.keeper.done(this.facts.key, outgoing);
  }

  #freeId(): number {
    do this.#lastId = this.#lastId === 65_535 ? 1 : this.#lastId + 1;
    while (this.#sent.has(this.#lastId));
    return this.#lastId;
  }
}
