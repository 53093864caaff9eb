import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type FlowRecord, Accounts, compareAnswer } from "./compare.ts";
import { generate } from "./generate.ts";
import { KINDS, commandOf, play } from "./kinds.ts";
import { Provenance } from "./provenance.ts";
import { shrink } from "./shrink.ts";
import { PARTIES, World } from "./world.ts";

const who = (name: (typeof PARTIES)[number]): number => PARTIES.indexOf(name);

/** A folder `d` of context A with a file `f`, and what the steps answer. */
function prepared(context: string): World {
  const made = new World();
  const platform = (kind: string, ...args: readonly (string | number)[]): void =>
    void play(made, { who: 0, kind, args });
  platform("folder", "d");
  platform("label", "d", context);
  platform("file", "d/f");
  platform("put-path", "d/f", "", 0, "content;");
  return made;
}

test("a seed gives one program, and another seed another one", () => {
  assert.deepEqual(generate(7, 100), generate(7, 100));
  assert.notDeepEqual(generate(7, 100).steps, generate(8, 100).steps);
});

test("programs are as long as asked, and use every kind", () => {
  const used = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const { steps, prepared: before } = generate(seed, 100);
    assert.equal(steps.length - before, 100);
    for (const { kind } of steps) used.add(kind);
  }
  const never = Object.entries(KINDS).filter(([kind, { weight }]) => weight > 0 && !used.has(kind));
  assert.deepEqual(never, []);
});

test("any selection of a program's steps is a program", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e6 }), fc.infiniteStream(fc.boolean()), (seed, keep) => {
      const made = new World();
      for (const step of generate(seed, 60).steps)
        if (keep.next().value) {
          play(made, step);
          assert.ok(commandOf(step).length < 300);
        }
    }),
    { numRuns: 50 },
  );
});

test("shrinking finds the steps that matter, and only those", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 79 }), { minLength: 1, maxLength: 4 }), (matter) => {
      const all = Array.from({ length: 80 }, (_, n) => n);
      const short = shrink(all, (some) => matter.every((n) => some.includes(n)), 2000);
      assert.deepEqual(
        short,
        matter.toSorted((a, b) => a - b),
      );
    }),
  );
});

test("shrinking keeps to its budget", () => {
  let asked = 0;
  shrink(Array.from({ length: 500 }), () => (asked++, false), 30);
  assert.equal(asked, 30);
});

test("the model: a secret file is read by who may, and what he reads is what was written", () => {
  const made = prepared("A");
  assert.deepEqual(play(made, { who: who("A"), kind: "take-path", args: ["d/f", ""] })?.detail, "content;");
  const refused = play(made, { who: who("U"), kind: "take-path", args: ["d/f", ""] });
  assert.deepEqual(refused?.errors, ["EACCES"]);
  assert.deepEqual(refused?.refusal, { ops: ["lookup"], rule: "FLOW-1", source: "A", sink: "U" });
});

test("the model: an open file is judged at each use", () => {
  const made = prepared("U");
  const open = play(made, { who: who("U"), kind: "open", args: [0, "rw", "d/f"] });
  assert.deepEqual(open?.errors, ["ok"]);
  play(made, { who: 0, kind: "label", args: ["d/f", "V"] });
  assert.deepEqual(play(made, { who: who("U"), kind: "take", args: [0, ""] })?.errors, ["ok"]);
  assert.equal(
    play(made, { who: who("U"), kind: "put", args: [0, "", 0, "evil...;"] })?.refusal?.rule,
    "FLOW-2",
  );
});

test("the model: what is refused changes nothing", () => {
  const made = prepared("A");
  for (const kind of ["unlink", "rmdir"]) play(made, { who: who("AB"), kind, args: ["d/f"] });
  play(made, { who: who("AB"), kind: "rename", args: ["d/f", "d/g", 0] });
  play(made, { who: who("AB"), kind: "put-path", args: ["d/f", "", 0, "evil...;"] });
  assert.deepEqual([...made.paths()].map(([path, { data }]) => [path, data]), [["d", ""], ["d/f", "content;"]]); // prettier-ignore
});

test("a path of flows has to be a path of records, in time", () => {
  const real = new Provenance();
  const recorded = new Provenance();
  for (const move of [{ from: "b", to: "c" }, { from: "a", to: "b" }]) recorded.add(move); // prettier-ignore
  for (const move of [{ from: "b", to: "c" }, { from: "a", to: "b" }, { from: "b", to: "c" }]) real.add(move); // prettier-ignore
  assert.deepEqual(recorded.lacks(real, "b"), []);
  assert.deepEqual(recorded.lacks(real, "c"), ["a"]);
});

const record = (op: string, verdict: number, source: string, sink: string): FlowRecord => ({
  op,
  verdict,
  both: false,
  time: 0n,
  pid: 0,
  source: { context: source as never, key: "1:1" },
  sink: { context: sink as never, key: "process 7" },
});
const played = (error: number, detail = "") => ({ error, detail, begin: 0n, end: 0n });

test("a refusal without its record, a second one, and one of another kind are faults", () => {
  const made = prepared("A");
  const outcome = play(made, { who: who("U"), kind: "take-path", args: ["d/f", ""] })!;
  const right = record("lookup", 1, "A", "U");
  const aboutOf = (records: readonly FlowRecord[]) => compareAnswer(outcome, played(13), records)?.about;
  assert.equal(aboutOf([right]), undefined);
  assert.equal(aboutOf([]), "refusal");
  assert.equal(aboutOf([right, right]), "refusal");
  assert.equal(aboutOf([record("lookup", 2, "A", "U")]), "refusal");
  assert.equal(aboutOf([record("lookup", 1, "U", "A")]), "refusal");
  assert.equal(aboutOf([record("write", 1, "A", "U")]), "refusal");
  assert.equal(compareAnswer(outcome, played(0), [])?.about, "answer");
});

test("other content than was written is a fault", () => {
  const made = prepared("A");
  const outcome = play(made, { who: who("A"), kind: "take-path", args: ["d/f", ""] })!;
  assert.equal(compareAnswer(outcome, played(0, "content;"), []), null);
  assert.equal(compareAnswer(outcome, played(0, "other..;"), [])?.about, "content");
});

test("a flow without a record is a fault", () => {
  const accounts = new Accounts();
  accounts.knows("1:1", "i1");
  accounts.knows("process 7", "p2");
  const move = { from: "i1", to: "p2" };
  assert.equal(accounts.scene(2, [move], [record("read", 0, "A", "A")]), null);
  assert.equal(new Accounts().scene(2, [move], [])?.about, "flow");
});
