/**
 * What happens on the bus, as records: who published what in which context, who got it, who did not and why, which channels
 * were set up, who steered it. [MSG-1..3, AUD-1]
 *
 * Guarantee: what was told is on the record when `flush` returns; it throws when that could not be, and the bus then neither
 * keeps nor sends anything of the turn. A message is an entity of its own, so `csn trace` goes through the bus.
 * An attempt to publish is in the record of its outcome, which follows in the same turn.
 */
import { createHash } from "node:crypto";
import type { BusEvent, Recorder, Who } from "../bus/index.ts";
import { ENTITY_KINDS, KIND, LIMITS, type Op, SHAPE, VERDICTS } from "../kernel/index.ts";
import { checkFlow, type Context, PLATFORM_IN, UNLABELLED } from "../label/index.ts";
import { NO_USER } from "../policy/index.ts";
import { RECORD_BYTES } from "../audit/index.ts";
import type { DaemonEvent, Said } from "./records.ts";

const N = SHAPE.csn_name_record;
const kindOf = (name: (typeof ENTITY_KINDS)[number]) => ENTITY_KINDS.indexOf(name);
const NONE = kindOf("none");
const PROCESS = kindOf("process");
const MESSAGE = kindOf("message");
const CLIENT = kindOf("client");
const verdictOf = (name: (typeof VERDICTS)[number]["name"]) => VERDICTS.findIndex((one) => one.name === name);
const CLOSED = verdictOf("refused_closed");
const UNKNOWN = verdictOf("refused_unknown");
const RULES: Readonly<Record<string, number>> = {
  "FLOW-1": verdictOf("refused_secrecy"),
  "FLOW-2": verdictOf("refused_integrity"),
};
/** Clients whose names are on the record of this daemon. */
const NAMED = 100_000;

type Entity = DaemonEvent["sourceEntity"];
type End = { kind: number; entity: Entity; before: Buffer[] };

const NOBODY: End = { kind: NONE, entity: [0n, 0, 0], before: [] };

/** Takes several events in one write. @see Records.events */
export type Events = { drain(): void; events(said: readonly Said[]): boolean };

export class BusRecorder implements Recorder {
  readonly #records: Events;
  readonly #planned: () => void;
  #said: Said[] = [];
  /** Clients that the record has a name of. */
  readonly #named = new Map<string, Entity>();

  /** @param planned called when there is something to flush */
  constructor(records: Events, planned: () => void) {
    this.#records = records;
    this.#planned = planned;
  }

  record(event: BusEvent): void {
    const said = this.#saidOf(event);
    if (said === null) return;
    this.#said.push(said);
    this.#planned();
  }

  /** @throws when it could not be recorded */
  flush(): void {
    const said = this.#said;
    if (said.length === 0) return;
    this.#said = [];
    this.#records.drain(); // what a sender had read stands before what it sent
    if (this.#records.events(said)) return;
    this.#named.clear(); // their names may be missing
    throw new Error("the record could not be written");
  }

  /** Forgets what was not flushed: of a bus that is over. */
  drop(): void {
    this.#said = [];
  }

  #saidOf(event: BusEvent): Said | null {
    switch (event.kind) {
      case "publish":
        return null;
      case "accept":
        return this.#published(event, 0);
      case "refuse":
        return event.from === null
          ? this.#channel(event, verdictFor(event))
          : this.#published(event, verdictFor(event));
      case "remove":
        return event.to === null
          ? this.#published(event, refusedFor(event))
          : this.#delivered(event, refusedFor(event));
      case "deliver":
        return this.#delivered(event, 0);
      case "withhold":
        return this.#delivered(event, refusedFor(event));
      case "open":
      case "close":
        return this.#channel(event, 0);
      case "control":
        break;
    }
    return this.#make(event, "configure", 0, this.#endOf(event.from), NOBODY, { bus: event.reason });
  }

  #published(event: BusEvent, verdict: number): Said {
    const isThere = event.message !== 0;
    const message: End = isThere ? this.#messageOf(event) : NOBODY;
    const detail =
      verdict === 0 ? undefined : { topic: event.topic, reason: event.reason, removed: event.removed };
    return this.#make(event, "publish", verdict, this.#endOf(event.from), message, detail);
  }

  #delivered(event: BusEvent, verdict: number): Said {
    const message: End = { kind: MESSAGE, entity: [BigInt(event.message), 0, 0], before: [] };
    const detail =
      verdict === 0
        ? undefined
        : { topic: event.topic, to: event.to?.name, reason: event.reason, removed: event.removed };
    return this.#make(event, "deliver", verdict, message, this.#endOf(event.to), detail);
  }

  #channel(event: BusEvent, verdict: number): Said {
    const detail = { channel: event.kind, topic: event.topic, of: event.to?.name, reason: event.reason };
    return this.#make(event, "channel", verdict, NOBODY, this.#endOf(event.to), detail);
  }

  #make(event: BusEvent, op: Op, verdict: number, source: End, sink: End, detail?: object): Said {
    const isSent = op === "publish" || op === "configure";
    // what is not known is nobody's to read but root's; what was decided about a context, who is cleared for it may know
    const unknown = op === "configure" ? (event.data ?? PLATFORM_IN) : PLATFORM_IN;
    const party = event.party ?? (event.from === null && event.to === null ? UNLABELLED : unknown);
    const data = event.data ?? party;
    const actor = (isSent ? event.from : event.to)?.process;
    return {
      event: {
        op,
        verdict,
        sourceKind: source.kind,
        sinkKind: sink.kind,
        source: isSent ? party : data,
        sink: isSent ? data : party,
        sourceEntity: source.entity,
        sinkEntity: sink.entity,
        pid: actor?.pid ?? 0,
        uid: actor?.uid ?? NO_USER,
        bytes: 0,
      },
      detail: detail === undefined ? "" : JSON.stringify(detail),
      before: [...source.before, ...sink.before],
    };
  }

  #messageOf({ message, topic }: BusEvent): End {
    const entity: Entity = [BigInt(message), 0, 0];
    return { kind: MESSAGE, entity, before: [nameRecord(MESSAGE, entity, topic)] };
  }

  #endOf(who: Who | null): End {
    if (who === null) return NOBODY;
    if (who.process !== undefined) return { kind: PROCESS, entity: [0n, who.process.pid, 0], before: [] };
    const known = this.#named.get(who.name);
    if (known !== undefined) return { kind: CLIENT, entity: known, before: [] };
    const entity: Entity = [clientNumber(who.name), 0, 0];
    if (this.#named.size >= NAMED) this.#named.clear();
    this.#named.set(who.name, entity);
    return { kind: CLIENT, entity, before: [nameRecord(CLIENT, entity, who.name)] };
  }
}

const clientNumber = (name: string): bigint => createHash("sha256").update(name).digest().readBigUInt64LE();

/** A client as questions and answers name it. */
export const clientId = (name: string): string => `client:${clientNumber(name)}`;

/** What a refusal of the bus is in the record. */
function verdictFor(event: BusEvent): number {
  if (event.reason === "CTX-5") return UNKNOWN;
  const between = event.from === null ? [event.data, event.party] : [event.party, event.data];
  return flowVerdict(between[0] ?? null, between[1] ?? null) || CLOSED;
}

/** Of a message, or a part of it, that a receiver did not get, or a sender could not send. */
function refusedFor(event: BusEvent): number {
  if (event.party === null) return UNKNOWN;
  if (event.removed > 0) return RULES["FLOW-1"]!; // of single attributes, whose contexts are not told
  return flowVerdict(event.data, event.party) || CLOSED;
}

function flowVerdict(from: Context | null, to: Context | null): number {
  if (from === null || to === null) return 0;
  const denial = checkFlow(from, to);
  return denial === null ? 0 : RULES[denial.rule]!;
}

/** The last three parts of a topic, or of a client's name, as a file's path has them. */
function nameRecord(kind: number, [first, second, third]: Entity, text: string): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  const parts = text
    .split("/")
    .filter((part) => part !== "")
    .slice(-3)
    .reverse();
  record[N.version] = 1;
  record[N.kind] = KIND.NAME;
  record[N.parts] = parts.length;
  record[N.entity_kind] = kind;
  record.writeBigUInt64LE(first, N.entity);
  record.writeUInt32LE(second, N.entity + 8);
  record.writeUInt32LE(third, N.entity + 12);
  // what is too long is cut at its end, and a zero byte there says so
  for (const [at, part] of parts.entries())
    record.write(part, N.name + at * LIMITS.NAME_BYTES, LIMITS.NAME_BYTES - 1, "utf8");
  return record;
}
