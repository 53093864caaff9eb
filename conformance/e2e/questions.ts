/**
 * Questions to the record, on what the real kernel recorded of real programs. [AUD-1, AUD-2, AUD-4, AUD-5]
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import { ROOT } from "../../src/setup/index.ts";
import type { Bench, Result } from "./bench.ts";
import type { Case } from "./suite.ts";

const TAG = "study/patient";
const FOLDER = "/data/ask/in";

type Text = { name: string; kind: string; id: string };
type Trace = {
  nodes: Text[];
  edges: { from: number; to: number; step: { op: string; crossing: { by: string; gate: { name: string; grants: { by: string }[] } | null } | null } }[]; // prettier-ignore
  refused: { from: Text; to: Text }[];
};
type Leak = {
  path: { from: Text; to: Text; step: Trace["edges"][number]["step"] }[] | null;
  refused: { to: Text }[];
  coverage: { gaps: { near: string }[]; boots: unknown[] };
};

const short = (name: string) => name.slice(name.lastIndexOf("/") + 1);
/** Names in the order of the answer; a pipe's is its number. */
const namesOf = (list: readonly Text[]) =>
  list.map(({ name, kind }) => (kind === "pipe" ? "pipe" : short(name)));

async function trace(b: Bench, ...args: string[]): Promise<Trace> {
  return JSON.parse(await b.ok("trace", ...args, "--json")) as Trace;
}

async function leak(b: Bench, ...args: string[]): Promise<Leak & { code: number }> {
  const { code, out, err } = await b.csn(["leak", ...args, "--json"]);
  if (out === "") throw new Error(err);
  return { ...(JSON.parse(out) as Leak), code };
}

function as(b: Bench, uid: number, args: string): Promise<Result> {
  const script = `cd /; CSN_SOCKET=/run/csn/csnd.sock setpriv --reuid=${uid} --regid=${uid} --clear-groups sh ${ROOT}/csn ${args}`;
  return b.csn(["machine", "exec", "--", "sh", "-c", script], { timeoutMs: 600_000 });
}

const run = (b: Bench, script: string, ...more: string[]) =>
  b.csn(["run", "--secrecy", TAG, "--volume", `/data/ask:/data/ask`, ...more, "--", "sh", "-c", script]);

/** What is executed under that name: a program is called by its file. */
const awkOf = async (b: Bench) => (await b.shellOk('basename "$(readlink -f "$(command -v awk)")"')).trim();

export const questions: readonly Case[] = [
  {
    name: "questions: where a file went: cat, a pipe, awk, another file",
    async run(b) {
      await b.ok("tag", "create", TAG, "study/other");
      await b.shellOk(
        `mkdir -p ${FOLDER} /data/ask/out && printf 'miller 47\\nsmith 52\\n' > ${FOLDER}/a.txt && chmod 777 /data/ask/out`,
      );
      await b.ok("label", "set", FOLDER, "--secrecy", TAG);
      strictEqual((await run(b, `cat ${FOLDER}/a.txt | awk '{ print $2 }' > ${FOLDER}/ages.txt`)).code, 0);
      const { nodes, edges } = await trace(b, "from", `${FOLDER}/a.txt`);
      const found = namesOf(nodes);
      const awk = await awkOf(b);
      for (const name of ["a.txt", "cat", "pipe", awk, "ages.txt"]) ok(found.includes(name), `${name} in ${found.join(" ")}`); // prettier-ignore
      const by = (name: string) => edges.find(({ to }) => short(nodes[to]!.name) === name)!;
      strictEqual(short(nodes[by("ages.txt").from]!.name), awk);
      strictEqual(nodes[by(awk).from]!.kind, "pipe");
      strictEqual(short(nodes[by("cat").from]!.name), "a.txt");
    },
  },
  {
    name: "questions: where it came from, and the way between two",
    async run(b) {
      const back = namesOf((await trace(b, "to", `${FOLDER}/ages.txt`)).nodes);
      const awk = await awkOf(b);
      for (const name of [awk, "cat", "a.txt"]) ok(back.includes(name), `${name} in ${back.join(" ")}`);
      const way = await trace(b, "from", `${FOLDER}/a.txt`, "--to", `${FOLDER}/ages.txt`);
      deepStrictEqual(
        [...new Set(namesOf(way.nodes))].sort(),
        ["a.txt", "ages.txt", awk, "cat", "pipe"].sort(),
      );
    },
  },
  {
    name: "questions: nothing got outside, and what tried is told",
    async run(b) {
      const begun = (await b.shellOk("date -u +%FT%T.%3NZ")).trim();
      ok((await run(b, `cp ${FOLDER}/a.txt /data/ask/out/stolen.txt`)).code !== 0);
      const answer = await leak(b, "--of", TAG, "--to", "outside");
      // where one kernel plays all cases, a disk was full before
      const gaps = answer.coverage.gaps.filter(({ near }) => near >= begun);
      deepStrictEqual([answer.code, answer.path, gaps], [0, null, []]);
      ok(answer.refused.length > 0, "the attempt");
      match(await b.ok("leak", "--of", TAG, "--to", "outside"), /^no: within what was looked at/);
    },
  },
  {
    name: "questions: through a gate: the path, the gate's run and who granted it",
    async run(b) {
      await b.ok("gate", "create", "study/wide", "--program", "/usr/bin/cut", "--in", `S=${TAG}`, "--purpose", "report", "--", "-c1-100"); // prettier-ignore
      await b.ok("tag", "grant", TAG, "s-", "--to", "gate:study/wide");
      const out = await run(b, `cat ${FOLDER}/a.txt`, "--via", "study/wide");
      deepStrictEqual([out.code, out.out], [0, "miller 47\nsmith 52\n"]);
      const answer = await leak(b, "--of", `${FOLDER}/a.txt`, "--to", "outside");
      strictEqual(answer.code, 2);
      const crossing = answer.path!.find(({ step }) => step.crossing !== null)!.step.crossing!;
      deepStrictEqual([crossing.by, crossing.gate?.name, crossing.gate?.grants[0]?.by], ["gate", "study/wide", "study"]); // prettier-ignore
      deepStrictEqual(namesOf([answer.path![0]!.from, answer.path![0]!.to]), ["a.txt", "cat"]);
      const stopped = await trace(b, "from", TAG, "--stop-at-gates");
      ok(stopped.edges.every(({ step }) => step.crossing === null));
    },
  },
  {
    name: "questions: from a folder to a folder through a gate, and on",
    async run(b) {
      await b.shellOk("mkdir -p /data/ask/open && chmod 777 /data/ask/open");
      await b.ok("label", "set", "/data/ask/open", "--secrecy", "study/other");
      await b.ok("gate", "create", "study/swap", "--program", "/usr/bin/cat", "--in", `S=${TAG},study/other`, "--out", "S=study/other"); // prettier-ignore
      await b.ok("tag", "grant", TAG, "s-", "--to", "gate:study/swap");
      await b.ok("gate", "run", "study/swap", "--from", FOLDER, "--to", "/data/ask/open");
      const { nodes, edges } = await trace(b, "from", `${FOLDER}/a.txt`, "--to", "study/other");
      ok(nodes.length > 3, JSON.stringify(nodes));
      ok(edges.some(({ step }) => step.crossing?.gate?.name === "study/swap"));
    },
  },
  {
    name: "questions: as files: each path passes the gate, or does not, and never too soon [AUD-5]",
    async run(b) {
      const question = (name: string, spec: string) =>
        `apiVersion: csn/v1\nkind: Question\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
      const asked = [
        question("by-gates", `{from: ${TAG}, to: outside, through: [study/wide, study/swap]}`),
        question("never", `{from: ${TAG}, to: outside, never: true}`),
        question("embargo", `{from: ${TAG}, to: outside, through: [study/wide, study/swap], olderThan: 30d}`),
      ].join("---\n");
      await b.shellOk(`cat > /data/ask/questions.yaml <<'END'\n${asked}END\n`);
      const inside = await b.csn(["machine", "exec", "--", "sh", "-c", `sh ${ROOT}/csn audit ask /data/ask/questions.yaml --json`]); // prettier-ignore
      strictEqual(inside.code, 2, inside.err);
      const { answers } = JSON.parse(inside.out) as { answers: { name: string; holds: boolean; path: Leak["path"]; early: unknown }[] }; // prettier-ignore
      deepStrictEqual(answers.map(({ name, holds }) => [name, holds]), [["by-gates", true], ["never", false], ["embargo", false]]); // prettier-ignore
      ok(answers[1]!.path!.some(({ step }) => step.crossing?.gate !== null && step.crossing !== null));
      ok(answers[2]!.early !== null, "what left is not a month old");
    },
  },
  {
    name: "questions: an owner's report for erasure: files where they are, and the gates by which data left",
    async run(b) {
      const answer = JSON.parse(await b.ok("report", "erasure", TAG, "--json")) as {
        files: { thing: Text; found: string | null }[];
        left: { step: Trace["edges"][number]["step"] }[];
        coverage: { limits: string[] };
      };
      ok(answer.files.some(({ found }) => found === `${FOLDER}/a.txt`), JSON.stringify(answer.files)); // prettier-ignore
      ok(answer.files.some(({ found }) => found === `${FOLDER}/ages.txt`), JSON.stringify(answer.files)); // prettier-ignore
      ok(answer.left.some(({ step }) => step.crossing?.gate?.name === "study/wide"), JSON.stringify(answer.left)); // prettier-ignore
      ok(answer.coverage.limits.length > 0);
    },
  },
  {
    name: "questions: as files: another user may not ask about a tag that he does not know [AUD-4]",
    async run(b) {
      const asked = await as(b, 12345, "audit ask /data/ask/questions.yaml");
      deepStrictEqual([asked.code, asked.out], [1, ""]);
      match(asked.err, /E_ASK_NOTHING/);
    },
  },
  {
    name: "questions: in SQL, over the same flows, and over nothing else",
    async run(b) {
      const count = (more: string) =>
        `select count(*)::int as n from flows where from_name like '%/a.txt' ${more}`;
      const numberOf = async (query: string) => (JSON.parse(await b.ok("sql", "--json", query)) as { n: number }[])[0]!.n; // prettier-ignore
      ok((await numberOf(count("and verdict = 'allowed' and to_kind = 'process'"))) > 0);
      strictEqual(
        await numberOf(count(`and not list_contains(from_secrecy, '${TAG}') and to_name = 'cat'`)),
        0,
      );
      await b.fails("E_SQL", ["sql", "select * from read_text('/etc/passwd')"]);
      await b.fails("E_SQL", ["sql", "select nothing from flows"]);
    },
  },
  {
    name: "questions: another user's answers hold nothing of it [AUD-4]",
    async run(b) {
      const seen = await as(b, 12345, `trace from ${FOLDER}/a.txt`);
      deepStrictEqual([seen.code, seen.out], [1, ""]);
      match(seen.err, /E_ASK_NOTHING/);
      match((await as(b, 12345, `trace from ${TAG}`)).err, /E_ASK_NOTHING/);
    },
  },
];
