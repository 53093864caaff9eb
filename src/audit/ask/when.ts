/**
 * Times in questions: `2026-11-25T14:00:00Z`, `2026-11-25`, `14:00` (today, UTC), `2h` (ago).
 *
 * What a question asks is what was so at a time: what had been reached until then. `since` takes away what had been
 * reached before. So the answer does not depend on flows that were left out because they told nothing new. [AUD-2]
 */
import { BLOCK, type Graph, type InTime } from "../graph/index.ts";
import { AskError } from "./error.ts";
import type { Sight } from "./reader.ts";

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800, y: 31557600 };

/** ns of wall time. @param now ms. @throws AskError E_ASK_WORDS */
export function readTime(text: string, now: number): bigint {
  const [, number, unit] = /^(\d{1,9})([smhdwy])$/.exec(text) ?? [];
  if (number !== undefined) return BigInt(now - Number(number) * UNITS[unit!]! * 1000) * 1_000_000n;
  const clock = /^\d\d:\d\d(:\d\d)?$/.test(text)
    ? `${new Date(now).toISOString().slice(0, 10)}T${text}Z`
    : text;
  const isForm = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z)?$/.test(clock);
  const ms = isForm ? Date.parse(clock) : Number.NaN;
  if (!Number.isNaN(ms)) return BigInt(ms) * 1_000_000n;
  throw new AskError(
    "E_ASK_WORDS",
    `expected a time, found ${JSON.stringify(text)}`,
    "`2026-11-25T14:00:00Z`, `2026-11-25`, `14:00` (today, UTC) or `2h` (ago)",
  );
}

/** `30d` as ns. @throws AskError E_ASK_WORDS */
export function readAge(text: string): bigint {
  const [, number, unit] = /^(\d{1,9})([smhdwy])$/.exec(text) ?? [];
  if (number !== undefined) return BigInt(Number(number) * UNITS[unit!]!) * 1_000_000_000n;
  throw new AskError("E_ASK_WORDS", `expected how long, found ${JSON.stringify(text)}`, "`30d`, `12h`, `1y`");
}

/** Flows until a time, each by its own clock: it may have jumped. */
export function untilTime(sight: Sight, time: bigint): InTime {
  const { graph, isPlatform } = sight;
  const blocks = wholeBlocks(sight, time);
  /** Of the flows from one to before another: the last time on their clock. */
  let [from, to, last] = [0, 0, 0];
  const isBefore = (at: number): boolean => {
    if (at < from || at >= to) {
      const { spans, boots } = graph;
      const n = spans.findLastIndex((span) => span.flow <= at);
      const span = spans[n]!;
      [from, to] = [span.flow, spans[n + 1]?.flow ?? Infinity];
      last = numberUpTo(time - (isPlatform ? span.wallOffset : boots[span.boot]!.wallOffset));
    }
    return Math.round(graph.flows.time(at)) <= last;
  };
  return {
    block: (number) => blocks[number] ?? null,
    flow: (at) => blocks[Math.floor(at / BLOCK)] ?? isBefore(at),
  };
}

/** The greatest number that is not more. */
function numberUpTo(exact: bigint): number {
  let less = exact;
  while (BigInt(Number(less)) > exact) less -= 1n + ((exact < 0n ? -exact : exact) >> 53n);
  return Number(less);
}

/** So many flows are in time, and they are the first ones; null: they are not, since a clock went back. */
export function flowsInTime({ graph }: Sight, inTime: InTime): number | null {
  const { blocks } = graph.flows;
  let [count, hasEnded] = [0, false];
  for (const [b, { n }] of blocks.entries()) {
    const isIn = inTime.block(b);
    if (isIn === true && hasEnded) return null;
    if (isIn === true) count += n;
    if (isIn === false) hasEnded = true;
    if (isIn !== null) continue;
    for (let at = b * BLOCK; at < b * BLOCK + n; at++) {
      if (!inTime.flow(at)) hasEnded = true;
      else if (hasEnded) return null;
      else count++;
    }
  }
  return count;
}

/** Of blocks of one segment and boot, those that lie wholly before or after. */
function wholeBlocks(sight: Sight, time: bigint): (boolean | null)[] {
  const { graph, isPlatform } = sight;
  const steady = !isPlatform;
  return graph.flows.blocks.map(({ n }, b) => {
    if (n === 0) return null;
    const [first, last] = [b * BLOCK, b * BLOCK + n - 1];
    if (graph.spans.some(({ flow }) => flow > first && flow <= last)) return null;
    if (graph.wallTime(last, steady) + SLACK <= time) return true;
    return graph.wallTime(first, steady) - SLACK > time ? false : null;
  });
}

/** Records of several processors are in order within a block but for this, in ns. */
const SLACK = 1_000_000_000n;

/** When flows were decided, as numbers: ns since the first boot, as the clock has it. For flows that are asked for in their order. */
export class Clock {
  readonly #graph: Graph;
  readonly #steady: boolean;
  readonly #base: bigint;
  /** Of the flows from one to before another: the offset of their clock. */
  #from = 0;
  #to = 0;
  #offset = 0;

  /** @param steady by the clock as it was at each boot's first record */
  constructor(graph: Graph, steady: boolean) {
    this.#graph = graph;
    this.#steady = steady;
    this.#base = graph.boots[0]?.wallOffset ?? 0n;
  }

  at(flow: number): number {
    if (flow < this.#from || flow >= this.#to) this.#find(flow);
    return this.#graph.flows.time(flow) + this.#offset;
  }

  /** ns of wall time. */
  wall(time: number): bigint {
    return BigInt(Math.round(time)) + this.#base;
  }

  #find(flow: number): void {
    const { spans, boots } = this.#graph;
    const at = spans.findLastIndex((span) => span.flow <= flow);
    const span = spans[at]!;
    this.#from = span.flow;
    this.#to = spans[at + 1]?.flow ?? Infinity;
    this.#offset = Number((this.#steady ? boots[span.boot]!.wallOffset : span.wallOffset) - this.#base);
  }
}
