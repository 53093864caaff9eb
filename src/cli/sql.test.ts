/**
 * The record as a table: against rows counted by hand, with names that try to be SQL; what a query can't reach.
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { type DuckDb, ensureDuckDb, silent } from "../setup/index.ts";
import { Sql } from "./sql.ts";

type Context = { secrecy: string[] | "ALL"; integrity: string[] | "ALL" } | null;
const row = (record: string, name: string, verdict = "allowed", toContext: Context = null) => ({
  ...{
    record,
    time: "2026-11-25T10:00:00.000Z",
    verdict,
    rule: verdict === "refused" ? "FLOW-1" : null,
    op: "read",
  },
  ...{ from: { kind: "file", name, id: "8:1:2:3" }, to: { kind: "process", name: "cat", id: "1@2" } },
  ...{ fromContext: { secrecy: ["lab/a"], integrity: [] }, toContext },
});

async function* lines(rows: readonly unknown[]): AsyncGenerator<string> {
  for (const one of rows) yield `${JSON.stringify(one)}\n`;
}

let duckDb: DuckDb;
let folder: string;
before(async () => {
  duckDb = await ensureDuckDb(silent);
  folder = mkdtempSync(join(tmpdir(), "csn-sql-test-"));
  process.env.TMPDIR = folder; // where the lines lie while they are loaded
});
after(() => rmSync(folder, { recursive: true, force: true }));

test("one row a flow, labels as lists, what is not known as null, and no trace of it in the file system", async () => {
  const sql = await Sql.ofLines(
    duckDb,
    lines([row("1", "/a"), row("2", "/b", "refused", { secrecy: "ALL", integrity: ["lab/i"] })]),
  );
  deepStrictEqual(readdirSync(folder), []);
  const { columns, rows } = await sql.ask(
    "select record, from_name, from_secrecy, to_secrecy, to_integrity, rule, year(time) as y from flows order by record",
  );
  deepStrictEqual(columns, [
    "record",
    "from_name",
    "from_secrecy",
    "to_secrecy",
    "to_integrity",
    "rule",
    "y",
  ]);
  deepStrictEqual(rows, [
    ["1", "/a", ["lab/a"], null, null, null, "2026"],
    ["2", "/b", ["lab/a"], ["*"], ["lab/i"], "FLOW-1", "2026"],
  ]);
  sql.close();
});

test("names stay what they are, whatever they try", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: "binary" }), { maxLength: 20 }), async (names) => {
      const nasty = ["'; drop table flows; --", '"', "\n{}", "\\", "=1+1", ...names].map((name) =>
        name.toWellFormed().replaceAll("\0", ""),
      );
      const sql = await Sql.ofLines(duckDb, lines(nasty.map((name, i) => row(String(i), name))));
      const { rows } = await sql.ask("select from_name from flows order by record::int");
      deepStrictEqual(rows.flat(), nasty);
      sql.close();
    }),
    { numRuns: 30 },
  );
});

test("kept as Parquet, it gives the same answers", async () => {
  const query = "select verdict, count(*)::int from flows group by all order by all";
  const file = join(folder, "it's.parquet");
  const one = await Sql.ofLines(duckDb, lines([row("1", "/a"), row("2", "/b", "refused"), row("3", "/c")]));
  await one.save(file);
  const again = await Sql.ofParquet(duckDb, file);
  const answer = await one.ask(query);
  deepStrictEqual(answer.rows, [["allowed", 2], ["refused", 1]]); // prettier-ignore
  deepStrictEqual(await again.ask(query), answer);
  one.close();
  again.close();
});

test("a query reads no file, writes none, loads nothing and can't get the right to", async () => {
  writeFileSync(join(folder, "secret.csv"), "a\n1\n");
  const sql = await Sql.ofLines(duckDb, lines([row("1", "/a")]));
  strictEqual((await sql.ask("select 1")).rows.length, 1);
  for (const query of [
    `select * from read_csv('${folder}/secret.csv')`,
    `select * from '${folder}/secret.csv'`,
    `copy flows to '${folder}/out.csv'`,
    `attach '${folder}/other.db'`,
    `select * from glob('${folder}/*')`,
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "reset enable_external_access",
    "select * from read_text('/etc/passwd')",
  ])
    await rejects(sql.ask(query), query);
  ok(!existsSync(join(folder, "out.csv")) && !existsSync(join(folder, "other.db")));
  sql.close();
});
