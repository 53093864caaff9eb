/**
 * What was tried and refused, at the edge of what a pass reached.
 */
import { isRefused, type Pass, type Reach } from "../graph/index.ts";
import type { Sight } from "./reader.ts";
import { endsOf, stepOf } from "./steps.ts";
import type { TraceAnswer } from "./trace.ts";

/** @param limit of attempts that differ @param counts which of them are asked for; all */
export function refusedBy(
  sight: Sight,
  pass: Pass,
  { inTime }: Pick<Reach, "inTime">,
  limit: number,
  counts: (flow: number) => boolean = () => true,
): { list: TraceAnswer["refused"]; leftOut: number } {
  const { graph, sees } = sight;
  const isForward = pass.direction === "from";
  const wanted = sees.map((seen, n) => (seen === 1 && isRefused(graph.metas.of(n)) ? 1 : 0));
  const found = new Map<string, { flow: number; times: number }>();
  for (const [b, { n, source, sink, meta }] of graph.flows.blocks.entries()) {
    if (inTime?.block(b) === false) continue;
    for (let i = 0; i < n; i++) {
      if (wanted[meta[i]!] === 0) continue;
      const at = b * meta.length + i;
      const label = pass.label(isForward ? source[i]! : sink[i]!);
      if (label === -1) continue;
      const by = pass.flow[label]!;
      if (by !== -1 && (isForward ? by > at : by < at)) continue;
      if (inTime?.flow(at) === false || !counts(at)) continue;
      const key = `${source[i]} ${sink[i]} ${meta[i]}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { flow: at, times: 1 });
      else known.times++;
    }
  }
  const shown = [...found.values()].slice(0, limit);
  return {
    list: shown.map(({ flow, times }) => ({ ...endsOf(sight, flow), step: stepOf(sight, flow), times })),
    leftOut: found.size - shown.length,
  };
}
