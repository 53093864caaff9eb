/**
 * How fast questions to the record are: `sh tools/node.sh bench/questions.ts [--records N,N] [--peers N] [--write]`: --write makes
 * docs/bench-questions.md anew.
 *
 * Ingest is from bytes as they are on disk to columns, nothing else is built; then questions about files that are used always, often
 * and seldom. Beside them a plain loop over the same columns, which marks a sink as soon as its source is marked and answers nothing: what
 * the same computer needs at the same moment to look at every flow once. The same question is put to DuckDB and to node:sqlite, as recursive
 * SQL over an indexed table of the same flows, of as many as `--peers` says.
 */
import { writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import type { Graph } from "../src/audit/index.ts";
import { reach } from "../src/audit/graph/index.ts";
import { ensureDuckDb, ROOT, silent } from "../src/setup/index.ts";
import { makeLog } from "./made-up-log.ts";
import { asking, questionRows } from "./question-rows.ts";

const { values } = parseArgs({
  options: {
    records: { type: "string", default: "1000000,10000000" },
    peers: { type: "string", default: "200000" },
    write: { type: "boolean", default: false },
  },
});

/** For so many, at least, it says what they need; each question is then asked twice at most, of code that is compiled already. */
const MOST_ASKED = 100_000_000;

/** Milliseconds of this thread's processor time: whoever else uses the computer does not count, but for the caches. */
function ms(work: () => unknown): number {
  const begun = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(begun);
  return (user + system) / 1000;
}
const middle = (list: readonly number[]) => list.toSorted((a, b) => a - b)[list.length >> 1]!;

/** Every flow once, and nothing answered. */
function plainLoop(graph: Graph): number {
  const once = () => {
    const reached = new Uint8Array(graph.entities.size);
    reached[1] = 1;
    for (const { n, source, sink } of graph.flows.blocks) spread(source, sink, n, reached);
  };
  once();
  // the clock of processor time is coarse
  const times = 10;
  return middle([1, 2, 3].map(() => ms(() => Array.from({ length: times }, once)) / times));
}

function spread(source: Uint32Array, sink: Uint32Array, n: number, reached: Uint8Array): void {
  for (let i = 0; i < n; i++) if (reached[source[i]!]! > reached[sink[i]!]!) reached[sink[i]!] = 1;
}

type Own = { count: number; seconds: number; slowest: number; medians: number; bytes: number; rss: number };

/** What so many records would need, from the most that were measured: each figure grows with the records. */
function extrapolated(count: number, most: Own): string[] {
  const times = count / most.count;
  const took = (n: number) => `${((n * times) / 1000).toFixed(1)} s`;
  return [
    `## ${count.toLocaleString("en")} records: extrapolated, not measured`,
    "",
    `From ${most.count.toLocaleString("en")} records by the factor ${times}, as each figure grows with the records: reading them ${(most.seconds * times).toFixed(0)} s of processor time; half of the questions below ${took(most.medians)}, the slowest ${took(most.slowest)}; columns and tables ${gigabytes(most.bytes * times)}, the whole process ${gigabytes(most.rss * times)}. This computer has ${gigabytes(totalmem())}. \`--records ${count}\` measures it.`,
    "",
  ];
}

function own(count: number): { lines: string[]; own: Own } {
  const { graph, seconds } = makeLog(count, (work) => ms(work) / 1000);
  const plain = [plainLoop(graph)];
  const measured = questionRows(count).map((row) => {
    const all = asking(graph, row);
    // of very many records the first and the last, which may be the same: a question takes a second
    const works = count < MOST_ASKED ? all : [all[0]!, all.at(-1)!];
    if (count < MOST_ASKED) works[0]!(); // once, so that it is compiled
    const list = works.map(ms);
    console.error(row.what, list.map((n) => n.toFixed(0)).join(" "));
    return { what: row.what, list };
  });
  plain.push(plainLoop(graph));
  const loop = Math.min(...plain);
  const { rss, heapUsed } = process.memoryUsage();
  const medians = measured.map(({ list }) => middle(list));
  const lines = [
    `## ${count.toLocaleString("en")} records`,
    "",
    `Ingest ${(count / seconds / 1e6).toFixed(1)} million records a second. ${graph.flows.length.toLocaleString("en")} flows between ${graph.entities.size.toLocaleString("en")} entities; columns and tables ${gigabytes(graph.bytes)}, the whole process ${gigabytes(rss)}, of which ${gigabytes(heapUsed)} are objects. The plain loop over all flows: ${loop.toFixed(0)} ms (${plain.map((n) => n.toFixed(0)).join(", ")}).`,
    "",
    "| question | median, ms | worst, ms | median / plain loop |",
    "|---|---:|---:|---:|",
    ...measured.map(({ what, list }) => `| ${what} | ${middle(list).toFixed(0)} | ${Math.max(...list).toFixed(0)} | ${(middle(list) / loop).toFixed(1)} |`), // prettier-ignore
    "",
  ];
  return { lines, own: { count, seconds, slowest: Math.max(...medians), medians: middle(medians), bytes: graph.bytes, rss } }; // prettier-ignore
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;

/** Time-respecting reachability, as SQL says it: it has every way, not every entity, and so no end on a whole log. */
const PLAIN = (entity: string, after: number) =>
  `WITH RECURSIVE r(node, t) AS (SELECT ${entity}, ${after} UNION SELECT f.sink, f.t FROM r JOIN f ON f.source = r.node AND f.t > r.t) SELECT count(DISTINCT node) AS n FROM r`;
const MOST_FLOWS = 3000;

async function peers(count: number): Promise<string[]> {
  const { graph } = makeLog(count, ms);
  const { flows } = graph;
  const at = Math.max(0, flows.length - MOST_FLOWS);
  const from = busiest(graph, at);
  const question = { direction: "from", roots: [{ entity: from, at }], follows: new Uint8Array(graph.metas.size).fill(1) } as const; // prettier-ignore
  const ask = () => reach(graph, question);
  const found = ask().reached;
  // the clock of processor time is coarse
  const [often, seldom] = [3000, 30];
  const ours = ms(() => Array.from({ length: often }, ask)) / often;
  const lines = [
    `## Beside SQL`,
    "",
    `A table of ${flows.length.toLocaleString("en")} flows. Asked is where data went in the last ${MOST_FLOWS} from the entity with most flows: ${found} entities. Recursive SQL has every way, not every entity, and found no end on all of them. What a table and its index cost is not counted.`,
    "",
    "| | ms | / csn |",
    "|---|---:|---:|",
  ];
  const line = (what: string, took: number) => lines.push(`| ${what} | ${took.toFixed(2)} | ${(took / ours).toFixed(0)} |`); // prettier-ignore
  line("csn", ours);
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE f (source INT, sink INT, t INT)");
  const insert = db.prepare("INSERT INTO f VALUES (?, ?, ?)");
  db.exec("BEGIN");
  for (let i = 0; i < flows.length; i++) insert.run(flows.source(i), flows.sink(i), i);
  db.exec("COMMIT; CREATE INDEX s ON f (source, t)");
  let counted = { n: 0 };
  const inSqlite = () => (counted = db.prepare(PLAIN("?", at - 1)).get(from) as { n: number });
  line("node:sqlite", ms(() => Array.from({ length: seldom }, inSqlite)) / seldom);
  if (counted.n !== found) throw new Error(`SQLite found ${counted.n} entities, csn ${found}`);
  const { DuckDBInstance } = await ensureDuckDb(silent);
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  await connection.run("CREATE TABLE f (source INTEGER, sink INTEGER, t INTEGER)");
  const rowsText = Array.from(
    { length: flows.length },
    (_, i) => `(${flows.source(i)},${flows.sink(i)},${i})`,
  );
  for (let i = 0; i < rowsText.length; i += 10_000)
    await connection.run(`INSERT INTO f VALUES ${rowsText.slice(i, i + 10_000).join(",")}`);
  // DuckDB has threads of its own: the whole process counts
  const begun = process.cpuUsage();
  for (let n = 0; n < seldom; n++) await connection.run(PLAIN(String(from), at - 1));
  const { user, system } = process.cpuUsage(begun);
  line("DuckDB, all its threads", (user + system) / 1000 / seldom);
  connection.closeSync();
  return [...lines, ""];
}

/** Of the flows from one on, the source of most. */
function busiest({ flows }: Graph, from: number): number {
  const counts = new Map<number, number>();
  for (let i = from; i < flows.length; i++)
    counts.set(flows.source(i), (counts.get(flows.source(i)) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]![0];
}

const begun = loadavg()[0]!;
const parts: string[] = [];
const measured = values.records.split(",").map(Number).map(own);
for (const { lines: some } of measured) parts.push(...some);
const most = measured.map((one) => one.own).reduce((a, b) => (b.count > a.count ? b : a));
if (most.count < MOST_ASKED) parts.push(...extrapolated(MOST_ASKED, most));
if (Number(values.peers) > 0) parts.push(...(await peers(Number(values.peers))));
const lines = [
  "# What questions to the record cost",
  "",
  "Generated by `sh tools/node.sh bench/questions.ts --write`. Not written by hand.",
  "",
  `${cpus()[0]?.model.trim()}, ${cpus().length} processors, ${new Date().toISOString().slice(0, 10)}. Load average ${begun.toFixed(1)} at the start, ${loadavg()[0]!.toFixed(1)} at the end. Milliseconds are of processor time, which others on the same processors lengthen through the caches: the last column, against a plain loop over the same flows, is steadier.`,
  "",
  ...parts,
];
console.log(lines.join("\n"));
if (values.write) writeFileSync(join(ROOT, "docs/bench-questions.md"), `${lines.join("\n").trimEnd()}\n`);
