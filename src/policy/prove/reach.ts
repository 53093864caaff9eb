/**
 * Can data of one context come to another, over all sequences of steps?
 *
 * A step: (a) to any context above, (b) through a gate: from what flows to its `in`, to its `out`, (c) a principal lets a
 * tag out that it holds `s-` on, or vouches for one that it holds `i+` on.
 *
 * Why a closure over gates decides it, exactly: of two contexts the lower one can go wherever the higher can, since (a)
 * leads from the lower to the higher. Steps (c) only lead down and need nothing of the context that they start from, so
 * doing all of them at once gives the one least context that is reached without a gate, whatever the order. Only a
 * gate's `out` is a new start. So data reaches a target exactly if the least context below its start, or below the `out` of
 * some gate that it gets through, flows to the target.
 * Cost: gates², each a comparison of two sets of bits; the search is by breadth, so the path that it gives has the fewest gates.
 */
import type { Grant } from "../state.ts";
import { type Bits, minus, none, within } from "./bits.ts";
import type { Model, Passage, Place, Way } from "./model.ts";

export type Hop =
  /** These do it, a tag each, before what comes next. */
  | { readonly kind: "drop" | "vouch"; readonly tag: string; readonly way: Way }
  | { readonly kind: "gate"; readonly passage: Passage };

/** The steps from start to target, or null when there are none. */
export function reach(model: Model, start: Place, target: Place): Hop[] | null {
  const droppable = maskOf(model, model.out);
  const vouchable = maskOf(model, model.vouch);
  const flows = (from: Place, to: Place) =>
    within(from.secrecy, to.secrecy, droppable) && within(to.integrity, from.integrity, vouchable);

  const cameFrom = new Map<Passage, Passage | null>();
  const waiting: (Passage | null)[] = [null];
  for (const passed of waiting) {
    const here = passed === null ? start : passed.out;
    if (flows(here, target)) return pathOf(model, start, target, passed, cameFrom);
    for (const next of model.passages) {
      if (cameFrom.has(next) || !flows(here, next.in)) continue;
      cameFrom.set(next, passed);
      waiting.push(next);
    }
  }
  return null;
}

function maskOf(model: Model, ways: ReadonlyMap<number, readonly Way[]>): Bits {
  const mask = none(model.size);
  for (const index of ways.keys()) mask[index >>> 5]! |= 1 << (index & 31);
  return mask;
}

function pathOf(
  model: Model,
  start: Place,
  target: Place,
  last: Passage | null,
  cameFrom: ReadonlyMap<Passage, Passage | null>,
): Hop[] {
  const gates: Passage[] = [];
  for (let at = last; at !== null; at = cameFrom.get(at)!) gates.unshift(at);
  const hops: Hop[] = [];
  let here = start;
  for (const passage of gates) {
    hops.push(...between(model, here, passage.in), { kind: "gate", passage });
    here = passage.out;
  }
  return [...hops, ...between(model, here, target)];
}

/** What principals do so that data of one context flows to another. */
function between(model: Model, from: Place, to: Place): Hop[] {
  const hop = (kind: "drop" | "vouch", index: number): Hop => {
    const ways = (kind === "drop" ? model.out : model.vouch).get(index)!;
    return { kind, tag: model.tags[index]!, way: ways.find(({ who }) => who !== "anybody") ?? ways[0]! };
  };
  return [
    ...minus(from.secrecy, to.secrecy, model.size).map((index) => hop("drop", index)),
    ...minus(to.integrity, from.integrity, model.size).map((index) => hop("vouch", index)),
  ];
}

/** The grants that a path rests on. */
export function grantsOf(hops: readonly Hop[]): Grant[] {
  return [...new Set(hops.flatMap((hop) => (hop.kind === "gate" ? hop.passage.grants : hop.way.grants)))];
}
