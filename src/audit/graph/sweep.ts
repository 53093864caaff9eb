/**
 * The pass for questions with a depth: one byte of state for each entity, the fewest flows in which it was
 * reached so far, and a loop that looks at nothing else until a flow has something new to tell.
 *
 * Guarantee: as reach.ts says. Which label a label came from is found when somebody asks.
 */
import { BLOCK, type Block } from "./columns.ts";
import type { Graph } from "./graph.ts";
import { LabelIndex, longer } from "./labels.ts";
import type { Pass, Question } from "./pass.ts";
import { travel, type Traveller } from "./travel.ts";

/** Depths beyond this have no room in the state. */
export const MOST_HOPS = 125;
/** What happened with a flow: its near end became a beginning, its far end was reached. */
const BEGUN = 1;
const REACHED = 2;
/** Costs more than any depth: the flow does not count. */
const NEVER = 0xff;

/** Labels at first. */
const START = 1 << 10;

export class Sweep implements Pass, Traveller {
  readonly direction: "from" | "to";
  count = 0;
  entity: Int32Array<ArrayBuffer>;
  flow: Int32Array<ArrayBuffer>;
  readonly #graph: Graph;
  readonly #question: Question;
  readonly #isForward: boolean;
  /** By entity: flows from where the question begins, or `far`. */
  readonly #state: Uint8Array;
  /** More than the depth: not reached. */
  readonly #far: number;
  /** By kind of flow: how many flows it counts for. */
  readonly #costs: Uint8Array;
  readonly #isPlain: boolean;
  /** Places in a block where something was reached. */
  readonly #found = new Int32Array(BLOCK);
  /** By label: the flow that made it a beginning. Only where kinds of flows do. */
  #began: Int32Array<ArrayBuffer>;
  /** And whether its near end became a beginning, its far end was reached, or both. */
  readonly #what = new Uint8Array(BLOCK);
  readonly #index: LabelIndex;

  constructor(graph: Graph, question: Question) {
    const { direction, depth, follows, begins } = question;
    this.direction = direction;
    this.#graph = graph;
    this.#question = question;
    this.#isForward = direction === "from";
    const size = graph.entities.size;
    this.#far = depth! + 1;
    this.#state = new Uint8Array(size).fill(this.#far);
    this.#costs = follows.map((follow) => (follow === 0 ? NEVER : 1));
    this.#isPlain = begins === undefined;
    [this.entity, this.flow] = [new Int32Array(START), new Int32Array(START)];
    this.#began = new Int32Array(begins === undefined ? 0 : START).fill(-1);
    this.#index = new LabelIndex(size);
  }

  run(): void {
    travel(this.#graph, this.#question, this);
  }

  /** What was reached before keeps the way by which it came. */
  begin(entity: number): void {
    const isReached = this.#state[entity]! < this.#far;
    this.#state[entity] = 0;
    if (!isReached) this.#put(entity, -1);
  }

  see(block: Block, base: number, from: number, to: number, isInTime: boolean): boolean {
    const { source, sink, meta } = block;
    const [nears, fars] = this.#isForward ? [source, sink] : [sink, source];
    const [found, what] = [this.#found, this.#what];
    if (this.#isPlain && isInTime) {
      const count = spread(nears, fars, meta, from, to, this.#state, this.#costs, found);
      for (let n = 0; n < count; n++) this.#put(fars[found[n]!]!, base + found[n]!);
      return false;
    }
    const { inTime } = this.#question;
    const isIn = isInTime || inTime === undefined ? null : (i: number) => inTime.flow(base + i);
    const count = this.#look(nears, fars, meta, from, to, isIn);
    for (let n = 0; n < count; n++) {
      const [i, events] = [found[n]!, what[n]!];
      if ((events & BEGUN) !== 0) {
        this.#put(nears[i]!, -1);
        this.#began[this.count - 1] = base + i;
      }
      if ((events & REACHED) !== 0) this.#put(fars[i]!, base + i);
    }
    return false;
  }

  isReached(entity: number): boolean {
    return this.#state[entity]! < this.#far;
  }

  label(entity: number): number {
    return this.#index.of(entity, this.entity, this.count);
  }

  isChosen(label: number): boolean {
    return this.label(this.entity[label]!) === label;
  }

  /** The other end's newest label at that time: labels are numbered in the order of the pass. */
  parent(label: number): number {
    const flow = this.flow[label]!;
    if (flow === -1) return -1;
    const { flows } = this.#graph;
    const near = this.#isForward ? flows.source(flow) : flows.sink(flow);
    return this.#index.before(label, near, this.entity);
  }

  began(label: number): number {
    return this.#began[label] ?? -1;
  }

  get reached(): number {
    return this.#index.entities(this.entity, this.count);
  }

  /** As `spread`, with kinds of flows that are beginnings. @returns how many places there are */
  #look(
    nears: Uint32Array, fars: Uint32Array, meta: Uint32Array, from: number, to: number,
    isIn: ((place: number) => boolean) | null,
  ): number {
    const step = this.#isForward ? 1 : -1;
    const [state, costs, begins] = [this.#state, this.#costs, this.#question.begins];
    const [found, what, limit] = [this.#found, this.#what, this.#far];
    let count = 0;
    for (let i = from; i !== to; i += step) {
      const kind = meta[i]!;
      let hops = state[nears[i]!]!;
      const isBeginning = hops > 0 && begins !== undefined && begins[kind] === 1;
      if (hops + costs[kind]! >= state[fars[i]!]! && !isBeginning) continue;
      if (costs[kind] === NEVER || (isIn !== null && !isIn(i))) continue;
      let events = 0;
      if (isBeginning) {
        if (hops === limit) events = BEGUN;
        state[nears[i]!] = 0;
        hops = 0;
      }
      hops += costs[kind]!;
      if (hops < state[fars[i]!]!) {
        state[fars[i]!] = hops;
        events |= REACHED;
      }
      if (events === 0) continue;
      found[count] = i;
      what[count++] = events;
    }
    return count;
  } // prettier-ignore

  #put(entity: number, flow: number): void {
    const label = this.count++;
    if (label === this.entity.length) {
      [this.entity, this.flow] = [longer(this.entity), longer(this.flow)];
      if (this.#question.begins !== undefined) this.#began = longer(this.#began, -1);
    }
    this.entity[label] = entity;
    this.flow[label] = flow;
  }
}

/**
 * Flows of a part of a block, forward or backward: whatever they reach in fewer flows than before is noted in `state`,
 * and their places in `found`. @returns how many
 */
function spread(
  nears: Uint32Array, fars: Uint32Array, meta: Uint32Array, from: number, to: number,
  state: Uint8Array, costs: Uint8Array, found: Int32Array,
): number {
  const step = from < to ? 1 : -1;
  let count = 0;
  for (let i = from; i !== to; i += step) {
    const hops = state[nears[i]!]! + 1;
    // nearly all end here, whatever kind of flow they are
    if (hops >= state[fars[i]!]! || costs[meta[i]!] === NEVER) continue;
    state[fars[i]!] = hops;
    found[count++] = i;
  }
  return count;
} // prettier-ignore
