/**
 * More on the record than labelled parties: a user, a path, a cgroup, everything; what is opaque; who may see it; and the
 * gap that tells what found no room. [AUD-1, AUD-3]
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import type { Bench } from "./bench.ts";
import { callAs } from "./people.ts";
import type { Case } from "./suite.ts";

type Line = { id: number; op: string; verdict: string; source: End; sink: End; program: string; uid: number };
type End = { kind: string; name: string };

/** More than any case here makes, and little beside what the whole suite has made before. */
const MOST = "5000";

/** What came onto the record since; programs by their own name. */
async function news(b: Bench, since: number): Promise<Line[]> {
  const text = await b.ok("log", "--json", "-n", MOST);
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line)
    .filter(({ id }) => id > since);
}

const last = async (b: Bench): Promise<number> =>
  (JSON.parse((await b.ok("log", "--json", "-n", "1")) || "null") as Line | null)?.id ?? 0;

/** Names of files that flows since then were with, each once. */
async function files(b: Bench, since: number): Promise<string[]> {
  const lines = await news(b, since);
  const names = lines.flatMap(({ source, sink }) => [source, sink]).filter(({ kind }) => kind === "file");
  return [...new Set(names.map(({ name }) => name.split("/").at(-1)!))].sort();
}

const as = (uid: number, script: string) =>
  `setpriv --reuid ${uid} --regid ${uid} --clear-groups sh -c '${script}'`;

async function scope(b: Bench, ...entries: string[]): Promise<void> {
  const now = JSON.parse(await b.ok("audit", "scope", "list", "--json")) as { entry: { kind: string; value: string } }[]; // prettier-ignore
  for (const { entry } of now)
    await b.ok("audit", "scope", "remove", entry.value === "" ? entry.kind : `${entry.kind}:${entry.value}`);
  for (const entry of entries) await b.ok("audit", "scope", "add", entry);
}

export const scopes: readonly Case[] = [
  {
    name: "scope: a user's processes: what they read, wrote, started, and how they ended; nobody else's",
    async run(b) {
      await b.shellOk("mkdir -p /data/sc && chmod 777 /data/sc && echo one > /data/sc/one");
      await scope(b, "user:4001");
      const since = await last(b);
      await b.shellOk(
        `${as(4001, "cat /data/sc/one | tr a-z A-Z > /data/sc/two; cp /data/sc/two /data/sc/three")}; ${as(4002, "cp /data/sc/two /data/sc/other")}; cp /data/sc/two /data/sc/roots`,
      );
      const found = await files(b, since);
      deepStrictEqual(
        ["one", "two", "three", "other", "roots"].map((name) => found.includes(name)),
        [true, true, true, false, false],
      );
      const lines = await news(b, since);
      ok(lines.every(({ uid, verdict }) => uid === 4001 && verdict === "allowed"));
      for (const op of ["fork", "end", "read", "write"]) ok(lines.some((line) => line.op === op), op); // prettier-ignore
      const lineage = await b.ok("trace", "from", "/data/sc/one");
      match(lineage, /three/);
      ok(!/other|roots/.test(lineage), lineage);
    },
  },
  {
    name: "scope: a path and what is below it, whoever it is; opaque below it; opaque programs",
    async run(b) {
      await b.shellOk("mkdir -p /data/sp/in/cache /data/sp/out && cp /bin/cat /data/sp/quiet");
      await scope(b, "path:/data/sp/in", "opaque:/data/sp/in/cache", "opaque:/data/sp/quiet");
      const since = await last(b);
      await b.shellOk(
        "cd /data/sp; echo a > in/told; mkdir in/deep; echo b > in/deep/too; echo c > in/cache/never; echo d > out/beside; cat in/told in/cache/never > out/both; ./quiet in/told > out/quietly",
      );
      const found = await files(b, since);
      deepStrictEqual(found, ["told", "too"]);
      ok(!(await news(b, since)).some(({ program }) => program.endsWith("quiet")));
    },
  },
  {
    name: "scope: a cgroup and those below it",
    async run(b) {
      await b.shellOk("mkdir -p /sys/fs/cgroup/csn-sc/below /sys/fs/cgroup/csn-beside /data/sg");
      await scope(b, "cgroup:/csn-sc");
      const since = await last(b);
      const within = (cgroup: string, script: string) =>
        `sh -c 'echo $$ > /sys/fs/cgroup/${cgroup}/cgroup.procs; ${script}'`;
      await b.shellOk(
        [within("csn-sc", "echo a > /data/sg/its"), within("csn-sc/below", "echo b > /data/sg/deeper"), within("csn-beside", "echo c > /data/sg/not")].join("; "), // prettier-ignore
      );
      const found = await files(b, since);
      deepStrictEqual(
        ["its", "deeper", "not"].map((name) => found.includes(name)),
        [true, true, false],
      );
      await b.fails("E_SCOPE_UNKNOWN", ["audit", "scope", "add", "cgroup:/nobody/here"]);
      await b.fails("E_SCOPE_UNKNOWN", ["audit", "scope", "add", "path:/nobody/here"]);
      await b.fails("E_SCOPE_UNKNOWN", ["audit", "scope", "remove", "user:7"]);
      for (const wrong of ["everything", "user", "path:", "cgroup:relative", "all:1"])
        await b.fails("E_SCOPE", ["audit", "scope", "add", wrong]);
    },
  },
  {
    name: "scope: everything: signals, tracing and connections too; it refuses nothing, ends when it is taken back, and is on the record itself",
    async run(b) {
      await scope(b, "all");
      const since = await last(b);
      await b.shellOk(
        "sleep 9 & p=$!; kill $p; python3 -c 'import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect((\"192.0.2.7\", 53))' || true",
      );
      const lines = await news(b, since);
      ok(lines.some(({ op, source, sink }) => op === "signal" && source.kind === "process" && sink.kind === "process")); // prettier-ignore
      await scope(b);
      const after = await last(b);
      await b.shellOk("echo x > /data/sc/after; cat /data/sc/after");
      deepStrictEqual(await files(b, after), []);
      match(await b.ok("log", "-n", MOST), /allowed configure/);
    },
  },
  {
    name: "scope: what it brings to the record is root's alone to see; so is what it is",
    async run(b) {
      await scope(b, "user:4001");
      await b.shellOk(as(4001, "cat /data/sc/one > /data/sc/mine"));
      const asked = await callAs(b, "eve", [
        { method: "GET", path: `/v1/log?limit=${MOST}` },
        { method: "GET", path: "/v1/scope" },
        { method: "PUT", path: "/v1/scope", body: { kind: "all", value: "" } },
        { method: "DELETE", path: "/v1/scope", body: { kind: "user", value: "4001" } },
      ]);
      deepStrictEqual(asked.map(({ status }) => status), [200, 403, 403, 403]); // prettier-ignore
      strictEqual(asked[0]!.body, null); // no line
    },
  },
  {
    name: "scope: a labelled party is on the record whatever is opaque, and nothing that is refused is let through",
    async run(b) {
      await b.csn(["tag", "create", "ward/scope"]);
      await b.shellOk("mkdir -p /data/so && echo secret > /data/so/f && cp /bin/cat /data/so-cat");
      await b.ok("label", "set", "/data/so", "--secrecy", "ward/scope");
      await scope(b, "all", "opaque:/data/so", "opaque:/data/so-cat");
      const since = await last(b);
      ok((await b.shell("/data/so-cat /data/so/f")).code !== 0);
      const lines = (await news(b, since)).filter(({ verdict }) => verdict === "refused");
      ok(
        lines.some(({ program }) => program.endsWith("so-cat")),
        JSON.stringify(lines),
      );
    },
  },
  {
    name: "scope: each flow, also what tells nothing new; real programs in a compartment and outside",
    async run(b) {
      await b.csn(["tag", "create", "ward/scope"]);
      await b.shellOk("mkdir -p /data/repeat && chmod 777 /data/repeat && seq 2000 > /data/repeat/in");
      await b.ok("label", "set", "/data/repeat", "--secrecy", "ward/scope");
      await scope(b, "repeats", "user:4001", "path:/data/sc");
      const since = await last(b);
      const work =
        "cd /data/repeat; sort -r in | tee out | tail -1500 | awk '{s+=$1} END {print s}' > sums; mkfifo f; cat sums > f & cat f out > end; wait"; // prettier-ignore
      const ran = await b.labelled("ward/scope", ["/data/repeat:/data/repeat"], ["sh", "-ec", work]);
      deepStrictEqual({ code: ran.code, err: ran.err }, { code: 0, err: "" });
      await b.shellOk(as(4001, "cd /data/sc; seq 500 > r1; cp r1 r2; cat r1 r2 | sort | tail -3 > r3"));
      ok((await news(b, since)).length > 100);
    },
  },
  {
    name: "scope: a new daemon keeps it",
    async run(b) {
      await scope(b, "user:4001");
      await b.shell("kill -9 $(cat /run/csn/daemon.pid)");
      await b.until("the daemon to be back", async () => (await b.csn(["status", "--json"])).code === 0);
      const since = await last(b);
      await b.shellOk(as(4001, "echo x > /data/sc/kept"));
      ok((await files(b, since)).includes("kept"));
      await scope(b);
    },
  },
];

/**
 * Asked for by name (`CSN_CASE='scope: a flood'`): it leaves 80,000 records, which each later start of an emulated
 * machine's daemon would read for half a minute.
 */
export const floods: readonly Case[] = [
  {
    name: "scope: a flood that fills the rings while nobody empties them: nothing is refused, each loss is in a gap, none is unaccounted for, none twice",
    async run(b) {
      await scope(b, "user:4001");
      await b.ok("up", "--on-full", "refuse");
      const flood = "import os\nfor i in range(30000):\n  r, w = os.pipe(); os.write(w, b\"x\"); os.read(r, 1); os.close(r); os.close(w)"; // prettier-ignore
      const twice = as(4001, 'echo "$0" | python3 & echo "$0" | python3; wait').replace(/'$/, `' '${flood}'`);
      // one script, since the daemon starts it and carries its output
      await b.shellOk(`p=$(cat /run/csn/daemon.pid); kill -STOP $p; ${twice}; kill -CONT $p`);
      const status = JSON.parse(await b.ok("status", "--json")) as { counts: { flows: { lost: number; lostWide: number; lostNames: number } } }; // prettier-ignore
      const { lost, lostWide, lostNames } = status.counts.flows;
      ok(lostWide > 0, "nothing was lost: the rings were not full");
      ok(lost - lostWide <= 1, `${lost} lost, ${lostWide} of them wide`); // the signal to the daemon has a labelled end
      const report = JSON.parse((await b.csn(["audit", "verify", "--json"])).out) as { ok: boolean; notes: string[]; losses: { at: number; kind: number; count: number }[] }; // prettier-ignore
      ok(report.ok);
      const told = (kind: number) => report.losses.filter((l) => l.at === 1 && l.kind === kind).reduce((sum, { count }) => sum + count, 0); // prettier-ignore
      deepStrictEqual([told(1), told(2)], [lost, lostNames]);
      ok(!report.notes.some((note) => note.includes("no gap record says so")), report.notes.join("\n"));
      await b.shell("kill -9 $(cat /run/csn/daemon.pid)");
      await b.until("the daemon to be back", async () => (await b.csn(["status", "--json"])).code === 0);
      await b.shellOk(as(4001, "echo > /data/sc/later"));
      const again = JSON.parse((await b.csn(["audit", "verify", "--json"])).out) as typeof report;
      deepStrictEqual(again.losses.length, report.losses.length);
      ok(!again.notes.some((note) => note.includes("no gap record says so")), again.notes.join("\n"));
      await b.ok("up", "--on-full", "count");
      await scope(b);
    },
  },
];
