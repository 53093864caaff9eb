/**
 * One client's connection: its packets in, the session's out.
 *
 * Guarantee: until the client has said who it is, and that was found to be so, nothing else of it is looked at; what
 * breaks the protocol ends this connection with one reason code and a record, and no other; a client that says nothing in
 * time is cut.
 */
import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import type { Bus } from "../bus.ts";
import { whoOf } from "../core/events.ts";
import { isTopic } from "../core/topic.ts";
import type { LabelText } from "../labels.ts";
import type { Party } from "../types.ts";
import type { Authenticator, Identity, Origin } from "./authenticator.ts";
import { LastString } from "./codec/cursor.ts";
import { Frames } from "./codec/frames.ts";
import { Malformed, REASON } from "./codec/malformed.ts";
import { readPacket } from "./codec/read.ts";
import type { Version, WireConnect } from "./codec/read.ts";
import { write } from "./codec/write.ts";
import { Conversation } from "./conversation.ts";
import { publicationOf } from "./incoming.ts";
import { Output } from "./output.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import type { Turn } from "./turn.ts";
import { Will } from "./wills.ts";

export interface ConnectionParts {
  readonly bus: Bus;
  readonly sessions: Sessions;
  readonly authenticator: Authenticator;
  readonly labels: LabelText;
  readonly turn: Turn;
  /** It is known who it is. */
  readonly met: (connection: Connection) => void;
  readonly closed: (connection: Connection) => void;
  /** Told why the bus ends one. */
  readonly ended: (reason: number) => void;
}

/** MQTT 3.1.1's return codes for those of MQTT 5 (section 3.2.2.3 there); for others it is not answered. */
const OLD_CODES: Readonly<Record<number, number>> = {
  [REASON.version]: 1,
  [REASON.clientId]: 2,
  [REASON.quota]: 3,
  [REASON.failed]: 3,
  [REASON.notAuthorized]: 5,
};

export class Connection {
  readonly #stream: Duplex;
  readonly #origin: Origin;
  readonly #parts: ConnectionParts;
  readonly #frames: Frames;
  readonly #output: Output;
  readonly #since: number;
  #heardAt: number;
  /** Milliseconds without a word after which it is cut; 0: never. */
  #patience = 0;
  #version: Version | null = null;
  /** In which version a CONNECT that is refused is answered; null: not at all. */
  #answersIn: Version | null = null;
  #conversation: Conversation | null = null;
  readonly #lastTopic = new LastString();
  #session: Session | null = null;
  #expiresAt = Infinity;
  #isAsking = false;
  #isOver = false;

  constructor(stream: Duplex, origin: Origin, parts: ConnectionParts) {
    const { bus, turn } = parts;
    this.#stream = stream;
    this.#origin = origin;
    this.#parts = parts;
    this.#since = this.#heardAt = bus.now();
    this.#frames = new Frames(bus.limits.packetBytes);
    const drained = (): void => this.#session?.pump();
    const overlong = (): void =>
      this.cut(REASON.tooLarge, "the client takes no packet as long as the answer");
    this.#output = new Output(stream, turn, bus.limits.unsentBytes, bus.now, drained, overlong);
    stream.on("data", (chunk: Buffer) => this.#hear(chunk));
    stream.on("error", () => stream.destroy());
    stream.on("close", () => this.#over());
    // A client that closes its side has left.
    stream.on("end", () => stream.end());
  }

  /** Ends the connection. @param text for the client, and for the record */
  cut(reason: number, text: string): void {
    if (this.#isOver) return;
    const party = this.#session?.endpoint.party;
    this.#parts.bus.events.write("close", { from: party ? whoOf(party) : null, reason: text });
    this.#parts.ended(reason);
    if (this.#version === 5 && this.#session !== null) this.#sayLast(reason, text);
    this.#over();
  }

  /** To be called about once a second. */
  tick(now: number): void {
    const { limits } = this.#parts.bus;
    const { chokedAt } = this.#output;
    if (this.#session !== null) this.#parts.sessions.wills.look(this.#session.facts.key);
    if (this.#session === null && now - this.#since > limits.connectMilliseconds) this.#tooLate();
    else if (this.#patience > 0 && now - this.#heardAt > this.#patience) this.cut(REASON.keepAlive, "nothing heard in time"); // prettier-ignore
    else if (now > this.#expiresAt) this.cut(REASON.notAuthorized, "credentials are no longer valid");
    else if (chokedAt !== null && now - chokedAt > limits.keepAliveSeconds * 1000) this.cut(REASON.quota, "too slow"); // prettier-ignore
  }

  #tooLate(): void {
    const { events } = this.#parts.bus;
    events.write("refuse", { reason: "connection: did not say in time who it is" });
    events.tally.hit("connectMilliseconds");
    this.#over();
  }

  #hear(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#heardAt = this.#parts.bus.now();
    try {
      this.#frames.push(
        chunk,
        (header, bytes, start, end) => this.#take(header, bytes, start, end),
        () => this.#isOver || this.#isAsking,
      );
    } catch (error) {
      if (error instanceof Malformed) this.#refuse(error.reason, error.message);
      else this.cut(REASON.failed, "the bus failed");
    }
  }

  #take(header: number, bytes: Buffer, start: number, end: number): void {
    if (this.#version === null && header === 0x10) this.#answersIn = bytes[start + 6] === 5 ? 5 : 4;
    const packet = readPacket(header, bytes, this.#version, start, end, this.#lastTopic);
    if (packet.kind !== "connect") {
      this.#conversation?.take(packet);
      return;
    }
    this.#version = packet.version;
    this.#isAsking = true;
    this.#stream.pause();
    void this.#meet(packet).then(
      () => this.#goOn(),
      (error: unknown) => {
        if (error instanceof Malformed) this.#refuse(error.reason, error.message);
        else this.#refuse(REASON.failed, "the bus failed");
      },
    );
  }

  #goOn(): void {
    this.#isAsking = false;
    if (this.#isOver) return;
    this.#stream.resume();
    // What came behind CONNECT.
    this.#hear(Buffer.alloc(0));
  }

  /** @throws Malformed */
  async #meet(hello: WireConnect): Promise<void> {
    if (hello.properties.authenticationMethod !== undefined)
      throw new Malformed(REASON.authenticationMethod, "no enhanced authentication here");
    if (hello.clientId === "" && hello.version === 4 && !hello.cleanStart)
      throw new Malformed(REASON.clientId, "a session that stays needs a client identifier");
    if (hello.clientId.length > 256) throw new Malformed(REASON.clientId, "client identifier too long");
    const clientId = hello.clientId || randomUUID();
    const { username, password } = hello;
    const asked = { origin: this.#origin, clientId, username, password };
    const identity = await this.#parts.authenticator.authenticate(asked).catch(() => null);
    if (this.#isOver) return;
    // A principal with a colon in it could look like a client of another.
    if (identity === null || identity.principal.includes(":"))
      throw new Malformed(REASON.notAuthorized, "not authorized");
    this.#expiresAt = identity.expiresAt ?? Infinity;
    this.#open(hello, clientId, partyOf(identity, clientId));
  }

  #open(hello: WireConnect, clientId: string, party: Party): void {
    const { bus, sessions, labels } = this.#parts;
    const { version, properties } = hello;
    if (bus.standing.isIsolated(party)) throw new Malformed(REASON.notAuthorized, "not authorized");
    const isWillFine = hello.will === null || isTopic(hello.will.topic, bus.limits);
    const will = isWillFine ? hello.will && willOf(hello.will, party, labels) : null;
    if (hello.will !== null && will === null) throw new Malformed(REASON.topic, "a will that can't be published"); // prettier-ignore
    const key = `${party.principal}\n${clientId}`;
    const facts = { key, principal: party.principal, clientId, version };
    const opened = sessions.open(facts, party, hello.cleanStart);
    if (opened === null) throw new Malformed(REASON.quota, "too many sessions");

    const { session, isPresent } = opened;
    const wanted = version === 5 ? (properties.sessionExpiryInterval ?? 0) : hello.cleanStart ? 0 : Infinity;
    session.expiry = Math.min(wanted, bus.limits.sessionSeconds);
    this.#session = session;
    this.#parts.met(this);
    this.#conversation = new Conversation(session, this.#output, this.#parts, (expiry) => this.#goodbye(expiry)); // prettier-ignore
    const keepAlive = this.#keepAliveOf(hello);
    this.#patience = keepAlive * 1500;
    this.#output.longest = properties.maximumPacketSize ?? Infinity;
    this.#output.write(connack(hello, clientId, isPresent, keepAlive, session.expiry, bus));
    // The answer was longer than the client takes: there is nobody to go on with.
    if (this.#isOver) return;
    if (will !== null) sessions.wills.hold(key, will);
    session.connect(this.#linkFor(hello));
    session.keep();
  }

  #linkFor({ properties }: WireConnect): NonNullable<Session["link"]> {
    const output = this.#output;
    return {
      get isChoked() {
        return output.isChoked;
      },
      window: Math.min(properties.receiveMaximum ?? Infinity, this.#parts.bus.limits.inflight),
      longest: properties.maximumPacketSize ?? Infinity,
      send: (frame) => output.write(frame),
      cut: (reason, text) => this.cut(reason, text),
    };
  }

  /** Seconds. MQTT 5 clients can be told to speak more often; older ones keep what they chose. */
  #keepAliveOf({ version, keepAlive }: WireConnect): number {
    const most = Math.min(this.#parts.bus.limits.keepAliveSeconds, 65_535);
    return version === 5 && (keepAlive === 0 || keepAlive > most) ? most : keepAlive;
  }

  /** The client says goodbye. @param expiry the new one of its session, seconds; null: its will is to be published */
  #goodbye(expiry: number | undefined | null): void {
    const session = this.#session;
    if (expiry !== null && session !== null) this.#parts.sessions.wills.drop(session.facts.key);
    if (typeof expiry === "number" && session !== null) session.expiry = expiry;
    this.#over();
  }

  #refuse(reason: number, text: string): void {
    if (this.#session !== null) {
      this.cut(reason, text);
      return;
    }
    this.#parts.bus.events.write("refuse", { reason: `connection: ${text}` });
    this.#parts.ended(reason);
    const old = OLD_CODES[reason];
    if (this.#answersIn === 5)
      this.#output.write(write({ cmd: "connack", reasonCode: reason, sessionPresent: false, properties: { reasonString: text } }, 5)); // prettier-ignore
    else if (this.#answersIn === 4 && old !== undefined)
      this.#output.write(write({ cmd: "connack", returnCode: old, sessionPresent: false }, 4));
    this.#over();
  }

  /** The reason in words is left out when the client takes no packet so long, and the whole when it takes even less. */
  #sayLast(reasonCode: number, reasonString: string): void {
    const said = [{ reasonString }, {}].map((properties) => write({ cmd: "disconnect", reasonCode, properties }, 5)); // prettier-ignore
    const fitting = said.find(({ length }) => length <= this.#output.longest);
    if (fitting !== undefined) this.#output.write(fitting);
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#output.end();
    this.#stream.resume();
    if (this.#session !== null) this.#parts.sessions.leave(this.#session);
    this.#parts.closed(this);
  }

  /** Ends it at once, whatever is not yet written. */
  destroy(): void {
    this.#over();
    this.#stream.destroy();
  }
}

function partyOf(identity: Identity, clientId: string): Party {
  const { principal, process, tagNamed } = identity;
  return {
    principal,
    name: `${principal}:${clientId}`,
    ...(process === undefined ? {} : { process }),
    context: () => identity.context(),
    mayPublishAs: (wanted) => identity.mayPublishAs(wanted),
    ...(tagNamed === undefined ? {} : { tagNamed }),
  };
}

/** Null: it asks for a context that can't be read, or its client has none. */
function willOf(will: NonNullable<WireConnect["will"]>, party: Party, labels: LabelText): Will | null {
  const publication = publicationOf(will, will.topic, labels, party);
  if (publication === null) return null;
  const delay = (will.properties.willDelayInterval ?? 0) * 1000;
  try {
    return new Will(party, publication, delay, party.context());
  } catch {
    return null;
  }
}

function connack(
  hello: WireConnect,
  clientId: string,
  sessionPresent: boolean,
  keepAlive: number,
  expiry: number,
  { limits }: Bus,
): Buffer {
  if (hello.version === 4) return write({ cmd: "connack", returnCode: 0, sessionPresent }, 4);
  const properties = {
    receiveMaximum: Math.min(limits.inflight, 65_535),
    maximumPacketSize: limits.packetBytes,
    topicAliasMaximum: limits.topicAliases,
    ...(hello.clientId === "" ? { assignedClientIdentifier: clientId } : {}),
    ...(keepAlive === hello.keepAlive ? {} : { serverKeepAlive: keepAlive }),
    ...(expiry === (hello.properties.sessionExpiryInterval ?? 0) ? {} : { sessionExpiryInterval: expiry }),
  };
  return write({ cmd: "connack", reasonCode: 0, sessionPresent, properties }, 5);
}
