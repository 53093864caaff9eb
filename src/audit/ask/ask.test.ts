import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { answer, type Ask, exportAs, FORMATS, type Graph, PLATFORM, type Reader, Sight } from "../index.ts";
import {
  contextRecords,
  contextWith,
  type End,
  type Flow,
  file,
  flowRecord,
  folder,
  gateRecords,
  graphOf,
  header,
  nameRecord,
  pipe,
  principal,
  process,
  tagOf,
} from "./testing.ts";
import { Graph as Empty } from "../graph/index.ts";

/** 1: alice/medical, 2: bob/medical. Contexts: 0 none, 1 alice, 2 bob, 3 both. */
const described = [[], [1], [2], [1, 2]].map((tags, id) => contextRecords(id, contextWith(tags)));
const TAGS = { [tagOf(1)]: "alice/medical", [tagOf(2)]: "bob/medical" };
const ROOT: Reader = { ...PLATFORM, tags: TAGS, users: { "0": "root", "61001": "vendor" } };
const ALICE: Reader = { ...ROOT, clearance: [tagOf(1)], tags: { [tagOf(1)]: "alice/medical" } };
const NOW = 1_000_000;

const ask = <A extends Ask>(graph: Graph, question: A, reader = ROOT) => answer(graph, reader, question, NOW);
const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);

/** alice's file is read by cat, goes through a pipe to awk, into report; a gate lets out a part, shown to the vendor. */
const story: Flow[] = [
  { source: file(1), sink: process(10), from: 1, to: 1, op: "open", time: 10 },
  { source: folder(9), sink: process(10), from: 1, to: 1, op: "lookup", time: 11 },
  { source: process(10), sink: pipe(50), from: 1, to: 1, op: "write", time: 20 },
  { source: pipe(50), sink: process(11), from: 1, to: 1, op: "read", time: 30 },
  { source: process(11), sink: file(2), from: 1, to: 1, op: "write", time: 40 },
  { source: process(11), sink: file(3), from: 1, to: 0, op: "open", verdict: 1, time: 50 },
  { source: file(2), sink: process(12), from: 1, to: 1, op: "read", time: 60 },
  { source: process(12), sink: pipe(51), from: 1, to: 1, op: "write", time: 70 },
  { source: pipe(51), sink: pipe(52), from: 1, to: 1, op: "carry", event: true, time: 75 },
  { source: pipe(52), sink: process(13), from: 1, to: 1, op: "read", time: 80 },
  { source: process(13), sink: pipe(53), from: 0, to: 0, op: "write", time: 90 },
];
const named = [
  nameRecord(file(1), "data", "registry", "lung.csv"),
  nameRecord(file(2), "data", "registry", "report.csv"),
  nameRecord(process(10), "cat"),
  nameRecord(process(11), "awk"),
];
const gate = gateRecords(
  {
    gate: "alice/wide",
    user: "root",
    purpose: "study",
    tags: [{ tag: "alice/medical", by: "gate", grants: [{ id: "abcdef0123", by: "alice" }] }],
    input: { streams: ["13:51:0", "13:52:0"] },
    output: { streams: ["13:53:0"] },
  },
  { from: 1, to: 0, time: 100, bytes: 4 },
);
const shown = flowRecord({ source: pipe(53), sink: principal(61001), op: "release", event: true, time: 110 });
const whole = () => graphOf(...described, ...named, ...story.map(flowRecord), gate, shown);

describe("trace", () => {
  it("follows data forward, through a pipe, a gate's streams and to a person, without folders", () => {
    const { nodes, edges, leftOut } = ask(whole(), { ask: "trace", from: "/data/registry/lung.csv" });
    deepStrictEqual(names(nodes), ["…/data/registry/lung.csv", "cat", "pipe 50", "awk", "…/data/registry/report.csv", "process 12", "pipe 51", "pipe 52", "process 13", "pipe 53", "vendor"]); // prettier-ignore
    const crossing = edges.find(({ step }) => step.crossing !== null)!.step.crossing!;
    deepStrictEqual([crossing.by, crossing.drops, crossing.gate!.name, crossing.gate!.grants[0]!.by], ["gate", ["alice/medical"], "alice/wide", "alice"]); // prettier-ignore
    strictEqual(leftOut.entities, 0);
  });

  it("stops at gates when asked to", () => {
    const { nodes } = ask(whole(), { ask: "trace", from: "alice/medical", stopAtGates: true });
    ok(names(nodes).includes("process 13") && !names(nodes).includes("pipe 53"));
  });

  it("stops in a program, too, that had some of the tag's data itself", () => {
    const flows: Flow[] = [
      { source: process(10), sink: file(1), from: 1, to: 1, op: "write", time: 10 },
      { source: process(10), sink: file(2), from: 0, to: 0, op: "write", time: 20 },
    ];
    const graph = graphOf(...described, ...flows.map(flowRecord));
    const reached = (stopAtGates: boolean) =>
      names(ask(graph, { ask: "trace", from: "alice/medical", stopAtGates }).nodes);
    deepStrictEqual(reached(true), ["process 10", "file 1"]);
    deepStrictEqual(reached(false), ["process 10", "file 1", "file 2"]);
  });

  it("goes back, within a time and a depth, between two, folded, and bounded", () => {
    const graph = whole();
    deepStrictEqual(names(ask(graph, { ask: "trace", to: "/data/registry/report.csv", depth: 2 }).nodes), ["…/data/registry/report.csv", "awk", "pipe 50"]); // prettier-ignore
    const until = ask(graph, {
      ask: "trace",
      from: "alice/medical",
      until: "1970-01-01T00:00:00.000000030Z",
    });
    ok(!names(until.nodes).includes("report.csv"));
    const ways = ask(graph, { ask: "trace", from: "program:cat", to: "program:awk" });
    deepStrictEqual([names(ways.nodes), ways.edges.length], [["cat", "pipe 50", "awk"], 2]);
    const folded = ask(graph, { ask: "trace", from: "alice/medical", collapse: "kind" });
    deepStrictEqual(folded.nodes.map(({ name, holds }) => [name, holds]), [["file", 2], ["process", 4], ["pipe", 4], ["principal", 1]]); // prettier-ignore
    const some = ask(graph, { ask: "trace", from: "alice/medical", limit: 3 });
    deepStrictEqual([some.nodes.length, some.leftOut.entities], [3, 8]);
    const noisy = ask(graph, { ask: "trace", to: "program:cat", noise: true });
    deepStrictEqual(noisy.nodes.length, 3);
  });

  it("tells what was refused, and what is not there", () => {
    const { refused } = ask(whole(), { ask: "trace", from: "alice/medical", refused: true });
    deepStrictEqual(refused.map(({ to, step, times }) => [to.name, step.rule, times]), [["file 3", "FLOW-1", 1]]); // prettier-ignore
    throws(() => ask(whole(), { ask: "trace", from: "/nothing" }), { code: "E_ASK_NOTHING" });
    throws(() => ask(whole(), { ask: "trace", from: "alice/medical", since: "soon" }), {
      code: "E_ASK_WORDS",
    });
  });

  it("goes over the bus, from a message and to a client as answers name them", () => {
    const message = { ...pipe(1700), kind: "message" as const, second: 0 };
    const client = { ...pipe(42), kind: "client" as const, second: 0 };
    const graph = graphOf(...described, ...[
      { source: file(1), sink: process(10), from: 1, to: 1, time: 10 },
      { source: process(10), sink: message, from: 1, to: 1, op: "publish" as const, event: true, time: 20 },
      { source: message, sink: client, from: 1, to: 1, op: "deliver" as const, event: true, time: 30 },
    ].map(flowRecord)); // prettier-ignore
    deepStrictEqual(ask(graph, { ask: "trace", from: "8:1:1:1" }).nodes.map(({ id }) => id).slice(2), ["message:1700", "client:42"]); // prettier-ignore
    deepStrictEqual(names(ask(graph, { ask: "trace", from: "message:1700" }).nodes), [
      "message 1700",
      "client 42",
    ]);
    deepStrictEqual(names(ask(graph, { ask: "trace", to: "client:42" }).nodes).at(-1), "file 1");
  });

  it("from a record on, and what was newly reached since a time", () => {
    const graph = whole();
    const at = graph.flows.record(3);
    const { nodes } = ask(graph, { ask: "trace", from: `#${at}` });
    deepStrictEqual(names(nodes).slice(0, 2), ["awk", "…/data/registry/report.csv"]);
  });
});

describe("leak", () => {
  it("finds the path, the gate and who granted it, or says what was looked at", () => {
    const yes = ask(whole(), { ask: "leak", of: "/data/registry/lung.csv", to: "user:vendor" });
    strictEqual(yes.path!.at(-1)!.to.name, "vendor");
    strictEqual(yes.path!.find(({ step }) => step.crossing)!.step.crossing!.gate!.name, "alice/wide");
    const no = ask(graphOf(...described, ...named, ...story.map(flowRecord)), {
      ask: "leak",
      of: "alice/medical",
      to: "user:vendor",
    });
    deepStrictEqual([no.path, no.coverage.gaps, no.coverage.boots.length], [null, [], 1]);
    const out = ask(graphOf(...described, ...named, ...story.slice(0, 6).map(flowRecord)), {
      ask: "leak",
      of: "alice/medical",
      to: "outside",
    });
    deepStrictEqual([out.path, out.refused.map(({ to }) => to.name)], [null, ["file 3"]]);
  });

  it("counts a label that was taken off", () => {
    const off = flowRecord({ source: principal(0), sink: file(2), from: 1, to: 0, op: "label", event: true, time: 99 }); // prettier-ignore
    const { path } = ask(graphOf(...described, ...story.map(flowRecord), off), {
      ask: "leak",
      of: tagName(1),
      to: "outside",
      since: "1970-01-01T00:00:00.000000000Z",
    });
    ok(path !== null);
    function tagName(n: number) {
      return TAGS[tagOf(n)]!;
    }
  });

  it("tells of gaps", () => {
    const lost = flowRecord({ ...story[0]!, lost: 3, time: 200 });
    const { coverage } = ask(graphOf(...described, ...story.slice(0, 3).map(flowRecord), lost), {
      ask: "leak",
      of: "alice/medical",
      to: "user:vendor",
    });
    deepStrictEqual(coverage.gaps.map(({ lost: n }) => n), [3]); // prettier-ignore
    match(coverage.gaps[0]!.what, /processor 0/);
  });
});

describe("boots", () => {
  it("a file on a disk is the same after a boot, a process and a file in memory are not", () => {
    const memory = { ...file(7), second: 25 };
    const graph = new Empty();
    const first = [
      flowRecord({ source: file(1), sink: process(10), from: 1, to: 1, time: 5 }),
      flowRecord({ source: process(10), sink: file(2), from: 1, to: 1, time: 6 }),
      flowRecord({ source: process(10), sink: memory, from: 1, to: 1, time: 7 }),
    ];
    const second = [
      flowRecord({ source: file(2), sink: process(11), from: 16, to: 16, time: 2 }),
      flowRecord({ source: process(10), sink: file(4), from: 16, to: 16, time: 3 }),
      flowRecord({ source: memory, sink: process(12), from: 16, to: 16, time: 4 }),
    ];
    graph.add(Buffer.concat([...described, ...first]), 1, header(1));
    // the same context has another id
    graph.add(Buffer.concat([contextRecords(16, contextWith([1])), ...second]), 100, header(100, "ff".repeat(16), 10_000n)); // prettier-ignore
    const { nodes } = ask(graph, { ask: "trace", from: "8:1:1:1" });
    deepStrictEqual(nodes.map(({ id }) => id).sort(), ["10@1010/012345", "11@1011", "0:25:7:1/012345", "8:1:1:1", "8:1:2:1"].sort()); // prettier-ignore
    const { coverage } = ask(graph, { ask: "leak", of: "8:1:1:1", to: "10.1.2.3" });
    match(coverage.limits.join(), /another number after a boot/);
  });
});

describe("a `no` of leak", () => {
  it("names programs with the data that share memory, and those that have it by fork [AUD-5]", () => {
    const flows = [
      flowRecord({ source: process(10), sink: file(9), op: "mmap", both: true, time: 1 }),
      flowRecord({ source: process(10), sink: process(11), op: "fork", time: 2 }),
      flowRecord({ source: process(12), sink: file(9), op: "mmap", both: true, time: 3 }),
      flowRecord({ source: file(1), sink: process(11), time: 4 }),
      flowRecord({ source: file(2), sink: process(13), time: 5 }),
      // a queue is no memory, a segment is
      flowRecord({
        source: process(13),
        sink: { kind: "ipc", first: 1, third: 2 },
        op: "sysv",
        both: true,
        time: 6,
      }),
      flowRecord({
        source: process(14),
        sink: { kind: "ipc", first: 1, third: 1 },
        op: "sysv",
        both: true,
        time: 7,
      }),
      flowRecord({ source: file(3), sink: process(14), time: 8 }),
    ];
    const graph = graphOf(...described, ...flows);
    const limits = (of: string) => ask(graph, { ask: "leak", of, to: "10.1.2.3" }).coverage.limits.join();
    match(limits("8:1:1:1"), /share memory.*: process 11(,|$)/);
    ok(!/share memory/.test(limits("8:1:2:1")));
    match(limits("8:1:3:1"), /share memory.*: process 14(,|$)/);
  });
});

describe("gates on the bus", () => {
  const message = (first: number): End => ({ kind: "message", first });
  const client = (first: number): End => ({ kind: "client", first });
  const run = (ended: string, grant: string, time: number) =>
    gateRecords(
      { gate: "alice/wide", ended, client: "client:7", tags: [{ tag: "alice/medical", by: "gate", grants: [{ id: grant, by: "alice" }] }] },
      { from: 1, to: 0, time },
    ); // prettier-ignore
  const through = (first: number, time: number) => [
    flowRecord({ source: process(10), sink: message(first), from: 1, to: 1, op: "publish", event: true, time }),
    flowRecord({ source: message(first), sink: client(7), from: 1, to: 1, op: "deliver", event: true, time: time + 1 }),
    flowRecord({ source: client(7), sink: message(first + 1), from: 0, to: 0, op: "publish", event: true, time: time + 2 }),
    flowRecord({ source: message(first + 1), sink: client(8), from: 0, to: 0, op: "deliver", event: true, time: time + 3 }),
  ]; // prettier-ignore
  const grantOf = (graph: Graph, first: number) => {
    const { path } = ask(graph, { ask: "leak", of: `message:${first}`, to: "client:8" });
    return path?.find(({ step }) => step.crossing)?.step.crossing?.gate?.grants[0]?.grant;
  };
  const asked: Ask = {
    ask: "questions",
    questions: [{ name: "wide", from: "alice/medical", to: "client:8", through: ["alice/wide"] }],
  };
  const holds = (graph: Graph) => (ask(graph, asked) as { answers: { holds: boolean }[] }).answers[0]!.holds;

  it("are told while they run, and by which grants", () => {
    const graph = graphOf(...described, run("", "a1", 1), ...through(1, 10));
    strictEqual(grantOf(graph, 1), "a1");
    strictEqual(holds(graph), true);
  });

  it("each run by its own grants, whether it has ended, was killed, or goes on", () => {
    const graph = graphOf(
      ...described,
      ...[run("", "a1", 1), ...through(1, 10), run("then", "a1", 20)],
      ...[run("", "b2", 30), ...through(3, 40)], // its daemon was killed
      ...[run("", "c3", 50), ...through(5, 60)],
    );
    deepStrictEqual([1, 3, 5].map((first) => grantOf(graph, first)), ["a1", "b2", "c3"]); // prettier-ignore
  });

  it("a client that is none passes no gate", () => {
    strictEqual(holds(graphOf(...described, ...through(1, 10))), false);
    const other = flowRecord({ source: client(9), sink: client(8), from: 0, to: 0, op: "publish", event: true, time: 20 }); // prettier-ignore
    const got = flowRecord({ source: process(10), sink: client(9), from: 1, to: 1, op: "deliver", event: true, time: 15 }); // prettier-ignore
    strictEqual(holds(graphOf(...described, run("", "a1", 1), got, other)), false);
  });
});

describe("who may see what [AUD-4]", () => {
  const QUESTIONS: Ask[] = [
    ...["alice/medical", "8:1:1:1", "8:1:6:1", "bob/medical", "program:cat", "pid:10", "none"].flatMap(
      (thing): Ask[] => [
        { ask: "trace", from: thing, noise: true, refused: true },
        { ask: "trace", to: thing, refused: true },
        { ask: "trace", from: thing, limit: 2 },
        { ask: "trace", from: thing, stopAtGates: true, collapse: "tenant" },
        { ask: "leak", of: thing, to: "outside" },
        { ask: "leak", of: "alice/medical", to: thing },
      ],
    ),
    { ask: "trace", from: "alice/medical", to: "program:cat" },
    { ask: "trace", from: "alice/medical", depth: 2, since: "1970-01-01T00:00:00.000000100Z" },
    { ask: "erasure", of: "alice" },
    {
      ask: "questions",
      questions: [
        { name: "never", from: "alice/medical", to: "outside", never: true },
        { name: "gate", from: "alice/medical", to: "8:1:3:1", through: ["alice/wide"], olderThan: "1s" },
      ],
    },
  ];
  const exported = (graph: Graph, reader: Reader) =>
    FORMATS.map((format) => [...exportAs(new Sight(graph, reader), format)].join(""));
  const answers = (graph: Graph, reader: Reader) =>
    QUESTIONS.map((question) => {
      try {
        return JSON.stringify(ask(graph, question, reader));
      } catch (error) {
        return `${(error as { code?: string }).code}: ${(error as Error).message}`;
      }
    });

  it("two logs that differ only in what the reader may not see answer alike, to the byte", () => {
    const end = fc.oneof(
      fc.constant<End>({ kind: "client", first: 7 }),
      fc.nat(4).map((n) => process(10 + n)),
      fc.nat(4).map((n) => file(1 + n)),
      fc.nat(3).map((n) => pipe(50 + n)),
    );
    const streams = fc.array(fc.nat(3).map((n) => `13:${50 + n}:0`), { maxLength: 2 }); // prettier-ignore
    const visible = fc.record({ source: end, sink: end, from: fc.constantFrom(0, 1), to: fc.constant(1), verdict: fc.constantFrom(0, 0, 1), time: fc.nat(300) }); // prettier-ignore
    const hidden = fc.record({ source: end, sink: end, from: fc.constantFrom(0, 2, 3), to: fc.constantFrom(2, 3), verdict: fc.constantFrom(0, 1), time: fc.nat(300), event: fc.boolean(), op: fc.constantFrom<"read" | "release" | "gate" | "label" | "carry">("read", "release", "gate", "label", "carry"), input: fc.record({ streams }), output: fc.record({ streams }), ended: fc.constantFrom("", "then") }); // prettier-ignore
    let seen = 0;
    fc.assert(
      fc.property(fc.array(visible, { maxLength: 8 }), fc.array(hidden, { maxLength: 8 }), fc.array(hidden, { maxLength: 8 }), (mine, one, other) => {
        // the run of a gate tells what it was between
        const recordOf = (flow: Flow & { input?: unknown; output?: unknown }) =>
          flow.op === "gate" && flow.event ? gateRecords({ gate: "bob/hidden", input: flow.input, output: flow.output, client: "client:7", ended: (flow as { ended?: string }).ended }, flow) : flowRecord(flow); // prettier-ignore
        const build = (others: Flow[]) =>
          // names are told when an entity is first used, whoever uses it
          graphOf(...described, ...named, ...[...mine, ...others].toSorted((a, b) => a.time! - b.time!).map((flow, sequence) => recordOf({ ...flow, sequence }))); // prettier-ignore
        const told = (others: Flow[]) => answers(build(others), ALICE).concat(exported(build(others), ALICE));
        const [a, b] = [told(one), told(other)];
        deepStrictEqual(a, b);
        seen += a.filter((text) => text.includes('"edges":[{')).length;
      }), // prettier-ignore
      { numRuns: 80 },
    );
    ok(seen > 130, "questions that had an answer");
  });

  it("gives no numbers of records, and finds a record again by what it is called", () => {
    const graph = whole();
    const { edges } = ask(graph, { ask: "trace", from: "alice/medical" }, ALICE);
    ok(edges.length > 5);
    for (const { step } of edges) {
      match(step.record, /^012345-[0-9a-z]+$/);
      ok(ask(graph, { ask: "trace", to: step.record }, ALICE).edges.length > 0);
    }
    throws(() => ask(graph, { ask: "trace", from: "#3" }, ALICE), { code: "E_ASK_NOTHING" });
    throws(() => ask(graph, { ask: "trace", from: "bob/medical" }, ALICE), { code: "E_ASK_NOTHING" });
  });
});
