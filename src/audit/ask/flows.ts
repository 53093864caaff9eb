/**
 * All flows of some kinds, or with some entities, in their order: for questions that keep more of each entity than whether it was
 * reached. What is looked for is found block by block in small loops, so that nothing else is done for what is not.
 */
import { BLOCK, type Block, type Columns, type Graph } from "../graph/index.ts";

/** Those of kinds of which there are few. */
export function eachOfKind(
  { blocks }: Columns,
  kinds: Uint8Array,
  visit: (at: number, source: number, sink: number, kind: number) => void,
): void {
  const found = new Int32Array(BLOCK + 1);
  const counts = kinds.map((asked) => (asked === 0 ? 0 : 1));
  for (const [b, block] of blocks.entries()) {
    if (!block.kinds.some((kind) => kinds[kind] !== 0)) continue;
    const count = placesOfKind(block, counts, found);
    visitAll(b * BLOCK, block, found, count, visit);
  }
}

/** Those of the kinds at which one of some entities is an end. */
export function eachWith(
  graph: Graph,
  follows: Uint8Array,
  entities: readonly number[],
  visit: (at: number, source: number, sink: number, kind: number) => void,
): void {
  const { blocks } = graph.flows;
  const found = new Int32Array(BLOCK);
  const marks = new Uint8Array(graph.entities.size);
  for (const entity of entities) marks[entity] = 1;
  for (const [from, to] of usesOf(graph, entities))
    for (let b = Math.floor(from / BLOCK); b < blocks.length && b * BLOCK < to; b++) {
      const base = b * BLOCK;
      const end = Math.min(blocks[b]!.n, to - base);
      const count = placesWith(blocks[b]!, Math.max(0, from - base), end, follows, marks, found);
      visitAll(base, blocks[b]!, found, count, visit);
    }
}

/** From which flow on to before which other one they are used, in their order: nothing between that. */
function usesOf(
  { flows, firstUse, lastOut, lastIn }: Graph,
  entities: readonly number[],
): [from: number, to: number][] {
  const uses: [number, number][] = [];
  const used = entities.filter((entity) => firstUse[entity]! < flows.length);
  for (const entity of used.sort((a, b) => firstUse[a]! - firstUse[b]!)) {
    const from = firstUse[entity]!;
    const to = Math.max(lastOut[entity]!, lastIn[entity]!) + 1;
    const last = uses.at(-1);
    if (last === undefined || last[1] < from) uses.push([from, to]);
    else last[1] = Math.max(last[1], to);
  }
  return uses;
}

function visitAll(
  base: number, { source, sink, meta }: Block, found: Int32Array, count: number,
  visit: (at: number, source: number, sink: number, kind: number) => void,
): void {
  for (let n = 0; n < count; n++) {
    const i = found[n]!;
    visit(base + i, source[i]!, sink[i]!, meta[i]!);
  }
} // prettier-ignore

function placesOfKind({ n, meta }: Block, counts: Uint8Array, found: Int32Array): number {
  let count = 0;
  for (let i = 0; i < n; i++) {
    // no branch: one that can't be foreseen costs more
    found[count] = i;
    count += counts[meta[i]!]!;
  }
  return count;
}

function placesWith(
  { source, sink, meta }: Block, from: number, to: number,
  follows: Uint8Array, marks: Uint8Array, found: Int32Array,
): number {
  let count = 0;
  for (let i = from; i < to; i++)
    if ((marks[source[i]!]! | marks[sink[i]!]!) !== 0 && follows[meta[i]!] !== 0) found[count++] = i;
  return count;
} // prettier-ignore
