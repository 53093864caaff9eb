/**
 * Flows as they are shown, and by whose right data crossed from one label to another.
 */
import type { Annotation, Graph } from "../graph/index.ts";
import { isObserved, opOf } from "../graph/index.ts";
import { OP, ruleOf } from "../record.ts";
import { type EntityText, entityText } from "./entity.ts";
import type { ContextText, Sight } from "./reader.ts";

/** Data went on with fewer secrecy tags or more integrity tags than it came with. [GATE-2, CHG-1] */
export type Crossing = {
  drops: string[];
  adds: string[];
  /** `gate`: a gate's run; `release`: shown to a person; `label`: an owner changed a label; `change`: a program's context was changed. */
  by: "gate" | "release" | "label" | "change";
  /** Of a gate: its name, who ran it, for what, by whose grants. */
  gate: GateText | null;
};
export type GateText = {
  record: string | null;
  name: string;
  user: string;
  purpose: string;
  grants: { tag: string; by: string; grant: string }[];
};

export type Step = {
  record: string;
  time: string;
  op: string;
  verdict: "allowed" | "refused" | "observed";
  rule: string | null;
  source: ContextText | null;
  sink: ContextText | null;
  crossing: Crossing | null;
};

export type Ends = { from: EntityText; to: EntityText };

/**
 * @param before the flow by which the data came to this one's source; -1: none
 * @param exact of gates, name only one that its input or output proves
 */
export function stepOf(sight: Sight, flow: number, before = -1, exact = false): Step {
  const { graph } = sight;
  const meta = graph.metas.of(graph.flows.meta(flow));
  return {
    record: sight.recordText(flow),
    time: sight.timeText(flow),
    op: opOf(meta),
    verdict: isObserved(meta) ? "observed" : meta.verdict === 0 ? "allowed" : "refused",
    rule: ruleOf(meta.verdict),
    source: sight.contextText(meta.source),
    sink: sight.contextText(meta.sink),
    crossing: meta.verdict === 0 ? crossingOf(sight, before, flow, exact) : null,
  };
}

export function endsOf(sight: Sight, flow: number): Ends {
  const { flows } = sight.graph;
  return { from: entityText(sight, flows.source(flow)), to: entityText(sight, flows.sink(flow)) };
}

/** Does the flow itself, as a release or a change of label does? */
export function crossesAlone(graph: Graph, meta: number): boolean {
  const { source, sink, isEvent } = graph.metas.of(meta);
  return isEvent && graph.contexts.crosses(source, sink);
}

export function crossingOf(sight: Sight, before: number, flow: number, exact = false): Crossing | null {
  const { graph } = sight;
  const { flows, metas, contexts } = graph;
  const meta = metas.of(flows.meta(flow));
  const isAlone = crossesAlone(graph, flows.meta(flow));
  const from = isAlone ? meta.source : before === -1 ? meta.source : metas.of(flows.meta(before)).sink;
  const to = isAlone ? meta.sink : meta.source;
  if (!contexts.crosses(from, to)) return null;
  const drops = contexts.dropped(from, to).map((tag) => sight.tagText(tag));
  const adds = contexts.gained(from, to).map((tag) => sight.tagText(tag));
  if (isAlone) return { drops, adds, by: meta.op === OP.label ? "label" : meta.op === OP.change ? "change" : "release", gate: null }; // prettier-ignore
  const run = gateRunAt(sight, before, flow, from, to, exact);
  return { drops, adds, by: run === null ? "change" : "gate", gate: run && gateText(sight, run) };
}

/** The run of a gate that this was: by its streams, or the client of the bus that it is, else the next of these contexts to have ended. */
export function gateRunAt(
  sight: Sight,
  before: number,
  flow: number,
  from: number,
  to: number,
  exact = false,
): Annotation | null {
  const { flows } = sight.graph;
  const came = before === -1 ? -1 : flows.source(before);
  const run =
    sight.gateRuns.withPipe(from, to, came, flows.sink(flow)) ??
    sight.gateRuns.ofClient(from, to, flows.source(flow), flow);
  if (run !== null) return run.annotation;
  if (exact) return null;
  const ended = sight.gateRuns
    .between(from, to)
    .find(({ annotation, isOver, client }) => isOver && client === -1 && annotation.flows > flow);
  return ended?.annotation ?? null;
}

type Detail = {
  gate?: string;
  user?: string;
  purpose?: string;
  tags?: { tag: string; by: string | null; grants?: { id: string; by: string }[] }[];
};

export function gateText(sight: Sight, run: Annotation): GateText {
  let detail: Detail = {};
  try {
    detail = JSON.parse(run.detail) as Detail;
  } catch {
    // a gap may have taken a part of it: the run itself is on the record
  }
  const grants = (detail.tags ?? []).flatMap(({ tag, by, grants: chain = [] }) =>
    chain.length > 0
      ? chain.map((grant) => ({ tag, by: grant.by, grant: grant.id }))
      : [{ tag, by: by ?? "nobody", grant: "" }],
  );
  return {
    record: sight.isPlatform ? String(run.record) : null,
    name: detail.gate ?? "a gate",
    user: detail.user ?? sight.userText(run.uid),
    purpose: detail.purpose ?? "",
    grants,
  };
}
