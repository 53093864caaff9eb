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
import type { DaemonEvent } from "./records.ts";
import { entityOf, type Streams } from "./stage.ts";
import type { View } from "./view.ts";

const PROCESS = ENTITY_KINDS.indexOf("process");
/** csn_verdict: nothing ran. */
const CLOSED = VERDICTS.findIndex(({ name }) => name === "refused_closed");
const PRINCIPAL = ENTITY_KINDS.indexOf("principal");

/** Streams are numbered as the launcher tells them. */
const STREAM = { output: 1, error: 2 } as const;

/** What a person saw, and what was kept from him: of the pipe or terminal that it came from. */
export function recordShown(
  csn: Csn,
  context: Context,
  caller: Caller,
  by: { pid: number; output: Streams; error: Streams },
  { shown, dropped }: Pick<View, "shown" | "dropped">,
): void {
  for (const stream of ["output", "error"] as const) {
    const from = sourceOf(by[stream], STREAM[stream], by.pid);
    const event: Omit<DaemonEvent, "op" | "verdict" | "bytes"> = {
      sourceKind: from.kind,
      sinkKind: PRINCIPAL,
      source: context,
      sink: UNLABELLED,
      sourceEntity: from.entity,
      sinkEntity: [BigInt(caller.uid), 0, 0],
      pid: by.pid,
      uid: caller.uid,
    };
    const [seen, kept] = [shown[stream], dropped[stream]];
    if (seen > 0) csn.records.event({ ...event, op: "release", verdict: 0, bytes: seen });
    if (kept > 0) csn.records.event({ ...event, op: "withhold", verdict: 1, bytes: kept });
  }
}

/** A program that never came so far as to have streams is all there is. */
function sourceOf(
  { pipes, terminal }: Streams,
  number: number,
  pid: number,
): { kind: number; entity: DaemonEvent["sourceEntity"] } {
  const text = terminal ?? pipes[number];
  if (text === undefined) return { kind: PROCESS, entity: [0n, pid, 0] };
  const kind = ENTITY_KINDS.indexOf(terminal === null ? "pipe" : "device");
  return { kind, entity: entityOf(text) };
}

/** A run of a gate: what came in with one context and went out with another. Refused: it did not start. */
export function recordGate(
  csn: Csn,
  caller: Caller,
  from: Context,
  to: Context,
  pid: number,
  run: GateRunView,
): void {
  csn.records.event(
    {
      op: "gate",
      verdict: isRun(run) ? 0 : CLOSED,
      sourceKind: PRINCIPAL,
      sinkKind: PRINCIPAL,
      source: from,
      sink: to,
      sourceEntity: [BigInt(caller.uid), 0, 0],
      sinkEntity: [BigInt(caller.uid), 0, 0],
      pid,
      uid: caller.uid,
      bytes: run.output.bytes,
    },
    JSON.stringify(run),
  );
}

/** It has ended or goes on, and is not one that did not start. */
export const isRun = ({ exit, ended }: GateRunView): boolean => exit !== null || ended === "";

/** A label that an owner set or took off. */
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
      sourceKind: PRINCIPAL,
      sinkKind: PRINCIPAL,
      source: UNLABELLED,
      sink: UNLABELLED,
      sourceEntity: [BigInt(caller.uid), 0, 0],
      sinkEntity: [BigInt(caller.uid), 0, 0],
      pid: process.pid,
      uid: caller.uid,
      bytes: seq,
    });
}

/** Policy that an owner set or took away. */
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
      sourceKind: PRINCIPAL,
      sinkKind: PRINCIPAL,
      source: UNLABELLED,
      sink: UNLABELLED,
      sourceEntity: [BigInt(uid), 0, 0],
      sinkEntity: [BigInt(uid), 0, 0],
      pid: process.pid,
      uid,
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
