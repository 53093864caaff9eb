/**
 * What was tried and refused, at the edge of what a pass reached.
 */
import { Interner, isRefused, type Pass, type Reach } from "../graph/index.ts";
import { eachOfKind } from "./flows.ts";
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
  const found: { flow: number; times: number }[] = [];
  // source, sink and kind of those that were found, to tell which are alike
  const attempts = new Interner();
  const visit = (at: number, source: number, sink: number, kind: number) => {
    const label = pass.label(isForward ? source : sink);
    if (label === -1) return;
    const by = pass.flow[label]!;
    if (by !== -1 && (isForward ? by > at : by < at)) return;
    if (inTime?.flow(at) === false || !counts(at)) return;
    const number = attempts.intern(source, sink, kind, 0, 0);
    if (number === found.length) found.push({ flow: at, times: 1 });
    else found[number]!.times++;
  };
  eachOfKind(graph.flows, wanted, visit, (block) => inTime?.block(block) !== false);
  const shown = found.slice(0, limit);
  return {
    list: shown.map(({ flow, times }) => ({ ...endsOf(sight, flow), step: stepOf(sight, flow), times })),
    leftOut: found.length - shown.length,
  };
}
