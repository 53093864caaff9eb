/**
 * Where did it go, where did it come from, and by which way from one to the other?
 *
 * Guarantee: the answer holds every entity to which the records that the reader may see lead, or says how many it left
 * out; each with one path whose flows follow each other in time.
 */
import { type Graph, isNoise, isRefused, labelOf, type Pass, type Reach, reach } from "../graph/index.ts";
import { type EntityText, entityText } from "./entity.ts";
import { AskError } from "./error.ts";
import { findTarget, type Inode, type Target } from "./find.ts";
import type { ContextText, Sight } from "./reader.ts";
import { crossesAlone, crosser, endsOf, type Ends, type Step, stepOf } from "./steps.ts";
import { readTime, untilTime } from "./when.ts";

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
  if (ask.from !== undefined && ask.to !== undefined)
    return between(sight, ask, target(ask.from), target(ask.to), limit, now);
  const direction = ask.from === undefined ? "to" : "from";
  const text = ask.from ?? ask.to;
  if (text === undefined)
    throw new AskError("E_ASK_WORDS", "expected where to begin, found nothing", "`csn trace from THING`");
  const about = target(text);
  const question = questionFor(sight, ask, direction, about, now);
  const pass = reach(sight.graph, question);
  const before = ask.since === undefined ? null : passBefore(sight, ask, direction, about, now);
  const { chosen, leftOut } = choose(sight, pass, before, limit);
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
    stops: ask.stopAtGates === true ? crosser(graph) : undefined,
    inTime: ask.until === undefined ? undefined : untilTime(sight, readTime(ask.until, now)),
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
    at: isForward ? graph.firstUse[entity]! : graph.flows.length - 1,
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

/** What had been reached when the time began that is asked for. */
function passBefore(sight: Sight, ask: TraceAsk, direction: "from" | "to", about: Target, now: number): Pass {
  return reach(sight.graph, questionFor(sight, { ...ask, until: ask.since }, direction, about, now));
}

/** Labels to show: in the order in which they were reached, as many as are asked for, with the way to each. */
function choose(
  sight: Sight,
  pass: Pass,
  before: Pass | null,
  limit: number,
): { chosen: number[]; leftOut: number } {
  const chosen = new Set<number>();
  let leftOut = 0;
  for (let label = 0; label < pass.count; label++) {
    const entity = pass.entity[label]!;
    if (labelOf(pass, entity) !== label) continue;
    if (before !== null && labelOf(before, entity) !== -1) continue;
    if (chosen.size >= limit && !chosen.has(label)) {
      leftOut++;
      continue;
    }
    for (let at = label; at !== -1 && !chosen.has(at); at = pass.parent[at]!) chosen.add(at);
  }
  return { chosen: [...chosen].sort((a, b) => a - b), leftOut };
}

function treeOf(
  sight: Sight,
  pass: Pass,
  chosen: readonly number[],
  about: Target,
): Pick<TraceAnswer, "nodes" | "edges" | "roots"> {
  const { graph } = sight;
  const isForward = pass.direction === "from";
  const place = new Map(chosen.map((label, at) => [label, at]));
  const nodes = chosen.map((label): TraceNode => {
    const flow = pass.flow[label]!;
    const context = flow === -1 ? firstContext(sight, pass, label) : contextAt(graph, flow, isForward);
    const text = entityText(sight, pass.entity[label]!);
    return { ...text, context: context === -1 ? null : sight.contextText(context), hops: pass.hops[label]! };
  });
  const edges = chosen.flatMap((label): TraceEdge[] => {
    const flow = pass.flow[label]!;
    if (flow === -1) return [];
    const parent = pass.parent[label]!;
    const other = pass.flow[parent]!;
    const ends = [place.get(parent)!, place.get(label)!] as const;
    const [from, to] = isForward ? ends : ([ends[1], ends[0]] as const);
    // backward, the data crosses at the entity nearer to the end: told with the flow that goes on
    return [{ from, to, step: stepOf(sight, flow, isForward ? other : -1) }];
  });
  if (!isForward) markCrossings(sight, pass, chosen, edges, place);
  const roots = chosen.flatMap((label, at) => (pass.flow[label] === -1 ? [at] : []));
  // the record that was asked for is a flow of the answer too
  if (about.what === "record") addAsked(sight, about.flow, isForward, nodes, edges, roots);
  return { nodes, edges, roots };
}

function markCrossings(
  sight: Sight,
  pass: Pass,
  chosen: readonly number[],
  edges: TraceEdge[],
  place: ReadonlyMap<number, number>,
): void {
  // prettier-ignore
  const flowOf = new Map<TraceEdge, number>();
  const outOf = new Map<number, TraceEdge>();
  const into = new Map<number, TraceEdge>();
  let next = 0;
  for (const label of chosen) {
    if (pass.flow[label] === -1) continue;
    const edge = edges[next++]!;
    flowOf.set(edge, pass.flow[label]!);
    outOf.set(edge.from, edge);
    if (!into.has(edge.to)) into.set(edge.to, edge);
  }
  for (const label of chosen) {
    const edge = outOf.get(place.get(label)!);
    const before = edge && into.get(edge.from);
    if (edge && before) edge.step = stepOf(sight, flowOf.get(edge)!, flowOf.get(before));
  }
}

function addAsked(
  sight: Sight,
  flow: number,
  isForward: boolean,
  nodes: TraceNode[],
  edges: TraceEdge[],
  roots: number[],
): void {
  const { flows, metas } = sight.graph;
  const meta = metas.of(flows.meta(flow));
  const end = isForward ? flows.source(flow) : flows.sink(flow);
  const context = sight.contextText(isForward ? meta.source : meta.sink);
  const at = nodes.push({ ...entityText(sight, end), context, hops: 0 }) - 1;
  for (const root of roots.splice(0))
    edges.unshift(isForward ? { from: at, to: root, step: stepOf(sight, flow) } : { from: root, to: at, step: stepOf(sight, flow) }); // prettier-ignore
  roots.push(at);
}

function contextAt(graph: Graph, flow: number, isForward: boolean): number {
  const meta = graph.metas.of(graph.flows.meta(flow));
  return isForward ? meta.sink : meta.source;
}

/** Of where it begins: as the first flow that goes on from there tells; -1: none does. */
function firstContext({ graph }: Sight, pass: Pass, root: number): number {
  const next = pass.parent.subarray(0, pass.count).indexOf(root);
  const flow = pass.began.get(root) ?? (next === -1 ? undefined : pass.flow[next]);
  if (flow === undefined) return -1;
  const meta = graph.metas.of(graph.flows.meta(flow));
  return pass.direction === "from" ? meta.source : meta.sink;
}

/** All that lies on some way from one to the other. */
function between(
  sight: Sight,
  ask: TraceAsk,
  from: Target,
  to: Target,
  limit: number,
  now: number,
): TraceAnswer {
  const { graph } = sight;
  const there = reach(graph, questionFor(sight, ask, "from", from, now));
  const back = reach(graph, questionFor(sight, ask, "to", to, now));
  const follows = followsFor(sight, ask);
  const place = new Map<number, number>();
  const nodes: TraceNode[] = [];
  const edges: TraceEdge[] = [];
  const seen = new Set<number>();
  let leftOut = 0;
  const node = (entity: number, context: number): number => {
    const known = place.get(entity);
    if (known !== undefined) return known;
    const hops = there.hops[labelOf(there, entity)]!;
    const at = nodes.push({ ...entityText(sight, entity), context: sight.contextText(context), hops }) - 1;
    place.set(entity, at);
    return at;
  };
  for (const [b, block] of graph.flows.blocks.entries())
    for (let i = 0; i < block.n; i++) {
      const meta = block.meta[i]!;
      const [s, d] = [block.source[i]!, block.sink[i]!];
      if (there.labels[s] === 0 || back.labels[d] === 0 || follows[meta] === 0) continue;
      const at = b * block.meta.length + i;
      const [come, go] = [flowAt(there, s), flowAt(back, d)];
      // data is there before this flow, and after it there is a way on
      if (come === null || come >= at || go === null || (go !== -1 && go <= at)) continue;
      const key = s * 0x8000000 + d;
      if (seen.has(key)) continue;
      if (nodes.length >= limit) {
        leftOut++;
        continue;
      }
      seen.add(key);
      const { source, sink } = graph.metas.of(meta);
      edges.push({ from: node(s, source), to: node(d, sink), step: stepOf(sight, at, come) });
    }
  const roots = nodes.flatMap(({ hops }, at) => (hops === 0 ? [at] : []));
  return {
    direction: "between",
    nodes,
    edges,
    roots,
    refused: [],
    leftOut: { entities: leftOut, refused: 0 },
  };
}

/** The flow by which an entity was reached; -1: it is where the question begins; null: it was not. */
function flowAt(pass: Pass, entity: number): number | null {
  const label = labelOf(pass, entity);
  return label === -1 ? null : pass.flow[label]!;
}

/** Flows that were refused, at the edge of what was reached. */
export function refusedBy(
  sight: Sight,
  pass: Pass,
  question: Reach,
  limit: number,
  counts: (flow: number) => boolean = () => true,
): { list: TraceAnswer["refused"]; leftOut: number } {
  const { graph, sees } = sight;
  const { flows, metas } = graph;
  const isForward = pass.direction === "from";
  const wanted = sees.map((seen, n) => (seen === 1 && isRefused(metas.of(n)) ? 1 : 0));
  const found = new Map<string, { flow: number; times: number }>();
  for (const [b, block] of flows.blocks.entries())
    for (let i = 0; i < block.n; i++) {
      if (wanted[block.meta[i]!] === 0) continue;
      const at = b * block.meta.length + i;
      const near = isForward ? block.source[i]! : block.sink[i]!;
      const by = flowAt(pass, near);
      if (by === null || (by !== -1 && (isForward ? by > at : by < at))) continue;
      if (question.inTime?.(at) === false || !counts(at)) continue;
      const key = `${block.source[i]} ${block.sink[i]} ${block.meta[i]}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { flow: at, times: 1 });
      else known.times++;
    }
  const all = [...found.values()];
  return {
    list: all
      .slice(0, limit)
      .map(({ flow, times }) => Object.assign(endsOf(sight, flow), { step: stepOf(sight, flow), times })),
    leftOut: Math.max(0, all.length - limit),
  };
}
