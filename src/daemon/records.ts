/**
 * Records: from the kernel's ring to segment files, and back as log entries.
 *
 * Guarantee: every record that the ring held is written, once, in order; what was lost, in the ring or on
 * disk, is counted, and a gap on the record. Refusals and events are on disk before the batch that holds them is told to
 * anybody; when the rest is, log-keeper.ts says.
 */
import { EventEmitter } from "node:events";
import {
  AuditError,
  gapRecords,
  LOST_AT,
  prove,
  type Proofs,
  readChunks,
  readRecords,
  readTextPart,
  RECORD_BYTES,
  type SegmentHeader,
  Sequences,
  textRecords,
} from "../audit/index.ts";
import {
  FLAG,
  KIND,
  LOST_KINDS,
  type Monitor,
  native,
  type Op,
  OPS,
  type Ring,
  SHAPE,
} from "../kernel/index.ts";
import { type Context, contextKey, isLabelled, parseContextKey, UNLABELLED } from "../label/index.ts";
import { sinceBoot, wallOffset } from "./clock.ts";
import { LogKeeper } from "./log-keeper.ts";
import { Names } from "./names.ts";
import { type Moved, parseShadow, type Shadow, Shadows, shadowText } from "./shadows.ts";

const R = SHAPE.csn_record;
const PASSING = new Set((["publish", "deliver", "carry"] as const).map((op) => OPS.indexOf(op)));

/** A record with what is needed to show it. */
export type Entry = {
  id: number;
  wallNs: bigint;
  record: Buffer;
  sourceContext: Context | null;
  sinkContext: Context | null;
  /** What more there is to say of an event; "" when nothing. */
  detail: string;
  /** What it carried besides its source's context. [SUBJ-5] */
  shadow: Shadow | null;
};

/** Something that the daemon itself did. */
export type DaemonEvent = {
  op: Op;
  verdict: number;
  sourceKind: number;
  sinkKind: number;
  source: Context;
  sink: Context;
  sourceEntity: readonly [bigint, number, number];
  sinkEntity: readonly [bigint, number, number];
  pid: number;
  uid: number;
  bytes: number;
};

/** An event with its words. @see Records.events */
export type Said = {
  event: DaemonEvent;
  /** Text of any length. */
  detail: string;
  /** Records that come before it: names of what it is about. */
  before: readonly Buffer[];
};

export type Watched = {
  /** Has anything come since it was asked before, as far as is recorded by now? The first time yes. */
  hasNews(): boolean;
  end(): void;
};

export class Records extends EventEmitter<{ entry: [Entry] }> {
  readonly names = new Names();
  readonly shadows = new Shadows();
  readonly folder: string;
  readonly keeper: LogKeeper;
  readonly #buffer = Buffer.alloc(RECORD_BYTES * 8192);
  #monitor: Monitor | null = null;
  #ring: Ring | null = null;
  #described = new Set<number>();
  #sequence = 0n;
  readonly #watched = new Map<string, { news: boolean }>();
  /** Flows of the kernel that are on disk: who read them last may have ended before the rings knew it. */
  readonly #known = new Sequences();
  /** Since when records may be missing that no gap tells of; by `performance.now`. */
  #wholeUntil = 0;

  /** @param describe what each segment says at its start: version, configuration, policy */
  constructor(folder: string, bootId: string, describe: () => Record<string, unknown>) {
    super();
    this.setMaxListeners(0);
    this.folder = folder;
    this.keeper = new LogKeeper({
      folder,
      bootId,
      wallOffset,
      describe,
      onBeat: () => {
        this.drain();
        return this.#ring !== null;
      },
    });
    if (this.#learn(bootId.replaceAll("-", ""))) this.#learnShadows(bootId);
  }

  /** What the log so far tells, as fast as it can be read: each start waits for it. @returns are there shadows? */
  #learn(boot: string): boolean {
    let hasShadows = false;
    for (const { segment, records } of readChunks(this.folder)) {
      const isOfThisBoot = segment.bootId === boot;
      for (let at = 0; at < records.length; at += RECORD_BYTES) {
        const kind = records[at + R.kind];
        if (kind === KIND.NAME || kind === KIND.PROCESS)
          this.names.learn(records.subarray(at, at + RECORD_BYTES));
        else if (kind === KIND.FLOW && isOfThisBoot) this.#known.take(records, at);
        else if (kind === KIND.SHADOW) hasShadows = true;
      }
    }
    return hasShadows;
  }

  get trouble(): { unwritten: number; error: string } | null {
    return this.keeper.writer.trouble;
  }

  /** In the log's name; null where it has no keys. */
  sign(text: string): string | null {
    return this.keeper.writer.signStatement(text);
  }

  /** Of records, to the newest checkpoint; null while there is none that holds them. */
  prove(ids: readonly number[]): Proofs | null {
    try {
      this.keeper.sign();
      return prove(this.folder, ids);
    } catch (error) {
      if (error instanceof AuditError) return null;
      throw error;
    }
  }

  /** The newest; null: none was signed. */
  get checkpoint(): string | null {
    this.keeper.sign();
    return this.keeper.writer.checkpoint?.text ?? null;
  }

  /** Begins to empty the ring. @param anew its counters begin anew: another daemon had nothing to do with it */
  start(monitor: Monitor, anew: boolean): void {
    if (anew) this.#known.restart();
    this.#wholeUntil = performance.now();
    this.#monitor = monitor;
    this.#ring = monitor.openRing();
    this.keeper.wake();
  }

  /** Empties the ring a last time and stops; the next `start` may be for another monitor. */
  stop(): void {
    if (this.#ring) this.drain();
    this.#tellLost();
    this.keeper.sign();
    this.#ring = null;
    this.#monitor = null;
    this.#described.clear();
  }

  close(): void {
    this.stop();
    this.keeper.close();
  }

  /** Moves what is in the ring now to disk and to those who follow. */
  drain(): void {
    if (this.#ring === null) return;
    for (;;) {
      const length = native().ringDrain(this.#ring, this.#buffer);
      if (length === 0) return;
      this.#append(this.#new(this.#buffer.subarray(0, length)));
      this.#tellLost();
      if (length < this.#buffer.length - RECORD_BYTES) return;
    }
  }

  /** A copy, without what is on disk already. */
  #new(records: Buffer): Buffer {
    const parts: Buffer[] = [];
    for (let at = 0; at < records.length; at += RECORD_BYTES) {
      if (records[at + R.kind] === KIND.FLOW) {
        if (this.#known.has(records, at)) continue;
        this.#known.take(records, at);
      }
      parts.push(records.subarray(at, at + RECORD_BYTES));
    }
    return Buffer.concat(parts);
  }

  /** What found no room in the rings is a gap on the record. [AUD-3] */
  #tellLost(): void {
    const before = this.#wholeUntil;
    this.#wholeUntil = performance.now();
    const news = this.#monitor?.lost.news() ?? null;
    if (news === null) return;
    const to = sinceBoot();
    const from = to - BigInt(Math.ceil((this.#wholeUntil - before) * 1e6));
    const gaps = LOST_KINDS.filter((kind) => news[kind] > 0).map((kind) =>
      gapRecords({
        kind: kind === "described" ? KIND.NAME : KIND.FLOW,
        refused: kind === "refused",
        count: news[kind],
        from,
        to,
        at: LOST_AT.RING,
        flags: kind === "wide" ? FLAG.WIDE : 0,
      }),
    );
    if (this.keeper.append(Buffer.concat(gaps), true) !== null) this.#monitor!.lost.told(news);
  }

  /** Records something that the daemon did; durable before it returns. @param detail text of any length */
  event(event: DaemonEvent, detail = ""): void {
    this.events([{ event, detail, before: [] }]);
  }

  /**
   * Several things that the daemon did, in one write. What the kernel has recorded and nobody has read yet comes behind it: a policy
   * stands before what it let through. Who tells of data on its way calls `drain` before.
   *
   * @param isSoon it may become durable with the kernel's flows: the like of it is already
   * @returns false: not all are on the record. Messages that were let through may not be durable yet, everything else is.
   */
  events(said: readonly Said[], isSoon = false): boolean {
    const parts: Buffer[] = [];
    for (const { event, detail, before } of said) {
      const record = this.#eventRecord(event);
      if (record === null) return false;
      parts.push(...before, ...detailRecords(detail), record);
    }
    return this.#append(Buffer.concat(parts), isSoon);
  }

  /** Null: nothing is attached, and a label is not in force yet. */
  #eventRecord(event: DaemonEvent): Buffer | null {
    const [source, sink] = [this.#idOf(event.source), this.#idOf(event.sink)];
    if (source === null || sink === null) return null;
    const record = Buffer.alloc(RECORD_BYTES);
    record[R.version] = 1;
    record[R.kind] = KIND.EVENT;
    record[R.verdict] = event.verdict;
    record[R.source_kind] = event.sourceKind;
    record[R.sink_kind] = event.sinkKind;
    record.writeUInt16LE(OPS.indexOf(event.op), R.op);
    record.writeBigUInt64LE(sinceBoot(), R.time);
    record.writeBigUInt64LE(this.#sequence++, R.sequence);
    record.writeUInt32LE(source, R.source_context);
    record.writeUInt32LE(sink, R.sink_context);
    writeEntity(record, R.source, event.sourceEntity);
    writeEntity(record, R.sink, event.sinkEntity);
    record.writeUInt32LE(event.pid, R.pid);
    record.writeUInt32LE(event.pid, R.tid);
    record.writeBigUInt64LE(BigInt(event.bytes), R.bytes);
    record.writeUInt32LE(1, R.count);
    record.writeUInt32LE(event.uid, R.uid);
    return record;
  }

  /** Looks at what comes into that entity, until `end`. */
  watch(entity: DaemonEvent["sinkEntity"]): Watched {
    const key = keyOf(entity);
    const state = { news: true };
    this.#watched.set(key, state);
    return {
      hasNews: () => {
        this.drain();
        const { news } = state;
        state.news = false;
        return news;
      },
      end: () => this.#watched.delete(key),
    };
  }

  /** Number of the newest record on disk; 0 when there is none. */
  last(): number {
    this.drain();
    return Math.max(0, this.keeper.writer.next - 1);
  }

  /** Stored flows and events, oldest first. */
  *read(after = 0): Generator<Entry> {
    for (const { entry: found } of this.#walk(after)) yield found;
  }

  /** The same, with the boot that each is of. @param onlyShadowed those that carried more than their context says */
  *#walk(after: number, onlyShadowed = false): Generator<{ entry: Entry; boot: string }> {
    this.drain();
    let segment: SegmentHeader | null = null;
    let contexts = new Map<number, Context>();
    let text: Buffer[] = [];
    const detail: Buffer[] = [];
    const shadow: Buffer[] = [];
    for (const stored of readRecords(this.folder, after)) {
      if (stored.segment !== segment) {
        segment = stored.segment;
        contexts = new Map();
      }
      const kind = stored.record[R.kind];
      if (kind === KIND.CONTEXT) {
        const part = readTextPart(stored.record);
        if (part.part === 0) text = [];
        text.push(part.bytes);
        if (part.part === part.parts - 1)
          contexts.set(part.id, parseContextKey(Buffer.concat(text).toString()));
        continue;
      }
      if (kind === KIND.DETAIL) detail.push(readTextPart(stored.record).bytes);
      if (kind === KIND.SHADOW) shadow.push(readTextPart(stored.record).bytes);
      if (kind !== KIND.FLOW && kind !== KIND.EVENT) continue;
      if (onlyShadowed && shadow.length === 0) {
        detail.length = 0;
        continue;
      }
      const more = kind === KIND.EVENT ? Buffer.concat(detail.splice(0)).toString() : "";
      const carried = shadow.length === 0 ? null : parseShadow(Buffer.concat(shadow.splice(0)).toString());
      if (stored.id <= after) continue;
      const meaning = (id: number) => contexts.get(id);
      yield {
        entry: entry(stored.id, stored.record, segment.wallOffset, meaning, more, carried),
        boot: segment.bootId,
      };
    }
  }

  /** What earlier records tell of them. */
  #learnShadows(bootId: string): void {
    let boot = "";
    const turn = (next: string) => {
      if (boot !== next) this.shadows.forgetMemory();
      boot = next;
    };
    for (const { entry: told, boot: its } of this.#walk(0, true)) {
      if (told.shadow === null) continue;
      turn(its);
      const moved = movedBy(told.record, told.sourceContext, told.sinkContext);
      if (moved !== null) this.shadows.learn(moved, told.shadow);
    }
    turn(bootId.replaceAll("-", ""));
  }

  /** Without the monitor, only what is unlabelled has a number. */
  #idOf(context: Context): number | null {
    if (this.#monitor !== null) return this.#monitor.contexts.idOf(context);
    return isLabelled(context) ? null : 0;
  }

  /** @returns is it on the record? */
  #append(records: Buffer, isSoon = false): boolean {
    const monitor = this.#monitor;
    const meaningOf = (id: number) => (monitor === null ? UNLABELLED : monitor.contexts.meaning(id));
    const parts: Buffer[] = [];
    const flows: { at: number; record: Buffer; detail: string; shadow: Shadow | null }[] = [];
    const detail: Buffer[] = [];
    let durable = false;
    if (this.keeper.writer.atStart) this.#described.clear();
    let count = 0;
    for (let at = 0; at < records.length; at += RECORD_BYTES) {
      const record = records.subarray(at, at + RECORD_BYTES);
      const kind = record[R.kind];
      this.names.learn(record);
      if (this.#watched.size > 0 && kind === KIND.FLOW) this.#notice(record);
      if (kind === KIND.FLOW || kind === KIND.EVENT) {
        for (const field of [R.source_context, R.sink_context]) {
          const id = record.readUInt32LE(field);
          const meaning = meaningOf(id);
          if (meaning === undefined || this.#described.has(id)) continue;
          this.#described.add(id);
          const described = textRecords(KIND.CONTEXT, id, contextKey(meaning));
          parts.push(described);
          count += described.length / RECORD_BYTES;
        }
        if (!isSoon && (record[R.verdict] !== 0 || (kind === KIND.EVENT && !isPassing(record))))
          durable = true;
        if (record[R.verdict] !== 0) this.names.learnActor(record);
        const shadow = this.#follow(record);
        if (shadow !== null) {
          const told = textRecords(KIND.SHADOW, 0, shadowText(shadow));
          parts.push(told);
          count += told.length / RECORD_BYTES;
        }
        flows.push({ at: count, record, detail: Buffer.concat(detail.splice(0)).toString(), shadow });
      } else if (kind === KIND.DETAIL) detail.push(readTextPart(record).bytes);
      parts.push(record);
      count++;
    }
    const first = this.keeper.append(Buffer.concat(parts), durable);
    if (first === null) {
      this.#described.clear();
      return false;
    }
    if (this.listenerCount("entry") === 0) return true;
    const offset = wallOffset();
    for (const flow of flows)
      this.emit("entry", entry(first + flow.at, flow.record, offset, meaningOf, flow.detail, flow.shadow));
    return true;
  }

  #notice(record: Buffer): void {
    const watched = this.#watched.get(record.toString("latin1", R.sink, R.sink + SHAPE.csn_entity.size));
    if (watched !== undefined) watched.news = true;
  }

  #follow(record: Buffer): Shadow | null {
    const contexts = this.#monitor?.contexts;
    if (contexts === undefined) return null; // nothing is labelled
    const meaning = (at: number) => contexts.meaning(record.readUInt32LE(at)) ?? null;
    const moved = movedBy(record, meaning(R.source_context), meaning(R.sink_context));
    return moved === null ? null : this.shadows.follow(moved);
  }
}

function entry(
  id: number,
  record: Buffer,
  wallOffsetNs: bigint,
  meaning: (id: number) => Context | undefined,
  detail: string,
  shadow: Shadow | null,
): Entry {
  return {
    id,
    record,
    wallNs: record.readBigUInt64LE(R.time) + wallOffsetNs,
    sourceContext: meaning(record.readUInt32LE(R.source_context)) ?? null,
    sinkContext: meaning(record.readUInt32LE(R.sink_context)) ?? null,
    detail,
    shadow,
  };
}

/** Data on its way, over the bus or from one program to the next: as soon on disk as the kernel's flows. */
function isPassing(record: Buffer): boolean {
  return PASSING.has(record.readUInt16LE(R.op));
}

/** Null when nothing moved: it was refused, or is an event that moves no data. */
function movedBy(record: Buffer, source: Context | null, sink: Context | null): Moved | null {
  const flags = record[R.flags]!;
  const happened = record[R.verdict] === 0 || (flags & FLAG.OBSERVED) !== 0;
  const isRelease = record[R.kind] === KIND.EVENT && record.readUInt16LE(R.op) === OPS.indexOf("release");
  const moves = record[R.kind] === KIND.FLOW || isRelease || isPassing(record);
  if (!happened || !moves || source === null || sink === null) return null;
  // a release is somebody's decision: what it lets out by the context is no shadow
  const to = isRelease ? source : sink;
  return { record, source, sink: to, both: (flags & FLAG.BOTH) !== 0 };
}

/** As many texts as it takes: one holds 255 parts. */
function* detailRecords(detail: string): Generator<Buffer> {
  for (let at = 0; at < detail.length; at += 5000)
    yield textRecords(KIND.DETAIL, 0, detail.slice(at, at + 5000));
}

function keyOf(entity: DaemonEvent["sinkEntity"]): string {
  const bytes = Buffer.alloc(SHAPE.csn_entity.size);
  writeEntity(bytes, 0, entity);
  return bytes.toString("latin1");
}

function writeEntity(
  record: Buffer,
  at: number,
  [first, second, third]: readonly [bigint, number, number],
): void {
  record.writeBigUInt64LE(BigInt.asUintN(64, first), at);
  record.writeUInt32LE(second >>> 0, at + 8);
  record.writeUInt32LE(third >>> 0, at + 12);
}
