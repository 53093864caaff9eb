/**
 * The log as a graph of flows, built from records as they come.
 *
 * Guarantee: each flow with two ends is in it, allowed and refused, in the order of the decisions, over all segments
 * and boots; what the daemon did with data is a flow like the kernel's (shown to a person, withheld, a label taken
 * off, carried from one program's stream to the next one's). What goes through memory that is shared is in it by what
 * records say of who holds it (memory.ts). What could not be read is in `gaps`.
 *
 * Not covered: flows that no record tells of (docs/evidence.md, docs/threats.md).
 */
import { readTextPart, RECORD_BYTES, type SegmentHeader } from "../format.ts";
import { LOST_AT } from "../gaps.ts";
import { ENTITY, FIELD, NAME_FIELD, OP, RECORD_FLAG, RECORD_KIND, RING_GAPS_SINCE } from "../record.ts";
import { BLOCK, Columns, type Put } from "./columns.ts";
import { Contexts, UNKNOWN_CONTEXT } from "./contexts.ts";
import { Entities } from "./entities.ts";
import { type GateRun, readGateRun } from "./gate-run.ts";
import { EntityNames } from "./names.ts";
import { Memory } from "./memory.ts";
import { isRefused, Metas } from "./metas.ts";
import { Positions } from "./positions.ts";

/** A run of a gate, or a statement: what the daemon wrote besides. */
export type Annotation = { record: number; op: number; flows: number; time: number; boot: number; meta: number; uid: number; detail: string; gate: GateRun | null }; // prettier-ignore
export type Gap = { record: number; boot: number; time: number; lost: number; what: string };
export type Boot = { id: string; wallOffset: bigint; firstFlow: number };
/** From this flow on, times are to be read so. */
type Span = { flow: number; boot: number; wallOffset: bigint };

/** First and last uses grow by doubling. */
const START = 1 << 12;
const NEVER = 0xffffffff;
const HIGH = 0x1_0000_0000;

/** Kinds of records that say nothing of flows: the log's own, and what a flow carried besides its context. */
const ASIDE = new Set<number>([RECORD_KIND.LOG, RECORD_KIND.MARK, RECORD_KIND.SHADOW]);

/** Events that move data; the others say who decided what. */
const MOVING = new Set<number>([
  OP.release,
  OP.withhold,
  OP.label,
  OP.change,
  OP.publish,
  OP.deliver,
  OP.carry,
]);

export class Graph {
  readonly entities = new Entities();
  readonly contexts = new Contexts();
  readonly metas = new Metas();
  readonly flows = new Columns();
  /** Where those are that did not happen. */
  readonly refused = new Positions();
  readonly names = new EntityNames();
  readonly annotations: Annotation[] = [];
  readonly gaps: Gap[] = [];
  readonly boots: Boot[] = [];
  readonly spans: Span[] = [];
  /** Records that were read, of any kind. */
  records = 0;
  /** Flows of kinds or versions that are not known here: counted, and a limit of each answer. */
  strange = 0;
  /** No flow out of an entity, or into it, is behind these; none into it, and none at all, is before the other two. */
  lastOut = new Uint32Array(START);
  lastIn = new Uint32Array(START);
  firstIn = new Uint32Array(START).fill(NEVER);
  firstUse = new Uint32Array(START).fill(NEVER);

  /** By kind of flow: 1, it did not happen. */
  readonly #refusals: number[] = [];
  readonly #memory = new Memory(
    this.flows,
    this.entities,
    this.metas,
    ({ source, sink, meta, time, record }) => this.#add(source, sink, meta, time, record),
  );
  #segment: SegmentHeader | null = null;
  #boot = -1;
  #ids = new Map<number, number>();
  #text: Buffer[] = [];
  #detail: Buffer[] = [];
  readonly #lost = new Map<number, number>();
  #lastId = -1;
  #lastNumber = 0;

  /** @param chunk whole records of one segment, in order @param first number of the first of them */
  add(chunk: Buffer, first: number, segment: SegmentHeader): void {
    if (segment !== this.#segment) this.#begin(segment);
    const count = Math.floor(chunk.length / RECORD_BYTES);
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    for (let i = 0; i < count; i++) this.#record(chunk, view, i * RECORD_BYTES, first + i);
    this.records += count;
  }

  /** Before questions are asked: what nobody told of yet, since nobody did anything. */
  settle(): void {
    const settled = this.#memory.settle();
    if (settled.length > 0) this.#insert(settled);
  }

  /** When a flow was decided, in ns of wall time. @param steady by the clock as it was at the boot's first record */
  wallTime(at: number, steady: boolean): bigint {
    let [low, high] = [0, this.spans.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.spans[middle]!.flow <= at) low = middle;
      else high = middle - 1;
    }
    const span = this.spans[low]!;
    const offset = steady ? this.boots[span.boot]!.wallOffset : span.wallOffset;
    return BigInt(Math.round(this.flows.time(at))) + offset;
  }

  bootAt(at: number): number {
    return this.boots.findLastIndex((boot) => boot.firstFlow <= at);
  }

  /** Bytes held by columns, tables and names. */
  get bytes(): number {
    return (
      this.flows.bytes +
      this.refused.bytes +
      this.entities.bytes +
      this.names.bytes +
      this.#memory.bytes +
      4 * this.lastOut.byteLength
    );
  }

  #begin(segment: SegmentHeader): void {
    this.#segment = segment;
    this.#ids = new Map();
    this.#lastId = -1;
    this.#text = [];
    this.#detail = [];
    const known = this.boots.findIndex(({ id }) => id === segment.bootId);
    if (known === -1) this.settle();
    const at = this.flows.length;
    if (known === -1) {
      this.#boot = this.boots.push({ id: segment.bootId, wallOffset: segment.wallOffset, firstFlow: at }) - 1;
      this.flows.startBoot();
      this.#memory.startBoot();
      this.#lost.clear();
    } else this.#boot = known;
    this.spans.push({ flow: at, boot: this.#boot, wallOffset: segment.wallOffset });
  }

  #record(chunk: Buffer, view: DataView, at: number, number: number): void {
    const kind = chunk[at + FIELD.kind]!;
    if (kind === RECORD_KIND.FLOW || kind === RECORD_KIND.EVENT) {
      this.#flow(chunk, view, at, number, kind === RECORD_KIND.EVENT);
      return;
    }
    if (kind === RECORD_KIND.NAME || kind === RECORD_KIND.PROCESS) {
      const what = kind === RECORD_KIND.NAME ? chunk[at + NAME_FIELD.entity_kind]! : ENTITY.process;
      this.names.set(this.#entity(view, at + NAME_FIELD.entity, what, 0), chunk, at);
      return;
    }
    const record = chunk.subarray(at, at + RECORD_BYTES);
    if (kind === RECORD_KIND.CONTEXT) {
      const { part, parts, id, bytes } = readTextPart(record);
      if (part === 0) this.#text = [];
      this.#text.push(bytes);
      if (part === parts - 1) this.#ids.set(id, this.contexts.read(Buffer.concat(this.#text).toString()));
      this.#lastId = -1;
    } else if (kind === RECORD_KIND.DETAIL) {
      this.#detail.push(readTextPart(record).bytes);
    } else if (kind === RECORD_KIND.GAP) {
      this.#gap(number, view.getUint32(at + FIELD.count, true), missing(record));
    } else if (!ASIDE.has(kind)) this.strange++;
  }

  #flow(chunk: Buffer, view: DataView, at: number, number: number, isEvent: boolean): void {
    const op = view.getUint16(at + FIELD.op, true);
    const flags = chunk[at + FIELD.flags]!;
    const verdict = chunk[at + FIELD.verdict]!;
    let sourceKind = chunk[at + FIELD.source_kind]!;
    const sinkKind = chunk[at + FIELD.sink_kind]!;
    const time = view.getUint32(at + FIELD.time, true) + view.getUint32(at + FIELD.time + 4, true) * HIGH;
    const from = this.#context(view.getUint32(at + FIELD.source_context, true));
    const to = this.#context(view.getUint32(at + FIELD.sink_context, true));
    this.#losses(view, at, number);
    if (isEvent && !MOVING.has(op)) {
      const meta = this.#meta(from, to, op, verdict, flags, sourceKind, sinkKind, true, false);
      const detail = Buffer.concat(this.#detail.splice(0)).toString();
      const uid = view.getUint32(at + FIELD.uid, true);
      const gate = op === OP.gate ? readGateRun(detail) : null;
      this.annotations.push({ record: number, op, flows: this.flows.length, time, boot: this.#boot, meta, uid, detail, gate }); // prettier-ignore
      return;
    }
    if (isEvent) this.#detail = [];
    const port = view.getUint32(at + FIELD.bytes, true) & 0xffff;
    const sink = this.#entity(view, at + FIELD.sink, sinkKind, port);
    // a label that was changed: what is in the file is now under the other one
    const isLabel = isEvent && op === OP.label;
    if (isLabel) sourceKind = sinkKind;
    const source = isLabel ? sink : this.#entity(view, at + FIELD.source, sourceKind, port);
    const meta = this.#meta(from, to, op, verdict, flags, sourceKind, sinkKind, isEvent, false);
    const happened = verdict === 0 || (flags & RECORD_FLAG.OBSERVED) !== 0;
    const isBoth = (flags & RECORD_FLAG.BOTH) !== 0 && happened;
    const back = isBoth ? this.#meta(to, from, op, verdict, flags, sinkKind, sourceKind, isEvent, true) : -1;
    if (happened && this.#memory.concerns(source, sink, flags)) {
      this.#memory.see({ source, sink, meta, time, record: number }, back);
      return;
    }
    this.#add(source, sink, meta, time, number);
    if (isBoth) this.#add(sink, source, back, time, number);
  }

  #add(source: number, sink: number, meta: number, time: number, record: number): void {
    const at = this.flows.add(source, sink, meta, time, record);
    this.refused.put(at, this.#isRefused(meta));
    // a late one moves those behind it: one with a time far ahead is moved as often as others come
    this.#movedFrom(at + 1);
    this.#used(at, source, sink);
  }

  /** What belongs before others that are there already. */
  #insert(flows: readonly Put[]): void {
    const places = this.flows.insert(flows);
    for (const [n, place] of places.entries()) {
      this.refused.put(place, false);
      this.#used(place, flows[n]!.source, flows[n]!.sink);
    }
    this.#movedFrom(places[0]!);
    for (let [n, before] = [this.annotations.length - 1, places.length]; n >= 0 && before > 0; n--) {
      const annotation = this.annotations[n]!;
      while (before > 0 && places[before - 1]! >= annotation.flows + before - 1) before--;
      annotation.flows += before;
    }
  }

  #movedFrom(at: number): void {
    for (let moved = at; moved < this.flows.length; moved++)
      this.#usedUntil(moved, this.flows.source(moved), this.flows.sink(moved));
  }

  #used(at: number, source: number, sink: number): void {
    this.#usedUntil(at, source, sink);
    if (this.firstIn[sink]! > at) this.firstIn[sink] = at;
    if (this.firstUse[source]! > at) this.firstUse[source] = at;
    if (this.firstUse[sink]! > at) this.firstUse[sink] = at;
  }

  #meta(
    from: number, to: number, op: number, verdict: number, flags: number,
    sourceKind: number, sinkKind: number, isEvent: boolean, isReverse: boolean,
  ): number {
    const what = op | (verdict << 16) | (flags << 24);
    return this.metas.intern(from, to, what, sourceKind | (sinkKind << 8), isEvent, isReverse);
  } // prettier-ignore

  #usedUntil(at: number, source: number, sink: number): void {
    if (this.lastOut[source]! < at) this.lastOut[source] = at;
    if (this.lastIn[sink]! < at) this.lastIn[sink] = at;
  }

  #isRefused(meta: number): boolean {
    for (let n = this.#refusals.length; n <= meta; n++)
      this.#refusals.push(isRefused(this.metas.of(n)) ? 1 : 0);
    return this.#refusals[meta] === 1;
  }

  #context(id: number): number {
    if (id === this.#lastId) return this.#lastNumber;
    this.#lastId = id;
    this.#lastNumber = this.#ids.get(id) ?? UNKNOWN_CONTEXT;
    return this.#lastNumber;
  }

  #entity(view: DataView, at: number, kind: number, port: number): number {
    const entity = this.entities.intern(
      kind,
      this.#boot,
      view.getUint32(at, true),
      view.getUint32(at + 4, true),
      view.getUint32(at + 8, true),
      // of a process: its compartment, which says nothing of which it is
      kind === ENTITY.process ? 0 : view.getUint32(at + 12, true),
      port,
    );
    if (entity >= this.lastOut.length) this.#grow();
    return entity;
  }

  #grow(): void {
    const more = (old: Uint32Array<ArrayBuffer>, fill: number) => {
      const grown = new Uint32Array(old.length * 2).fill(fill, old.length);
      grown.set(old);
      return grown;
    };
    this.lastOut = more(this.lastOut, 0);
    this.lastIn = more(this.lastIn, 0);
    this.firstIn = more(this.firstIn, NEVER);
    this.firstUse = more(this.firstUse, NEVER);
  }

  /** A processor's count of lost records grew; later versions tell of it in gaps. */
  #losses(view: DataView, at: number, number: number): void {
    const lost = view.getUint32(at + FIELD.lost, true);
    if (lost === 0 || view.getUint8(at + FIELD.version) >= RING_GAPS_SINCE) return;
    const cpu = view.getUint32(at + FIELD.cpu, true);
    const before = this.#lost.get(cpu) ?? 0;
    if (lost > before) this.#gap(number, lost - before, `records of processor ${cpu}, whose ring was full`);
    this.#lost.set(cpu, Math.max(lost, before));
  }

  #gap(record: number, lost: number, what: string): void {
    const last = this.flows.length - 1;
    this.gaps.push({ record, boot: this.#boot, time: last < 0 ? 0 : this.flows.time(last), lost, what });
  }
}

/** Which records a gap stands for. */
function missing(gap: Buffer): string {
  const isDescription = gap[FIELD.source_kind] === RECORD_KIND.NAME;
  const isWide = (gap[FIELD.flags]! & RECORD_FLAG.WIDE) !== 0;
  const what = gap[FIELD.verdict] !== 0 ? "refusals" : isDescription ? "descriptions" : "records";
  const of = isWide ? " of what nobody labelled did" : "";
  return gap[FIELD.sink_kind] === LOST_AT.RING
    ? `${what}${of} that found no room in the kernel's ring`
    : `${what}${of} that could not be written`;
}

export { BLOCK };
