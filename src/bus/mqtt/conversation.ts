/**
 * What a connected client says, and what it is answered.
 *
 * Guarantee: an answer says how the client's own request fared, and nothing of who receives. A QoS 2 message is published
 * once, when it first comes.
 */
import type { SubscribeOptions } from "../core/channel.ts";
import type { Bus } from "../bus.ts";
import { formOf } from "../core/topic.ts";
import { UNREADABLE } from "../labels.ts";
import type { LabelText } from "../labels.ts";
import { Malformed, REASON } from "./codec/malformed.ts";
import type { ClientPacket, WireFilter, WirePublish } from "./codec/read.ts";
import { write, writeAck } from "./codec/write.ts";
import { publicationOf, REASONS } from "./incoming.ts";
import type { Output } from "./output.ts";
import type { Session } from "./session.ts";

type Subscribe = Extract<ClientPacket, { kind: "subscribe" }>;
type Unsubscribe = Extract<ClientPacket, { kind: "unsubscribe" }>;
type Disconnect = Extract<ClientPacket, { kind: "disconnect" }>;

const RETAINED = ["always", "new", "never"] as const;
const PONG = Buffer.from([0xd0, 0]);

export class Conversation {
  readonly #session: Session;
  readonly #output: Output;
  readonly #bus: Bus;
  readonly #labels: LabelText;
  readonly #goodbye: (expiry: number | undefined | null) => void;
  readonly #aliases = new Map<number, string>();

  /** @param goodbye called when the client leaves, with its session's new expiry; null: its will is to be published */
  constructor(
    session: Session,
    output: Output,
    { bus, labels }: { readonly bus: Bus; readonly labels: LabelText },
    goodbye: (expiry: number | undefined | null) => void,
  ) {
    this.#session = session;
    this.#output = output;
    this.#bus = bus;
    this.#labels = labels;
    this.#goodbye = goodbye;
  }

  /** @throws Malformed */
  take(packet: ClientPacket): void {
    switch (packet.kind) {
      case "publish":
        this.#publish(packet);
        return;
      case "puback":
      case "pubrec":
      case "pubcomp":
        this.#session.acknowledged(packet.kind, packet.id, packet.reason);
        return;
      case "pubrel":
        this.#release(packet.id);
        return;
      case "subscribe":
        this.#subscribe(packet);
        return;
      case "unsubscribe":
        this.#unsubscribe(packet);
        return;
      case "pingreq":
        this.#output.write(PONG);
        return;
      case "disconnect":
        this.#disconnect(packet);
        return;
      case "connect":
        throw new Malformed(REASON.protocol, "CONNECT comes once");
    }
  }

  #publish(packet: WirePublish): void {
    const topic = this.#topicOf(packet);
    const { qos, id } = packet;
    const { version } = this.#session.facts;
    // Said before: it is on the bus already.
    if (qos === 2 && !this.#session.receive(id)) {
      this.#output.write(writeAck("pubrec", id, version, 0));
      return;
    }
    const { party } = this.#session.endpoint;
    const publication = publicationOf(packet, topic, this.#labels, party);
    const result =
      publication === null
        ? this.#bus.refuse(party, topic, "context", UNREADABLE)
        : this.#bus.publish(party, publication);
    const reason = result.accepted ? REASON.success : REASONS[result.reason];
    if (qos === 1) this.#output.write(writeAck("puback", id, version, reason));
    if (qos !== 2) return;
    if (reason !== REASON.success && version === 5) this.#session.release(id);
    this.#output.write(writeAck("pubrec", id, version, reason));
  }

  /** A topic, or the alias of one (MQTT 5, section 3.3.2.3.4). */
  #topicOf({ topic, properties }: WirePublish): string {
    const { topicAlias } = properties;
    if (topic.includes("+") || topic.includes("#"))
      throw new Malformed(REASON.malformed, "wildcard in a topic");
    if (topicAlias === undefined) {
      if (topic === "") throw new Malformed(REASON.protocol, "no topic");
      return topic;
    }
    if (topicAlias === 0 || topicAlias > this.#bus.limits.topicAliases)
      throw new Malformed(REASON.topicAlias, "topic alias out of range");
    if (topic !== "") {
      this.#aliases.set(topicAlias, topic);
      return topic;
    }
    const known = this.#aliases.get(topicAlias);
    if (known === undefined) throw new Malformed(REASON.protocol, "topic alias unknown");
    return known;
  }

  #release(id: number): void {
    this.#session.release(id);
    // Also when it was not known: the answer to the first PUBREL may have been lost, and it is done with either way.
    this.#output.write(writeAck("pubcomp", id, this.#session.facts.version, REASON.success));
  }

  #subscribe({ id, identifier, filters }: Subscribe): void {
    const { version } = this.#session.facts;
    if (filters.length > this.#bus.limits.subscriptions)
      throw new Malformed(REASON.quota, "too many filters in one packet");
    // The answer goes before the retained messages that the subscription brings.
    const { mark } = this.#output;
    const granted = filters.map((wanted) => this.#subscribeOne(wanted, identifier));
    this.#output.write(write({ cmd: "suback", messageId: id, granted }, version), mark);
  }

  /** The code for SUBACK. */
  #subscribeOne(wanted: WireFilter, identifier: number | undefined): number {
    const { filter, qos, noLocal, retainAsPublished, retainHandling } = wanted;
    checkForm(filter);
    if (noLocal && filter.startsWith("$share/"))
      throw new Malformed(REASON.protocol, "a shared subscription can't leave out one's own");
    const options: SubscribeOptions = {
      qos,
      noLocal,
      retainAsPublished,
      retained: RETAINED[retainHandling],
      ...(identifier === undefined ? {} : { identifier }),
    };
    const result = this.#bus.subscribe(this.#session.endpoint, filter, options);
    if (result.accepted) return qos;
    if (this.#session.facts.version === 4) return REASON.unspecified;
    return result.reason === "topic" ? REASON.filter : REASONS[result.reason];
  }

  #unsubscribe({ id, filters }: Unsubscribe): void {
    const granted = filters.map((filter) => {
      checkForm(filter);
      const wasThere = this.#bus.unsubscribe(this.#session.endpoint, filter);
      return wasThere ? REASON.success : REASON.noSubscription;
    });
    this.#output.write(write({ cmd: "unsuback", messageId: id, granted }, this.#session.facts.version));
  }

  #disconnect({ reason, sessionExpiry }: Disconnect): void {
    if (this.#session.expiry === 0 && (sessionExpiry ?? 0) > 0)
      throw new Malformed(REASON.protocol, "a session can't be made to stay when its client leaves");
    const expiry = sessionExpiry && Math.min(sessionExpiry, this.#bus.limits.sessionSeconds);
    this.#goodbye(reason === REASON.success ? expiry : null);
  }
}

/** What is no filter at all breaks the protocol (MQTT 5, sections 4.7 and 4.8.2); one that is too long or deep is refused. */
function checkForm(filter: string): void {
  const form = formOf(filter);
  if (form === "none") throw new Malformed(REASON.malformed, "no filter");
  if (form === "unshared") throw new Malformed(REASON.protocol, "no shared filter");
}
