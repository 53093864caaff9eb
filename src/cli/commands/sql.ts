/**
 * csn sql: the record as a table.
 */
import { resolve } from "node:path";
import type { Command } from "commander";
import { ensureDuckDb } from "../../setup/index.ts";
import { asker } from "../asker.ts";
import { CliError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { Sql } from "../sql.ts";
import { count, safe, table } from "../text.ts";
import { during, makeUi } from "../ui.ts";

type Options = { log?: string; parquet?: string; save?: string; json?: true };

export function registerSql(program: Command): void {
  const sql = program
    .command("sql")
    .description("ask the record in SQL: the table `flows` has what you may see of it")
    .argument("[query]", "in DuckDB's SQL; `describe flows` shows the columns")
    .option("--save <file>", "keep the table as Parquet")
    .option("--parquet <file>", "ask such a file, without the daemon")
    .option("--log <folder>", "ask a copy of a log, without the daemon")
    .option(...JSON_OPTION)
    .action(async (query: string | undefined, options: Options) => {
      if (query === undefined && options.save === undefined)
        throw new CliError("E_USAGE", "expected a query, found none", "`csn sql 'describe flows'` shows the columns"); // prettier-ignore
      if (options.parquet !== undefined && options.log !== undefined)
        throw new CliError(
          "E_USAGE",
          "expected `--parquet` or `--log`, found both",
          "a question has one source",
        );
      const ui = makeUi(options);
      const duckDb = await ensureDuckDb(ui.progress);
      const loading = async () => {
        if (options.parquet !== undefined) return Sql.ofParquet(duckDb, resolve(options.parquet));
        const from = await asker(options.log, ui);
        return Sql.ofLines(duckDb, from.export("jsonl", { noise: true, refused: true }));
      };
      const asked = await during(ui, "loading the record", loading().catch(refuse));
      try {
        if (options.save !== undefined) await asked.save(resolve(options.save)).catch(refuse);
        if (query === undefined) return;
        const { columns, rows } = await asked.ask(query).catch(refuse);
        if (ui.json)
          return ui.answer(rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]]))));
        ui.print(
          ...table([columns.map((name) => safe(name).toUpperCase()), ...rows.map((row) => row.map(cell))]),
        );
        ui.note(count(rows.length, "row"));
      } finally {
        asked.close();
      }
    });
  example(
    sql,
    `$ csn sql "select from_name, count(*) from flows where verdict = 'refused' group by 1 order by 2 desc"`,
    "$ csn sql 'describe flows'",
    "$ csn sql --save record.parquet",
  );
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "-";
  return safe(typeof value === "string" ? value : JSON.stringify(value));
}

/** DuckDB's words, as an error of ours. */
function refuse(error: unknown): never {
  if (error instanceof Error && !("hint" in error))
    throw new CliError("E_SQL", `DuckDB refused it: ${error.message.trim()}`, "`csn sql 'describe flows'` shows the columns; DuckDB's manual the language"); // prettier-ignore
  throw error;
}
