/**
 * For tests: logs that are made up, as the kernel and the daemon would write them.
 */
import { writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  type Context,
  contextKey,
  contextOf,
  integrityOf,
  secrecyOf,
  tagIdFromBytes,
} from "../../label/index.ts";
import { RECORD_BYTES, type SegmentHeader, textRecords, writeHeader } from "../format.ts";
import { Graph } from "../graph/index.ts";
import {
  ENTITY,
  type EntityName,
  FIELD,
  NAME_BYTES,
  NAME_FIELD,
  OP,
  RECORD_FLAG,
  RECORD_KIND,
} from "../record.ts";
import { segmentName } from "../segments.ts";

export const BOOT = "0123456789abcdef0123456789abcdef";
/** A tag's id from a small number. */
export const tagOf = (number: number) => tagIdFromBytes(Buffer.alloc(16, number));
export const contextWith = (secrecy: readonly number[], integrity: readonly number[] = []): Context =>
  contextOf(secrecyOf(secrecy.map(tagOf)), integrityOf(integrity.map(tagOf)));

export type End = { kind: EntityName; first: number | bigint; second?: number; third?: number };
export type Flow = {
  source: End;
  sink: End;
  /** Numbers of contexts in the log. */
  from?: number;
  to?: number;
  op?: keyof typeof OP;
  verdict?: number;
  both?: boolean;
  holds?: boolean;
  /** ns since boot. */
  time?: number;
  event?: boolean;
  pid?: number;
  uid?: number;
  bytes?: number | bigint;
  lost?: number;
  sequence?: number;
  count?: number;
  version?: number;
};

/** The device of a disk: 8:1. */
export const DISK = (8 << 20) | 1;
export const file = (ino: number): End => ({ kind: "file", first: ino, second: DISK, third: 1 });
export const folder = (ino: number): End => ({ kind: "directory", first: ino, second: DISK, third: 1 });
export const pipe = (ino: number): End => ({ kind: "pipe", first: ino, second: 13 });
export const process = (pid: number): End => ({ kind: "process", first: 1000 + pid, second: pid });
/** Memory without a file. */
export const memory = (number: number): End => ({ kind: "anon", first: number });
export const nothing: End = { kind: "none", first: 0 };
export const principal = (uid: number): End => ({ kind: "principal", first: uid });

export function flowRecord(flow: Flow): Buffer {
  const r = Buffer.alloc(RECORD_BYTES);
  r[FIELD.version] = flow.version ?? 3;
  r[FIELD.kind] = flow.event === true ? RECORD_KIND.EVENT : RECORD_KIND.FLOW;
  r[FIELD.verdict] = flow.verdict ?? 0;
  r.writeUInt16LE(OP[flow.op ?? "read"], FIELD.op);
  const isSource = flow.source.kind === "process";
  r[FIELD.flags] =
    (isSource ? RECORD_FLAG.ACTOR_IS_SOURCE : 0) |
    (flow.both === true ? RECORD_FLAG.BOTH : 0) |
    (flow.holds === true ? RECORD_FLAG.HOLDS : 0);
  r[FIELD.source_kind] = ENTITY[flow.source.kind];
  r[FIELD.sink_kind] = ENTITY[flow.sink.kind];
  r.writeBigUInt64LE(BigInt(flow.time ?? 0), FIELD.time);
  r.writeBigUInt64LE(BigInt(flow.sequence ?? 0), FIELD.sequence);
  r.writeUInt32LE(flow.lost ?? 0, FIELD.lost);
  r.writeUInt32LE(flow.from ?? 0, FIELD.source_context);
  r.writeUInt32LE(flow.to ?? 0, FIELD.sink_context);
  writeEnd(r, FIELD.source, flow.source);
  writeEnd(r, FIELD.sink, flow.sink);
  r.writeUInt32LE(flow.pid ?? (isSource ? flow.source.second! : (flow.sink.second ?? 0)), FIELD.pid);
  r.writeBigUInt64LE(BigInt(flow.bytes ?? 0), FIELD.bytes);
  r.writeUInt32LE(flow.count ?? 1, FIELD.count);
  r.writeUInt32LE(flow.uid ?? 0, FIELD.uid);
  return r;
}

export function nameRecord(end: End, ...components: string[]): Buffer {
  const r = Buffer.alloc(RECORD_BYTES);
  r[FIELD.version] = 3;
  r[FIELD.kind] = end.kind === "process" ? RECORD_KIND.PROCESS : RECORD_KIND.NAME;
  r[NAME_FIELD.parts] = components.length;
  r[NAME_FIELD.entity_kind] = ENTITY[end.kind];
  writeEnd(r, NAME_FIELD.entity, end);
  for (const [at, name] of components.toReversed().entries())
    r.write(name, NAME_FIELD.name + at * NAME_BYTES, NAME_BYTES - 1, "utf8");
  return r;
}

/** What a context number means, as CONTEXT records. */
export const contextRecords = (id: number, context: Context): Buffer =>
  textRecords(RECORD_KIND.CONTEXT, id, contextKey(context));

export function gateRecords(detail: unknown, flow: Omit<Flow, "source" | "sink" | "op">): Buffer {
  const ends = { source: principal(flow.uid ?? 0), sink: principal(flow.uid ?? 0) };
  const record = flowRecord({ ...flow, ...ends, op: "gate", event: true });
  return Buffer.concat([textRecords(RECORD_KIND.DETAIL, 0, JSON.stringify(detail)), record]);
}

export const header = (first = 1, bootId = BOOT, wallOffset = 0n): SegmentHeader => ({
  first,
  bootId,
  wallOffset,
  root: Buffer.alloc(32),
});

export function graphOf(...records: Buffer[]): Graph {
  const graph = new Graph();
  graph.add(Buffer.concat(records), 1, header());
  graph.settle();
  return graph;
}

/** One segment file, its header the first record. @returns number of the record after its last */
export function writeSegment(at: string, head: SegmentHeader, ...records: Buffer[]): number {
  mkdirSync(at, { recursive: true });
  const bytes = Buffer.concat(records);
  writeFileSync(join(at, segmentName(head.first)), Buffer.concat([writeHeader(head), bytes]));
  return head.first + 1 + bytes.length / RECORD_BYTES;
}

function writeEnd(r: Buffer, at: number, end: End): void {
  r.writeBigUInt64LE(BigInt(end.first), at);
  r.writeUInt32LE((end.second ?? 0) >>> 0, at + 8);
  r.writeUInt32LE((end.third ?? 0) >>> 0, at + 12);
}
