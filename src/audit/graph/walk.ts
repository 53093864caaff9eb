/**
 * The pass for questions in which data stops on its way, in which something is looked for within a depth, or where a depth is
 * beyond sweep.ts's. An entity may hold data in several ways at once, of which each goes on elsewhere.
 *
 * Guarantee: as reach.ts says. Of an entity's ways one is kept for each context under which data came, and with a depth each
 * that is shorter than those before. What nearly all flows do is in the tables of states.ts; the rest, and all with a depth, is
 * looked at flow by flow. Which label a label came from is found when somebody asks.
 */
import { BLOCK, type Block } from "./columns.ts";
import type { Graph } from "./graph.ts";
import { LabelIndex, longer } from "./labels.ts";
import type { Pass, Question } from "./pass.ts";
import { cell, MANY, type Rules, SHIFT, States, UNKNOWN } from "./states.ts";
import { travel, type Traveller } from "./travel.ts";

/** The context of a beginning: data may go on from there under any. */
const ANY = -1;
/**
 * What a flow may do: its near end has something to tell that the far end does not know; becomes a beginning; tells what is looked for;
 * tells an entity that is looked for; each of the two must be looked at.
 */
const TELLS = 1;
const BEGINS = 2;
const SEEKS = 4;
const WANTED = 8;
const LOOK = 16;
const LOOK_FAR = 32;
/** What a flow has done. */
const BEGUN = 1;
const HIT = 2;
const REACHED = 4;
/** The tables do not say. */
const UNSURE = -1;

/** Contexts under which data is held; is each flow to here looked for? */
type Held = { contexts: readonly number[]; isSought: boolean };

export class Walk implements Pass, Traveller {
  readonly direction: "from" | "to";
  count = 0;
  entity: Int32Array<ArrayBuffer>;
  flow: Int32Array<ArrayBuffer>;
  readonly #graph: Graph;
  readonly #question: Question;
  readonly #isForward: boolean;
  readonly #states: States<Held>;
  /** By cell: the state of a near end that became a beginning, of a far end that was reached. */
  readonly #afterBegun: Uint8Array;
  readonly #afterReached: Uint8Array;
  readonly #unsure: Uint8Array;
  readonly #index: LabelIndex;
  /** What a flow adds to the flows from the beginning: only with a depth they count. */
  readonly #step: number;
  /** By label: for a beginning the flow that made it one, + 1, or 0; with a depth, flows from the beginning. */
  #began: Int32Array<ArrayBuffer>;
  #hops: Int32Array<ArrayBuffer>;
  /** Places in a block where something happened, and what. */
  readonly #found = new Int32Array(BLOCK + 1);
  readonly #what = new Uint8Array(BLOCK);
  /** By kind of flow: the contexts at both ends. */
  readonly #near: Int32Array;
  readonly #far: Int32Array;

  constructor(graph: Graph, question: Question, mostStates?: number) {
    const { direction, depth, looksFor, stops } = question;
    this.direction = direction;
    this.#graph = graph;
    this.#question = question;
    this.#isForward = direction === "from";
    this.#step = depth === undefined ? 0 : 1;
    this.#index = new LabelIndex(graph.entities.size);
    // most entities have one label; pages that are not touched cost nothing
    const labels = () => new Int32Array(graph.entities.size + question.roots.length + 1);
    [this.entity, this.flow, this.#began, this.#hops] = [labels(), labels(), labels(), labels()];
    const kinds = graph.metas.size;
    const metas = Array.from({ length: kinds }, (_, n) => graph.metas.of(n));
    const sources = Int32Array.from(metas, ({ source }) => source);
    const sinks = Int32Array.from(metas, ({ sink }) => sink);
    [this.#near, this.#far] = this.#isForward ? [sources, sinks] : [sinks, sources];
    this.#states = new States<Held>(graph.entities.size, this.#rules(kinds), mostStates);
    this.#afterBegun = new Uint8Array(this.#states.near.length);
    this.#afterReached = new Uint8Array(this.#states.near.length);
    this.#unsure = new Uint8Array(this.#states.near.length);
    for (const entity of looksFor?.entities ?? [])
      this.#states.change(entity, ({ contexts }) => ({ contexts, isSought: true }));
    if (depth !== undefined) this.#states.of.fill(MANY);
    for (const entity of stops?.at ?? []) this.#states.of[entity] = MANY;
  }

  run(): void {
    travel(this.#graph, this.#question, this);
  }

  begin(entity: number): void {
    this.#put(entity, -1, -1, 0);
    this.#hold(entity, ANY);
  }

  see(block: Block, base: number, from: number, to: number, isInTime: boolean): boolean {
    const { source, sink, meta } = block;
    const [nears, fars] = this.#isForward ? [source, sink] : [sink, source];
    const { of, near, far } = this.#states;
    const [found, what] = [this.#found, this.#what];
    // where only some are in time, each is looked at
    const reached = isInTime ? this.#afterReached : this.#unsure;
    const step = from < to ? 1 : -1;
    let count = 0;
    for (let i = from; i !== to; i += step) {
      found[BLOCK] = count;
      i = flowOn(nears, fars, meta, i, to, of, near, far, reached, found, what);
      count = found[BLOCK]!;
      if (i === to) break;
      const did = isInTime ? this.#do(nears[i]!, fars[i]!, meta[i]!) : UNSURE;
      if (did !== UNSURE) {
        found[count] = i;
        what[count++] = did;
        continue;
      }
      // that needs the labels of all that happened before
      if (this.#tell(block, base, count) || this.#look(nears[i]!, fars[i]!, meta[i]!, base + i)) return true;
      count = 0;
    }
    return this.#tell(block, base, count);
  }

  isReached(entity: number): boolean {
    return this.#newest(entity) !== -1;
  }

  /** The first way by which it was reached; with a depth, the one with the fewest flows. */
  label(entity: number): number {
    let best = -1;
    for (let label = this.#newest(entity); label !== -1; label = this.#older(label, entity))
      if (best === -1 || this.#hops[label]! <= this.#hops[best]!) best = label;
    return best;
  }

  isChosen(label: number): boolean {
    return this.label(this.entity[label]!) === label;
  }

  began(label: number): number {
    return this.#began[label]! - 1;
  }

  parent(label: number): number {
    const flow = this.flow[label]!;
    if (flow === -1) return -1;
    const { flows } = this.#graph;
    const near = this.#isForward ? flows.source(flow) : flows.sink(flow);
    return this.#way(near, flows.meta(flow), this.#older(label, near));
  }

  get reached(): number {
    return this.#index.entities(this.entity, this.count);
  }

  /** By the tables alone. @returns what it did */
  #do(near: number, far: number, kind: number): number {
    const { of, near: nearDoes, far: farDoes } = this.#states;
    const before = of[near]!;
    if ((nearDoes[cell(kind, before)]! & farDoes[cell(kind, of[far]!)]!) >= LOOK) return UNSURE;
    let did = 0;
    if ((nearDoes[cell(kind, before)]! & BEGINS) !== 0) {
      const begun = this.#afterBegun[cell(kind, before)]!;
      if (begun === UNKNOWN) return UNSURE;
      of[near] = begun;
      did = BEGUN;
    }
    const does = nearDoes[cell(kind, of[near]!)]! & farDoes[cell(kind, of[far]!)]!;
    if ((does & (SEEKS | WANTED)) !== 0) did |= HIT;
    if ((does & TELLS) === 0) return did;
    const reached = this.#afterReached[cell(kind, of[far]!)]!;
    if (reached === UNKNOWN) {
      of[near] = before;
      return UNSURE;
    }
    of[far] = reached;
    return did | REACHED;
  }

  /** What happened in a block, as labels. @returns is it enough? */
  #tell({ source, sink, meta }: Block, base: number, count: number): boolean {
    const [nears, fars] = this.#isForward ? [source, sink] : [sink, source];
    for (let n = 0; n < count; n++) {
      const [i, did] = [this.#found[n]!, this.#what[n]!];
      if (did !== REACHED) {
        if ((did & BEGUN) !== 0) this.#put(nears[i]!, -1, base + i, 0);
        if ((did & HIT) !== 0 && this.#hit(base + i, this.#way(nears[i]!, meta[i]!))) return true;
        if ((did & REACHED) === 0) continue;
      }
      this.#put(fars[i]!, base + i, -1, 0);
    }
    return false;
  }

  /** By the labels. What it does to states is noted for those that are alike. @returns is it enough? */
  #look(near: number, far: number, kind: number, at: number): boolean {
    const { begins, inTime, looksFor } = this.#question;
    if (inTime?.flow(at) === false) return false;
    if (begins !== undefined && begins[kind] !== 0 && !this.#isBegun(near, kind)) {
      this.#put(near, -1, at, 0);
      this.#hold(near, this.#contextAt(near, this.#near[kind]!), this.#afterBegun, kind);
    }
    const label = this.#way(near, kind);
    if (label === -1) return false;
    if (looksFor?.kinds?.[kind] === 1 || looksFor?.entities?.includes(far) === true)
      if (this.#hit(at, label)) return true;
    const context = this.#contextAt(far, this.#far[kind]!);
    const hops = this.#hops[label]! + this.#step;
    if (!this.#isNews(far, context, hops)) return false;
    this.#put(far, at, -1, hops);
    this.#hold(far, context, this.#afterReached, kind);
    return false;
  }

  #hit(flow: number, label: number): boolean {
    return this.#question.looksFor!.hit(flow, label, this);
  }

  #isBegun(near: number, kind: number): boolean {
    return !this.#isNews(near, this.#contextAt(near, this.#near[kind]!), 0);
  }

  /** Shorter than all before, or it came under another context, from which more may go on. */
  #isNews(far: number, context: number, hops: number): boolean {
    for (let label = this.#newest(far); label !== -1; label = this.#older(label, far)) {
      const held = this.#contextOf(label);
      if ((held === ANY || held === context) && this.#hops[label]! <= hops) return false;
    }
    return true;
  }

  /** The shortest way by which a flow of this kind may go on, of a label and those before it; or -1. */
  #way(near: number, kind: number, last = this.#newest(near)): number {
    const { depth = Infinity } = this.#question;
    let best = -1;
    for (let label = last; label !== -1; label = this.#older(label, near)) {
      const isShorter = best === -1 || this.#hops[label]! <= this.#hops[best]!;
      if (isShorter && this.#hops[label]! < depth && !this.#isStopped(near, this.#contextOf(label), kind))
        best = label;
    }
    return best;
  }

  #isStopped(near: number, held: number, kind: number): boolean {
    const { stops } = this.#question;
    return stops !== undefined && held !== ANY && stops.isStopped(near, held, kind);
  }

  /** Contexts matter only where data may stop. */
  #contextAt(entity: number, context: number): number {
    const { stops } = this.#question;
    if (stops === undefined) return ANY;
    return stops.at === null || stops.at.has(entity) ? context : ANY;
  }

  /** Under which data came. */
  #contextOf(label: number): number {
    const [flow, began] = [this.flow[label]!, this.began(label)];
    if (flow === -1 && began === -1) return ANY;
    const ends = flow === -1 ? this.#near : this.#far;
    return this.#contextAt(this.entity[label]!, ends[this.#graph.flows.meta(flow === -1 ? began : flow)]!);
  }

  #newest(entity: number): number {
    return this.#index.of(entity, this.entity, this.count);
  }

  #older(label: number, entity: number): number {
    return this.#index.before(label, entity, this.entity);
  }

  /** In the entity's state. @param after by cell: what this makes of a state */
  #hold(entity: number, context: number, after?: Uint8Array, kind = 0): void {
    const { of } = this.#states;
    const before = of[entity]!;
    this.#states.change(entity, ({ contexts, isSought }) => ({
      contexts: contexts.includes(context) ? contexts : [...contexts, context].sort((a, b) => a - b),
      isSought,
    }));
    if (after !== undefined && before !== MANY && of[entity] !== MANY)
      after[cell(kind, before)] = of[entity]!;
  }

  #put(entity: number, flow: number, began: number, hops: number): void {
    const label = this.count++;
    if (label === this.entity.length) {
      [this.entity, this.flow] = [longer(this.entity), longer(this.flow)];
      [this.#began, this.#hops] = [longer(this.#began), longer(this.#hops)];
    }
    this.entity[label] = entity;
    this.flow[label] = flow;
    if (began !== -1) this.#began[label] = began + 1;
    if (hops !== 0) this.#hops[label] = hops;
  }

  #rules(kinds: number): Rules<Held> {
    const { follows, begins, looksFor, stops } = this.#question;
    const contexts = (ends: Int32Array, kind: number) => (stops?.at === null ? ends[kind]! : ANY);
    const has = (held: Held, context: number) =>
      held.contexts.includes(ANY) || held.contexts.includes(context);
    return {
      kinds,
      empty: { contexts: [], isSought: false },
      key: (held) => `${held.isSought} ${held.contexts.join(" ")}`,
      near: (held, kind) => {
        if (follows[kind] === 0) return 0;
        const isBegun = begins?.[kind] === 1 && !has(held, contexts(this.#near, kind));
        if (!isBegun && held.contexts.every((context) => this.#isStopped(-1, context, kind))) return 0;
        const seeks = looksFor?.kinds?.[kind] === 1 ? SEEKS : 0;
        return TELLS | WANTED | LOOK_FAR | seeks | (isBegun ? BEGINS : 0);
      },
      far: (held, kind) => {
        const tells = has(held, contexts(this.#far, kind)) ? 0 : TELLS;
        return tells | BEGINS | SEEKS | LOOK | (held.isSought ? WANTED : 0);
      },
      nearMany: (kind) => (follows[kind] === 0 ? 0 : LOOK),
      farMany: () => BEGINS | SEEKS | LOOK | LOOK_FAR,
    };
  }
}

/**
 * Flows of a part of a block that do no more than tell the far end something new, as the tables have it. Their places are added to
 * `found`, of which the last one is how many there are. @returns where something else happens, or `to`
 */
function flowOn(
  nears: Uint32Array, fars: Uint32Array, meta: Uint32Array, from: number, to: number,
  of: Uint8Array, near: Uint8Array, far: Uint8Array, reached: Uint8Array, found: Int32Array, what: Uint8Array,
): number {
  const step = from < to ? 1 : -1;
  let count = found[BLOCK]!;
  let i = from;
  for (; i !== to; i += step) {
    const kind = meta[i]! << SHIFT;
    const at = kind | of[fars[i]!]!;
    const does = near[kind | of[nears[i]!]!]! & far[at]!;
    if (does === 0) continue;
    const next = reached[at]!;
    if (does !== TELLS || next === UNKNOWN) break;
    of[fars[i]!] = next;
    found[count] = i;
    what[count++] = REACHED;
  }
  found[BLOCK] = count;
  return i;
} // prettier-ignore
