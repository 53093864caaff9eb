/**
 * The search behind questions that are kept as files: is there a way from a tag to a target on which no named gate was
 * passed, or one on which the first that was passed had come too soon?
 *
 * Guarantee: exactly if such a path is among the records that the reader may see, one is found: the first to arrive. A path
 * begins at what had the tag, and its flows follow each other in time. A gate is passed where data went on under another
 * context, from the one that a run of this gate had to its other one, in a program that read the run's input or wrote its
 * output; a change of label in any other program is none.
 *
 * Not covered: programs of a run that neither read its input nor write its output, and let out what they have from elsewhere
 * (that is not taken for passed: the question then does not hold). Data added to a file that had the tag before is as old as the file.
 */
import type { TagId } from "../../label/index.ts";
import { isRefused } from "../graph/index.ts";
import { streamsOf } from "../graph/graph.ts";
import { ENTITY, OP } from "../record.ts";
import { eachFlow } from "./flows.ts";
import type { Hits } from "./leak.ts";
import type { Sight } from "./reader.ts";
import { crossesAlone, gateText } from "./steps.ts";

export type Search = {
  tag: TagId;
  hits: Hits;
  /** Names of gates; none: no way is allowed. */
  through: readonly string[];
  /** ns that what is let out must have been on the record before; null: any. */
  age: bigint | null;
};

/** One way in which an entity holds data: where it came from, under which context, and since when that is on the record. */
type Held = {
  entity: number;
  /** By which flow; -1: the path begins here. */
  flow: number;
  parent: Held | null;
  context: number;
  /** ns; null: no file, so nothing that has an age. */
  since: bigint | null;
  /** The flow with which it passed a gate too soon. */
  early: number | null;
};

export type Way = {
  path: number[];
  /** Too soon: what, since when (ns), with which flow. Null: past the gates. */
  early: { entity: number; since: bigint; flow: number } | null;
};
export type Searched = { way: Way | null; reached: number[] };

/** Have no data of their own that could have an age: what goes through them began elsewhere. */
const CARRIERS: ReadonlySet<number> = new Set(
  (["none", "process", "pipe", "socket", "anon", "directory", "symlink"] as const).map(
    (kind) => ENTITY[kind],
  ),
);
/** What comes from them is new each time. */
const SPRINGS: ReadonlySet<number> = new Set(
  (["principal", "address", "device"] as const).map((kind) => ENTITY[kind]),
);

export function search(sight: Sight, { tag, hits, through, age }: Search): Searched {
  const { graph, sees } = sight;
  const { contexts, flows } = graph;
  const metas = Array.from({ length: graph.metas.size }, (_, n) => graph.metas.of(n));
  const follows = sees.map((seen, n) => (seen === 1 && !isRefused(metas[n]!) ? 1 : 0));
  const isTagged = (context: number) => contexts.has(context, tag);
  const begins = follows.map((follow, n) => (follow === 1 && isTagged(metas[n]!.source) ? 1 : 0));
  const arrives = follows.map((follow, n) => (follow === 1 && isTagged(metas[n]!.sink) ? 1 : 0));
  const gates = new Passages(sight, through, follows);
  const alone = metas.map((_, n) => crossesAlone(graph, n));
  const holds = new Holds(graph.entities.size);
  const first = new Map<number, bigint>();
  const wall = (at: number) => graph.wallTime(at, !sight.isPlatform);
  const note = (entity: number, at: number) => {
    if (age !== null && !first.has(entity)) first.set(entity, wall(at));
  };
  const sinceOf = (entity: number, at: number): bigint | null => {
    const kind = graph.entities.kind(entity);
    if (age === null || CARRIERS.has(kind)) return null;
    return SPRINGS.has(kind) ? wall(at) : first.get(entity)!;
  };
  let way: Way | null = null;

  eachFlow(flows, follows, (at, source, sink, n) => {
    const meta = metas[n]!;
    if (begins[n] === 1) {
      note(source, at);
      const since = sinceOf(source, at);
      holds.put(source, -1, null, meta.source, since, null);
    }
    if (arrives[n] === 1) note(sink, at);
    const ways = holds.of(source);
    if (ways === undefined) return false;
    const isHit = (hits.kinds === undefined || hits.kinds[n] === 1) && hits.isIt(at);
    if (!isHit && holds.isNoNews(source, meta.source, sink, meta.sink)) return false;
    let open: Held | null = null;
    let early: Held | null = null;
    for (const held of ways) {
      if (held.early !== null) early = held;
      else if (alone[n] === true || !gates.isPassed(source, held.context, meta.source)) {
        if (open === null || isNewer(held.since, open.since)) open = held;
      } else if (age !== null && held.since !== null && early === null && wall(at) < held.since + age)
        early = { ...held, early: at };
    }
    const last = open ?? early;
    if (last === null) return false;
    if (isHit) {
      way = wayOf(last, at);
      return true;
    }
    if (open !== null) holds.put(sink, at, open, meta.sink, open.since, null);
    if (early !== null) holds.put(sink, at, early, meta.sink, early.since, early.early);
    return false;
  });
  return { way, reached: holds.entities };
}

/** In which ways entities hold data: of those that lead on alike, the one of the newest data. */
class Holds {
  /** Those that hold some, in the order in which they came to it. */
  readonly entities: number[] = [];
  readonly #ways: (Held[] | undefined)[];
  /** By entity: the context of the one way that it has, if that has no age and passed nothing too soon; else -1. */
  readonly #only: Int32Array;

  /** @param size of entities */
  constructor(size: number) {
    this.#ways = Array.from({ length: size });
    this.#only = new Int32Array(size).fill(-1);
  }

  /** Nearly all flows: data goes on as it came, to where it is held so. */
  isNoNews(source: number, from: number, sink: number, to: number): boolean {
    return this.#only[source] === from && this.#only[sink] === to;
  }

  of(entity: number): readonly Held[] | undefined {
    return this.#ways[entity];
  }

  put(
    entity: number, flow: number, parent: Held | null,
    context: number, since: bigint | null, early: number | null,
  ): void {
    const isPlain = since === null && early === null;
    if (isPlain && this.#only[entity] === context) return;
    const ways = this.#ways[entity];
    if (ways === undefined) {
      this.entities.push(entity);
      this.#ways[entity] = [{ entity, flow, parent, context, since, early }];
      if (isPlain) this.#only[entity] = context;
      return;
    }
    this.#only[entity] = -1;
    let at = 0;
    for (; at < ways.length; at++) {
      const other = ways[at]!;
      if (early !== null ? other.early !== null : other.early === null && other.context === context) break;
    }
    // is what is newer held too? then what came before leads nowhere else
    if (at === ways.length || (early === null && isNewer(since, ways[at]!.since)))
      ways[at] = { entity, flow, parent, context, since, early };
  } // prettier-ignore
}

function isNewer(a: bigint | null, b: bigint | null): boolean {
  return a !== null && (b === null || a > b);
}

function wayOf(last: Held, at: number): Way {
  const path = [at];
  let held = last;
  for (; held.parent !== null; held = held.parent) path.push(held.flow);
  const early = last.early === null ? null : { entity: held.entity, since: last.since!, flow: last.early };
  return { path: path.reverse(), early };
}

type Passage = { inputs: Set<number>; outputs: Set<number>; programs: Set<number> };

/** Runs of the named gates that the reader may see, by the contexts between which they let data pass. */
class Passages {
  readonly #between = new Map<string, Passage>();

  constructor(sight: Sight, names: readonly string[], follows: Uint8Array) {
    const { graph, sees } = sight;
    const wanted = new Set(names);
    for (const run of graph.annotations) {
      if (run.op !== OP.gate || sees[run.meta] === 0 || !wanted.has(gateText(sight, run).name)) continue;
      const { source, sink, verdict } = graph.metas.of(run.meta);
      if (verdict !== 0) continue;
      const key = `${source} ${sink}`;
      const passage = this.#between.get(key) ?? {
        inputs: new Set(),
        outputs: new Set(),
        programs: new Set(),
      };
      this.#between.set(key, passage);
      for (const [end, set] of [
        ["input", passage.inputs],
        ["output", passage.outputs],
      ] as const)
        // prettier-ignore
        for (const [second, ino, third] of streamsOf(run.detail, end)) {
          const found = graph.entities.find(ENTITY.pipe, run.boot, BigInt(ino), second, third);
          if (found !== -1) set.add(found);
        }
    }
    if (this.#between.size > 0) this.#findPrograms(sight, follows);
  }

  /** Does data that a program holds under one context pass a gate when it goes on under the other? */
  isPassed(program: number, from: number, to: number): boolean {
    return (
      from !== to &&
      this.#between.size > 0 &&
      this.#between.get(`${from} ${to}`)?.programs.has(program) === true
    );
  }

  /** Those that read a run's input under what it takes, or write its output under what it gives. */
  #findPrograms({ graph }: Sight, follows: Uint8Array): void {
    const passages = [...this.#between].map(([key, passage]) => {
      const [from, to] = key.split(" ").map(Number);
      return Object.assign({ from, to }, passage);
    });
    eachFlow(graph.flows, follows, (_, source, sink, n) => {
      for (const { from, to, inputs, outputs, programs } of passages) {
        if (inputs.has(source) && graph.metas.of(n).sink === from) programs.add(sink);
        if (outputs.has(sink) && graph.metas.of(n).source === to) programs.add(source);
      }
      return false;
    });
  }
}
