/**
 * What was tried and refused, at the edge of what a pass reached.
 */
import { BLOCK, type Block, Interner, isRefused, type Pass, type Reach } from "../graph/index.ts";
import type { Hits } from "./leak.ts";
import type { Sight } from "./reader.ts";
import { endsOf, stepOf } from "./steps.ts";
import type { TraceAnswer } from "./trace.ts";

/** @param limit of attempts that differ @param hits which of them are asked for; all */
export function refusedBy(
  sight: Sight,
  pass: Pass,
  { inTime }: Pick<Reach, "inTime">,
  limit: number,
  hits?: Hits,
): { list: TraceAnswer["refused"]; leftOut: number } {
  const { graph, sees } = sight;
  const isForward = pass.direction === "from";
  const wanted = sees.map((seen, n) => {
    const meta = graph.metas.of(n);
    if (seen === 0 || !isRefused(meta)) return 0;
    const isSought = hits?.kinds === undefined ? hits?.entities?.some((entity) => graph.entities.mayBe(entity, meta.sinkKind)) : hits.kinds[n] === 1; // prettier-ignore
    return isSought === false ? 0 : 1;
  });
  // of those that differ, the first flows that are shown, and how many like each; of the others nothing but that they are known
  const [flows, times] = [[] as number[], [] as number[]];
  const { blocks, length } = graph.flows;
  const attempts = new Interner(graph.refused.within(0, length).length);
  const [sources, sinks, kinds] = [new Int32Array(BLOCK), new Int32Array(BLOCK), new Int32Array(BLOCK)];
  const nears = isForward ? sources : sinks;
  const by = new Int32Array(BLOCK);
  for (const [b, block] of blocks.entries()) {
    if (!block.kinds.some((kind) => wanted[kind] === 1) || inTime?.block(b) === false) continue;
    const places = graph.refused.within(b * BLOCK, b * BLOCK + BLOCK);
    // far from each other in memory: found faster one after another than each with all that follows
    gather(block, places, b * BLOCK, sources, sinks, kinds);
    for (let n = 0; n < places.length; n++)
      by[n] =
        wanted[kinds[n]!] === 1 && pass.isReached(nears[n]!) ? pass.flow[pass.label(nears[n]!)]! : NEVER;
    for (let n = 0; n < places.length; n++) {
      const at = places[n]!;
      if (by[n] === NEVER || (by[n] !== -1 && (isForward ? by[n]! > at : by[n]! < at))) continue;
      if (hits?.isIt(at) === false || inTime?.flow(at) === false) continue;
      const number = attempts.intern(sources[n]!, sinks[n]!, kinds[n]!, 0, 0);
      if (number >= limit) continue;
      if (number === flows.length) flows.push(at);
      times[number] = (times[number] ?? 0) + 1;
    }
  }
  return {
    list: flows.map((flow, n) =>
      Object.assign(endsOf(sight, flow), { step: stepOf(sight, flow), times: times[n]! }),
    ),
    leftOut: attempts.size - flows.length,
  };
}

/** In place of a flow: data never came there. */
const NEVER = -2;

function gather(
  { source, sink, meta }: Block, places: Uint32Array, base: number,
  sources: Int32Array, sinks: Int32Array, kinds: Int32Array,
): void {
  for (let n = 0; n < places.length; n++) {
    const i = places[n]! - base;
    sources[n] = source[i]!;
    sinks[n] = sink[i]!;
    kinds[n] = meta[i]!;
  }
} // prettier-ignore
