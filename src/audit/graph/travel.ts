/**
 * The order in which a pass sees flows: block by block, forward or backward, with beginnings where they belong.
 *
 * Guarantee: each flow that can matter is seen once; what is skipped lies before the first beginning, is out of time as
 * a whole, or lies beyond the last use of everything that was reached.
 */
import { BLOCK, type Block } from "./columns.ts";
import type { Graph } from "./graph.ts";
import type { Question } from "./pass.ts";

export type Traveller = {
  /** The entity is a beginning from here on. */
  begin(entity: number): void;
  /**
   * Flows of a block from one place to before another, in the direction of the pass.
   *
   * @param isInTime all of them are @returns is it enough?
   */
  see(block: Block, base: number, from: number, to: number, isInTime: boolean): boolean;
  /** Beyond this flow nothing that was reached is used. */
  readonly horizon: Horizon;
};

export function travel(graph: Graph, question: Question, traveller: Traveller): void {
  const isForward = question.direction === "from";
  const { blocks, length } = graph.flows;
  const roots = question.roots.toSorted((a, b) => (isForward ? a.at - b.at : b.at - a.at));
  let next = 0;
  /** Beginnings up to a flow. @returns the flow of the next one */
  const beginUntil = (at: number): number => {
    for (; next < roots.length; next++) {
      const root = roots[next]!;
      if (isForward ? root.at > at : root.at < at) return root.at;
      traveller.begin(root.entity);
    }
    return isForward ? Infinity : -Infinity;
  };
  const edge = isForward ? 0 : length - 1;
  let at = question.begins ? edge : (roots[0]?.at ?? -1);
  if (isForward ? at < 0 && roots.length > 0 : at >= length) at = edge;
  while (at >= 0 && at < length) {
    const b = Math.floor(at / BLOCK);
    const base = b * BLOCK;
    const block = blocks[b]!;
    const end = isForward ? base + block.n : base - 1;
    const inTime = question.inTime === undefined ? true : question.inTime.block(b);
    while (at !== end) {
      const root = beginUntil(at);
      const until = isForward ? Math.min(end, root) : Math.max(end, root);
      if (inTime !== false && traveller.see(block, base, at - base, until - base, inTime === true)) return;
      at = until;
    }
    if (!question.begins && next === roots.length && traveller.horizon.isPassed(at)) return;
    if (question.until !== undefined && (isForward ? at > question.until : at < question.until)) return;
  }
  beginUntil(isForward ? Infinity : -Infinity);
}

/** How far what was reached keeps a pass going. */
export class Horizon {
  readonly #isForward: boolean;
  readonly #last: number;
  /** By entity: its last flow out, or its first one in. */
  readonly #uses: Uint32Array;
  #at: number;

  constructor(graph: Graph, direction: "from" | "to") {
    this.#isForward = direction === "from";
    this.#uses = this.#isForward ? graph.lastOut : graph.firstIn;
    this.#at = this.#isForward ? -1 : graph.flows.length;
    this.#last = this.#isForward ? graph.flows.length : 0;
  }

  /** @param entities some that were reached, from one place on to before another */
  reach(entities: Int32Array, from: number, to: number): void {
    // most questions reach soon what is used to the end: no more to look up then
    if (this.#isForward) {
      for (let n = from; n < to && this.#at < this.#last; n++)
        this.#at = Math.max(this.#at, this.#uses[entities[n]!]!);
    } else
      for (let n = from; n < to && this.#at > this.#last; n++)
        this.#at = Math.min(this.#at, this.#uses[entities[n]!]!);
  }

  isPassed(at: number): boolean {
    return this.#isForward ? at > this.#at : at < this.#at;
  }
}
