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
  /** Entities that were reached so far, in any order, some perhaps several times; and how many. */
  readonly entity: Int32Array;
  readonly count: number;
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
  const horizon = new Horizon(graph, isForward);
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
    if (!question.begins && next === roots.length && horizon.isPassed(at, traveller)) return;
    if (question.until !== undefined && (isForward ? at > question.until : at < question.until)) return;
  }
  beginUntil(isForward ? Infinity : -Infinity);
}

/** How far what was reached keeps a pass going: beyond the last use of all of it there is nothing to see. */
class Horizon {
  readonly #isForward: boolean;
  /** By entity: its last flow out, or its first one in. */
  readonly #uses: Uint32Array;
  #at: number;
  /** So many were looked at; the others only when these are behind: mostly the first ones are used to the end. */
  #looked = 0;

  constructor(graph: Graph, isForward: boolean) {
    this.#isForward = isForward;
    this.#uses = isForward ? graph.lastOut : graph.firstIn;
    this.#at = isForward ? -1 : graph.flows.length;
  }

  isPassed(at: number, { entity, count }: Traveller): boolean {
    for (; this.#looked < count && this.#isBehind(at); this.#looked++) {
      const use = this.#uses[entity[this.#looked]!]!;
      if (this.#isForward ? use > this.#at : use < this.#at) this.#at = use;
    }
    return this.#isBehind(at);
  }

  #isBehind(at: number): boolean {
    return this.#isForward ? at > this.#at : at < this.#at;
  }
}
