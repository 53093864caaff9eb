/**
 * All flows of some kinds, or with some entities, in their order: for questions that keep more of each entity than whether it was
 * reached. What is looked for is found block by block in small loops, so that nothing else is done for what is not.
 */
import { BLOCK, type Block, type Columns } from "../graph/index.ts";

/** Those of kinds of which there are few. @param isAsked of a block: does it matter? */
export function eachOfKind(
  { blocks }: Columns,
  kinds: Uint8Array,
  visit: (at: number, source: number, sink: number, kind: number) => void,
  isAsked: (block: number) => boolean = () => true,
): void {
  const found = new Int32Array(BLOCK);
  for (const [b, block] of blocks.entries()) {
    if (!isAsked(b)) continue;
    const count = placesOfKind(block, kinds, found);
    visitAll(b * BLOCK, block, found, count, visit);
  }
}

/** Those of the kinds at which one of some entities is an end, from one flow on. @param marks by entity: not 0, it is one */
export function eachWith(
  { blocks }: Columns,
  follows: Uint8Array,
  marks: Uint8Array,
  since: number,
  visit: (at: number, source: number, sink: number, kind: number) => void,
): void {
  const found = new Int32Array(BLOCK);
  for (let b = Math.floor(since / BLOCK); b < blocks.length; b++) {
    const count = placesWith(blocks[b]!, follows, marks, found);
    visitAll(b * BLOCK, blocks[b]!, found, count, visit);
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

function placesOfKind({ n, meta }: Block, kinds: Uint8Array, found: Int32Array): number {
  let count = 0;
  for (let i = 0; i < n; i++) if (kinds[meta[i]!] !== 0) found[count++] = i;
  return count;
}

function placesWith(
  { n, source, sink, meta }: Block,
  follows: Uint8Array,
  marks: Uint8Array,
  found: Int32Array,
): number {
  let count = 0;
  for (let i = 0; i < n; i++)
    if ((marks[source[i]!]! | marks[sink[i]!]!) !== 0 && follows[meta[i]!] !== 0) found[count++] = i;
  return count;
}
