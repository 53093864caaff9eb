/** The ways between two against a search of all paths that shares no code with it. */
import { deepStrictEqual, ok } from "node:assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { answer, AskError, PLATFORM, type Reader } from "../index.ts";
import { contextRecords, contextWith, type End, file, type Flow, flowRecord, graphOf, nameRecord, process, tagOf } from "./testing.ts"; // prettier-ignore

const SECRETS = [[], [1], [2]];
const described = SECRETS.map((tags, id) => contextRecords(id, contextWith(tags)));
const ROOT: Reader = { ...PLATFORM, tags: { [tagOf(1)]: "lab/one", [tagOf(2)]: "lab/two" } };
const ends: End[] = [1, 2, 3].map(file).concat([10, 11].map(process));
const nameOf = ({ kind, first, second }: End) => (kind === "file" ? `8:1:${first}:1` : `${second}@${first}`);
/** Records of contexts are before those of flows. */
const FIRST_RECORD = 1 + described.length;

type Generated = Flow & { from: number; to: number; verdict: number };
type Thing = { tag: 1 | 2 } | { end: End } | { record: number };
type Where = {
  begins: (flow: Generated, at: number) => string | null;
  isRoot: (name: string, at: number) => boolean;
};

/** Where data of a thing begins (or, read backward, ends): by a flow from then on, or at an entity from a flow on. */
function whereOf(thing: Thing, flows: readonly Generated[], isForward: boolean): Where {
  const near = (flow: Generated) => nameOf(isForward ? flow.source : flow.sink);
  const far = (flow: Generated) => nameOf(isForward ? flow.sink : flow.source);
  const none = { begins: () => null, isRoot: () => false };
  if ("tag" in thing)
    return { ...none, begins: (flow) => (SECRETS[isForward ? flow.from : flow.to]!.includes(thing.tag) ? near(flow) : null) };
  if ("end" in thing) return { ...none, isRoot: (name) => name === nameOf(thing.end) };
  const of = far(flows[thing.record]!);
  return { ...none, isRoot: (name, at) => name === of && (isForward ? at > thing.record : at < thing.record) };
} // prettier-ignore

/** Each path is tried, from each beginning to each end. @returns the flows of all of them */
function onAnyPath(flows: readonly Generated[], from: Where, to: Where, until: number): Set<number> {
  const counts = flows.map(({ verdict }, at) => verdict === 0 && at <= until);
  const found = new Set<number>();
  const hasBegun = (name: string, at: number) =>
    from.isRoot(name, at) || flows.some((flow, i) => i <= at && counts[i]! && from.begins(flow, i) === name);
  const hasEnded = (name: string, at: number) =>
    to.isRoot(name, at) || flows.some((flow, i) => i >= at && counts[i]! && to.begins(flow, i) === name);
  const visit = (path: readonly number[], at: string): void => {
    const last = path.at(-1)!;
    if (hasEnded(at, last)) for (const flow of path) found.add(flow);
    for (let i = last + 1; i < flows.length; i++)
      if (counts[i]! && nameOf(flows[i]!.source) === at) visit([...path, i], nameOf(flows[i]!.sink));
  };
  for (const [i, { source, sink }] of flows.entries())
    if (counts[i]! && hasBegun(nameOf(source), i)) visit([i], nameOf(sink));
  return found;
}

describe("trace from one to another", () => {
  it("tells what is on any of all paths, and counts what it leaves out", () => {
    const flows: fc.Arbitrary<Generated[]> = fc.array(
      fc.record({
        source: fc.constantFrom(...ends),
        sink: fc.constantFrom(...ends),
        from: fc.nat(2),
        to: fc.nat(2),
        verdict: fc.constantFrom(0, 0, 0, 0, 1),
      }),
      { minLength: 4, maxLength: 10, size: "max" },
    );
    const thing: fc.Arbitrary<Thing> = fc.oneof(
      fc.record({ tag: fc.constantFrom<1 | 2>(1, 2) }),
      fc.record({ end: fc.constantFrom(...ends) }),
      fc.record({ record: fc.nat(8) }),
    );
    const seen = { some: 0, none: 0, left: 0 };
    fc.assert(
      fc.property(flows, thing, thing, fc.option(fc.integer({ min: 3, max: 9 }), { nil: undefined }), fc.constantFrom(1, 2, 99), (list, a, b, until, limit) => {
        const textOf = (one: Thing) => ("tag" in one ? (one.tag === 1 ? "lab/one" : "lab/two") : "end" in one ? nameOf(one.end) : `#${FIRST_RECORD + one.record}`); // prettier-ignore
        const [from, to] = [a, b].map((one) => ("record" in one ? { record: one.record % list.length } : one)) as [Thing, Thing];
        const records = list.map((flow, at) => flowRecord({ ...flow, time: at * 1e9 }));
        const time = until === undefined ? undefined : `1970-01-01T00:00:0${until}Z`;
        let found;
        try {
          found = answer(graphOf(...described, ...records), ROOT, { ask: "trace", from: textOf(from), to: textOf(to), until: time, limit }, 0);
        } catch (error) {
          ok(error instanceof AskError && error.code === "E_ASK_NOTHING");
          return;
        }
        const expected = onAnyPath(list, whereOf(from, list, true), whereOf(to, list, false), until ?? Infinity);
        const pairs = new Set([...expected].map((at) => `${nameOf(list[at]!.source)} ${nameOf(list[at]!.sink)}`));
        const entities = new Set([...pairs].flatMap((pair) => pair.split(" ")));
        deepStrictEqual(found.nodes.length + found.leftOut.entities, entities.size);
        const told = found.edges.map((edge) => `${found.nodes[edge.from]!.id} ${found.nodes[edge.to]!.id}`);
        if (limit === 99) deepStrictEqual(told.sort(), [...pairs].sort());
        else ok(told.every((pair) => pairs.has(pair)));
        if (found.leftOut.entities > 0) seen.left++;
        seen[expected.size > 0 ? "some" : "none"]++;
      }), // prettier-ignore
      { numRuns: 2000 },
    );
    ok(seen.some > 300 && seen.none > 300 && seen.left > 50, JSON.stringify(seen));
  });

  it("says the same with very many flows of others in between", () => {
    const flow = fc.record({ source: fc.constantFrom(...ends), sink: fc.constantFrom(...ends) });
    const noise = Buffer.alloc(OTHERS * flowRecord({ source: file(90), sink: process(91) }).length);
    const others = flowRecord({ source: file(90), sink: process(91), time: 0 });
    for (let at = 0; at < noise.length; at += others.length) noise.set(others, at);
    let some = 0;
    fc.assert(
      fc.property(fc.array(flow, { minLength: 6, maxLength: 14 }), fc.nat(4), fc.nat(4), (list, a, b) => {
        const asked = [...list, { source: ends[a]!, sink: ends[b]! }];
        const records = asked.map((one) => flowRecord({ ...one, time: 0 }));
        const answers = [false, true].map((isLong) => {
          const parts = isLong ? records.flatMap((record, n) => (n % 4 === 0 ? [noise, record] : [record])) : records;
          const found = answer(graphOf(...described, ...parts), ROOT, { ask: "trace", from: nameOf(ends[a]!), to: nameOf(ends[b]!) }, 0);
          return found.edges.map((edge) => `${found.nodes[edge.from]!.id} ${found.nodes[edge.to]!.id}`).sort();
        });
        deepStrictEqual(answers[1], answers[0]);
        if (answers[0]!.length > 1) some++;
      }), // prettier-ignore
      { numRuns: 25 },
    );
    ok(some > 5, `ways of more than one flow: ${some}`);
  });

  it("begins at more processes than a call takes arguments", () => {
    const flow = flowRecord({ source: process(1), sink: file(1), time: 0 });
    const records = Array.from({ length: 200_000 }, (_, n) => [
      flowRecord({ source: process(n + 1), sink: file(2), time: 0 }),
      nameRecord(process(n + 1), "many"),
    ]);
    const graph = graphOf(...described, Buffer.concat(records.flat()), flow);
    const found = answer(graph, ROOT, { ask: "trace", from: "program:many", to: nameOf(file(1)) }, 0);
    deepStrictEqual(found.edges.length, 1);
  });
});

/** More than a block of the columns. */
const OTHERS = 70_000;
