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

const PROCESS = ENTITY_KINDS.indexOf("process");
/** csn_verdict: nothing ran. */
const CLOSED = VERDICTS.findIndex(({ name }) => name === "refused_closed");
const PRINCIPAL = ENTITY_KINDS.indexOf("principal");

export function recordShown(
  csn: Csn,
  context: Context,
  caller: Caller,
  { pid, compartment }: { pid: number; compartment: number },
  shown: number,
  dropped: number,
): void {
  const event: Omit<DaemonEvent, "op" | "verdict" | "bytes"> = {
    sourceKind: PROCESS,
    sinkKind: PRINCIPAL,
    source: context,
    sink: UNLABELLED,
    sourceEntity: [0n, pid, compartment],
    sinkEntity: [BigInt(caller.uid), 0, 0],
    pid,
    uid: caller.uid,
  };
  if (shown > 0) csn.records.event({ ...event, op: "release", verdict: 0, bytes: shown });
  if (dropped > 0) csn.records.event({ ...event, op: "withhold", verdict: 1, bytes: dropped });
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
      verdict: run.exit === null ? CLOSED : 0,
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
