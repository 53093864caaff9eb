/** What goes through memory that is shared: by cases, and against who knows of whom by the acts alone. */
import { deepStrictEqual, ok } from "node:assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { answer, PLATFORM, type Reader } from "../index.ts";
import {
  BOOT,
  contextRecords,
  contextWith,
  type End,
  file,
  type Flow,
  flowRecord,
  graphOf,
  header,
  memory,
  nothing,
  process,
  tagOf,
} from "../ask/testing.ts";
import { BLOCK, Graph, reach } from "./index.ts";
import { anyAct, simulate, Truth } from "./testing.ts";

const described = [[], [1], [2], [3]].map((tags, id) => contextRecords(id, contextWith(tags)));

/** `1`: a process, `a` to `e`: memory, others: a file. */
function endOf(name: string): End {
  if (/\d/.test(name)) return process(Number(name));
  const number = name.codePointAt(0)!;
  return name < "f" ? memory(number) : file(number);
}

/**
 * Acts in words: `f>1` a flow, `1=a` holds it, `1-a` sees it, `1+2` begins a process, `1&2` in one memory, `1!` runs another
 * program, `1.` ends. Each is later than the one before, or `@` says when.
 */
function acted(words: string): Flow[] {
  return words.split(" ").map((word, n) => {
    const [act = "", when] = word.split("@");
    const [, a = "", what = "", b = ""] = /^(\w)(\W)(\w?)$/.exec(act)!;
    const [source, sink] = [endOf(a), b === "" ? nothing : endOf(b)];
    const flow: Flow = { source, sink, from: 1, to: 1, time: when === undefined ? 10 * (n + 1) : Number(when) }; // prettier-ignore
    const as: Record<string, Partial<Flow>> = {
      "=": { op: "mmap", both: true, holds: true },
      "-": { source: sink, sink: source, op: "mmap", holds: true },
      "+": { op: "fork" },
      "&": { op: "fork", holds: true },
      "!": { op: "exec", holds: true },
      ".": { op: "end" },
    };
    return Object.assign(flow, as[what]);
  });
}

const numberOf = (graph: Graph, { kind, first, second = 0, third = 0 }: End, boot = 0) => {
  for (let n = 0; n < graph.entities.size; n++) {
    const key = graph.entities.key(n);
    const isIt = key.kind === kind && key.first === BigInt(first) && key.second === second && key.third === third; // prettier-ignore
    if (isIt && (key.boot === -1 || key.boot === boot)) return n;
  }
  return -1;
};

/** Does data of one come to the other? Asked in both directions. */
function isWay(graph: Graph, from: number, to: number): boolean {
  const follows = new Uint8Array(graph.metas.size).fill(1);
  const ahead = reach(graph, { direction: "from", roots: [{ entity: from, at: 0 }], follows });
  const back = reach(graph, { direction: "to", roots: [{ entity: to, at: graph.flows.length - 1 }], follows }); // prettier-ignore
  deepStrictEqual(ahead.isReached(to), back.isReached(from));
  return ahead.isReached(to);
}

const built = (flows: readonly Flow[]) => graphOf(...described, ...flows.map(flowRecord));
const build = (words: string) => built(acted(words));

/** What happens, ways that there are, ways that there are not. */
const CASES: [what: string, words: string, told: string, not?: string][] = [
  ["two that hold the same", "1=a 2=a f>1 2>g", "f>g f>2 f>a", "g>1"],
  ["who did nothing has it, too", "1=a 2=a 3=a f>1", "f>2 f>3"],
  ["who only sees gets what is there and what comes, and gives nothing", "f>a 1-a 2=a 1>g h>2 1>i j>1 2>k", "f>g h>i h>1 f>2", "j>a j>k h>g"], // prettier-ignore
  ["one in between who does nothing", "1=a 1=b 2=a 3=b f>2 3>g", "f>g f>1"],
  ["one in between who sees one and holds the other", "2=a 1-a 1=b 3=b f>2 3>g h>3 2>i", "f>g f>1 f>b", "h>i h>a"], // prettier-ignore
  ["three that see each other in a circle", "1=a 2=b 3=c 1-c 2-a 3-b f>1 3>g h>3 2>i", "f>g h>i h>1 f>3"],
  ["a child has what its parent holds", "1=a 1-b 1+2 3=a 4>b f>3 2>g 4=b h>4 2>i", "f>g h>i"],
  ["a child has memory of its own, but in one memory with its parent all", "1+2 f>1 2>g 3&4 h>3 4>i", "h>i h>4", "f>g f>2"], // prettier-ignore
  ["a child of two in one memory is in it only if it was begun so", "1&2 1+3 2&4 f>1 3>g 4>h", "f>h f>2", "f>g"],
  ["who runs another program has nothing any more", "1=a 2=a f>1 2! h>1 2>g", "f>2 f>g", "h>2 h>g"],
  ["who leaves one memory leaves it to the others", "1&2 1&3 1! f>2 3>g h>1 3>i", "f>g", "h>2 h>i"],
  ["what is there at an end stays, what comes later is not told", "1=a 1=b 2=a 3=b f>2 1. g>2 3>h", "f>h f>b g>a", "g>h g>b"], // prettier-ignore
  ["what nobody holds any more has what was there", "1=a 1=b f>1 1. b>2 g>a b>3", "f>2 f>b", "g>3"],
  ["a file that another one sees is written", "1-f 2>f 1>g", "2>1 2>g f>g", "1>f"],
  ["the same of one who holds something else", "3=a 1=a 1-f 2>f 3>g", "2>3 2>g"],
  ["a file that others hold is read and written", "1=f 2=f g>1 f>3 3>f 2>h", "g>3 3>h g>h"],
  ["others with other memory have nothing to do with them", "1=a 2=a 3=b 4=b f>1 4>g 5>b", "5>3", "f>g f>3 f>b 5>a"], // prettier-ignore
  ["two groups become one, and two again", "1=a 2=b f>1 2>g 3=a 3=b 2>h 3. i>1 2>j", "f>h f>j f>b", "f>g i>j i>2"], // prettier-ignore
  ["who may write what he saw gives, too", "1-a 2=a f>1 2>g 1=a 2>h", "f>h", "f>g"],
  ["a group whose oldest goes", "1=a 1=b 2=b 2=c 3=c f>3 1. g>3 2>h", "f>a f>h g>h", "g>a"],
  ["a flow that comes late, before what is told already", "1=a 2=a 2>g@50 f>1@40", "f>g"],
  ["a flow that comes late, of who has ended", "1=a 2=a 1.@50 2>g@60 f>1@40", "f>g"],
  ["holding that comes late", "1=a 2>g@50 f>1@40 2=a@30", "f>g"],
]; // prettier-ignore

describe("memory that is shared", () => {
  for (const [what, words, told, not = ""] of CASES)
    it(what, () => {
      const graph = build(words);
      const isTold = (way: string) => {
        const [from, to] = way.split(">").map((name) => numberOf(graph, endOf(name)));
        return isWay(graph, from!, to!);
      };
      const split = (ways: string) => ways.split(" ").filter((way) => way !== "");
      deepStrictEqual(split(told).filter((way) => !isTold(way)), []); // prettier-ignore
      deepStrictEqual(split(not).filter(isTold), []);
    });

  it("nobody holds anything after a boot", () => {
    const graph = new Graph();
    const of = (words: string) => Buffer.concat([...described, ...acted(words).map(flowRecord)]);
    graph.add(of("1=h 2=h f>1"), 1, header());
    graph.add(of("g>1 2>i h>3"), 100, header(100, BOOT.replaceAll("0", "f")));
    graph.settle();
    const number = (name: string, boot = 0) => numberOf(graph, endOf(name), boot);
    ok(isWay(graph, number("f"), number("2")) && isWay(graph, number("f"), number("3", 1)));
    ok(!isWay(graph, number("g"), number("i")) && !isWay(graph, number("g"), number("h")));
  });

  it("is a step of its own, of one record that is told once", () => {
    const graph = build("1=a 2=a f>1 2>g");
    const leak = answer(graph, PLATFORM, { ask: "leak", of: "8:1:102:1", to: "8:1:103:1" }, 0);
    deepStrictEqual(leak.path!.map(({ from, to, step }) => `${from.name} -> ${to.name}: ${step.op}`), [
      "file 102 -> process 1: read",
      "process 1 -> shared memory 97 of process 1: shared memory",
      "shared memory 97 of process 1 -> process 2: shared memory",
      "process 2 -> file 103: read",
    ]); // prettier-ignore
    const own = graph.flows.record(graph.flows.length - 1);
    deepStrictEqual(leak.records, [own - 1, own]);
    // the record of a number is the flow that it tells
    const { edges } = answer(graph, PLATFORM, { ask: "trace", from: `#${own}` }, 0);
    deepStrictEqual(edges.map(({ step }) => step.op), ["read"]); // prettier-ignore
    // what is followed is no limit of an answer
    const no = answer(graph, PLATFORM, { ask: "leak", of: "8:1:102:1", to: "10.1.2.3" }, 0);
    ok(no.path === null && !/share memory/.test(no.coverage.limits.join()));
  });

  it("shows nobody what he may not see: neither ends nor that something flowed [AUD-4]", () => {
    const alice: Reader = { ...PLATFORM, clearance: [tagOf(1)], tags: { [tagOf(1)]: "alice/a" } };
    const told = (flows: readonly Flow[]) =>
      [{ ask: "trace", from: "alice/a" }, { ask: "leak", of: "8:1:102:1", to: "8:1:103:1" }].map((ask) =>
        JSON.stringify(answer(built(flows), alice, ask as { ask: "trace" }, 0)),
      ); // prettier-ignore
    const flows = acted("1=a 2=a f>1 2>g");
    const hidden = acted("h>1 2>i 2>j").map((flow, n) =>
      Object.assign(flow, n === 0 ? { from: 2 } : { to: 2 }),
    );
    deepStrictEqual(told([...flows, ...hidden]), told(flows));
    // nor of what he might see: whether he was told would say who holds what
    ok(!told(flows).join().includes('"op":"shared memory"'));
  });

  it("what is told when the log has been read stands where its time is, over all that came since", () => {
    const flows = acted("1=a 2=a f>1");
    const others = Array.from({ length: BLOCK + 10 }, (_, n): Flow => ({
      ...acted("7>8")[0]!,
      time: 100 + n,
    }));
    const graph = built([...flows, ...others]);
    ok(isWay(graph, numberOf(graph, endOf("f")), numberOf(graph, endOf("2"))));
    const times = Array.from({ length: graph.flows.length }, (_, at) => graph.flows.time(at));
    deepStrictEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    deepStrictEqual(
      graph.flows.record(graph.flows.length - 1),
      flows.length + others.length + described.length,
    );
  });

  /** Each pair of those of which one reached the other. */
  function pairsOf(
    graph: Graph,
    follows: Uint8Array = new Uint8Array(graph.metas.size).fill(1),
  ): Set<string> {
    const text = (n: number) => `${graph.entities.key(n).kind} ${graph.entities.key(n).first}`;
    const all = Array.from({ length: graph.entities.size }, (_, n) => n);
    return new Set(
      all.flatMap((from) => {
        const pass = reach(graph, { direction: "from", roots: [{ entity: from, at: 0 }], follows });
        return all.filter((to) => pass.isReached(to)).map((to) => `${text(from)} > ${text(to)}`);
      }),
    );
  }
  const things = { process, object: (n: number) => (n < 2 ? file(10 + n) : memory(20 + n)) };
  const isOther = (pair: string) => !pair.includes("none") && new Set(pair.split(" > ")).size === 2;

  it("tells exactly who may know of whom", () => {
    let ways = 0;
    fc.assert(
      fc.property(fc.array(anyAct, { maxLength: 24, size: "max" }), (acts) => {
        const { all } = simulate(acts, things);
        const truth = new Truth();
        for (const flow of all) truth.see(flow);
        const expected = [...truth.pairs()].filter(isOther).sort();
        deepStrictEqual([...pairsOf(built(all))].filter(isOther).sort(), expected);
        ways += expected.length;
      }),
      { numRuns: 1500 },
    );
    ok(ways > 20_000, `ways: ${ways}`);
  });

  it("tells no less when what moves data without changing who holds what comes early or late", () => {
    let [ways, more] = [0, 0];
    const shifts = fc.array(fc.integer({ min: -80, max: 80 }), { minLength: 48, maxLength: 48 });
    fc.assert(
      fc.property(fc.array(anyAct, { maxLength: 24, size: "max" }), shifts, (acts, shift) => {
        const { all } = simulate(acts, things);
        const truth = new Truth();
        for (const flow of all) truth.see(flow);
        const isFixed = ({ op, holds }: Flow) => holds === true || ["fork", "end"].includes(op!);
        const places = all.map((flow, n) => ({ flow, place: flow.time! + (isFixed(flow) ? 0 : shift[n]!) }));
        const arrived = places.sort((a, b) => a.place - b.place).map(({ flow }) => flow);
        const told = pairsOf(built(arrived));
        const expected = [...truth.pairs()].filter(isOther);
        deepStrictEqual(expected.filter((pair) => !told.has(pair)), []); // prettier-ignore
        ways += expected.length;
        more += [...told].filter(isOther).length - expected.length;
      }),
      { numRuns: 1500 },
    );
    ok(ways > 20_000 && more < ways / 50, `ways: ${ways}, and more: ${more}`);
  });
});
