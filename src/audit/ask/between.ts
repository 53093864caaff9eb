/**
 * The ways between two: every flow before which data of the one had arrived, and after which there is a way to the other.
 */
import { BLOCK, type Block, type Pass, type Reach, pathTo, reach } from "../graph/index.ts";
import { entityText } from "./entity.ts";
import type { Sight } from "./reader.ts";
import { stepOf } from "./steps.ts";
import type { TraceAnswer, TraceEdge, TraceNode } from "./trace.ts";

const BEFORE_ALL = -1;
const AFTER_ALL = 0x7fffffff;

/** @param limit of entities; how many more there are is told */
export function between(sight: Sight, there: Reach, back: Reach, limit: number): TraceAnswer {
  const { graph } = sight;
  const [forward, backward] = [reach(graph, there), reach(graph, back)];
  const came = flowsOf(forward, graph.entities.size, { begins: BEFORE_ALL, never: AFTER_ALL });
  const goes = flowsOf(backward, graph.entities.size, { begins: AFTER_ALL, never: BEFORE_ALL });
  const { follows } = there;
  const place = new Map<number, number>();
  const nodes: TraceNode[] = [];
  const edges: TraceEdge[] = [];
  const pairs = new Set<number>();
  const leftOut = new Uint8Array(graph.entities.size);
  const node = (entity: number, context: number): number => {
    const known = place.get(entity);
    if (known !== undefined) return known;
    const hops = pathTo(forward, forward.label(entity)).length;
    const at = nodes.push({ ...entityText(sight, entity), context: sight.contextText(context), hops }) - 1;
    place.set(entity, at);
    return at;
  };
  const found = new Int32Array(BLOCK);
  for (const [b, block] of graph.flows.blocks.entries()) {
    const { source, sink, meta } = block;
    const base = b * BLOCK;
    const count = onTheWay(block, base, came, goes, follows, found);
    let n = 0;
    for (; n < count && nodes.length < limit; n++) {
      const i = found[n]!;
      const [s, d] = [source[i]!, sink[i]!];
      const pair = s * 0x8000000 + d;
      if (pairs.has(pair)) continue;
      pairs.add(pair);
      const ends = graph.metas.of(meta[i]!);
      const step = stepOf(sight, base + i, came[s]);
      edges.push({ from: node(s, ends.source), to: node(d, ends.sink), step });
    }
    markEnds(block, found, n, count, leftOut);
  }
  for (const entity of place.keys()) leftOut[entity] = 0;
  return {
    direction: "between",
    nodes,
    edges,
    roots: nodes.flatMap(({ hops }, at) => (hops === 0 ? [at] : [])),
    refused: [],
    leftOut: { entities: leftOut.reduce((sum, one) => sum + one, 0), refused: 0 },
  };
}

/** Of some of the places that were found. */
function markEnds(
  { source, sink }: Block,
  found: Int32Array,
  from: number,
  to: number,
  marks: Uint8Array,
): void {
  for (let n = from; n < to; n++) {
    const i = found[n]!;
    marks[source[i]!] = 1;
    marks[sink[i]!] = 1;
  }
}

/** @param found gets the places of those that are on a way @returns how many there are */
function onTheWay(
  { n, source, sink, meta }: Block, base: number,
  came: Int32Array, goes: Int32Array, follows: Uint8Array, found: Int32Array,
): number {
  let count = 0;
  for (let i = 0; i < n; i++)
    if (came[source[i]!]! < base + i && goes[sink[i]!]! > base + i && follows[meta[i]!] !== 0)
      found[count++] = i;
  return count;
} // prettier-ignore

/** By entity: the flow by which a pass reached it first. */
function flowsOf(pass: Pass, size: number, { begins, never }: { begins: number; never: number }): Int32Array {
  const flows = new Int32Array(size).fill(never);
  for (let label = pass.count - 1; label >= 0; label--) {
    const flow = pass.flow[label]!;
    flows[pass.entity[label]!] = flow === -1 ? begins : flow;
  }
  return flows;
}
