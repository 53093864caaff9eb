/** Each kind of question against a search of all paths that shares no code with it. */
import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { answer, PLATFORM, type Question, type Reader } from "../index.ts";
import {
  contextRecords,
  contextWith,
  type End,
  file,
  type Flow,
  flowRecord,
  gateRecords,
  graphOf,
  pipe,
  principal,
  process,
  tagOf,
} from "./testing.ts";

/** Contexts of the log by number: what they hold in secret. 1: lab/patient, 2: lab/other. */
const SECRETS = [[], [1], [2], [1, 2]];
const described = SECRETS.map((tags, id) => contextRecords(id, contextWith(tags)));
const TAGS = { [tagOf(1)]: "lab/patient", [tagOf(2)]: "lab/other" };
const ROOT: Reader = { ...PLATFORM, tags: TAGS, users: { "0": "root", "61001": "vendor" } };
const PATIENT: Reader = { ...ROOT, clearance: [tagOf(1)], tags: { [tagOf(1)]: "lab/patient" } };
const SECOND = 1_000_000_000;

const ask = (records: readonly Buffer[], questions: Question[], reader = ROOT) =>
  answer(graphOf(...described, ...records), reader, { ask: "questions", questions }, 0);

type Run = {
  gate: string;
  from: number;
  to: number;
  inputs: readonly number[];
  outputs: readonly number[];
  verdict?: number | undefined;
};
const gateRecord = ({ gate, from, to, inputs, outputs, verdict = 0 }: Run, time: number) => {
  const streams = (pipes: readonly number[]) => ({ streams: pipes.map((ino) => `13:${ino}:0`) });
  return gateRecords({ gate, user: "root", input: streams(inputs), output: streams(outputs) }, { from, to, time, verdict }); // prettier-ignore
};

/** A file is read, goes through a pipe into a gate, out of it, and to the vendor. */
const story: Flow[] = [
  { source: file(1), sink: process(10), from: 1, to: 1, time: 10 * SECOND },
  { source: process(10), sink: pipe(50), from: 1, to: 1, time: 20 * SECOND },
  { source: pipe(50), sink: pipe(51), from: 1, to: 1, op: "carry", event: true, time: 25 * SECOND },
  { source: pipe(51), sink: process(11), from: 1, to: 1, time: 30 * SECOND },
  { source: process(11), sink: pipe(52), from: 0, to: 0, time: 40 * SECOND },
];
const wide: Run = { gate: "lab/wide", from: 1, to: 0, inputs: [50, 51], outputs: [52] };
const release: Flow = { source: pipe(52), sink: principal(61001), from: 0, to: 0, op: "release", event: true, time: 60 * SECOND }; // prettier-ignore
const records = [...story.map(flowRecord), gateRecord(wide, 50 * SECOND), flowRecord(release)];

const never = { name: "never", from: "lab/patient", to: "user:vendor", never: true };
const through = { name: "through", from: "lab/patient", to: "outside", through: ["lab/wide"] };

describe("questions", () => {
  it("hold or not, in words, with a path as witness, and with what was looked at", () => {
    const { answers, coverage } = ask(records, [
      never,
      through,
      { ...through, through: ["lab/other"] },
      { ...through, olderThan: "30s" },
      { ...through, olderThan: "31s" },
    ]);
    deepStrictEqual(answers.map(({ holds }) => holds), [false, true, false, true, false]); // prettier-ignore
    strictEqual(answers[0]!.path!.at(-1)!.to.name, "vendor");
    strictEqual(answers[0]!.path!.find(({ step }) => step.crossing)!.step.crossing!.gate!.name, "lab/wide");
    ok(answers[0]!.records.length === answers[0]!.path!.length);
    deepStrictEqual(answers[4]!.early, { thing: { kind: "file", name: "file 1", id: "8:1:1:1" }, since: "1970-01-01T00:00:10.000Z", passed: "1970-01-01T00:00:40.000Z" }); // prettier-ignore
    match(
      answers[4]!.says,
      /^every path from lab\/patient to outside passes lab\/wide, when older than 31s$/,
    );
    match(answers[3]!.limits.join(), /old as the file/);
    deepStrictEqual([coverage.boots.length, coverage.gaps], [1, []]);
  });

  it("a gate counts only where its own input or output proves that it was passed", () => {
    const run = gateRecord({ ...wide, inputs: [98], outputs: [99] }, 50 * SECOND);
    const { answers } = ask([...story.map(flowRecord), run], [through]);
    deepStrictEqual([answers[0]!.holds, answers[0]!.path!.at(-1)!.step.crossing], [false, { drops: ["lab/patient"], adds: [], by: "change", gate: null }]); // prettier-ignore
  });

  it("a gate is passed by what its program writes elsewhere, too, such as its errors", () => {
    const errors = { source: process(11), sink: pipe(60), from: 0, to: 0, time: 25 * SECOND };
    const library = { source: file(3), sink: process(11), from: 1, to: 1, time: 24 * SECOND };
    const flows = [library, errors, ...story].toSorted((a, b) => a.time! - b.time!).map(flowRecord);
    ok(ask([...flows, gateRecord(wide, 50 * SECOND)], [through]).answers[0]!.holds);
    ok(
      !ask([...flows, gateRecord({ ...wide, gate: "lab/other" }, 50 * SECOND)], [through]).answers[0]!.holds,
    );
  });

  it("are refused when they say nothing, or are about no tag", () => {
    const { name, from, to } = never;
    throws(() => ask(records, [{ name, from, to }]), { code: "E_ASK_WORDS" });
    throws(() => ask(records, [{ ...through, never: true }]), { code: "E_ASK_WORDS" });
    throws(() => ask(records, [{ ...through, olderThan: "soon" }]), { code: "E_ASK_WORDS" });
    throws(() => ask(records, [{ ...never, from: "8:1:1:1" }]), { code: "E_ASK_WORDS" });
    throws(() => ask(records, [{ ...never, from: "lab/unknown" }]), { code: "E_ASK_NOTHING" });
    match(ask(records, [{ ...never, to: "/nowhere" }]).answers[0]!.limits.join(), /misspelt/);
  });
});

const ends: End[] = [10, 11].map(process).concat([1, 2].map(file), [50, 51, 52].map(pipe), principal(7));
const keyOf = ({ kind, first }: End) => `${kind} ${first}`;
type Generated = Flow & Required<Pick<Flow, "from" | "to" | "verdict">>;
const anyFlow: fc.Arbitrary<Generated> = fc.record({
  source: fc.constantFrom(...ends.slice(0, 7)),
  sink: fc.constantFrom(...ends),
  from: fc.constantFrom(0, 1, 1, 3),
  to: fc.constantFrom(0, 1, 1, 3),
  verdict: fc.constantFrom(0, 0, 0, 0, 1),
  both: fc.constantFrom(false, false, false, true),
  event: fc.constantFrom(false, false, false, true),
});
const PLAIN = { from: 1, to: 1, verdict: 0, both: false, event: false };
/** From a file through a gate to a person, so that gates are passed often; random flows before, between and after. */
const TALE: Generated[] = [
  { ...PLAIN, source: file(1), sink: process(10) },
  { ...PLAIN, source: process(10), sink: pipe(50) },
  { ...PLAIN, source: pipe(50), sink: process(11) },
  { ...PLAIN, source: process(11), sink: pipe(52), from: 0, to: 0 },
  { ...PLAIN, source: pipe(52), sink: principal(7), from: 0, to: 0 },
];
const generated = fc
  .tuple(fc.subarray(TALE, { minLength: 3 }), fc.array(fc.tuple(anyFlow, fc.nat(5)), { maxLength: 5 }))
  .map(([tale, more]) => {
    const list = tale.slice();
    for (const [one, at] of more) list.splice(at, 0, one);
    return list;
  });
const someRuns: fc.Arbitrary<Run[]> = fc.array(
  fc.record({
    gate: fc.constantFrom("lab/wide", "lab/narrow"),
    from: fc.constantFrom(1, 1, 3),
    to: fc.constantFrom(0, 0, 3),
    // one each: two at one end would be one pipe
    inputs: fc.constantFrom([50], [51], []),
    outputs: fc.constantFrom([52], [51], []),
    verdict: fc.constantFrom(0, 0, 0, 1),
  }),
  { maxLength: 3 },
);
const TALE_RUN: Run = { gate: "lab/wide", from: 1, to: 0, inputs: [50], outputs: [], verdict: 0 };
const generatedRuns = fc
  .tuple(fc.constantFrom<Run[]>([], [TALE_RUN]), someRuns)
  .map(([first, more]): Run[] => first.concat(more));

/** One step of data, in the order of decisions. */
type Move = { source: string; sink: string; from: number; to: number; alone: boolean; at: number; isFile: boolean }; // prettier-ignore

function movesOf(flows: readonly Flow[]): Move[] {
  return flows.flatMap((flow, at): Move[] => {
    if (flow.verdict !== 0) return [];
    const { from = 0, to = 0 } = flow;
    const isLabel = flow.event === true;
    const source = isLabel ? flow.sink : flow.source;
    const drops = (a: number, b: number) => SECRETS[a]!.some((tag) => !SECRETS[b]!.includes(tag));
    const there = { source: keyOf(source), sink: keyOf(flow.sink), from, to, alone: isLabel && drops(from, to), at, isFile: source.kind === "file" }; // prettier-ignore
    if (flow.both !== true) return [there];
    const back = { source: there.sink, sink: there.source, from: to, to: from, alone: isLabel && drops(to, from), at, isFile: flow.sink.kind === "file" }; // prettier-ignore
    return [there, back];
  });
}

type Target = "outside" | "principal 7" | "file 2";
const isTagged = (context: number) => SECRETS[context]!.includes(1);

/** Is there a path that breaks what the question says? Each one is tried, from each beginning. */
function isBroken(
  moves: readonly Move[],
  runs: readonly Run[],
  target: Target,
  gates: readonly string[],
  age: number | null,
): boolean {
  // prettier-ignore
  const firstOf = (thing: string) =>
    moves.find((m) => (m.source === thing && isTagged(m.from)) || (m.sink === thing && isTagged(m.to)))!.at;
  // what a person gives is new each time
  const sinceOf = (m: Move) =>
    m.isFile ? firstOf(m.source) : m.source.startsWith("principal") ? m.at : null;
  const isHit = (m: Move) => (target === "outside" ? !isTagged(m.to) : m.sink === target);
  const passes = (context: number, next: Move): boolean =>
    !next.alone &&
    context !== next.from &&
    runs.some(
      ({ gate, verdict, from, to, inputs, outputs }) =>
        gates.includes(gate) && verdict === 0 && from === context && to === next.from &&
        moves.some(
          (m) =>
            (m.sink === next.source && m.to === from && inputs.some((ino) => m.source === `pipe ${ino}`)) ||
            (m.source === next.source && m.from === to && outputs.some((ino) => m.sink === `pipe ${ino}`)),
        ),
    ); // prettier-ignore
  const visit = (
    at: string,
    context: number,
    from: number,
    since: number | null,
    isEarly: boolean,
  ): boolean => {
    // prettier-ignore
    for (let i = from; i < moves.length; i++) {
      const next = moves[i]!;
      if (next.source !== at) continue;
      let early = isEarly;
      if (!isEarly && passes(context, next)) {
        if (age === null || since === null || next.at >= since + age) continue;
        early = true;
      }
      if (isHit(next) || visit(next.sink, next.to, i + 1, since, early)) return true;
    }
    return false;
  };
  return moves.some((m, i) => isTagged(m.from) && visit(m.source, m.from, i, sinceOf(m), false));
}

describe("questions against a search of all paths", () => {
  const KINDS = [
    { kind: "never", gates: [], age: null },
    { kind: "through one", gates: ["lab/wide"], age: null },
    { kind: "through two", gates: ["lab/wide", "lab/narrow"], age: null },
    { kind: "older", gates: ["lab/wide"], age: 4 },
    { kind: "older, two gates", gates: ["lab/wide", "lab/narrow"], age: 6 },
  ];
  for (const { kind, gates, age } of KINDS)
    it(kind, () => {
      const found = { broken: 0, holds: 0, early: 0, byGate: 0 };
      fc.assert(
        fc.property(generated, generatedRuns, fc.constantFrom<Target>("outside", "principal 7", "file 2"), (list, runs, target) => {
          const flows = list.map((flow, at): Flow => Object.assign({}, flow, { time: at * SECOND, op: flow.event ? "label" : "read" })); // prettier-ignore
          const to = target === "outside" ? target : target === "file 2" ? "8:1:2:1" : "uid:7";
          const question: Question = {
            name: kind,
            from: "lab/patient",
            to,
            ...(gates.length === 0 ? { never: true } : { through: gates }),
            olderThan: age === null ? undefined : `${age}s`,
          };
          const log = [...flows.map(flowRecord), ...runs.map((run) => gateRecord(run, 20 * SECOND))];
          const { answers } = ask(log, [question]);
          const [{ holds, path, early }] = answers as [(typeof answers)[number]];
          const moves = movesOf(flows);
          strictEqual(holds, !isBroken(moves, runs, target, gates, age));
          found[holds ? "holds" : "broken"]++;
          if (early !== null) found.early++;
          if (holds && isBroken(moves, runs, target, [], null)) found.byGate++;
          for (const [at, { from }] of path?.entries() ?? [])
            if (at > 0) strictEqual(from.id, path![at - 1]!.to.id);
        }), // prettier-ignore
        { numRuns: 1000 },
      );
      ok(found.broken > 150 && found.holds > 100, JSON.stringify(found));
      if (gates.length > 0) ok(found.byGate > 10, JSON.stringify(found));
      if (age !== null) ok(found.early > 10, JSON.stringify(found));
    });
});

describe("questions and who asks [AUD-4]", () => {
  it("two logs that differ only in what the asker may not see answer alike, to the byte", () => {
    const hidden = fc.array(
      fc.record({ source: fc.constantFrom(...ends), sink: fc.constantFrom(...ends), from: fc.constantFrom(0, 2, 3), to: fc.constantFrom(2, 3), event: fc.boolean() }), // prettier-ignore
      { maxLength: 6 },
    );
    const asked = [never, through, { ...through, olderThan: "3s" }, { ...never, to: "8:1:2:1" }];
    fc.assert(
      fc.property(generated, generatedRuns, hidden, hidden, (list, runs, one, other) => {
        const mine = list.map((flow): Flow => ({ ...flow, to: flow.to === 3 ? 1 : flow.to, from: 1 }));
        const build = (others: Flow[]) => [
          ...[...mine, ...others].map(
            (flow, at) =>
            flowRecord({ ...flow, time: mine.includes(flow) ? at * SECOND : (mine.length + at) * SECOND, op: flow.event === true ? "label" : "read" }), // prettier-ignore
          ),
          ...runs.map((run) => gateRecord(run, 20 * SECOND)),
        ];
        const [a, b] = [one, other].map((others) => JSON.stringify(ask(build(others), asked, PATIENT)));
        deepStrictEqual(a, b);
      }),
      { numRuns: 300 },
    );
  });
});
