/**
 * What a pass reached, as a tree: each entity with the flow by which it was reached, from where the question begins.
 */
import { type Graph, type Pass, UNKNOWN_CONTEXT } from "../graph/index.ts";
import { entityText } from "./entity.ts";
import type { Target } from "./find.ts";
import type { Sight } from "./reader.ts";
import { stepOf } from "./steps.ts";
import type { TraceAnswer, TraceEdge, TraceNode } from "./trace.ts";

/** @param chosen labels in their order, with the one that each came from */
export function treeOf(
  sight: Sight,
  pass: Pass,
  chosen: readonly number[],
  about: Target,
): Pick<TraceAnswer, "nodes" | "edges" | "roots"> {
  const { graph } = sight;
  const isForward = pass.direction === "from";
  const place = new Map(chosen.map((label, at) => [label, at]));
  const parents = chosen.map((label) => pass.parent(label));
  const onward = firstFlows(graph, pass, chosen);
  const nodes: TraceNode[] = [];
  for (const [at, label] of chosen.entries()) {
    const flow = pass.flow[label]!;
    const context = contextAt(graph, flow === -1 ? onward.get(label) : flow, isForward === (flow !== -1));
    const hops = flow === -1 ? 0 : nodes[place.get(parents[at]!)!]!.hops + 1;
    nodes.push({ ...entityText(sight, pass.entity[label]!), context: sight.contextText(context), hops });
  }
  const edges = chosen.flatMap((label, at): TraceEdge[] => {
    const flow = pass.flow[label]!;
    if (flow === -1) return [];
    const parent = parents[at]!;
    const ends = [place.get(parent)!, at] as const;
    const [from, to] = isForward ? ends : ([ends[1], ends[0]] as const);
    // backward, the data crosses at the entity nearer to the end: told with the flow that goes on
    return [{ from, to, step: stepOf(sight, flow, isForward ? pass.flow[parent]! : -1) }];
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

/** Of a flow's sink or source; a flow that there is not has none. */
function contextAt(graph: Graph, flow: number | undefined, isSink: boolean): number {
  if (flow === undefined) return UNKNOWN_CONTEXT;
  const meta = graph.metas.of(graph.flows.meta(flow));
  return isSink ? meta.sink : meta.source;
}

/** Of each label where the question begins: the flow that made it a beginning, or the first by which the pass went on from there. */
function firstFlows(
  { flows, lastOut, firstIn }: Graph,
  pass: Pass,
  chosen: readonly number[],
): Map<number, number> {
  const isForward = pass.direction === "from";
  const found = new Map<number, number>();
  const wanted = new Set<number>();
  // no flow at their entities lies beyond
  let end = isForward ? -Infinity : Infinity;
  for (const label of chosen) {
    if (pass.flow[label] !== -1) continue;
    const [began, entity] = [pass.began(label), pass.entity[label]!];
    if (began !== -1) {
      found.set(label, began);
      continue;
    }
    wanted.add(label);
    end = isForward ? Math.max(end, lastOut[entity]!) : Math.min(end, firstIn[entity]!);
  }
  const entities = new Set([...wanted].map((label) => pass.entity[label]!));
  for (let label = 0; label < pass.count && wanted.size > 0; label++) {
    const flow = pass.flow[label]!;
    if (flow === -1) continue;
    if (isForward ? flow > end : flow < end) break;
    if (!entities.has(isForward ? flows.source(flow) : flows.sink(flow))) continue;
    const parent = pass.parent(label);
    if (wanted.delete(parent)) found.set(parent, flow);
  }
  return found;
}
