/**
 * The pass for questions without a depth in which data goes on wherever it came: one byte for each entity says whether it was reached
 * and whether it is looked for, and a loop looks at nothing else until a flow has something new to tell.
 *
 * Guarantee: as reach.ts says. An entity has one label at most: the first way by which it was reached, or that it is a
 * beginning. Which label a label came from is found when somebody asks.
 */
import type { Block } from "./columns.ts";
import type { Graph } from "./graph.ts";
import { LabelIndex } from "./labels.ts";
import type { Pass, Question } from "./pass.ts";
import { travel, type Traveller } from "./travel.ts";

/** Of an entity: it was not reached, or was; the same of one that is looked for. In the lowest bits: does it hold data? */
const NOT_REACHED = 0;
const REACHED = 1;
const SOUGHT = -64;
const FOUND = REACHED | 64;
/** Of a kind of flow: it counts; its near end is a beginning; between two that were reached it does nothing; it is looked for. */
const COUNTS = REACHED;
const BEGINS = 2;
const QUIET = 4;
const SEEKS = 8;

export class Flood implements Pass, Traveller {
  readonly direction: "from" | "to";
  count = 0;
  readonly entity: Int32Array;
  readonly flow: Int32Array;
  readonly #graph: Graph;
  readonly #question: Question;
  readonly #isForward: boolean;
  readonly #state: Int8Array;
  readonly #kinds: Uint8Array;
  /** Of the entities that are looked for one was reached. */
  #hasFound = false;
  /** By label: the flow that made it a beginning + 1. Only where kinds of flows do. */
  readonly #began: Int32Array;
  readonly #index: LabelIndex;
  /** A place in a block. */
  readonly #at = new Int32Array(1);

  constructor(graph: Graph, question: Question) {
    const { direction, follows, begins, looksFor } = question;
    this.direction = direction;
    this.#graph = graph;
    this.#question = question;
    this.#isForward = direction === "from";
    const size = graph.entities.size;
    this.#state = new Int8Array(size);
    for (const entity of looksFor?.entities ?? []) this.#state[entity] = SOUGHT;
    this.#kinds = follows.map((follow, kind) =>
      follow === 0
        ? 0
        : COUNTS | (begins?.[kind] === 1 ? BEGINS : 0) | (looksFor?.kinds?.[kind] === 1 ? SEEKS : QUIET),
    );
    // pages that are not touched cost nothing
    [this.entity, this.flow] = [new Int32Array(size), new Int32Array(size)];
    this.#began = new Int32Array(begins === undefined ? 0 : size);
    this.#index = new LabelIndex(size);
  }

  run(): void {
    travel(this.#graph, this.#question, this);
  }

  begin(entity: number): void {
    if (this.isReached(entity)) return;
    this.#reach(entity, -1);
  }

  see(block: Block, base: number, from: number, to: number, isInTime: boolean): boolean {
    const { source, sink, meta } = block;
    const [nears, fars] = this.#isForward ? [source, sink] : [sink, source];
    const step = from < to ? 1 : -1;
    // no kind in it is a beginning or looked for
    const isPlain = isInTime && !block.kinds.some((kind) => (this.#kinds[kind]! & (BEGINS | SEEKS)) !== 0);
    for (let i = from; i !== to; i += step) {
      this.#at[0] = i;
      this.count = isPlain && !this.#hasFound
        ? spread(nears, fars, meta, base, to, this.#state, this.#question.follows, this.entity, this.flow, this.count, this.#at)
        : spreadOf(nears, fars, meta, base, to, isInTime, this.#state, this.#kinds, this.entity, this.flow, this.#began, this.count, this.#at); // prettier-ignore
      i = this.#at[0]!;
      if (i === to) break;
      if (this.#look(nears[i]!, fars[i]!, meta[i]!, base + i)) return true;
    }
    return false;
  }

  isReached(entity: number): boolean {
    return this.#state[entity]! > 0;
  }

  label(entity: number): number {
    return this.#index.of(entity, this.entity, this.count);
  }

  isChosen(): boolean {
    return true;
  }

  began(label: number): number {
    return (this.#began[label] ?? 0) - 1;
  }

  /** The other end's: it was reached before. */
  parent(label: number): number {
    const flow = this.flow[label]!;
    if (flow === -1) return -1;
    const { flows } = this.#graph;
    return this.#index.of(this.#isForward ? flows.source(flow) : flows.sink(flow), this.entity, label);
  }

  get reached(): number {
    return this.count;
  }

  /** A flow that may have something to tell. @returns is it enough? */
  #look(near: number, far: number, kind: number, at: number): boolean {
    const { inTime, looksFor } = this.#question;
    const isBeginning = !this.isReached(near);
    if (inTime?.flow(at) === false) return false;
    if (isBeginning) {
      this.#began[this.count] = at + 1;
      this.#reach(near, -1);
    }
    const isSought =
      (this.#kinds[kind]! & SEEKS) !== 0 || this.#state[far] === SOUGHT || this.#state[far] === FOUND;
    if (isSought && looksFor!.hit(at, this.label(near), this)) return true;
    if (!this.isReached(far)) this.#reach(far, at);
    return false;
  }

  #reach(entity: number, flow: number): void {
    this.#state[entity] = this.#state[entity] === SOUGHT ? this.#found() : REACHED;
    this.entity[this.count] = entity;
    this.flow[this.count++] = flow;
  }

  /** Of what is looked for one is reached: from here on each flow is looked at, since it may go there. */
  #found(): number {
    this.#hasFound = true;
    for (let kind = 0; kind < this.#kinds.length; kind++) this.#kinds[kind]! &= ~QUIET;
    return FOUND;
  }
}

/**
 * Flows of a part of a block from what was reached. @param at from which place on; gets that of the first to what is looked for, or `to`
 * @returns how many labels there are. It calls nothing, since a loop that does is half as fast.
 */
function spread(
  nears: Uint32Array, fars: Uint32Array, meta: Uint32Array, base: number, to: number,
  state: Int8Array, follows: Uint8Array, entity: Int32Array, flow: Int32Array, count: number, at: Int32Array,
): number {
  let i = at[0]!;
  const step = i < to ? 1 : -1;
  for (; i !== to; i += step) {
    const far = fars[i]!;
    const near = state[nears[i]!]!;
    // nearly all end here, whatever kind of flow they are
    if (near <= state[far]!) continue;
    if (near <= 0 || follows[meta[i]!] === 0) continue;
    if (state[far] === SOUGHT) break;
    state[far] = REACHED;
    entity[count] = far;
    flow[count++] = base + i;
  }
  at[0] = i;
  return count;
} // prettier-ignore

/** The same where kinds of flows are beginnings or looked for, or where not all are in time: then it ends at each that has something to tell. */
function spreadOf(
  nears: Uint32Array, fars: Uint32Array, meta: Uint32Array, base: number, to: number, isInTime: boolean,
  state: Int8Array, kinds: Uint8Array, entity: Int32Array, flow: Int32Array, began: Int32Array, count: number, at: Int32Array,
): number {
  let i = at[0]!;
  const step = i < to ? 1 : -1;
  for (; i !== to; i += step) {
    const near = state[nears[i]!]!;
    const far = state[fars[i]!]!;
    const kind = kinds[meta[i]!]!;
    // one comparison for all that end here: which of several it were is not to be foreseen, and costs more than the sum
    if (((near & kind) | ((kind >> 1) & 1)) <= (near & far & (kind >> 2))) continue;
    if (!isInTime || near === SOUGHT || (far & ~REACHED) !== 0 || (kind & SEEKS) !== 0) break;
    if (near === NOT_REACHED) {
      state[nears[i]!] = REACHED;
      began[count] = base + i + 1;
      entity[count] = nears[i]!;
      flow[count++] = -1;
    }
    // that may be the same one
    if (state[fars[i]!] !== NOT_REACHED) continue;
    state[fars[i]!] = REACHED;
    entity[count] = fars[i]!;
    flow[count++] = base + i;
  }
  at[0] = i;
  return count;
} // prettier-ignore
