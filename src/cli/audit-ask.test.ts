/** csn audit ask and csn report erasure, on a made-up log: answers, exit codes, and that it tells once when something stops to hold. */
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { logs } from "../audit/testing.ts";
import { eachChange } from "./each-change.ts";
import { csn, type Ended, fakeDaemon } from "./testing.ts";

const { contextRecords, contextWith, file, flowRecord, header, process: program, tagOf, writeSegment } = logs;
const TAG = `registry/patient=${tagOf(1)}`;
const read = flowRecord({ source: file(1), sink: program(10), from: 1, to: 1, time: 10 });
/** Written without the label. */
const leaked = flowRecord({ source: program(10), sink: file(2), from: 0, to: 0, time: 20 });
const QUESTIONS = `apiVersion: csn/v1
kind: Question
metadata: {name: sealed}
spec: {from: registry/patient, to: outside, never: true}
---
apiVersion: csn/v1
kind: Question
metadata: {name: by-gate}
spec: {from: registry/patient, to: "8:1:2:1", through: [registry/anonymise]}
`;

function made(t: TestContext): { folder: string; log: string; questions: string } {
  const folder = mkdtempSync(join(tmpdir(), "csn-ask-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [log, questions] = [join(folder, "log"), join(folder, "questions.yaml")];
  const contexts = [[], [1]].map((tags, id) => contextRecords(id, contextWith(tags)));
  writeSegment(log, header(0), ...contexts, read);
  writeFileSync(questions, QUESTIONS);
  return { folder, log, questions };
}

const leak = (log: string) => appendFileSync(join(log, readdirSync(log)[0]!), leaked);

async function ask(t: TestContext, ...args: string[]): Promise<Ended & { text: string }> {
  const daemon = await fakeDaemon();
  t.after(() => daemon.close());
  const ended = await csn(daemon, ["audit", "ask", ...args]);
  return { ...ended, text: ended.stdout.toString() };
}

test("0 when all hold, 2 with a path when one does not", async (t) => {
  const { log, questions } = made(t);
  const good = await ask(t, questions, "--log", log, "--tag", TAG);
  assert.equal(good.code, 0, good.stderr);
  assert.match(
    good.text,
    /^holds sealed: no path from registry\/patient to outside\nholds by-gate: every path/,
  );
  assert.match(good.text, /\nlooked at: all records of/);
  assert.match(good.text, /limit: nothing in records that the asker may read is "8:1:2:1"/);
  const example = join(import.meta.dirname, "../../examples/questions");
  const promised = await ask(t, example, "--log", log, "--tag", TAG, "--tag", `registry/numbers=${tagOf(2)}`);
  assert.deepEqual([promised.code, promised.text.match(/^holds registry\//gm)?.length], [0, 3]);
  leak(log);
  const bad = await ask(t, questions, "--log", log, "--tag", TAG, "--json");
  assert.equal(bad.code, 2, bad.stderr);
  const { answers } = JSON.parse(bad.text) as { answers: { holds: boolean; path: { to: { id: string } }[] }[] }; // prettier-ignore
  assert.deepEqual(answers.map(({ holds }) => holds), [false, false]); // prettier-ignore
  assert.equal(answers[0]!.path.at(-1)!.to.id, "8:1:2:1");
});

test("3 when a file is invalid, 1 when it is not there or its tag is not known", async (t) => {
  const { folder, log, questions } = made(t);
  const wrong = join(folder, "wrong.yaml");
  writeFileSync(wrong, QUESTIONS.replace("never: true", "never: yes"));
  const invalid = await ask(t, wrong);
  assert.equal(invalid.code, 3);
  assert.match(invalid.stderr, /wrong\.yaml:4:\d+: E_ASK_FILE: expected `never` to be `true`, found `yes`\nHint: docs\/questions\.md/);
  assert.equal((await ask(t, wrong, "--json")).code, 3);
  const absent = await ask(t, join(folder, "none.yaml"));
  assert.deepEqual([absent.code, absent.stderr.includes("E_USAGE")], [1, true]);
  const unknown = await ask(t, questions, "--log", log);
  assert.deepEqual([unknown.code, unknown.stderr.includes("E_ASK_NOTHING")], [1, true]);
}); // prettier-ignore

test("--watch: tells the first time that one does not hold, and ends with 2", async (t) => {
  const { log, questions } = made(t);
  const daemon = await fakeDaemon();
  t.after(() => daemon.close());
  const args = ["audit", "ask", questions, "--log", log, "--tag", TAG, "--watch"];
  const { code, stdout, stderr } = await csn(daemon, args, {
    with: (child) => child.stderr!.once("data", () => setTimeout(() => leak(log), 1500)),
  });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /watching 2 questions/);
  assert.match(
    stdout.toString(),
    /^BROKEN sealed: no path .*\n {2}file 1 .* -> process 10 .*\n {2}.*process 10 .* -> file 2 .*\n$/,
  );
  const all = await ask(t, questions, "--log", log, "--tag", TAG, "--watch", "--json", "--keep-going");
  const lines = all.text.trimEnd().split("\n");
  assert.deepEqual([all.code, lines.length], [2, 2]);
  const alert = JSON.parse(lines[0]!) as { name: string; holds: boolean; path: unknown[] };
  assert.deepEqual([alert.name, alert.holds, alert.path.length], ["sealed", false, 2]);
});

test("of the daemon: the questions as they stand in the file; a watch ends when the daemon does", async (t) => {
  const { questions } = made(t);
  const coverage = { host: "h", clearance: null, boots: [], gaps: [], limits: [] };
  const answers = ["sealed", "by-gate"].map((name) => ({ name, says: "", holds: true, path: null, records: [], early: null, limits: [] })); // prettier-ignore
  const daemon = await fakeDaemon({
    "POST /v1/ask/questions": { body: { answers, coverage } },
    "GET /v1/log": { lines: [{}] },
  });
  t.after(() => daemon.close());
  assert.equal((await csn(daemon, ["audit", "ask", questions])).code, 0);
  assert.deepEqual(daemon.asked.find(({ url }) => url === "/v1/ask/questions")?.body, {
    questions: [
      { name: "sealed", from: "registry/patient", to: "outside", never: true },
      { name: "by-gate", from: "registry/patient", to: "8:1:2:1", through: ["registry/anonymise"] },
    ],
  });
  const { code, stderr } = await csn(daemon, ["audit", "ask", questions, "--watch"]);
  assert.deepEqual([code, stderr.includes("E_DAEMON_LOST")], [1, true], stderr);
  assert.ok(daemon.asked.some(({ url }) => url === "/v1/log?follow=true&limit=1"));
  assert.equal(daemon.asked.filter(({ url }) => url === "/v1/ask/questions").length, 3);
});

test("report erasure: files with their inodes, and what it does not speak of", async (t) => {
  const { log } = made(t);
  leak(log);
  const daemon = await fakeDaemon();
  t.after(() => daemon.close());
  const args = ["report", "erasure", "registry", "--log", log, "--tag", TAG];
  const { code, stdout, stderr } = await csn(daemon, args);
  assert.equal(code, 0, stderr);
  const text = stdout.toString();
  assert.match(text, /^registry\/patient on the log in .*\n2 files and folders got data:\n {2}file 1 .*inode 8:1:1:1, not found/);
  assert.match(text, /\n1 way in which it left its tags:\n {2}\[change -registry\/patient\] process 10 /);
  assert.match(text, /\n0 people saw some:\n0 addresses got some:\n(.*\n)*limit: which files got data/);
  const unknown = await csn(daemon, ["report", "erasure", "nobody", "--log", log, "--tag", TAG, "--json"]);
  assert.deepEqual([unknown.code, unknown.stderr.includes("E_ASK_NOTHING")], [1, true]);
}); // prettier-ignore

test("each change: at once, once more, then after changes only, and the end is told", async () => {
  let next = () => {};
  const state = { isOver: false };
  const changes = async function* () {
    while (!state.isOver) {
      await new Promise<void>((resolve) => (next = resolve));
      if (!state.isOver) yield 1;
    }
  };
  let times = 0;
  const ended = eachChange(
    changes(),
    () => {
      times++;
      return Promise.resolve(false);
    },
    5,
  );
  const settle = () => new Promise((resolve) => setTimeout(resolve, 60));
  await settle();
  assert.equal(times, 2);
  for (let n = 0; n < 3; n++) {
    next();
    await settle();
  }
  assert.equal(times, 5);
  state.isOver = true;
  next();
  await assert.rejects(ended, { code: "E_DAEMON_LOST" });
});
