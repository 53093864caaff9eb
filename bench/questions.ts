/**
 * How fast questions to the record are: `sh tools/node.sh bench/questions.ts [--records N,N] [--peers N]`.
 *
 * Records of a made-up host of the usual shape: programs that live for some forty flows, read files of which few are
 * read often, talk through pipes, write files. Ingest is from bytes as they are on disk to columns, nothing else is
 * built; then lineage questions about many starting points. The same questions are put to DuckDB and to node:sqlite, as recursive
 * SQL over an indexed table of the same flows, as many as `--peers` says. DuckDB only where `@duckdb/node-api` is there.
 */
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { Graph, answer, PLATFORM } from "../src/audit/index.ts";
import { contextRecords, contextWith, DISK, header } from "../src/audit/ask/testing.ts";
import { ENTITY, FIELD, OP, RECORD_KIND } from "../src/audit/record.ts";

const BYTES = 96;
const CHUNK = 1 << 14;
const { values } = parseArgs({
  options: { records: { type: "string", default: "10000000" }, peers: { type: "string", default: "200000" } },
});

/** xorshift: the same log for the same seed. */
function random(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

/** Chunks of records; a chunk's buffer is used again. */
function* records(count: number): Generator<{ chunk: Buffer; n: number }> {
  const next = random(7);
  const chunk = Buffer.alloc(CHUNK * BYTES);
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  const files = Math.max(1000, Math.floor(count / 20));
  let pid = 100;
  const pids = Array.from({ length: 64 }, () => pid++);
  for (let done = 0; done < count;) {
    const n = Math.min(CHUNK, count - done);
    for (let i = 0; i < n; i++, done++) {
      const at = i * BYTES;
      const slot = next(64);
      if (next(40) === 0) pids[slot] = pid++;
      const writes = next(3) === 0;
      const isPipe = next(4) === 0;
      // few are used often
      const ino = isPipe
        ? 1 + pids[slot]! + next(2)
        : 1 + Math.floor((next(1 << 20) / (1 << 20)) ** 3 * files);
      const process = writes ? FIELD.source : FIELD.sink;
      const thing = writes ? FIELD.sink : FIELD.source;
      chunk[at] = 3;
      chunk[at + FIELD.kind] = RECORD_KIND.FLOW;
      chunk[at + (writes ? FIELD.source_kind : FIELD.sink_kind)] = ENTITY.process;
      chunk[at + (writes ? FIELD.sink_kind : FIELD.source_kind)] = isPipe ? ENTITY.pipe : ENTITY.file;
      view.setUint16(at + FIELD.op, writes ? OP.write : OP.open, true);
      view.setUint32(at + FIELD.time, (done * 100) >>> 0, true);
      view.setUint32(at + FIELD.time + 4, Math.floor((done * 100) / 2 ** 32), true);
      view.setUint32(at + FIELD.source_context, 1, true);
      view.setUint32(at + FIELD.sink_context, 1, true);
      view.setUint32(at + process, 1000 + pids[slot]!, true);
      view.setUint32(at + process + 8, pids[slot]!, true);
      view.setUint32(at + thing, ino, true);
      view.setUint32(at + thing + 8, isPipe ? 13 : DISK, true);
      view.setUint32(at + thing + 12, isPipe ? 0 : 1, true);
    }
    yield { chunk: chunk.subarray(0, n * BYTES), n };
  }
}

function load(count: number): { graph: Graph; seconds: number } {
  const graph = new Graph();
  graph.add(contextRecords(1, contextWith([1])), 1, HEADER);
  let [first, us] = [100, 0];
  for (const { chunk, n } of records(count)) {
    us += cpu(() => graph.add(chunk, first, HEADER));
    first += n;
  }
  return { graph, seconds: us / 1e6 };
}

const HEADER = header();
/** Processor time in microseconds, so that whoever else uses the computer does not count. */
function cpu(work: () => unknown): number {
  const begun = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(begun);
  return user + system;
}
const ms = (work: () => unknown): number => cpu(work) / 1000;
const worst = (list: number[]) => Math.max(...list).toFixed(0);
const median = (list: number[]) => list.toSorted((a, b) => a - b)[list.length >> 1]!.toFixed(0);
/** Files that are read always, often and seldom. */
const STARTS = [1, 2, 50, 1000, 20_000];

function own(count: number): void {
  const { graph, seconds } = load(count);
  const reached: number[] = [];
  const ask = (direction: "from" | "to") =>
    STARTS.map((ino) => ms(() => {
      const found = answer(graph, PLATFORM, { ask: "trace", [direction]: `8:1:${ino}:1`, limit: 100 }, 0);
      reached.push(found.nodes.length + found.leftOut.entities);
    })); // prettier-ignore
  answer(graph, PLATFORM, { ask: "trace", from: "8:1:3:1" }, 0); // once, so that it is compiled
  const [forward, back] = [ask("from"), ask("to")];
  const leaks = STARTS.map((ino) =>
    ms(() => answer(graph, PLATFORM, { ask: "leak", of: `8:1:${ino}:1`, to: "10.1.2.3" }, 0)),
  );
  const between = ms(() => answer(graph, PLATFORM, { ask: "trace", from: "8:1:1000:1", to: "8:1:5:1", limit: 100 }, 0)); // prettier-ignore
  console.log(`| ${count.toLocaleString("en")} | ${(count / seconds / 1e6).toFixed(1)} million/s | ${median(forward)} / ${worst(forward)} ms | ${median(back)} / ${worst(back)} ms | ${median(leaks)} / ${worst(leaks)} ms | ${between.toFixed(0)} ms | ${(graph.bytes / 1e9).toFixed(2)} GB | ${Math.max(...reached).toLocaleString("en")} |`); // prettier-ignore
}

const PLAIN = `WITH RECURSIVE r(node, t) AS (SELECT ?, -1 UNION SELECT f.sink, f.t FROM r JOIN f ON f.source = r.node AND f.t > r.t) SELECT count(DISTINCT node) AS n FROM r`; // prettier-ignore

async function peers(count: number): Promise<void> {
  const { graph } = load(count);
  const { flows } = graph;
  const start = graph.entities.find(ENTITY.file, 0, 20_000n, DISK, 1);
  const at = Math.max(0, count - 3000);
  const own1 = ms(() => answer(graph, PLATFORM, { ask: "trace", from: "8:1:20000:1" }, 0));
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE f (source INT, sink INT, t INT)");
  const loadMs = ms(() => {
    const insert = db.prepare("INSERT INTO f VALUES (?, ?, ?)");
    db.exec("BEGIN");
    for (let i = 0; i < flows.length; i++) insert.run(flows.source(i), flows.sink(i), i);
    db.exec("COMMIT; CREATE INDEX s ON f (source, t)");
  });
  // every way, as SQL says it, has no end on all of it: the last flows, the same for all three
  const from = flows.source(at);
  const sqlite = ms(() => db.prepare(`SELECT * FROM (${PLAIN.replace("-1", String(at))})`).get(from));
  console.log(`\nThe last ${count - at} of ${count} flows: node:sqlite ${sqlite.toFixed(0)} ms (table and index ${loadMs.toFixed(0)} ms)`); // prettier-ignore
  console.log(`csn over all ${count}: ${own1.toFixed(1)} ms (entity ${start})`);
  try {
    const name = "@duckdb/node-api";
    const { DuckDBInstance } = (await import(name)) as { DuckDBInstance: { create(path: string): Promise<{ connect(): Promise<{ run(sql: string): Promise<unknown>; createAppender(table: string): Promise<{ appendInteger(n: number): void; endRow(): void; closeSync(): void }> }> }> } }; // prettier-ignore
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.run("CREATE TABLE f (source INTEGER, sink INTEGER, t INTEGER)");
    const appender = await connection.createAppender("f");
    for (let i = 0; i < flows.length; i++) {
      for (const n of [flows.source(i), flows.sink(i), i]) appender.appendInteger(n);
      appender.endRow();
    }
    appender.closeSync();
    const begun = process.hrtime.bigint();
    await connection.run(PLAIN.replace("?", String(from)).replace("-1", String(at)));
    console.log(`DuckDB ${(Number(process.hrtime.bigint() - begun) / 1e6).toFixed(0)} ms`);
  } catch (error) {
    console.log(`DuckDB: not measured (${(error as Error).message.split("\n")[0]})`);
  }
}

console.log("| records | ingest | from, median / worst | to | leak | between two | columns | reached |\n|---|---|---|---|---|---|---|---|"); // prettier-ignore
for (const count of values.records.split(",").map(Number)) own(count);
if (Number(values.peers) > 0) await peers(Number(values.peers));
