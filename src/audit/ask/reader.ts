/**
 * Who asks, and what may be seen of the log. [AUD-4]
 *
 * Guarantee: what a reader gets is a function of the records that he may read, of what entities in them are called, and
 * of gaps and checkpoints, which are everybody's. Numbers of records count all records, so only the platform sees them;
 * for others a record is named by its boot and time. (docs/decisions/0016)
 *
 * Not covered: how long an answer takes.
 */
import { type Context, isAll, type TagId } from "../../label/index.ts";
import { type Annotation, type Graph, isImplied, type Meta } from "../graph/index.ts";
import { GateRuns } from "./gate-runs.ts";

/** Plain data, so that it can be sent to another thread. */
export type Reader = {
  /** Tags whose secrets he may see; null: the platform, which sees all. */
  clearance: readonly string[] | null;
  /** Names of the tags that he may know of, by id. */
  tags: Readonly<Record<string, string>>;
  /** Names of the host's users, by number. */
  users: Readonly<Record<string, string>>;
  host: string;
};

/** Whoever has the folder reads all of it. */
export const PLATFORM: Reader = { clearance: null, tags: {}, users: {}, host: "this log" };

export type LabelText = string[] | "ALL";
export type ContextText = { secrecy: LabelText; integrity: LabelText };

export class Sight {
  readonly graph: Graph;
  readonly reader: Reader;
  /** By kind of flow: may it be seen? */
  readonly sees: Uint8Array;
  /** By kind of flow: does a record tell it? */
  readonly #isRecord: Uint8Array;
  readonly #cleared: ReadonlySet<string> | null;
  readonly #ids: ReadonlyMap<string, TagId>;
  #events: Map<number, Annotation[]> | null = null;
  #gateRuns: GateRuns | null = null;

  constructor(graph: Graph, reader: Reader) {
    this.graph = graph;
    this.reader = reader;
    this.#cleared = reader.clearance === null ? null : new Set(reader.clearance);
    this.#ids = new Map(Object.entries(reader.tags).map(([id, name]) => [name, id as TagId]));
    const metas = Array.from({ length: graph.metas.size }, (_, n) => graph.metas.of(n));
    this.sees = Uint8Array.from(metas, (meta) =>
      this.maySee(meta) && (!isImplied(meta) || this.isPlatform) ? 1 : 0,
    );
    this.#isRecord = Uint8Array.from(metas, (meta) => (isImplied(meta) ? 0 : 1));
  }

  /** Those that this reader may see. */
  get gateRuns(): GateRuns {
    return (this.#gateRuns ??= new GateRuns(this.graph, this.sees));
  }

  get isPlatform(): boolean {
    return this.#cleared === null;
  }

  /** As the daemon's log has it: between two that hold nothing in secret, the platform alone reads. */
  maySee(meta: Pick<Meta, "source" | "sink">): boolean {
    const cleared = this.#cleared;
    if (cleared === null) return true;
    const ends = [this.graph.contexts.of(meta.source), this.graph.contexts.of(meta.sink)];
    const isCleared = (end: Context | null) =>
      end !== null && !isAll(end.secrecy) && end.secrecy.every((tag) => cleared.has(tag));
    return ends.some((end) => end !== null && end.secrecy.length > 0) && ends.every(isCleared);
  }

  tagNamed(name: string): TagId | null {
    return this.#ids.get(name) ?? (/^#[0-9a-f]{32}$/.test(name) ? (name.slice(1) as TagId) : null);
  }

  tagText(id: TagId): string {
    return this.reader.tags[id] ?? `#${id}`;
  }

  contextText(number: number): ContextText | null {
    const context = this.graph.contexts.of(number);
    if (context === null) return null;
    const names = (label: Context["secrecy"] | Context["integrity"]): LabelText =>
      isAll(label) ? "ALL" : label.map((id) => this.tagText(id)).sort();
    return { secrecy: names(context.secrecy), integrity: names(context.integrity) };
  }

  /** ISO 8601; the platform sees the clock as it was in each segment, others as it was when the boot's record began. */
  timeText(flow: number): string {
    return isoTime(this.graph.wallTime(flow, !this.isPlatform));
  }

  userText(uid: number | bigint): string {
    return this.reader.users[String(uid)] ?? `uid ${uid}`;
  }

  /** Numbers of the records that tell of some flows, each once; none for others than the platform. */
  recordsOf(flows: readonly number[]): number[] {
    return this.isPlatform ? [...new Set(flows.map((flow) => this.graph.flows.record(flow)))] : [];
  }

  /** What a record is called: its number, or for others than the platform its boot and time. */
  recordText(flow: number): string {
    const { flows, boots } = this.graph;
    if (this.isPlatform) return String(flows.record(flow));
    const time = flows.time(flow);
    const boot = this.graph.bootAt(flow);
    const record = flows.record(flow);
    let before = this.#eventsAt(boot, time).filter((other) => other < record).length;
    for (let i = flow - 1; i >= 0 && flows.time(i) === time; i--)
      if (this.#isSeenRecord(i) && flows.record(i) !== record) before++;
    return recordName(boots[boot]!.id, time, before);
  }

  /** Records of events that move no data and that this reader may see, of one time: the daemon's clock is coarse. */
  #eventsAt(boot: number, time: number): readonly number[] {
    this.#events ??= Map.groupBy(
      this.graph.annotations.filter(({ meta }) => this.sees[meta] === 1),
      (event) => event.time,
    );
    const all = this.#events.get(time) ?? [];
    return all.filter((event) => event.boot === boot).map(({ record }) => record);
  }

  /** The flow of a record that this reader may see, or -1. */
  flowNamed(text: string): number {
    const { flows, boots } = this.graph;
    const isWanted = (i: number) => this.#isSeenRecord(i) && this.recordText(i) === text;
    if (/^\d+$/.test(text)) return this.isPlatform ? this.#flowOf(Number(text)) : -1;
    const [, prefix, time] = /^([0-9a-f]{6})-([0-9a-z]+)(?:\.\d+)?$/.exec(text) ?? [];
    if (prefix === undefined || time === undefined) return -1;
    const wanted = Number.parseInt(time, 36);
    for (const [at, boot] of boots.entries()) {
      if (!boot.id.startsWith(prefix)) continue;
      const end = boots[at + 1]?.firstFlow ?? flows.length;
      let [low, high] = [boot.firstFlow, end];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (flows.time(middle) < wanted) low = middle + 1;
        else high = middle;
      }
      for (let i = low; i < end && flows.time(i) === wanted; i++) if (isWanted(i)) return i;
    }
    return -1;
  }

  #isSeenRecord(flow: number): boolean {
    const meta = this.graph.flows.meta(flow);
    return this.sees[meta] === 1 && this.#isRecord[meta] === 1;
  }

  #flowOf(record: number): number {
    for (const [b, block] of this.graph.flows.blocks.entries()) {
      const last = block.record[block.n - 1] ?? -1;
      // out of order by no more than the next block
      if (last + block.n < record && b < this.graph.flows.blocks.length - 1) continue;
      const numbers = block.record.subarray(0, block.n);
      for (let at = numbers.indexOf(record); at !== -1; at = numbers.indexOf(record, at + 1))
        if (this.#isRecord[block.meta[at]!] === 1) return b * block.record.length + at;
    }
    return -1;
  }
}

/**
 * What a record is called to others than the platform: its boot and its time, and of several at one time how many come before that the
 * reader may see.
 *
 * @param time ns since boot
 */
export function recordName(boot: string, time: number, before: number): string {
  return `${boot.slice(0, 6)}-${time.toString(36)}${before === 0 ? "" : `.${before}`}`;
}

export function isoTime(ns: bigint): string {
  const ms = Number(ns / 1_000_000n);
  // a clock that jumped may tell anything; what no date can say is told as it is
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ns} ns`;
}
