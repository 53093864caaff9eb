/**
 * A picture with fewer nodes: entities that are of one kind, program, tenant or host become one.
 */
import type { TraceAnswer, TraceEdge, TraceNode } from "./trace.ts";

export const COLLAPSE_BY = ["host", "tenant", "program", "kind"] as const;
export type CollapseBy = (typeof COLLAPSE_BY)[number];

export function collapse(answer: TraceAnswer, by: CollapseBy): TraceAnswer {
  const groups = new Map<string, number>();
  const nodes: TraceNode[] = [];
  const place = answer.nodes.map((node) => {
    const name = groupOf(node, by);
    const known = groups.get(name);
    if (known !== undefined) {
      nodes[known]!.holds!++;
      return known;
    }
    const at = nodes.push({ ...node, kind: by, name, id: name, holds: 1, context: null }) - 1;
    groups.set(name, at);
    return at;
  });
  const edges = new Map<string, TraceEdge>();
  for (const { from, to, step } of answer.edges) {
    const [a, b] = [place[from]!, place[to]!];
    if (a === b && step.crossing === null) continue;
    const key = `${a} ${b} ${step.crossing?.gate?.name ?? step.crossing?.by ?? ""}`;
    const known = edges.get(key);
    if (known === undefined) edges.set(key, { from: a, to: b, step, times: 1 });
    else known.times!++;
  }
  const roots = [...new Set(answer.roots.map((root) => place[root]!))];
  return { ...answer, nodes, edges: [...edges.values()], roots };
}

/** A log is of one host: what is outside it is another. A tenant is the owner of the tags that data has. */
function groupOf(node: TraceNode, by: CollapseBy): string {
  if (by === "kind") return node.kind;
  if (by === "host") return node.kind === "address" ? node.name.replace(/:\d+$/, "") : "this host";
  if (by === "program") return node.kind === "process" ? node.name : node.kind;
  const secrecy = node.context?.secrecy ?? [];
  if (secrecy === "ALL") return "the platform";
  const owners = [...new Set(secrecy.map((tag) => tag.split("/")[0]!))].sort();
  return owners.length === 0 ? "nobody" : owners.join(" and ");
}
