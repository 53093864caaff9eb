/** What was newly reached since a time, against what two questions say of the times before and after; also where a clock went back. */
import { deepStrictEqual, ok } from "node:assert";
import { it } from "node:test";
import fc from "fast-check";
import { answer, type Ask, AskError, PLATFORM, type TraceAnswer } from "../index.ts";
import { Graph } from "../graph/index.ts";
import { BOOT, contextRecords, contextWith, type End, file, flowRecord, header, process, tagOf } from "./testing.ts"; // prettier-ignore

const described = [[], [1]].map((tags, id) => contextRecords(id, contextWith(tags)));
const ROOT = { ...PLATFORM, tags: { [tagOf(1)]: "lab/one" } };
const ends: End[] = [1, 2, 3].map(file).concat([10, 11].map(process));
const timeText = (second: number) => new Date(second * 1000).toISOString();

it("since: what is reached, without what had been", () => {
  const flow = fc.record({
    source: fc.constantFrom(...ends),
    sink: fc.constantFrom(...ends),
    from: fc.nat(1),
    to: fc.nat(1),
    verdict: fc.constantFrom(0, 0, 0, 1),
  });
  const asked = fc.record({
    direction: fc.constantFrom<"from" | "to">("from", "to"),
    thing: fc.constantFrom("8:1:1:1", "8:1:2:1", "lab/one", "#4"),
    depth: fc.constantFrom(undefined, undefined, 1, 2),
    stopAtGates: fc.boolean(),
    since: fc.nat(14),
    until: fc.constantFrom(undefined, 3, 6, 9),
    // the second segment's clock is so many seconds before or after
    jump: fc.constantFrom(0, 0, 0, -4, 4),
  });
  const seen = { some: 0, jumped: 0, left: 0 };
  fc.assert(
    fc.property(fc.array(flow, { minLength: 3, maxLength: 12, size: "max" }), asked, (list, { direction, thing, depth, stopAtGates, since, until, jump }) => {
      const graph = new Graph();
      const records = list.map((one, at) => flowRecord({ ...one, time: at * 1e9 }));
      const half = list.length >> 1;
      graph.add(Buffer.concat([...described, ...records.slice(0, half)]), 1, header(1));
      graph.add(Buffer.concat([...described, ...records.slice(half)]), 100, header(100, BOOT, BigInt(jump) * 1_000_000_000n));
      const ask = (more: Partial<Ask & { limit: number }>): TraceAnswer =>
        answer(graph, ROOT, { ask: "trace", [direction]: thing, depth, stopAtGates, ...more } as Ask, 0) as TraceAnswer;
      const to = until === undefined ? undefined : timeText(until);
      let found;
      try {
        found = ask({ until: to, since: timeText(since) });
      } catch (error) {
        ok(error instanceof AskError && error.code === "E_ASK_NOTHING");
        return;
      }
      const idsOf = ({ nodes }: TraceAnswer) => new Set(nodes.map(({ id }) => id));
      const before = idsOf(ask({ until: timeText(since) }));
      const fresh = [...idsOf(ask({ until: to }))].filter((id) => !before.has(id));
      const told = idsOf(found);
      ok(fresh.every((id) => told.has(id)));
      // of what had been reached, only what lies on a way to the rest
      const inner = new Set(found.edges.map((edge) => found.nodes[direction === "from" ? edge.from : edge.to]!.id));
      if (thing !== "#4") ok([...told].every((id) => fresh.includes(id) || inner.has(id)));
      const one = ask({ until: to, since: timeText(since), limit: 1 });
      if (depth === undefined && !stopAtGates && thing !== "#4") deepStrictEqual(one.leftOut.entities, Math.max(0, fresh.length - 1));
      if (fresh.length > 0) seen.some++;
      if (fresh.length > 0 && jump !== 0) seen.jumped++;
      if (one.leftOut.entities > 0) seen.left++;
    }), // prettier-ignore
    { numRuns: 2000 },
  );
  ok(seen.some > 150 && seen.jumped > 50 && seen.left > 50, JSON.stringify(seen));
});
