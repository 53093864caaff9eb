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
import { type Graph, isRefused, type Pass, pathTo, reach, type Reach } from "./index.ts";
import type { Stops } from "./pass.ts";
import { MOST_HOPS } from "./sweep.ts";
import { type Act, anyAct, simulate, Truth } from "./testing.ts";
import { Walk } from "./walk.ts";

const CONTEXTS = [contextWith([]), contextWith([1]), contextWith([1, 2]), contextWith([2], [3])];
const described = CONTEXTS.map((context, id) => contextRecords(id, context));
const build = (flows: readonly Flow[]): Graph => graphOf(...described, ...flows.map(flowRecord));

const N = 5;
const thing = (n: number) => (n < N ? process(n) : file(n));
const anyFlows = fc.array(
  fc.record({
    source: fc.nat(2 * N - 1).map(thing),
    sink: fc.nat(2 * N - 1).map(thing),
    from: fc.nat(3),
    to: fc.nat(3),
    verdict: fc.constantFrom(0, 0, 0, 1),
    both: fc.constantFrom(false, false, true),
  }),
  { maxLength: 24, size: "max" },
);
const timed = (list: readonly Flow[]): Flow[] => list.map((flow, at) => Object.assign({}, flow, { time: at * 10 })); // prettier-ignore

const allowed = (graph: Graph) =>
  Uint8Array.from({ length: graph.metas.size }, (_, n) => (isRefused(graph.metas.of(n)) ? 0 : 1));

type Expected = { hops: Map<number, number>; hit: number | null };

/** One way in which an entity holds data: null is a beginning, from which data goes on under any context. */
type Way = { hops: number; held: number | null };

/**
 * As plainly as possible: every way in which an entity holds data is kept, and each flow takes all of them on.
 */
function everyWay(graph: Graph, question: Reach): Expected {
  const { direction, roots, follows, begins, depth = Infinity, stops, inTime, looksFor } = question;
  const isForward = direction === "from";
  const { flows, metas, contexts } = graph;
  const ways = new Map<number, Way[]>();
  const put = (entity: number, way: Way) => {
    const all = ways.get(entity) ?? [];
    if (!all.some(({ hops, held }) => hops === way.hops && held === way.held)) all.push(way);
    ways.set(entity, all);
  };
  const isStopped = (entity: number, held: number | null, at: number) => {
    if (stops === undefined || held === null || stops.at?.has(entity) === false) return false;
    const { source, sink } = metas.of(flows.meta(at));
    return isForward ? contexts.crosses(held, source) : contexts.crosses(sink, held);
  };
  let hit: number | null = null;
  for (let n = 0; n < flows.length; n++) {
    const i = isForward ? n : flows.length - 1 - n;
    for (const root of roots)
      if (isForward ? root.at <= i : root.at >= i) put(root.entity, { hops: 0, held: null });
    const [near, far] = isForward ? [flows.source(i), flows.sink(i)] : [flows.sink(i), flows.source(i)];
    if (follows[flows.meta(i)] === 0 || inTime?.flow(i) === false) continue;
    const { source, sink } = metas.of(flows.meta(i));
    if (begins?.[flows.meta(i)] === 1) put(near, { hops: 0, held: isForward ? source : sink });
    const going = (ways.get(near) ?? []).filter(
      ({ hops, held }) => hops < depth && !isStopped(near, held, i),
    );
    const isSought = looksFor?.kinds?.[flows.meta(i)] === 1 || looksFor?.entities?.includes(far) === true;
    if (isSought && going.length > 0) hit ??= i;
    for (const { hops } of going) put(far, { hops: hops + 1, held: isForward ? sink : source });
  }
  for (const { entity: root } of roots) put(root, { hops: 0, held: null });
  return { hops: new Map([...ways].map(([at, all]) => [at, Math.min(...all.map(({ hops }) => hops))])), hit };
}

/** Where data may stop: nowhere, wherever it crosses, or only at some entities. */
function stopsIn({ contexts, metas }: Graph, direction: "from" | "to", at: readonly number[] | null): Stops {
  const isCrossed = (held: number, kind: number) =>
    direction === "from"
      ? contexts.crosses(held, metas.of(kind).source)
      : contexts.crosses(metas.of(kind).sink, held);
  const isStopped: Stops["isStopped"] = (_, held, kind) => isCrossed(held, kind);
  return at === null ? { at, isStopped } : { at: new Set(at), isStopped };
}

/** With room for all states that occur, and with room for few. */
function passesOf(graph: Graph, question: Reach, few: number): (() => Pass)[] {
  const walk = new Walk(graph, question, few);
  const walked = () => {
    walk.run();
    return walk;
  };
  return [() => reach(graph, question), walked];
}

const reached = (graph: Graph, pass: Pass): number[] =>
  Array.from({ length: graph.entities.size }, (_, n) => n).filter((n) => pass.label(n) !== -1);

function rootOf(graph: Graph, direction: "from" | "to", start: number) {
  return [{ entity: start, at: direction === "from" ? 0 : graph.flows.length - 1 }];
}

describe("reach", () => {
  it("finds what keeping every way finds: with depth, stops, time, beginnings of a kind, and what is looked for", () => {
    const depths = fc.option(fc.constantFrom(1, 2, 3, 4, MOST_HOPS, MOST_HOPS + 1), { nil: undefined });
    const asked = fc.record({
      direction: fc.constantFrom<"from" | "to">("from", "to"),
      begin: fc.array(fc.tuple(fc.nat(2 * N - 1), fc.nat(24)), { maxLength: 2 }),
      depth: depths,
      stops: fc.oneof(
        fc.constant(undefined),
        fc.constant(null),
        fc.array(fc.nat(2 * N - 1), { maxLength: 3 }),
      ),
      few: fc.constantFrom(1, 2, 3, 5, 255),
      until: fc.option(fc.nat(240), { nil: undefined }),
      sees: fc.array(fc.constantFrom(true, true, true, true, false), { minLength: 40, maxLength: 40 }),
      begins: fc.option(fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), { nil: undefined }),
      sought: fc.option(fc.tuple(fc.nat(2 * N - 1), fc.nat(39)), { nil: undefined }),
    });
    let long = 0;
    fc.assert(
      fc.property(
        anyFlows,
        asked,
        (list, { direction, begin, depth, stops, few, until, sees, begins, sought }) => {
          const graph = build(timed(list));
          const numberOf = (n: number) => {
            const { kind, first, second, third } = thing(n);
            return graph.entities.find(ENTITY[kind], 0, BigInt(first), second!, third ?? 0);
          };
          const roots = begin.flatMap(([n, at]) => (numberOf(n) === -1 ? [] : [{ entity: numberOf(n), at }]));
          const flow = (at: number) => graph.flows.time(at) <= until!;
          // all flows of these logs are in one block
          const whole = list.length > 0 && flow(graph.flows.length - 1) ? true : null;
          const follows = allowed(graph).map((is, n) => (is === 1 && (sees[n] ?? true) ? 1 : 0));
          let found: number | null = null;
          const hit = (at: number) => {
            found ??= at;
            return false;
          };
          const question: Reach = {
            direction,
            roots,
            follows,
            begins: begins && follows.map((is, n) => (is === 1 && begins[n] === true ? 1 : 0)),
            depth,
            stops: stops === undefined ? undefined : stopsIn(graph, direction, stops && stops.map(numberOf)),
            inTime: until === undefined ? undefined : { flow, block: () => whole },
            looksFor: sought && {
              entities: [numberOf(sought[0])].filter((n) => n !== -1),
              kinds: follows.map((_, n) => (n === sought[1] ? 1 : 0)),
              hit,
            },
          };
          const expected = everyWay(graph, question);
          for (const run of passesOf(graph, question, few)) {
            found = null;
            const pass = run();
            deepStrictEqual(found, expected.hit);
            deepStrictEqual(
              reached(graph, pass),
              [...expected.hops.keys()].sort((a, b) => a - b),
            );
            deepStrictEqual(pass.reached, expected.hops.size);
            for (let label = 0; label < pass.count; label++) {
              if (pass.flow[label] !== -1) continue;
              const [begun, entity] = [pass.began(label), pass.entity[label]];
              if (begun === -1) {
                ok(roots.some((root) => root.entity === entity));
                continue;
              }
              const near = direction === "from" ? graph.flows.source(begun) : graph.flows.sink(begun);
              ok(question.begins![graph.flows.meta(begun)] === 1 && near === entity);
            }
            for (const [at, hops] of expected.hops) {
              const path = pathTo(pass, pass.label(at));
              if (path.length > 1) long++;
              // what is a beginning later on keeps the way by which it had been reached
              if (depth !== undefined && begins === undefined && roots.length === 1)
                deepStrictEqual(path.length, hops);
              isPath(graph, path, at, question);
            }
          }
        },
      ),
      { numRuns: 2500 },
    );
    ok(long > 250, `paths of more than one flow: ${long}`);
  });

  /** As programs do: the same call again and again, of two by turns. */
  const again = (played: readonly (readonly [Act, number])[]): Act[] =>
    played.flatMap(([one, times], at) =>
      Array.from({ length: times }, () => [one, played[at - 1]?.[0] ?? one]).flat(),
    );

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
          const object = (n: number) =>
            n === 3 ? ({ ...file(13), kind: "directory" } as const) : file(10 + n);
          const { all, reduced } = simulate(again(played), { process, object });
          dropped += all.length - reduced.length;
          const answers = [all, reduced].map((list) => everything(build(list), depth, until, withoutNoise));
          deepStrictEqual(answers[1], answers[0]);
        },
      ),
      { numRuns: 400 },
    );
    ok(dropped > 3000, `nothing was left out: ${dropped}`);
  });

  it("finds the same in such a log of programs that share memory", () => {
    let dropped = 0;
    const known = ({ all, reduced }: ReturnType<typeof simulate>) => {
      const [one, other] = [new Truth(), new Truth()];
      let next = 0;
      for (const flow of all) {
        one.see(flow);
        if (flow === reduced[next]) other.see(reduced[next++]!);
        // at each time, and not only at the end
        deepStrictEqual(other.pairs(), one.pairs());
      }
    };
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyAct, fc.integer({ min: 1, max: 3 })), { maxLength: 16, size: "max" }),
        (played) => {
          const logs = simulate(again(played), { process, object: (n) => file(10 + n) });
          dropped += logs.all.length - logs.reduced.length;
          known(logs);
          // those who do nothing have what others got when it is told, which is not the first time in both
          const [whole, some] = [logs.all, logs.reduced].map((list) => whether(build(list)));
          deepStrictEqual(some, whole);
        },
      ),
      { numRuns: 400 },
    );
    ok(dropped > 2000, `nothing was left out: ${dropped}`);
  });
});

const nameIn = (graph: Graph, n: number) => {
  const { kind, first } = graph.entities.key(n);
  return `${kind} ${first}`;
};

/** For each entity what it reached. */
function whether(graph: Graph): unknown {
  const follows = new Uint8Array(graph.metas.size).fill(1);
  const answers: string[] = [];
  for (let start = 0; start < graph.entities.size; start++) {
    const pass = reach(graph, { direction: "from", roots: rootOf(graph, "from", start), follows });
    for (const n of reached(graph, pass)) answers.push(`${nameIn(graph, start)} ${nameIn(graph, n)}`);
  }
  return answers.sort();
}

/** For each entity, what it reached and what reached it, by their keys, with the number of flows. */
function everything(graph: Graph, depth: number | undefined, until: number, withoutNoise: boolean): unknown {
  const follows = Uint8Array.from({ length: graph.metas.size }, (_, n) => {
    const { sourceKind, sinkKind } = graph.metas.of(n);
    return withoutNoise && [sourceKind, sinkKind].includes(ENTITY.directory) ? 0 : 1;
  });
  const inTime = { flow: (at: number) => graph.flows.time(at) <= until, block: () => null };
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
        const path = pathTo(pass, pass.label(n));
        const more = depth !== undefined ? path.length : direction === "from" ? graph.flows.time(path.at(-1) ?? 0) : ""; // prettier-ignore
        answers.push(`${direction} ${nameIn(graph, start)} ${nameIn(graph, n)} ${n === start ? "" : more}`);
      }
    }
  return answers.sort();
}

/** The flows follow each other, from a beginning to the entity. */
function isPath({ flows }: Graph, path: readonly number[], end: number, question: Reach): void {
  const { direction, roots, begins } = question;
  const way = direction === "from" ? path : path.toReversed();
  const isAfter = (a: number, b: number) => (direction === "from" ? a >= b : a <= b);
  const near = (flow: number) => (direction === "from" ? flows.source(flow) : flows.sink(flow));
  const isBeginning = (entity: number, first: number) =>
    roots.some((root) => root.entity === entity && isAfter(first, root.at)) ||
    Array.from({ length: flows.length }, (_, i) => i).some((i) => begins?.[flows.meta(i)] === 1 && near(i) === entity && isAfter(first, i)); // prettier-ignore
  if (way.length > 0) ok(isBeginning(near(way[0]!), way[0]!), "a path begins where the question does");
  for (const [n, flow] of way.entries()) {
    const far = direction === "from" ? flows.sink(flow) : flows.source(flow);
    if (n + 1 < way.length) deepStrictEqual(near(way[n + 1]!), far);
    else deepStrictEqual(far, end);
    ok(n === 0 || (flow !== way[n - 1] && isAfter(flow, way[n - 1]!)), "flows of a path follow each other");
    ok(question.follows[flows.meta(flow)] === 1 && question.inTime?.flow(flow) !== false);
  }
}
