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
import { isRefused, type Pass, pathTo, reach } from "../graph/index.ts";
import { searchAged } from "./aged.ts";
import type { Reached } from "./coverage.ts";
import type { Hits } from "./leak.ts";
import { Passages } from "./passages.ts";
import type { Sight } from "./reader.ts";

export type Search = {
  tag: TagId;
  hits: Hits;
  /** Names of gates; none: no way is allowed. */
  through: readonly string[];
  /** ns that what is let out must have been on the record before; null: any. */
  age: bigint | null;
};

export type Way = {
  path: number[];
  /** Too soon: what, since when (ns), with which flow. Null: past the gates. */
  early: { entity: number; since: bigint; flow: number } | null;
};
export type Searched = { way: Way | null; reached: Reached };

export function search(sight: Sight, { tag, hits, through, age }: Search): Searched {
  const { graph, sees } = sight;
  const metas = Array.from({ length: graph.metas.size }, (_, n) => graph.metas.of(n));
  const isTagged = (context: number) => graph.contexts.has(context, tag);
  const follows = sees.map((seen, n) => (seen === 1 && !isRefused(metas[n]!) ? 1 : 0));
  const begins = follows.map((follow, n) => (follow === 1 && isTagged(metas[n]!.source) ? 1 : 0));
  const gates = new Passages(sight, through, follows);
  if (age !== null) {
    const arrives = follows.map((follow, n) => (follow === 1 && isTagged(metas[n]!.sink) ? 1 : 0));
    return searchAged(sight, { follows, begins, arrives, gates, hits, age });
  }
  let way: Way | null = null;
  const hit = (flow: number, label: number, pass: Pass): boolean => {
    if (!hits.isIt(flow)) return false;
    way = { path: [...pathTo(pass, label), flow], early: null };
    return true;
  };
  const isStopped = (program: number, held: number, kind: number) => gates.isPassed(program, held, kind);
  const stops = gates.programs.size === 0 ? undefined : { at: gates.programs, isStopped };
  const looksFor = { kinds: hits.kinds, entities: hits.entities, hit };
  const pass = reach(graph, { direction: "from", roots: [], follows, begins, stops, looksFor });
  return { way, reached: pass };
}
