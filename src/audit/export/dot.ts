/**
 * An answer as a picture's description for Graphviz.
 *
 * Guarantee: names are quoted strings in which quotes, backslashes and line breaks stand for themselves, so that no
 * name adds a node, an attribute or a link (no URL attribute is ever written).
 */
import type { TraceAnswer, TraceNode } from "../ask/trace.ts";
import type { Step } from "../ask/steps.ts";
import { harmless } from "./harmless.ts";

const SHAPES: Readonly<Record<string, string>> = {
  process: "ellipse",
  file: "note",
  directory: "folder",
  address: "house",
  principal: "octagon",
};

export function drawDot(answer: TraceAnswer): string {
  const lines = ["digraph csn {", '  rankdir="LR";', '  node [fontname="sans-serif"];'];
  for (const [at, node] of answer.nodes.entries()) {
    const shape = SHAPES[node.kind] ?? "box";
    lines.push(`  n${at} [shape=${shape}, label=${quoted(nodeLabel(node).join("\n"))}];`);
  }
  for (const { from, to, step, times } of answer.edges) {
    const style = step.crossing === null ? "" : ", color=red, penwidth=2";
    lines.push(`  n${from} -> n${to} [label=${quoted(edgeLabel(step, times))}${style}];`);
  }
  const { entities } = answer.leftOut;
  if (entities > 0) lines.push(`  more [shape=plaintext, label=${quoted(`and ${entities} more`)}];`);
  return `${lines.join("\n")}\n}\n`;
}

export function nodeLabel({ kind, name, context, holds }: TraceNode): string[] {
  const label = context?.secrecy ?? [];
  const tags = label === "ALL" ? "S=*" : label.length === 0 ? "" : `S=${label.join(",")}`;
  const size = holds === undefined ? "" : ` x${holds}`;
  return [`${harmless(name)}${size}`, `${kind}${tags === "" ? "" : ` ${harmless(tags)}`}`];
}

export function edgeLabel({ op, crossing }: Step, times = 1): string {
  const gate = crossing === null ? "" : ` [${crossing.gate?.name ?? crossing.by}]`;
  return harmless(`${op}${gate}${times > 1 ? ` x${times}` : ""}`);
}

/** In Graphviz's strings only quotes and backslashes mean something; `\n` is a new line of the label. */
function quoted(text: string): string {
  return `"${text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"`;
}
