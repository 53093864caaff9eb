/**
 * The pass that stops where data crosses from one context to another, and the one with a depth beyond sweep.ts's: an
 * entity may hold data in several ways at once, of which each goes on elsewhere.
 *
 * Guarantee: as reach.ts says. Of an entity's ways one is kept for each context under which data came, and each that is
 * shorter than those before.
 */
import type { Block } from "./columns.ts";
import type { Graph } from "./graph.ts";
import { longer } from "./labels.ts";
import type { Pass, Question } from "./pass.ts";
import { Horizon, travel, type Traveller } from "./travel.ts";

/** Labels at first. */
const START = 1 << 10;
/** The context of a beginning: data may go on from there under any. */
const ANY = -1;
/** Of what was not reached. */
const UNHELD = -2;

export class Walk implements Pass, Traveller {
  readonly direction: "from" | "to";
  count = 0;
  reached = 0;
  entity = new Int32Array(START);
  flow = new Int32Array(START);
  readonly horizon: Horizon;
  readonly #graph: Graph;
  readonly #question: Question;
  readonly #isForward: boolean;
  /** By entity: its newest label + 1. */
  readonly #newest: Uint32Array;
  /** By label: the one that its entity had before, the one from which it came, flows from the beginning, context. */
  #older = new Int32Array(START);
  #parent = new Int32Array(START);
  #hops = new Int32Array(START);
  #context = new Int32Array(START);
  readonly #began = new Map<number, number>();
  /** By kind of flow: the contexts at both ends. */
  readonly #near: Int32Array;
  readonly #far: Int32Array;

  constructor(graph: Graph, question: Question) {
    this.direction = question.direction;
    this.#graph = graph;
    this.#question = question;
    this.#isForward = question.direction === "from";
    this.horizon = new Horizon(graph, question.direction);
    this.#newest = new Uint32Array(graph.entities.size);
    const metas = Array.from({ length: graph.metas.size }, (_, n) => graph.metas.of(n));
    const sources = Int32Array.from(metas, ({ source }) => source);
    const sinks = Int32Array.from(metas, ({ sink }) => sink);
    [this.#near, this.#far] = this.#isForward ? [sources, sinks] : [sinks, sources];
  }

  run(): void {
    travel(this.#graph, this.#question, this);
  }

  /** What was reached before keeps the way by which it came. @param at the flow that makes it a beginning */
  begin(entity: number, at = -1): void {
    const label = this.#newest[entity]! - 1;
    if (label !== -1) {
      [this.#hops[label], this.#context[label]] = [0, ANY];
      return;
    }
    if (at !== -1) this.#began.set(this.count, at);
    this.#put(entity, -1, -1, ANY);
  }

  see({ source, sink, meta }: Block, base: number, from: number, to: number): boolean {
    const [nears, fars] = this.#isForward ? [source, sink] : [sink, source];
    const step = this.#isForward ? 1 : -1;
    const { follows, begins, depth, inTime, looksFor } = this.#question;
    const [newest, farContexts] = [this.#newest, this.#far];
    const isPlain = depth === undefined && begins === undefined && looksFor === undefined;
    for (let i = from; i !== to; i += step) {
      const [near, kind, at] = [nears[i]!, meta[i]!, base + i];
      if (isPlain) {
        // nearly all flows: they tell nothing new, whatever they come from
        if (newest[near] === 0) continue;
        const held = newest[fars[i]!]!;
        const context = held === 0 ? UNHELD : this.#context[held - 1]!;
        if (context === farContexts[kind] || context === ANY) continue;
      }
      const isBeginning = begins !== undefined && begins[kind] !== 0;
      if ((newest[near] === 0 && !isBeginning) || follows[kind] === 0 || inTime?.flow(at) === false) continue;
      if (isBeginning) this.begin(near, at);
      const label = this.#way(near, kind);
      if (label !== -1 && this.#isSought(kind, fars[i]!) && looksFor!.hit(at, label, this)) return true;
      if (label !== -1 && this.#isNews(fars[i]!, kind, this.#hops[label]! + 1))
        this.#put(fars[i]!, at, label, this.#far[kind]!);
    }
    return false;
  }

  label(entity: number): number {
    let best = (this.#newest[entity] ?? 0) - 1;
    for (let label = best; label !== -1; label = this.#older[label]!)
      if (this.#hops[label]! < this.#hops[best]!) best = label;
    return best;
  }

  began(label: number): number {
    return this.#began.get(label) ?? -1;
  }

  parent(label: number): number {
    return this.#parent[label]!;
  }

  #isSought(kind: number, far: number): boolean {
    const { kinds, entities } = this.#question.looksFor ?? {};
    return kinds?.[kind] === 1 || entities?.includes(far) === true;
  }

  /** The shortest way by which a flow of this kind may go on, or -1. */
  #way(near: number, kind: number): number {
    const { depth = Infinity } = this.#question;
    let best = -1;
    for (let label = this.#newest[near]! - 1; label !== -1; label = this.#older[label]!) {
      const isShorter = best === -1 || this.#hops[label]! < this.#hops[best]!;
      if (isShorter && this.#hops[label]! < depth && !this.#isStopped(label, kind)) best = label;
    }
    return best;
  }

  /** Shorter than all before, or it came under another context, from which more may go on. */
  #isNews(far: number, kind: number, hops: number): boolean {
    const { depth, stops } = this.#question;
    for (let label = this.#newest[far]! - 1; label !== -1; label = this.#older[label]!) {
      const context = this.#context[label]!;
      const isAlike = stops !== true || context === ANY || context === this.#far[kind];
      if (isAlike && (depth === undefined || this.#hops[label]! <= hops)) return false;
    }
    return true;
  }

  #isStopped(label: number, kind: number): boolean {
    const held = this.#context[label]!;
    if (this.#question.stops !== true || held === ANY) return false;
    const { contexts } = this.#graph;
    const goesOn = this.#near[kind]!;
    return this.#isForward ? contexts.crosses(held, goesOn) : contexts.crosses(goesOn, held);
  }

  #put(entity: number, flow: number, parent: number, context: number): void {
    const label = this.count++;
    if (this.#newest[entity] === 0) this.reached++;
    if (label === this.entity.length) this.#grow();
    this.entity[label] = entity;
    this.flow[label] = flow;
    this.#parent[label] = parent;
    this.#context[label] = context;
    this.#hops[label] = parent === -1 ? 0 : this.#hops[parent]! + 1;
    this.#older[label] = this.#newest[entity]! - 1;
    this.#newest[entity] = label + 1;
    this.horizon.reach(entity);
  }

  #grow(): void {
    [this.entity, this.flow] = [longer(this.entity), longer(this.flow)];
    [this.#older, this.#parent] = [longer(this.#older), longer(this.#parent)];
    [this.#hops, this.#context] = [longer(this.#hops), longer(this.#context)];
  }
}
