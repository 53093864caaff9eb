/**
 * The search of around.ts where data must have been on the record for some time before it passes a gate.
 *
 * Of what an entity holds only the newest data matters, since older data passes wherever newer does; but in a program that may be
 * a gate's, the newest under each context. What passed too soon goes wherever any data goes, so an entity that holds some
 * is done: all that it gets later changes nothing. Times are numbers relative to the first boot's: to the ns for 104 days, then to some ns.
 */
import { BLOCK, type Block, type Graph, longer } from "../graph/index.ts";
import { ENTITY, type EntityName } from "../record.ts";
import type { Searched, Way } from "./around.ts";
import type { Hits } from "./leak.ts";
import type { Passages } from "./passages.ts";
import type { Sight } from "./reader.ts";
import { Clock } from "./when.ts";

export type Aged = {
  /** By kind of flow: it counts; its source has the tag; its sink has. */
  follows: Uint8Array;
  begins: Uint8Array;
  arrives: Uint8Array;
  gates: Passages;
  hits: Hits;
  age: bigint;
};

/** Have no data of their own that could have an age: what goes through them began elsewhere. */
const CARRIERS = kindsOf("none", "process", "pipe", "socket", "anon", "directory", "symlink");
/** What comes from them is new each time. */
const SPRINGS = kindsOf("principal", "address", "device");

/** In place of a time: nothing is held; what is held has no age. */
const UNHELD = -Infinity;
const AGELESS = -Number.MAX_VALUE;

/** Of an entity: what it has itself is held; it was on the record with the tag. */
const BEGUN = 1;
const NOTED = 2;
/** Holds what passed too soon. */
const EARLY = 4;
const SPOILT = BEGUN | NOTED | EARLY;
/** A gate's program, perhaps; a target: each of their flows is looked at. */
const GATE = 8;
const TARGET = 16;
const LOOK = GATE | TARGET;
/** It holds something. */
const HELD = 32;
/** How many bits there are: where a table has what it says of a kind of flow and flags. */
const BITS = 6;
/** In these tables: the flow is looked at; at the source, it may be newer than what the sink holds; at the sink, that would matter. */
const ASKED = 1;
const NEWER = 2;
const NONE = -1;
/** Of a way: it goes on after the one that its flow's source has, which had passed too soon and so stays; since when, too, that one says. */
const AS_SOURCE = -2;

export function searchAged(sight: Sight, asked: Aged): Searched {
  const search = new AgedSearch(sight, asked);
  const { blocks } = sight.graph.flows;
  for (let b = 0; b < blocks.length; b++) if (search.see(blocks[b]!, b * BLOCK)) break;
  return { way: search.way, reached: search.ways };
}

class AgedSearch {
  readonly ways: Ways;
  way: Way | null = null;
  readonly #graph: Graph;
  readonly #asked: Aged;
  readonly #age: number;
  readonly #clock: Clock;
  /** Of a block: where `spoilOn` is. */
  readonly #place = new Int32Array(1);
  /** By entity: since when the newest that it holds is on the record, and that way + 1; flags; since when it was there with the tag. */
  readonly #since: Float64Array;
  readonly #open: Int32Array;
  readonly #flags: Uint8Array;
  readonly #first: Float64Array;
  /** Of programs that may be a gate's: the newest way by context. */
  readonly #under = new Map<number, Map<number, number>>();
  /** By kind of flow and flags of its source, or of its sink. */
  readonly #near: Uint8Array;
  readonly #far: Uint8Array;
  /** By kind of flow: contexts. */
  readonly #source: Int32Array;
  readonly #sink: Int32Array;

  constructor({ graph, isPlatform }: Sight, asked: Aged) {
    const size = graph.entities.size;
    const { hits, gates, begins, arrives, age } = asked;
    this.ways = new Ways(size);
    this.#graph = graph;
    this.#asked = asked;
    this.#age = Number(age);
    this.#clock = new Clock(graph, !isPlatform);
    this.#since = new Float64Array(size).fill(UNHELD);
    this.#open = new Int32Array(size);
    this.#first = new Float64Array(size);
    this.#flags = new Uint8Array(size);
    for (const entity of gates.programs) {
      this.#under.set(entity, new Map());
      this.#flags[entity]! |= GATE;
    }
    for (const entity of hits.entities ?? []) this.#flags[entity]! |= TARGET;
    const table = (what: (flags: number, kind: number) => number) => {
      const made = new Uint8Array(graph.metas.size << BITS);
      for (let n = 0; n < made.length; n++)
        if (asked.follows[n >> BITS] !== 0) made[n] = what(n & ((1 << BITS) - 1), n >> BITS);
      return made;
    };
    this.#near = table((flags, kind) => {
      const isNew = begins[kind] === 1 && (flags & BEGUN) === 0;
      const isAsked = isNew || hits.kinds?.[kind] === 1 || (flags & LOOK) !== 0;
      return (isAsked ? ASKED : 0) | ((flags & (HELD | EARLY)) === 0 ? 0 : NEWER);
    });
    this.#far = table((flags, kind) => {
      const isNew = arrives[kind] === 1 && (flags & NOTED) === 0;
      return (isNew || (flags & LOOK) !== 0 ? ASKED : 0) | ((flags & EARLY) === 0 ? NEWER : 0);
    });
    const metas = Array.from({ length: graph.metas.size }, (_, n) => graph.metas.of(n));
    this.#source = Int32Array.from(metas, (meta) => meta.source);
    this.#sink = Int32Array.from(metas, (meta) => meta.sink);
  }

  /** @returns was a way found? */
  see({ n, source, sink, meta }: Block, base: number): boolean {
    const [ways, place] = [this.ways, this.#place];
    for (let i = 0; i < n; i++) {
      place[0] = i;
      ways.count = spoilOn(source, sink, meta, base, n, this.#since, this.#flags, this.#near, this.#far, this.#open, ways.entity, ways.flow, ways.count, place); // prettier-ignore
      i = place[0]!;
      if (i < n && this.#look(source[i]!, sink[i]!, meta[i]!, base + i)) return true;
    }
    return false;
  }

  #look(source: number, sink: number, kind: number, at: number): boolean {
    const { begins, arrives, hits } = this.#asked;
    if (begins[kind] === 1 && (this.#flags[source]! & EARLY) === 0) this.#begin(source, kind, at);
    if (arrives[kind] === 1) this.#note(sink, at);
    const isEarly = (this.#flags[source]! & EARLY) !== 0;
    let [open, early] = [NONE, NONE];
    if (isEarly) early = this.#open[source]! - 1;
    else if ((this.#flags[source]! & GATE) !== 0) [open, early] = this.#throughGate(source, kind, at);
    else open = this.#open[source]! - 1;
    const last = early === NONE ? open : early;
    if (last === NONE) return false;
    if ((hits.kinds === undefined || hits.kinds[kind] === 1) && hits.isIt(at)) {
      this.way = this.#wayOf(last, at);
      return true;
    }
    if ((this.#flags[sink]! & EARLY) !== 0) return false;
    if (early !== NONE) this.#spoil(sink, at, isEarly ? AS_SOURCE : early);
    else this.#hold(sink, at, open, this.#sink[kind]!, this.ways.since[open]!);
    return false;
  }

  /** In a gate's program: the newest way that does not pass it, and one that passes it too soon. */
  #throughGate(source: number, kind: number, at: number): [open: number, early: number] {
    const { ways } = this;
    let [open, early] = [NONE, NONE];
    for (const [held, way] of this.#under.get(source)!) {
      const since = ways.since[way]!;
      if (!this.#asked.gates.isPassed(source, held, kind)) {
        if (open === NONE || since > ways.since[open]!) open = way;
      } else if (early === NONE && since !== AGELESS && this.#clock.at(at) < since + this.#age)
        early = ways.add(source, ways.flow[way]!, ways.parent(way), since, at);
    }
    return [open, early];
  }

  /** It gets what passed too soon: no more is asked of it but whether it is a target. @param parent AS_SOURCE: of what had it before */
  #spoil(entity: number, flow: number, parent: number): void {
    const { ways } = this;
    const way = parent === AS_SOURCE ? ways.addAsSource(entity, flow) : ways.add(entity, flow, parent, ways.since[parent]!, ways.passed[parent]!); // prettier-ignore
    this.#open[entity] = way + 1;
    this.#flags[entity] = (this.#flags[entity]! & TARGET) | SPOILT;
  }

  #begin(entity: number, kind: number, at: number): void {
    this.#note(entity, at);
    const what = this.#graph.entities.kind(entity);
    const isSpring = SPRINGS[what] === 1;
    const own = isSpring ? this.#clock.at(at) : this.#first[entity]!;
    this.#hold(entity, NONE, NONE, this.#source[kind]!, CARRIERS[what] === 1 ? AGELESS : own);
    if (!isSpring) this.#flags[entity]! |= BEGUN;
  }

  #note(entity: number, at: number): void {
    if ((this.#flags[entity]! & NOTED) !== 0) return;
    this.#flags[entity]! |= NOTED;
    this.#first[entity] = this.#clock.at(at);
  }

  #hold(entity: number, flow: number, parent: number, context: number, since: number): void {
    if ((this.#flags[entity]! & GATE) !== 0) {
      const under = this.#under.get(entity)!;
      const before = under.get(context);
      if (before === undefined || since > this.ways.since[before]!)
        under.set(context, this.ways.add(entity, flow, parent, since, NONE));
      return;
    }
    if (since <= this.#since[entity]!) return;
    this.#open[entity] = this.ways.add(entity, flow, parent, since, NONE) + 1;
    this.#since[entity] = since;
    this.#flags[entity]! |= HELD;
  }

  #wayOf(last: number, at: number): Way {
    const { ways } = this;
    const path = [at];
    let [way, told] = [last, NONE];
    for (;;) {
      const parent = ways.parent(way);
      if (parent !== AS_SOURCE && told === NONE) told = way;
      if (parent === NONE) break;
      const flow = ways.flow[way]!;
      path.push(flow);
      way = parent === AS_SOURCE ? this.#open[this.#graph.flows.source(flow)]! - 1 : parent;
    }
    const passed = ways.passed[told]!;
    const early = passed === NONE ? null : { entity: ways.entity[way]!, since: this.#clock.wall(ways.since[told]!), flow: passed }; // prettier-ignore
    return { path: path.reverse(), early };
  }
}

/**
 * Flows of a block: where what passed too soon goes on to one more, that one is noted to hold it.
 *
 * @param place from which on; gets that of the first flow that may do something else, or `n` @returns how many ways there are. It calls
 * nothing, since a loop that does is half as fast.
 */
function spoilOn(
  source: Uint32Array, sink: Uint32Array, meta: Uint32Array, base: number, n: number,
  since: Float64Array, flags: Uint8Array, nears: Uint8Array, fars: Uint8Array, open: Int32Array,
  entity: Int32Array, flow: Int32Array, count: number, place: Int32Array,
): number {
  let i = place[0]!;
  for (; i < n; i++) {
    const kind = meta[i]! << BITS;
    const held = flags[source[i]!]!;
    const near = nears[kind | held]!;
    const far = fars[kind | flags[sink[i]!]!]!;
    const isAsked = (near | far) & ASKED;
    if ((isAsked | (near & far)) === 0) continue;
    if (isAsked !== 0 || count === entity.length) break;
    if ((held & EARLY) === 0) {
      if (since[source[i]!]! > since[sink[i]!]!) break;
      continue;
    }
    flags[sink[i]!] = SPOILT;
    entity[count] = sink[i]!;
    flow[count++] = base + i;
    open[sink[i]!] = count;
  }
  place[0] = i;
  return count;
} // prettier-ignore

/** By kind of entity: 1, it is one of these. */
function kindsOf(...names: EntityName[]): Uint8Array {
  const kinds = new Uint8Array(256);
  for (const name of names) kinds[ENTITY[name]] = 1;
  return kinds;
}

/** Ways in which entities hold data, by number. */
class Ways {
  count = 0;
  entity: Int32Array<ArrayBuffer>;
  /** By which flow; NONE: the path begins here. */
  flow: Int32Array<ArrayBuffer>;
  /** After which other way, NONE or AS_SOURCE; from AS_SOURCE on, so that nothing has to be written for those. */
  #parent: Int32Array<ArrayBuffer>;
  /** Since when its data is on the record. */
  since: Float64Array<ArrayBuffer>;
  /** The flow with which it passed a gate too soon, or NONE. */
  passed: Int32Array<ArrayBuffer>;

  /** @param entities that there are: most have two ways at most, and pages that are not touched cost nothing */
  constructor(entities: number) {
    const ways = () => new Int32Array(2 * entities + 1);
    [this.entity, this.flow, this.#parent, this.passed] = [ways(), ways(), ways(), ways()];
    this.since = new Float64Array(2 * entities + 1);
  }

  parent(way: number): number {
    return this.#parent[way]! + AS_SOURCE;
  }

  addAsSource(entity: number, flow: number): number {
    const way = this.count++;
    if (way === this.entity.length) this.#grow();
    this.entity[way] = entity;
    this.flow[way] = flow;
    return way;
  }

  add(entity: number, flow: number, parent: number, since: number, passed: number): number {
    const way = this.addAsSource(entity, flow);
    this.#parent[way] = parent - AS_SOURCE;
    this.since[way] = since;
    this.passed[way] = passed;
    return way;
  }

  #grow(): void {
    [this.entity, this.flow] = [longer(this.entity), longer(this.flow)];
    [this.#parent, this.passed] = [longer(this.#parent), longer(this.passed)];
    const since = new Float64Array(this.entity.length);
    since.set(this.since);
    this.since = since;
  }
}
