/**
 * What data reached, and what it came from: one pass over the flows in their order, forward or backward.
 *
 * Guarantee: exactly the entities to which a path leads whose flows follow each other in time, each with one such path;
 * with `depth`, a path of at most so many flows, exactly. The answer is the same for a log in which the kernel left out
 * flows that told nothing new [AUD-2] (docs/decisions/0015).
 *
 * A label stands for one way to have been reached: by which flow, after which other label. For an entity the newest
 * counts; older ones stay, for those that were reached through them.
 */
import { BLOCK, WINDOW } from "./columns.ts";
import type { Graph } from "./graph.ts";

export type Pass = {
  readonly direction: "from" | "to";
  /** Entity to its label + 1; 0: not reached. */
  readonly labels: Uint32Array;
  /** How many labels. */
  readonly count: number;
  readonly entity: Int32Array;
  /** Flow by which; -1: it is where the question begins. */
  readonly flow: Float64Array;
  /** Label of the entity at the other end of that flow; -1 there. */
  readonly parent: Int32Array;
  readonly hops: Int32Array;
  /** The label that the entity had before, or -1: one is not enough with depth and stops. */
  readonly older: Int32Array;
  /** For labels without a flow: the one that made it a beginning, if one did. */
  readonly began: ReadonlyMap<number, number>;
};

export type Question = {
  direction: "from" | "to";
  /** Where it begins: entities, and from which flow on (forward) or up to which (backward). */
  roots: readonly { entity: number; at: number }[];
  /** For each kind of flow: not 0, it counts. */
  follows: Uint8Array;
  /** For each kind of flow: its source (forward) or sink (backward) is a beginning too. */
  begins?: Uint8Array | undefined;
  depth?: number | undefined;
  /** Does data that came by one kind of flow not go on by another? (stop at gates) */
  stops?: ((before: number, after: number) => boolean) | undefined;
  /** Flows that count, from and to their position. */
  first?: number | undefined;
  end?: number | undefined;
  /** Only flows whose time is not after this, by position. */
  inTime?: ((at: number) => boolean) | undefined;
  /** Kinds of flows that are looked for; `hit` is told of each that starts at (forward) or leads to (backward) what was
   * reached, with the label of that end, and says whether that is enough. */
  hits?: Uint8Array | undefined;
  hit?: ((flow: number, label: number, pass: Pass) => boolean) | undefined;
};

export function reach(graph: Graph, question: Question): Pass {
  const walk = new Walk(graph, question);
  if (question.direction === "from") forward(graph, question, walk);
  else backward(graph, question, walk);
  return walk;
}

/** Labels at first. */
const START = 1 << 10;

class Walk implements Pass {
  readonly direction: "from" | "to";
  readonly labels: Uint32Array;
  count = 0;
  entity = new Int32Array(START);
  flow = new Float64Array(START);
  parent = new Int32Array(START);
  hops = new Int32Array(START);
  older = new Int32Array(START);
  readonly began = new Map<number, number>();
  readonly #graph: Graph;
  readonly #question: Question;
  readonly #simple: boolean;

  constructor(graph: Graph, question: Question) {
    this.direction = question.direction;
    this.labels = new Uint32Array(graph.entities.size);
    this.#graph = graph;
    this.#question = question;
    this.#simple = question.depth === undefined && question.stops === undefined;
  }

  /** @param at the flow that makes it a beginning */
  begin(entity: number, at = -1): void {
    if (this.labels[entity] !== 0) return;
    this.#put(entity, -1, -1);
    if (at !== -1) this.began.set(this.count - 1, at);
  }

  /** What was looked for is found. */
  done = false;

  /** One flow, whose near end is reached. @returns is the far end reached anew? */
  step(near: number, far: number, meta: number, at: number): boolean {
    if (this.#question.hits?.[meta] === 1) this.#hit(near, meta, at);
    if (this.#simple && this.labels[far] !== 0) return false;
    const { follows, inTime } = this.#question;
    if (follows[meta] === 0 || (inTime !== undefined && !inTime(at))) return false;
    const label = this.#simple ? this.labels[near]! - 1 : this.#way(near, at);
    if (label === -1 || (!this.#simple && !this.#isNews(far, meta, this.hops[label]! + 1))) return false;
    this.#put(far, at, label);
    return true;
  }

  #hit(near: number, meta: number, at: number): void {
    const { follows, inTime, hit } = this.#question;
    if (follows[meta] === 0 || (inTime !== undefined && !inTime(at))) return;
    const label = this.#simple ? this.labels[near]! - 1 : this.#way(near, at);
    if (label !== -1 && hit!(at, label, this)) this.done = true;
  }

  #put(entity: number, flow: number, parent: number): void {
    const label = this.count++;
    if (label === this.entity.length) this.#grow();
    this.entity[label] = entity;
    this.flow[label] = flow;
    this.parent[label] = parent;
    this.hops[label] = parent === -1 ? 0 : this.hops[parent]! + 1;
    this.older[label] = this.labels[entity]! - 1;
    this.labels[entity] = label + 1;
  }

  #grow(): void {
    for (const column of ["entity", "parent", "hops", "older"] as const) {
      const grown = new Int32Array(this[column].length * 4);
      grown.set(this[column]);
      this[column] = grown;
    }
    const flow = new Float64Array(this.flow.length * 4);
    flow.set(this.flow);
    this.flow = flow;
  }

  /** The shortest way by which this flow may go on, or -1. */
  #way(near: number, at: number): number {
    const { depth = Infinity } = this.#question;
    let best = -1;
    for (let label = this.labels[near]! - 1; label !== -1; label = this.older[label]!) {
      const isFit = this.hops[label]! < depth && !this.#isStopped(this.flow[label]!, at);
      if (isFit && (best === -1 || this.hops[label]! < this.hops[best]!)) best = label;
    }
    return best;
  }

  /** Shorter than all before, or it came under other contexts, from which more may go on. */
  #isNews(far: number, meta: number, hops: number): boolean {
    const { depth, stops } = this.#question;
    for (let label = this.labels[far]! - 1; label !== -1; label = this.older[label]!) {
      const flow = this.flow[label]!;
      const isAlike = stops === undefined || flow === -1 || this.#graph.flows.meta(flow) === meta;
      if (isAlike && (depth === undefined || this.hops[label]! <= hops)) return false;
    }
    return true;
  }

  #isStopped(by: number, at: number): boolean {
    const { stops, direction } = this.#question;
    if (stops === undefined || by === -1) return false;
    const [before, after] = direction === "from" ? [by, at] : [at, by];
    return stops(this.#graph.flows.meta(before), this.#graph.flows.meta(after));
  }
}

function forward(graph: Graph, question: Question, walk: Walk): void {
  const { begins, inTime } = question;
  const { labels } = walk;
  const { flows, lastOut } = graph;
  const end = Math.min(question.end ?? flows.length, flows.length);
  const roots = question.roots.toSorted((a, b) => a.at - b.at);
  const from = Math.max(question.first ?? 0, begins ? 0 : (roots[0]?.at ?? end));
  let nextRoot = 0;
  // after this, nothing that is reached is the source of anything
  let horizon = begins ? end : -1;
  for (let b = Math.floor(from / BLOCK); b * BLOCK < end; b++) {
    const base = b * BLOCK;
    const { n, source, sink, meta } = flows.blocks[b]!;
    const stop = Math.min(n, end - base);
    for (let i = Math.max(0, from - base); i < stop; i++) {
      while (nextRoot < roots.length && roots[nextRoot]!.at <= base + i) {
        const { entity } = roots[nextRoot++]!;
        walk.begin(entity);
        horizon = Math.max(horizon, lastOut[entity]! + WINDOW);
      }
      const s = source[i]!;
      if (labels[s] === 0) {
        if (begins === undefined || begins[meta[i]!] === 0) continue;
        if (inTime !== undefined && !inTime(base + i)) continue;
        walk.begin(s, base + i);
      }
      const d = sink[i]!;
      const isNew = walk.step(s, d, meta[i]!, base + i);
      if (walk.done) return;
      if (!isNew) continue;
      horizon = Math.max(horizon, lastOut[d]! + WINDOW);
    }
    if (nextRoot === roots.length && base + BLOCK > horizon) return;
  }
  for (; nextRoot < roots.length; nextRoot++) walk.begin(roots[nextRoot]!.entity);
}

function backward(graph: Graph, question: Question, walk: Walk): void {
  const { begins, inTime, first = 0 } = question;
  const { labels } = walk;
  const { flows, firstIn } = graph;
  const roots = question.roots.toSorted((a, b) => b.at - a.at);
  const latest = begins ? flows.length : (roots[0]?.at ?? -1) + 1;
  const end = Math.min(question.end ?? flows.length, flows.length, latest);
  let nextRoot = 0;
  // before this, nothing that is reached is the sink of anything
  let horizon = begins ? first : Infinity;
  for (let b = Math.ceil(end / BLOCK) - 1; b >= 0 && (b + 1) * BLOCK > first; b--) {
    const base = b * BLOCK;
    const { n, source, sink, meta } = flows.blocks[b]!;
    for (let i = Math.min(n, end - base) - 1; i >= Math.max(0, first - base); i--) {
      while (nextRoot < roots.length && roots[nextRoot]!.at >= base + i) {
        const { entity } = roots[nextRoot++]!;
        walk.begin(entity);
        horizon = Math.min(horizon, firstIn[entity]! - WINDOW);
      }
      const d = sink[i]!;
      if (labels[d] === 0) {
        if (begins === undefined || begins[meta[i]!] === 0) continue;
        if (inTime !== undefined && !inTime(base + i)) continue;
        walk.begin(d, base + i);
      }
      const s = source[i]!;
      const isNew = walk.step(d, s, meta[i]!, base + i);
      if (walk.done) return;
      if (!isNew) continue;
      horizon = Math.min(horizon, firstIn[s]! - WINDOW);
    }
    if (nextRoot === roots.length && base < horizon) return;
  }
  for (; nextRoot < roots.length; nextRoot++) walk.begin(roots[nextRoot]!.entity);
}

/** The flows of the path to an entity, in the order of time. */
export function pathTo(pass: Pass, label: number): number[] {
  const path: number[] = [];
  for (let at = label; at !== -1 && pass.flow[at] !== -1; at = pass.parent[at]!) path.push(pass.flow[at]!);
  return pass.direction === "from" ? path.reverse() : path;
}

/** The entity's label with the shortest path, or -1. */
export function labelOf(pass: Pass, entity: number): number {
  let best = (pass.labels[entity] ?? 0) - 1;
  if (best === -1) return -1;
  for (let label = pass.older[best]!; label !== -1; label = pass.older[label]!)
    if (pass.hops[label]! < pass.hops[best]!) best = label;
  return best;
}
