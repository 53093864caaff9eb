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
  // of those that differ, the first flows that are shown, and how many like each; of the others nothing but that they are known
  const [flows, times] = [[] as number[], [] as number[]];
  const attempts = new Interner();
  const visit = (at: number, source: number, sink: number, kind: number) => {
    const near = isForward ? source : sink;
    if (!counts(at) || !pass.isReached(near) || inTime?.flow(at) === false) return;
    const by = pass.flow[pass.label(near)]!;
    if (by !== -1 && (isForward ? by > at : by < at)) return;
    const number = attempts.intern(source, sink, kind, 0, 0);
    if (number >= limit) return;
    if (number === flows.length) flows.push(at);
    times[number] = (times[number] ?? 0) + 1;
  };
  eachOfKind(graph.flows, wanted, visit, (block) => inTime?.block(block) !== false);
  return {
    list: flows.map((flow, n) =>
      Object.assign(endsOf(sight, flow), { step: stepOf(sight, flow), times: times[n]! }),
    ),
    leftOut: attempts.size - flows.length,
  };
}
