/**
 * Did it leak? A witness path, or what was looked at and not found. [AUD-5]
 *
 * Guarantee: everything counts that the record has: also what pictures leave out as noise, gates crossed or not. When a
 * path exists among the records that the reader may see, within the time, one is found: the first that arrived.
 */
import { isRefused, type Pass, pathTo, reach } from "../graph/index.ts";
import type { TagId } from "../../label/index.ts";
import { type Coverage, coverageOf } from "./coverage.ts";
import { AskError } from "./error.ts";
import { eachWith } from "./flows.ts";
import { findTarget, type Inode, type Target } from "./find.ts";
import type { Sight } from "./reader.ts";
import { endsOf, type Ends, type Step, stepOf } from "./steps.ts";
import { refusedBy } from "./refused.ts";
import { questionFor, type TraceAnswer } from "./trace.ts";
import { readTime } from "./when.ts";

export type LeakAsk = {
  of: string;
  to: string;
  since?: string | undefined;
  until?: string | undefined;
  inodes?: Record<string, Inode[]> | undefined;
};

export type PathStep = Ends & { step: Step };
export type LeakAnswer = {
  asked: { of: string; to: string; since: string | null; until: string | null };
  /** From the data to the target; null: none within the time and the coverage. */
  path: PathStep[] | null;
  /** Numbers of the path's records, for proofs; empty for others than the platform. */
  records: number[];
  /** It had arrived before `since`. */
  earlier: PathStep[] | null;
  coverage: Coverage;
  /** Attempts at the target that were refused. */
  refused: TraceAnswer["refused"];
  leftOut: number;
};

const MOST_REFUSED = 50;

export function leak(sight: Sight, ask: LeakAsk, now: number, damaged: readonly string[] = []): LeakAnswer {
  const of = findTarget(sight, ask.of, ask.inodes?.[ask.of]);
  const target = leakTarget(sight, ask);
  const since = ask.since === undefined ? null : readTime(ask.since, now);
  const question = questionFor(sight, { noise: true, until: ask.until }, "from", of, now);
  const hits = target === null ? null : hitsFor(sight, of, target);
  let [found, earlier] = [null, null] as [number[] | null, number[] | null];
  const hit = (flow: number, label: number, walk: Pass): boolean => {
    if (!hits!.isIt(flow)) return false;
    const way = [...pathTo(walk, label), flow];
    const isEarly = since !== null && sight.graph.wallTime(flow, !sight.isPlatform) < since;
    if (isEarly) earlier ??= way;
    else found = way;
    return !isEarly;
  };
  const looksFor = hits === null ? undefined : { kinds: hits.kinds, entities: hits.entities, hit };
  const pass = reach(sight.graph, { ...question, looksFor });
  const whole = found === null ? pass : null;
  const refused =
    hits === null || whole === null
      ? { list: [], leftOut: 0 }
      : refusedBy(sight, whole, question, MOST_REFUSED, hits);
  return {
    asked: { of: ask.of, to: ask.to, since: ask.since ?? null, until: ask.until ?? null },
    path: found && shown(sight, found),
    records: sight.recordsOf(found ?? []),
    earlier: earlier && shown(sight, earlier),
    coverage: coverageOf(sight, whole === null ? [] : [whole], damaged),
    refused: refused.list,
    leftOut: refused.leftOut,
  };
}

function shown(sight: Sight, path: readonly number[]): PathStep[] {
  return path.map((flow, at) => ({ ...endsOf(sight, flow), step: stepOf(sight, flow, path[at - 1] ?? -1) }));
}

/** Null: nothing that may be seen is that, so nothing can have reached it. */
function leakTarget(sight: Sight, ask: LeakAsk): Target | null {
  try {
    return findTarget(sight, ask.to, ask.inodes?.[ask.to]);
  } catch (error) {
    if (error instanceof AskError && error.code === "E_ASK_NOTHING") return null;
    throw error;
  }
}

/** Which flows lead to a target: those of some kinds, those into some entities, or one. */
export type Hits = {
  kinds?: Uint8Array | undefined;
  entities?: readonly number[] | undefined;
  /** Of these, is it one? */
  isIt: (flow: number) => boolean;
};

export function hitsFor(sight: Sight, of: Target, target: Target): Hits {
  const { graph } = sight;
  if (target.what === "entities") {
    const wanted = new Set(target.entities);
    return { entities: target.entities, isIt: (flow) => wanted.has(graph.flows.sink(flow)) };
  }
  if (target.what === "record")
    return { entities: [graph.flows.sink(target.flow)], isIt: (flow) => flow === target.flow };
  const tags = target.what === "outside" ? tagsOf(sight, of) : [];
  const kinds = Uint8Array.from({ length: graph.metas.size }, (_, n) => {
    const sink = graph.metas.of(n).sink;
    if (target.what === "tag") return graph.contexts.has(sink, target.tag) ? 1 : 0;
    return tags.some((tag) => !graph.contexts.hasSecret(sink, tag)) ? 1 : 0;
  });
  return { kinds, isIt: (flow) => kinds[graph.flows.meta(flow)] === 1 };
}

/** The secrets that data has where the question begins. @throws AskError E_ASK_WORDS */
export function tagsOf({ graph, sees }: Sight, of: Target): TagId[] {
  if (of.what === "tag") return [of.tag];
  const found = new Set<TagId>();
  const add = (context: number) => {
    const secrecy = graph.contexts.of(context)?.secrecy;
    if (secrecy !== undefined && secrecy !== "ALL") for (const tag of secrecy) found.add(tag);
  };
  if (of.what === "record") add(graph.metas.of(graph.flows.meta(of.flow)).sink);
  if (of.what === "entities") {
    const wanted = new Uint8Array(graph.entities.size);
    for (const entity of of.entities) wanted[entity] = 1;
    const counts = sees.map((seen, n) => (seen === 1 && !isRefused(graph.metas.of(n)) ? 1 : 0));
    const seenAs = new Set<number>();
    eachWith(graph, counts, of.entities, (_, source, sink, kind) => {
      const meta = graph.metas.of(kind);
      if (wanted[source] === 1) seenAs.add(meta.source);
      if (wanted[sink] === 1) seenAs.add(meta.sink);
    });
    for (const context of seenAs) add(context);
  }
  if (found.size > 0) return [...found];
  throw new AskError(
    "E_ASK_WORDS",
    "expected data with a secrecy tag, found none: everything is outside of it",
    "name a target: a path, an address, `user:NAME`",
  );
}
