import { deepStrictEqual, ok } from "node:assert";
import { it } from "node:test";
import fc from "fast-check";
import { file, flowRecord, graphOf, process } from "../ask/testing.ts";
import { isRefused } from "./index.ts";

it("knows where what was refused is, and which kinds there are, also when records come late", () => {
  const flow = fc.record({ time: fc.nat(40), verdict: fc.constantFrom(0, 0, 1), both: fc.boolean() });
  let late = 0;
  fc.assert(
    fc.property(fc.array(flow, { maxLength: 40, size: "max" }), fc.nat(50), fc.nat(50), (list, a, b) => {
      const records = list.map((one, at) => flowRecord({ ...one, source: file(at % 3), sink: process(1) }));
      const { flows, metas, refused } = graphOf(...records);
      const isOne = (at: number) => at >= a && at < b && isRefused(metas.of(flows.meta(at)));
      const all = Array.from({ length: flows.length }, (_, at) => at);
      deepStrictEqual([...refused.within(a, b)], all.filter(isOne));
      for (const at of all) ok(flows.blocks[0]!.kinds.includes(flows.meta(at)));
      if (refused.within(a, b).length > 0 && list.some(({ time }, at) => time < (list[at - 1]?.time ?? 0))) late++; // prettier-ignore
    }),
    { numRuns: 300 },
  );
  ok(late > 50, `${late}`);
});
