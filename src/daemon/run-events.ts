/**
 * What the daemon itself did, as records [AUD-1]: shown to a person, withheld [TERM-1], labelled, policy for
 * addresses [NET-1], changes of context [CHG-1], run through a gate [GATE-2].
 */
import type { AddressRange, GateRunView } from "../api/index.ts";
import { ENTITY_KINDS, VERDICTS } from "../kernel/index.ts";
import { type Context, contextEquals, UNLABELLED } from "../label/index.ts";
import type { Csn } from "./csn.ts";
import { policyBytes } from "./entity-text.ts";
import type { Caller } from "./identity.ts";
import type { DaemonEvent, Watched } from "./records.ts";
import { entityOf, type Streams } from "./stage.ts";

const PROCESS = ENTITY_KINDS.indexOf("process");
/** csn_verdict: nothing ran. */
const CLOSED = VERDICTS.findIndex(({ name }) => name === "refused_closed");
const PRINCIPAL = ENTITY_KINDS.indexOf("principal");

/** Streams are numbered as the launcher tells them. */
const STREAM = { output: 1, error: 2 } as const;

/**
 * A stream that a person may get to see: that he does, or that it is kept from him, is on disk before, and told again when
 * something came into it that may tell more, then as soon on disk as the kernel's flows. [TERM-1, AUD-1, AUD-2]
 */
export class Showing {
  readonly #csn: Csn;
  readonly #caller: Caller;
  readonly #streams: Streams;
  readonly #number: number;
  #last: { op: "release" | "withhold"; context: Context } | null = null;
  /** Since the last record. */
  #bytes = 0;
  #watch: Watched | null = null;

  constructor(csn: Csn, caller: Caller, streams: Streams, stream: "output" | "error") {
    this.#csn = csn;
    this.#caller = caller;
    this.#streams = streams;
    this.#number = STREAM[stream];
  }

  /** Before it is done. @returns false: it is not on the record */
  tell(op: "release" | "withhold", context: Context, bytes: number): boolean {
    this.#watch ??= this.#csn.records.watch(sourceOf(this.#streams, this.#number).entity);
    const hasNews = this.#watch.hasNews();
    const isKnown = this.#last?.op === op && contextEquals(context, this.#last.context);
    if (!isKnown) this.#rest();
    this.#bytes += bytes;
    if (isKnown && !hasNews) return true;
    this.#last = { op, context };
    const isRecorded = this.#say(isKnown);
    if (!isRecorded) this.#last = null; // what follows is no more known than this
    return isRecorded;
  }

  /** No more comes. */
  end(): void {
    this.#rest();
    this.#watch?.end();
  }

  #rest(): void {
    if (this.#bytes > 0) this.#say(true);
  }

  #say(isAgain: boolean): boolean {
    const { op, context } = this.#last!;
    const { kind, entity } = sourceOf(this.#streams, this.#number);
    const event: DaemonEvent = {
      op,
      verdict: op === "release" ? 0 : 1,
      sourceKind: kind,
      sinkKind: PRINCIPAL,
      source: context,
      sink: UNLABELLED,
      sourceEntity: entity,
      sinkEntity: [BigInt(this.#caller.uid), 0, 0],
      pid: this.#streams.pid,
      uid: this.#caller.uid,
      bytes: this.#bytes,
    };
    this.#bytes = 0;
    return this.#csn.records.events([{ event, detail: "", before: [] }], isAgain);
  }
}

/** A program that never came so far as to have streams is all there is. */
function sourceOf(
  { pipes, terminal, pid }: Streams,
  number: number,
): { kind: number; entity: DaemonEvent["sourceEntity"] } {
  const text = terminal ?? pipes[number];
  if (text === undefined) return { kind: PROCESS, entity: [0n, pid, 0] };
  const kind = ENTITY_KINDS.indexOf(terminal === null ? "pipe" : "device");
  return { kind, entity: entityOf(text) };
}

/** Of what a person does with what is his. */
function byPerson(
  uid: number,
): Pick<DaemonEvent, "sourceKind" | "sinkKind" | "sourceEntity" | "sinkEntity" | "uid"> {
  const person: DaemonEvent["sourceEntity"] = [BigInt(uid), 0, 0];
  return { sourceKind: PRINCIPAL, sinkKind: PRINCIPAL, sourceEntity: person, sinkEntity: person, uid };
}

/**
 * A run of a gate: what came in with one context and went out with another. Refused: it did not start.
 * @returns false: it is not on the record
 */
export function recordGate(
  csn: Csn,
  caller: Caller,
  from: Context,
  to: Context,
  pid: number,
  run: GateRunView,
): boolean {
  const event: DaemonEvent = {
    op: "gate",
    verdict: isRun(run) ? 0 : CLOSED,
    ...byPerson(caller.uid),
    source: from,
    sink: to,
    pid,
    bytes: run.output.bytes,
  };
  return csn.records.events([{ event, detail: JSON.stringify(run), before: [] }]);
}

/** It has ended or goes on, and is not one that did not start. */
export const isRun = ({ exit, ended }: GateRunView): boolean => exit !== null || ended === "";

/** A label that an owner sets or takes off: before it is in force, or is not any more. */
export function recordLabel(
  csn: Csn,
  caller: Caller,
  before: Context,
  after: Context,
  inode: { ino: bigint; dev: number; generation: number },
): void {
  if (contextEquals(before, after)) return;
  csn.records.event({
    op: "label",
    verdict: 0,
    sourceKind: PRINCIPAL,
    sinkKind: ENTITY_KINDS.indexOf("file"),
    source: before,
    sink: after,
    sourceEntity: [BigInt(caller.uid), 0, 0],
    sinkEntity: [inode.ino, inode.dev, inode.generation],
    pid: process.pid,
    uid: caller.uid,
    bytes: 0,
  });
}

/** The newest statements, by their numbers. */
export function recordStatements(csn: Csn, caller: Caller, count: number): void {
  const last = csn.authority.world.seq;
  for (let seq = last - count + 1; seq <= last; seq++)
    csn.records.event({
      op: "state",
      verdict: 0,
      ...byPerson(caller.uid),
      source: UNLABELLED,
      sink: UNLABELLED,
      pid: process.pid,
      bytes: seq,
    });
}

/** Policy that an owner sets or takes away: before it is in force. */
export function recordAddress(
  csn: Csn,
  caller: Caller,
  before: Context,
  after: Context,
  range: AddressRange,
): void {
  const address = Buffer.from(range.bytes);
  csn.records.event({
    op: "network",
    verdict: 0,
    sourceKind: PRINCIPAL,
    sinkKind: ENTITY_KINDS.indexOf("address"),
    source: before,
    sink: after,
    sourceEntity: [BigInt(caller.uid), 0, 0],
    sinkEntity: [address.readBigUInt64LE(), address.readUInt32LE(8), address.readUInt32LE(12)],
    pid: process.pid,
    uid: caller.uid,
    bytes: policyBytes(range),
  });
}

/** What is recorded, and what happens when that can't be, was set anew. */
export function recordConfiguration(csn: Csn, uid: number, now: Record<string, unknown>): void {
  csn.records.event(
    {
      op: "configure",
      verdict: 0,
      ...byPerson(uid),
      source: UNLABELLED,
      sink: UNLABELLED,
      pid: process.pid,
      bytes: 0,
    },
    JSON.stringify(now),
  );
}

/** A compartment whose context changed, or was asked to. */
export function recordChange(
  csn: Csn,
  caller: Caller,
  pid: number,
  from: Context,
  to: Context,
  verdict: number,
): void {
  csn.records.event({
    op: "change",
    verdict,
    sourceKind: PROCESS,
    sinkKind: PROCESS,
    source: from,
    sink: to,
    sourceEntity: [0n, pid, 0],
    sinkEntity: [0n, pid, 0],
    pid,
    uid: caller.uid,
    bytes: 0,
  });
}
