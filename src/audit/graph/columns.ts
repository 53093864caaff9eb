/**
 * Flows in columns, in the order of the decisions: source, sink, what kind of flow (`meta`), time, record.
 *
 * Blocks of a fixed size, so that adding never copies; 28 bytes a flow. A flow in both directions is two. Records of
 * different processors may come a little out of order: each is put where its time says, within WINDOW.
 */
import { grown } from "./grown.ts";

export const BLOCK = 1 << 16;
/** How far back a late record is put in order. */
const WINDOW = 1 << 12;

/** A flow as it is put there. */
export type Put = { source: number; sink: number; meta: number; time: number; record: number };

export type Block = {
  n: number;
  readonly source: Uint32Array;
  readonly sink: Uint32Array;
  readonly meta: Uint32Array;
  /** ns since boot: exact for 104 days, then to 2 ns. */
  readonly time: Float64Array;
  /** Number of the record. */
  readonly record: Float64Array;
  /** Each kind of flow that is in it, so that it can be passed over where others are asked for; some may have been put in another one. */
  readonly kinds: number[];
};

const COLUMNS = ["source", "sink", "meta", "time", "record"] as const;

export class Columns {
  readonly blocks: Block[] = [];
  /** By kind of flow: how many blocks there were when one was last added. */
  #seen = new Uint32Array(0);
  /** Where the current boot begins: nothing is put in order over that. */
  #bootStart = 0;

  get length(): number {
    const last = this.blocks.at(-1);
    return last === undefined ? 0 : (this.blocks.length - 1) * BLOCK + last.n;
  }

  get bytes(): number {
    return this.blocks.length * BLOCK * 28;
  }

  get bootStart(): number {
    return this.#bootStart;
  }

  startBoot(): void {
    this.#bootStart = this.length;
  }

  /** @returns where it stands now */
  add(source: number, sink: number, meta: number, time: number, record: number): number {
    const at = this.#append(source, sink, meta, time, record);
    return at > this.#bootStart && this.time(at - 1) > time ? this.#sink(at, time) : at;
  }

  /** Many that belong before others: each is put behind those of its time. @param flows by time @returns where they stand now */
  insert(flows: readonly Put[]): number[] {
    let old = this.length - 1;
    for (const { source, sink, meta, time, record } of flows) this.#append(source, sink, meta, time, record);
    const places: number[] = [];
    let to = this.length - 1;
    for (let n = flows.length - 1; n >= 0; to--) {
      if (old >= this.#bootStart && this.time(old) > flows[n]!.time) this.#set(to, this.at(old--));
      else {
        this.#set(to, flows[n--]!);
        places.push(to);
      }
    }
    return places.reverse();
  }

  at(at: number): Put {
    const block = this.blocks[Math.floor(at / BLOCK)]!;
    const i = at % BLOCK;
    return {
      source: block.source[i]!,
      sink: block.sink[i]!,
      meta: block.meta[i]!,
      time: block.time[i]!,
      record: block.record[i]!,
    };
  }

  source(at: number): number {
    return this.blocks[Math.floor(at / BLOCK)]!.source[at % BLOCK]!;
  }

  sink(at: number): number {
    return this.blocks[Math.floor(at / BLOCK)]!.sink[at % BLOCK]!;
  }

  meta(at: number): number {
    return this.blocks[Math.floor(at / BLOCK)]!.meta[at % BLOCK]!;
  }

  time(at: number): number {
    return this.blocks[Math.floor(at / BLOCK)]!.time[at % BLOCK]!;
  }

  record(at: number): number {
    return this.blocks[Math.floor(at / BLOCK)]!.record[at % BLOCK]!;
  }

  #append(source: number, sink: number, meta: number, time: number, record: number): number {
    let block = this.blocks.at(-1);
    if (block === undefined || block.n === BLOCK) this.blocks.push((block = makeBlock()));
    if (this.#seen[meta] !== this.blocks.length) this.#note(block, meta);
    const i = block.n++;
    block.source[i] = source;
    block.sink[i] = sink;
    block.meta[i] = meta;
    block.time[i] = time;
    block.record[i] = record;
    return (this.blocks.length - 1) * BLOCK + i;
  }

  #set(at: number, flow: Put): void {
    const block = this.blocks[Math.floor(at / BLOCK)]!;
    if (!block.kinds.includes(flow.meta)) block.kinds.push(flow.meta);
    for (const column of COLUMNS) block[column][at % BLOCK] = flow[column];
  }

  #note(block: Block, meta: number): void {
    if (meta >= this.#seen.length) this.#seen = grown(this.#seen, meta);
    this.#seen[meta] = this.blocks.length;
    block.kinds.push(meta);
  }

  #sink(at: number, time: number): number {
    const floor = Math.max(this.#bootStart, at - WINDOW);
    while (at > floor && this.time(at - 1) > time) this.#swap(at, --at);
    return at;
  }

  #swap(a: number, b: number): void {
    const [p, q] = [this.blocks[Math.floor(a / BLOCK)]!, this.blocks[Math.floor(b / BLOCK)]!];
    const [i, j] = [a % BLOCK, b % BLOCK];
    if (p !== q && !q.kinds.includes(p.meta[i]!)) q.kinds.push(p.meta[i]!);
    if (p !== q && !p.kinds.includes(q.meta[j]!)) p.kinds.push(q.meta[j]!);
    for (const column of COLUMNS) {
      const kept = p[column][i]!;
      p[column][i] = q[column][j]!;
      q[column][j] = kept;
    }
  }
}

function makeBlock(): Block {
  return {
    n: 0,
    source: new Uint32Array(BLOCK),
    sink: new Uint32Array(BLOCK),
    meta: new Uint32Array(BLOCK),
    time: new Float64Array(BLOCK),
    record: new Float64Array(BLOCK),
    kinds: [],
  };
}
