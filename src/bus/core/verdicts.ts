/**
 * Verdicts of the flow rule between two contexts, remembered for as long as both are in use.
 *
 * Guarantee: `flows(a, b)` is `flowsTo(a, b)` [FLOW-1] [FLOW-2]: contexts are immutable, so a pair's verdict never changes.
 */
import { flowsTo } from "../../label/index.ts";
import type { Context } from "../../label/index.ts";

const known = new WeakMap<Context, WeakMap<Context, boolean>>();

export function flows(from: Context, to: Context): boolean {
  if (from === to) return true;
  let row = known.get(from);
  if (row === undefined) known.set(from, (row = new WeakMap()));
  let verdict = row.get(to);
  if (verdict === undefined) row.set(to, (verdict = flowsTo(from, to)));
  return verdict;
}
