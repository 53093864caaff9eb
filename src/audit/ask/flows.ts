/**
 * All flows of some kinds, one by one in their order: for questions that keep more of each entity than whether it was reached.
 */
import type { Columns } from "../graph/index.ts";

/** @param follows for each kind of flow: not 0, it counts @param visit says whether that is enough */
export function eachFlow(
  { blocks }: Columns,
  follows: Uint8Array,
  visit: (at: number, source: number, sink: number, kind: number) => boolean,
): void {
  for (const [b, { n, source, sink, meta }] of blocks.entries())
    for (let i = 0; i < n; i++) {
      const kind = meta[i]!;
      if (follows[kind] !== 0 && visit(b * meta.length + i, source[i]!, sink[i]!, kind)) return;
    }
}
