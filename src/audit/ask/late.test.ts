/** A flow whose time is far ahead of the others: all that come later are put before it, however many. */
import { deepStrictEqual } from "node:assert";
import { it } from "node:test";
import { answer, type LeakAnswer, PLATFORM, type TraceAnswer } from "../index.ts";
import { contextRecords, contextWith, file, flowRecord, graphOf, process } from "./testing.ts";

const OTHERS = 100_000; // more than a block of the columns

it("a flow far ahead of its time is found, forward and backward, by any question", () => {
  const ahead = flowRecord({ source: file(1), sink: process(10), time: 1e15 });
  const others = Array.from({ length: OTHERS }, (_, n) =>
    flowRecord({ source: file(2), sink: process(11), time: 1000 + n }),
  );
  const graph = graphOf(contextRecords(0, contextWith([])), ahead, ...others);
  const idsOf = (ask: object) =>
    (answer(graph, PLATFORM, { ask: "trace", ...ask } as never, 0) as TraceAnswer).nodes.map(({ id }) => id);
  deepStrictEqual(idsOf({ from: "8:1:1:1" }).sort(), ["10@1010", "8:1:1:1"]);
  deepStrictEqual(idsOf({ to: "10@1010" }).sort(), ["10@1010", "8:1:1:1"]);
  const leak = answer(
    graph,
    PLATFORM,
    { ask: "leak", of: "8:1:1:1", to: "10@1010" } as never,
    0,
  ) as LeakAnswer;
  deepStrictEqual(leak.path?.length, 1);
});
