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
  const holds = new Map<number, Held[]>();
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

  for (const [b, block] of flows.blocks.entries())
    for (let i = 0; i < block.n; i++) {
      const n = block.meta[i]!;
      if (follows[n] === 0) continue;
      const [at, source, sink, meta] = [
        b * block.meta.length + i,
        block.source[i]!,
        block.sink[i]!,
        metas[n]!,
      ];
      if (begins[n] === 1) {
        note(source, at);
        const since = sinceOf(source, at);
        put(holds, { entity: source, flow: -1, parent: null, context: meta.source, since, early: null }); // prettier-ignore
      }
      if (arrives[n] === 1) note(sink, at);
      let open: Held | null = null;
      let early: Held | null = null;
      for (const held of holds.get(source) ?? []) {
        if (held.early !== null) early = held;
        else if (alone[n] === true || !gates.isPassed(source, held.context, meta.source)) {
          if (open === null || isNewer(held.since, open.since)) open = held;
        } else if (age !== null && held.since !== null && early === null && wall(at) < held.since + age)
          early = { ...held, early: at };
      }
      if (open === null && early === null) continue;
      if ((hits.kinds === undefined || hits.kinds[n] === 1) && hits.isIt(at))
        return { way: wayOf((open ?? early)!, at), reached: [...holds.keys()] };
      for (const held of [open, early])
        if (held !== null) put(holds, { ...held, entity: sink, flow: at, parent: held, context: meta.sink });
    }
  return { way: null, reached: [...holds.keys()] };
}

/** Is what is newer held too? Then what came before leads nowhere else. */
function put(holds: Map<number, Held[]>, held: Held): void {
  const all = holds.get(held.entity);
  if (all === undefined) {
    holds.set(held.entity, [held]);
    return;
  }
  const at = all.findIndex((other) =>
    held.early !== null ? other.early !== null : other.early === null && other.context === held.context,
  );
  if (at === -1) all.push(held);
  else if (held.early === null && isNewer(held.since, all[at]!.since)) all[at] = held;
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
          if (found !== -1) set.add(graph.same(found));
        }
    }
    if (this.#between.size > 0) this.#findPrograms(sight, follows);
  }

  /** Does data that a program holds under one context pass a gate when it goes on under the other? */
  isPassed(program: number, from: number, to: number): boolean {
    return from !== to && this.#between.get(`${from} ${to}`)?.programs.has(program) === true;
  }

  /** Those that read a run's input under what it takes, or write its output under what it gives. */
  #findPrograms({ graph }: Sight, follows: Uint8Array): void {
    const passages = [...this.#between].map(([key, passage]) => {
      const [from, to] = key.split(" ").map(Number);
      return Object.assign({ from, to }, passage);
    });
    for (const { n, source, sink, meta } of graph.flows.blocks)
      for (let i = 0; i < n; i++) {
        if (follows[meta[i]!] === 0) continue;
        for (const { from, to, inputs, outputs, programs } of passages) {
          if (inputs.has(source[i]!) && graph.metas.of(meta[i]!).sink === from) programs.add(sink[i]!);
          if (outputs.has(sink[i]!) && graph.metas.of(meta[i]!).source === to) programs.add(source[i]!);
        }
      }
  }
}
