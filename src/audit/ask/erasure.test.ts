import { deepStrictEqual, ok, strictEqual, throws } from "node:assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { answer, FIELD, PLATFORM, type Reader, RECORD_FLAG } from "../index.ts";
import { contextRecords, contextWith, type End, file, type Flow, flowRecord, gateRecords, graphOf, pipe, principal, process, tagOf } from "./testing.ts"; // prettier-ignore

/** Contexts by number; 1: alice/medical, 2: bob/medical, 4: alice/money. */
const SECRETS = [[], [1], [2], [1, 2], [4]];
const described = SECRETS.map((tags, id) => contextRecords(id, contextWith(tags)));
const TAGS = { [tagOf(1)]: "alice/medical", [tagOf(2)]: "bob/medical", [tagOf(4)]: "alice/money" };
const ROOT: Reader = { ...PLATFORM, tags: TAGS, users: { "0": "root", "7": "vendor" } };
const BOB: Reader = { ...ROOT, clearance: [tagOf(2)], tags: { [tagOf(2)]: "bob/medical" } };
const ask = (
  records: readonly Buffer[],
  of: string,
  reader = ROOT,
  limit?: number,
  before: readonly Buffer[] = [],
) => answer(graphOf(...before, ...described, ...records), reader, { ask: "erasure", of, limit }, 0);
/** So many other contexts that those of the test have numbers with no room in a byte. */
const OTHERS = Array.from({ length: 140 }, (_, n) => contextRecords(100 + n, contextWith([5, 6 + n])));
const address: End = { kind: "address", first: 0, second: 0xffff0000, third: 0x0302010a };

const story: Flow[] = [
  { source: file(1), sink: process(10), from: 1, to: 1 },
  { source: process(10), sink: file(2), from: 1, to: 1 },
  { source: process(10), sink: pipe(50), from: 1, to: 1 },
  { source: pipe(50), sink: process(11), from: 1, to: 1 },
  { source: process(11), sink: pipe(51), from: 0, to: 0 },
  { source: pipe(51), sink: principal(7), from: 0, to: 0, op: "release", event: true },
  { source: pipe(51), sink: process(12), from: 0, to: 0 },
  { source: process(12), sink: address, from: 0, to: 0 },
  { source: principal(0), sink: file(2), from: 1, to: 0, op: "label", event: true },
  { source: file(8), sink: process(13), from: 2, to: 2 },
  { source: file(9), sink: process(14), from: 4, to: 4 },
];
const gate = gateRecords(
  { gate: "alice/wide", user: "root", input: { streams: ["13:50:0"] }, output: { streams: ["13:51:0"] } },
  { from: 1, to: 0, time: 1000 },
);
const records = [...story.map((flow, time) => flowRecord({ ...flow, time })), gate];

describe("erasure", () => {
  it("tells files, ways out, people and addresses; of a tag, and of all that an owner has", () => {
    const one = ask(records, "alice/medical");
    deepStrictEqual(one.files.map(({ thing, labelled }) => [thing.id, labelled]), [["8:1:1:1", true], ["8:1:2:1", false]]); // prettier-ignore
    deepStrictEqual(one.left.map(({ step, to }) => [step.crossing?.by, step.crossing?.gate?.name, to.name]), [["gate", "alice/wide", "pipe 51"], ["label", undefined, "file 2"]]); // prettier-ignore
    deepStrictEqual(one.people.map(({ thing }) => thing.name), ["vendor"]); // prettier-ignore
    deepStrictEqual(one.addresses.map(({ thing }) => thing.name), ["10.1.2.3"]); // prettier-ignore
    deepStrictEqual([one.tags, one.leftOut, one.coverage.boots.length], [["alice/medical"], 0, 1]);
    for (const owner of ["alice", "user:alice"]) {
      const all = ask(records, owner);
      deepStrictEqual([all.tags, all.files.length], [["alice/medical", "alice/money"], 3]);
    }
    const some = ask(records, "alice", ROOT, 1);
    deepStrictEqual([some.files.length, some.left.length, some.leftOut], [1, 1, 3]);
  });

  it("tells of flows that the rules would have refused, if they were only observed", () => {
    const record = flowRecord({ source: file(1), sink: process(10), from: 1, to: 0, verdict: 1 });
    deepStrictEqual(ask([record], "alice").left, []);
    record[FIELD.flags]! |= RECORD_FLAG.OBSERVED;
    const { left } = ask([record], "alice");
    deepStrictEqual(left.map(({ step, to }) => [step.verdict, to.name]), [["observed", "process 10"]]); // prettier-ignore
  });

  it("tells a reader nothing of what he may not see [AUD-4]", () => {
    throws(() => ask(records, "alice", BOB), { code: "E_ASK_NOTHING" });
    throws(() => ask(records, "alice/medical", BOB), { code: "E_ASK_NOTHING" });
    deepStrictEqual(ask(records, "bob", BOB), ask([flowRecord({ ...story[9]!, time: 9 })], "bob", BOB));
  });

  it("reaches what a search of all paths reaches, and leaves if one of them does", () => {
    const ends = [process(10), process(11), file(1), file(2), file(3), principal(7)];
    const flows = fc.array(
      fc.record({
        source: fc.constantFrom(...ends.slice(0, 5)),
        sink: fc.constantFrom(...ends),
        from: fc.constantFrom(0, 1, 1, 2),
        to: fc.constantFrom(0, 1, 1, 3),
        verdict: fc.constantFrom(0, 0, 0, 1),
      }),
      { maxLength: 9 },
    );
    const hasTag = (context: number) => SECRETS[context]!.includes(1);
    const keyOf = ({ kind, first }: End) => `${kind} ${first}`;
    let leaving = 0;
    fc.assert(
      fc.property(flows, fc.nat(19), (list, one) => {
        const found = new Set<string>();
        let leaves = false;
        const visit = (at: End, context: number, next: number): void => {
          found.add(keyOf(at));
          for (let i = next; i < list.length; i++) {
            const { source, sink, from, to, verdict } = list[i]!;
            if (verdict !== 0 || keyOf(source) !== keyOf(at)) continue;
            if ((hasTag(context) && !hasTag(from)) || (hasTag(from) && !hasTag(to))) leaves = true;
            visit(sink, to, i + 1);
          }
        };
        for (const [i, { source, from, verdict }] of list.entries())
          if (verdict === 0 && hasTag(from)) visit(source, from, i);
        const { files, people, left } = ask(list.map((flow, time) => flowRecord({ ...flow, time })), "alice/medical", ROOT, undefined, one === 0 ? OTHERS : []); // prettier-ignore
        const names = [...files, ...people].map(({ thing }) => thing.name.replace("vendor", "principal 7"));
        deepStrictEqual(names.sort(), [...found].filter((name) => !name.startsWith("process")).sort());
        strictEqual(left.length > 0, leaves);
        if (leaves) leaving++;
      }),
      { numRuns: 1000 },
    );
    ok(leaving > 100);
  });
});
