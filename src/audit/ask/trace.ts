/**
 * Where did it go, where did it come from, and by which way from one to the other?
 *
 * Guarantee: the answer holds every entity to which the records that the reader may see lead, or says how many it left
 * out; each with one path whose flows follow each other in time.
 */
import { type Graph, isNoise, isRefused, type Pass, type Reach, reach } from "../graph/index.ts";
import { between } from "./between.ts";
import type { EntityText } from "./entity.ts";
import { AskError } from "./error.ts";
import { findTarget, type Inode, type Target } from "./find.ts";
import type { ContextText, Sight } from "./reader.ts";
import { refusedBy } from "./refused.ts";
import { crossesAlone, type Ends, type Step } from "./steps.ts";
import { treeOf } from "./tree.ts";
import { flowsInTime, readTime, untilTime } from "./when.ts";

export type TraceAsk = {
  from?: string | undefined;
  to?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
  depth?: number | undefined;
  noise?: boolean | undefined;
  refused?: boolean | undefined;
  stopAtGates?: boolean | undefined;
  limit?: number | undefined;
  /** What paths lead to now, by text. */
  inodes?: Record<string, Inode[]> | undefined;
};

export type TraceNode = EntityText & {
  /** Under which it was reached, or is. */
  context: ContextText | null;
  /** Flows from where the question begins. */
  hops: number;
  /** Of a picture that was folded: how many entities. */
  holds?: number | undefined;
};
export type TraceEdge = { from: number; to: number; step: Step; times?: number | undefined };
export type TraceAnswer = {
  direction: "from" | "to" | "between";
  nodes: TraceNode[];
  edges: TraceEdge[];
  /** Nodes where the question begins. */
  roots: number[];
  /** Attempts that were refused, with how many like each. */
  refused: (Ends & { step: Step; times: number })[];
  leftOut: { entities: number; refused: number };
};

const LIMIT = 200;
const MOST = 100_000;

export function trace(sight: Sight, ask: TraceAsk, now: number): TraceAnswer {
  const limit = Math.min(ask.limit ?? LIMIT, MOST);
  const target = (text: string) => findTarget(sight, text, ask.inodes?.[text]);
  if (ask.from !== undefined && ask.to !== undefined) {
    const there = questionFor(sight, ask, "from", target(ask.from), now);
    const back = questionFor(sight, ask, "to", target(ask.to), now);
    return between(sight, there, back, limit);
  }
  const direction = ask.from === undefined ? "to" : "from";
  const text = ask.from ?? ask.to;
  if (text === undefined)
    throw new AskError("E_ASK_WORDS", "expected where to begin, found nothing", "`csn trace from THING`");
  const about = target(text);
  const question = questionFor(sight, ask, direction, about, now);
  const pass = reach(sight.graph, question);
  const before = ask.since === undefined ? null : reachedBefore(sight, ask, pass, about, now);
  const { chosen, leftOut } = choose(pass, before, limit);
  const tree = treeOf(sight, pass, chosen, about);
  const refused = ask.refused === true ? refusedBy(sight, pass, question, limit) : { list: [], leftOut: 0 };
  return {
    direction,
    ...tree,
    refused: refused.list,
    leftOut: { entities: leftOut, refused: refused.leftOut },
  };
}

/** The pass that a question needs. */
export function questionFor(
  sight: Sight,
  ask: Pick<TraceAsk, "noise" | "stopAtGates" | "depth" | "until">,
  direction: "from" | "to",
  about: Target,
  now: number,
): Reach {
  const { graph } = sight;
  const follows = followsFor(sight, ask);
  return {
    direction,
    roots: rootsFor(graph, direction, about),
    follows,
    begins: beginsFor(sight, direction, about, follows),
    depth: ask.depth,
    stops: ask.stopAtGates === true ? stopAtGates(graph, direction) : undefined,
    inTime: ask.until === undefined ? undefined : untilTime(sight, readTime(ask.until, now)),
  };
}

/** Data does not go on from one context to another where that takes a gate or a privilege. */
function stopAtGates({ contexts, metas }: Graph, direction: "from" | "to"): Reach["stops"] {
  const goesOn = Array.from({ length: metas.size }, (_, n) => {
    const { source, sink } = metas.of(n);
    return direction === "from" ? source : sink;
  });
  return {
    at: null,
    isStopped: (_, held, kind) =>
      direction === "from" ? contexts.crosses(held, goesOn[kind]!) : contexts.crosses(goesOn[kind]!, held),
  };
}

function followsFor(sight: Sight, ask: Pick<TraceAsk, "noise" | "stopAtGates">): Uint8Array {
  const { graph, sees } = sight;
  return sees.map((seen, n) => {
    const meta = graph.metas.of(n);
    if (seen === 0 || isRefused(meta)) return 0;
    if (ask.noise !== true && isNoise(meta, graph.contexts)) return 0;
    return ask.stopAtGates === true && crossesAlone(graph, n) ? 0 : 1;
  });
}

function rootsFor(graph: Graph, direction: "from" | "to", about: Target): Reach["roots"] {
  const isForward = direction === "from";
  if (about.what === "record") {
    const { flow } = about;
    return isForward
      ? [{ entity: graph.flows.sink(flow), at: flow + 1 }]
      : [{ entity: graph.flows.source(flow), at: flow - 1 }];
  }
  if (about.what !== "entities") return [];
  return about.entities.map((entity) => ({
    entity,
    at: isForward ? graph.firstUse[entity]! : Math.min(graph.lastIn[entity]! + 1, graph.flows.length - 1),
  }));
}

/** Of a tag: what has it. Of the outside: what lacks all tags. */
function beginsFor(
  { graph }: Sight,
  direction: "from" | "to",
  about: Target,
  follows: Uint8Array,
): Uint8Array | undefined {
  if (about.what !== "tag" && about.what !== "outside") return undefined;
  return follows.map((follow, n) => {
    if (follow === 0) return 0;
    const meta = graph.metas.of(n);
    const end = direction === "from" ? meta.source : meta.sink;
    if (about.what === "tag") return graph.contexts.has(end, about.tag) ? 1 : 0;
    return graph.contexts.of(end)?.secrecy.length === 0 ? 1 : 0;
  });
}

/**
 * What had been reached when the time began that is asked for. Forward the pass has begun with that; backward, and where a clock went back,
 * it takes another one.
 */
function reachedBefore(
  sight: Sight,
  ask: TraceAsk,
  pass: Pass,
  about: Target,
  now: number,
): (entity: number) => boolean {
  const { graph } = sight;
  const first = pass.direction === "to" ? null : flowsInTime(sight, untilTime(sight, readTime(ask.since!, now))); // prettier-ignore
  if (first === null) {
    const before = reach(graph, questionFor(sight, { ...ask, until: ask.since }, pass.direction, about, now));
    return (entity) => before.isReached(entity);
  }
  const marks = new Uint8Array(graph.entities.size);
  // what is a beginning whatever flows there are has -1 twice
  for (let label = 0; label < pass.count; label++)
    if ((pass.flow[label] === -1 ? pass.began(label) : pass.flow[label]!) < first)
      marks[pass.entity[label]!] = 1;
  return (entity) => marks[entity] === 1;
}

/** Labels to show: in the order in which they were reached, as many as are asked for, with the way to each. */
function choose(
  pass: Pass,
  before: ((entity: number) => boolean) | null,
  limit: number,
): { chosen: number[]; leftOut: number } {
  const chosen = new Set<number>();
  const isAsked = (label: number): boolean => pass.isChosen(label) && before?.(pass.entity[label]!) !== true;
  let [label, shown] = [0, 0];
  for (; label < pass.count && chosen.size < limit; label++) {
    if (!isAsked(label)) continue;
    shown++;
    for (let at = label; at !== -1 && !chosen.has(at); at = pass.parent(at)) chosen.add(at);
  }
  let leftOut = 0;
  if (before === null) leftOut = pass.reached - shown;
  else for (; label < pass.count; label++) if (isAsked(label)) leftOut++;
  return { chosen: [...chosen].sort((a, b) => a - b), leftOut };
}
