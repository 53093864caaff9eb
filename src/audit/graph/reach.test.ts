import { deepStrictEqual, ok } from "node:assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  contextRecords,
  contextWith,
  file,
  type Flow,
  flowRecord,
  graphOf,
  process,
} from "../ask/testing.ts";
import { ENTITY } from "../record.ts";
import { type Graph, isRefused, labelOf, type Pass, pathTo, reach, type Reach } from "./index.ts";
import { type Act, simulate } from "./testing.ts";

const CONTEXTS = [contextWith([]), contextWith([1]), contextWith([1, 2]), contextWith([2], [3])];
const described = CONTEXTS.map((context, id) => contextRecords(id, context));
const build = (flows: readonly Flow[]): Graph => graphOf(...described, ...flows.map(flowRecord));

const N = 5;
const entity = (n: number) => (n < N ? process(n) : file(n));
const flows = fc.array(
  fc.record({
    source: fc.nat(2 * N - 1).map(entity),
    sink: fc.nat(2 * N - 1).map(entity),
    from: fc.nat(3),
    to: fc.nat(3),
    verdict: fc.constantFrom(0, 0, 0, 1),
    both: fc.constantFrom(false, false, true),
  }),
  { maxLength: 14 },
);
const timed = (list: readonly Flow[]): Flow[] => list.map((flow, at) => Object.assign({}, flow, { time: at * 10 })); // prettier-ignore

const allowed = (graph: Graph) =>
  Uint8Array.from({ length: graph.metas.size }, (_, n) => (isRefused(graph.metas.of(n)) ? 0 : 1));

/** Each path whose flows follow each other, one by one. */
function bruteForce(graph: Graph, question: Reach, start: number): Map<number, number> {
  const { direction, follows, depth = Infinity, stops } = question;
  const found = new Map<number, number>([[start, 0]]);
  const isForward = direction === "from";
  const visit = (at: number, last: number, position: number, hops: number): void => {
    const length = graph.flows.length;
    for (let i = position; i >= 0 && i < length; i += isForward ? 1 : -1) {
      const near = isForward ? graph.flows.source(i) : graph.flows.sink(i);
      if (near !== at || hops + 1 > depth || follows[graph.flows.meta(i)] === 0) continue;
      const [before, after] = isForward ? [last, i] : [i, last];
      if (last !== -1 && stops?.(graph.flows.meta(before), graph.flows.meta(after))) continue;
      const far = isForward ? graph.flows.sink(i) : graph.flows.source(i);
      found.set(far, Math.min(found.get(far) ?? Infinity, hops + 1));
      visit(far, i, i + (isForward ? 1 : -1), hops + 1);
    }
  };
  visit(start, -1, isForward ? 0 : graph.flows.length - 1, 0);
  return found;
}

const reached = (graph: Graph, pass: Pass): number[] =>
  Array.from({ length: graph.entities.size }, (_, n) => n).filter((n) => labelOf(pass, n) !== -1);

function rootOf(graph: Graph, direction: "from" | "to", start: number) {
  return [{ entity: start, at: direction === "from" ? 0 : graph.flows.length - 1 }];
}

describe("reach", () => {
  it("finds what a search of all paths finds, with depth and with stops, and gives a path for each", () => {
    fc.assert(
      fc.property(
        flows,
        fc.nat(2 * N - 1),
        fc.constantFrom<"from" | "to">("from", "to"),
        fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
        fc.boolean(),
        (list, begin, direction, depth, isStopping) => {
          const graph = build(timed(list));
          const { kind, first, second, third } = entity(begin);
          const start = graph.entities.find(ENTITY[kind], 0, BigInt(first), second!, third ?? 0);
          if (start === -1) return;
          const stops = (before: number, after: number) =>
            graph.contexts.crosses(graph.metas.of(before).sink, graph.metas.of(after).source);
          const question: Reach = {
            direction,
            roots: rootOf(graph, direction, start),
            follows: allowed(graph),
            depth,
            stops: isStopping ? stops : undefined,
          };
          const pass = reach(graph, question);
          const expected = bruteForce(graph, question, start);
          deepStrictEqual(
            reached(graph, pass),
            [...expected.keys()].sort((a, b) => a - b),
          );
          for (const [at, hops] of expected) {
            const path = pathTo(pass, labelOf(pass, at));
            if (depth !== undefined) deepStrictEqual(path.length, hops);
            isPath(graph, path, direction === "from" ? [start, at] : [at, start]);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("finds the same in a log that leaves out what tells nothing new [AUD-2]", () => {
    const act = fc.record<Act>({
      subject: fc.nat(3),
      does: fc.constantFrom("read", "write", "read", "write", "both", "act"),
      object: fc.nat(3),
    });
    let dropped = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(act, fc.integer({ min: 1, max: 4 })), { maxLength: 16 }),
        fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
        fc.nat(400),
        fc.boolean(),
        (played, depth, until, withoutNoise) => {
          // as programs do: the same call again and again, of two by turns
          const acts = played.flatMap(([one, times], at) =>
            Array.from({ length: times }, () => [one, played[at - 1]?.[0] ?? one]).flat(),
          );
          const object = (n: number) =>
            n === 3 ? ({ ...file(13), kind: "directory" } as const) : file(10 + n);
          const { all, reduced } = simulate(acts, { process, object });
          dropped += all.length - reduced.length;
          const answers = [all, reduced].map((list) => everything(build(list), depth, until, withoutNoise));
          deepStrictEqual(answers[1], answers[0]);
        },
      ),
      { numRuns: 400 },
    );
    ok(dropped > 3000, `nothing was left out: ${dropped}`);
  });
});

/** For each entity, what it reached and what reached it, by their keys, with the number of flows. */
function everything(graph: Graph, depth: number | undefined, until: number, withoutNoise: boolean): unknown {
  const follows = Uint8Array.from({ length: graph.metas.size }, (_, n) => {
    const { sourceKind, sinkKind } = graph.metas.of(n);
    return withoutNoise && [sourceKind, sinkKind].includes(ENTITY.directory) ? 0 : 1;
  });
  const name = (n: number) => {
    const { kind, first } = graph.entities.key(n);
    return `${kind} ${first}`;
  };
  const inTime = (at: number) => graph.flows.time(at) <= until;
  const answers: string[] = [];
  for (const direction of ["from", "to"] as const)
    for (let start = 0; start < graph.entities.size; start++) {
      const pass = reach(graph, {
        direction,
        roots: rootOf(graph, direction, start),
        follows,
        depth,
        inTime,
      });
      for (const n of reached(graph, pass)) {
        // of several ways the log need not have each, but the first arrival and, if asked, the shortest
        const path = pathTo(pass, labelOf(pass, n));
        const more = depth !== undefined ? path.length : direction === "from" ? graph.flows.time(path.at(-1) ?? 0) : ""; // prettier-ignore
        answers.push(`${direction} ${name(start)} ${name(n)} ${n === start ? "" : more}`);
      }
    }
  return answers.sort();
}

function isPath(
  graph: Graph,
  path: readonly number[],
  [from, to]: readonly [number, number] | number[],
): void {
  let [at, last] = [from, -1];
  for (const flow of path) {
    deepStrictEqual(graph.flows.source(flow), at);
    ok(flow > last, "flows of a path follow each other");
    [at, last] = [graph.flows.sink(flow), flow];
  }
  deepStrictEqual(at, to);
}
