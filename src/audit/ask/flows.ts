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
  { flows, firstUse, entities: { size } }: Graph,
  follows: Uint8Array,
  entities: readonly number[],
  visit: (at: number, source: number, sink: number, kind: number) => void,
): void {
  if (entities.length === 0) return;
  const [found, first] = [new Int32Array(BLOCK), entities[0]!];
  // a bit for each entity: they are near each other in memory
  const marks = new Uint32Array((size >> 5) + 1);
  for (const entity of entities) marks[entity >> 5]! |= 1 << (entity & 31);
  const since = entities.reduce((least, entity) => Math.min(least, firstUse[entity]!), Infinity);
  for (let b = Math.floor(since / BLOCK); b < flows.blocks.length; b++) {
    const block = flows.blocks[b]!;
    const count = entities.length > 1 ? placesWith(block, follows, marks, found) : placesWithOne(block, follows, first, found); // prettier-ignore
    visitAll(b * BLOCK, block, found, count, visit);
  }
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
  { n, source, sink, meta }: Block,
  follows: Uint8Array,
  marks: Uint32Array,
  found: Int32Array,
): number {
  let count = 0;
  for (let i = 0; i < n; i++)
    // prettier-ignore
    if ((((marks[source[i]! >> 5]! >>> (source[i]! & 31)) | (marks[sink[i]! >> 5]! >>> (sink[i]! & 31))) & 1) !== 0 && follows[meta[i]!] !== 0) found[count++] = i;
  return count;
}

function placesWithOne(
  { n, source, sink, meta }: Block,
  follows: Uint8Array,
  entity: number,
  found: Int32Array,
): number {
  let count = 0;
  for (let i = 0; i < n; i++)
    if ((source[i] === entity || sink[i] === entity) && follows[meta[i]!] !== 0) found[count++] = i;
  return count;
}
