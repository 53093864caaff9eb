/**
 * An answer as a picture: entities in columns by how far they are from where the question begins.
 *
 * Guarantee: names are text and nothing else: what means something in XML is escaped, and there is no script, link,
 * style or reference in it. Bounded by the answer's own limit.
 */
import type { TraceAnswer } from "../ask/trace.ts";
import { edgeLabel, nodeLabel } from "./dot.ts";

const [WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN] = [220, 44, 130, 18, 20];
const MOST_LETTERS = 30;

export function drawSvg(answer: TraceAnswer): string {
  const places = layout(answer);
  const right = Math.max(0, ...places.map(({ x }) => x)) + WIDTH + MARGIN;
  const bottom = Math.max(0, ...places.map(({ y }) => y)) + HEIGHT + 2 * MARGIN;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${right}" height="${bottom}" font-family="sans-serif" font-size="12">`,
    '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>',
  ];
  for (const { from, to, step, times } of answer.edges) {
    const [a, b] = [places[from]!, places[to]!];
    const isBack = b.x <= a.x;
    const [x1, y1] = [isBack ? a.x : a.x + WIDTH, a.y + HEIGHT / 2];
    const [x2, y2] = [isBack ? b.x + WIDTH : b.x, b.y + HEIGHT / 2];
    const colour = step.crossing === null ? "#555" : "#c00";
    const middle = (x1 + x2) / 2;
    parts.push(`<path d="M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}" fill="none" stroke="${colour}" marker-end="url(#a)"/>`); // prettier-ignore
    parts.push(`<text x="${middle}" y="${(y1 + y2) / 2 - 3}" text-anchor="middle" font-size="10" fill="${colour}">${escape(cut(edgeLabel(step, times)))}</text>`); // prettier-ignore
  }
  for (const [at, node] of answer.nodes.entries()) {
    const { x, y } = places[at]!;
    const [name = "", what = ""] = nodeLabel(node);
    const round = node.kind === "process" ? HEIGHT / 2 : 3;
    parts.push(`<g><title>${escape(name)}</title><rect x="${x}" y="${y}" width="${WIDTH}" height="${HEIGHT}" rx="${round}" fill="#fff" stroke="#333"/>`); // prettier-ignore
    parts.push(`<text x="${x + WIDTH / 2}" y="${y + 18}" text-anchor="middle">${escape(cut(name))}</text>`);
    parts.push(`<text x="${x + WIDTH / 2}" y="${y + 34}" text-anchor="middle" font-size="10" fill="#666">${escape(cut(what))}</text></g>`); // prettier-ignore
  }
  const { entities } = answer.leftOut;
  if (entities > 0)
    parts.push(`<text x="${MARGIN}" y="${bottom - 6}">${escape(`and ${entities} more`)}</text>`);
  return `${parts.join("\n")}\n</svg>\n`;
}

/** A column for each distance; within it, below each other in the order of the answer. */
function layout({ nodes, direction }: TraceAnswer): { x: number; y: number }[] {
  const most = Math.max(0, ...nodes.map(({ hops }) => hops));
  const rows = new Map<number, number>();
  return nodes.map(({ hops }) => {
    const column = direction === "to" ? most - hops : hops;
    const row = rows.get(column) ?? 0;
    rows.set(column, row + 1);
    return { x: MARGIN + column * (WIDTH + GAP_X), y: MARGIN + row * (HEIGHT + GAP_Y) };
  });
}

function cut(text: string): string {
  const letters = Array.from(text);
  return letters.length > MOST_LETTERS ? `…${letters.slice(1 - MOST_LETTERS).join("")}` : text;
}

const MEANS: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" }; // prettier-ignore

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => MEANS[character]!);
}
