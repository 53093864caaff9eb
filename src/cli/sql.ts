/**
 * The record as a table, for questions that csn has no words for: DuckDB over the flows that the caller may see.
 *
 * Guarantee: what is asked is what `csn audit export` gives this reader, no more [AUD-4]. A query reads no file and reaches no network: once
 * the flows are loaded, DuckDB is cut off from both, and that can't be undone by a query.
 * Not covered: memory; a query may take what DuckDB takes.
 */
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDb, DuckDbConnection } from "../setup/index.ts";

/** Cells are what JSON can have; numbers beyond 2^53 are text. */
export type Answer = { columns: string[]; rows: unknown[][] };

const CONTEXT = "STRUCT(secrecy JSON, integrity JSON)";
const ENTITY = "STRUCT(kind VARCHAR, name VARCHAR, id VARCHAR)";
const LINES = {
  record: "VARCHAR",
  time: "TIMESTAMP",
  verdict: "VARCHAR",
  rule: "VARCHAR",
  op: "VARCHAR",
  from: ENTITY,
  to: ENTITY,
  fromContext: CONTEXT,
  toContext: CONTEXT,
};

/** A label as a list of tags; `*` for all there are, null where it is not known. */
const label = (end: string, part: string) => {
  const value = `"${end}Context".${part}`;
  return `CASE WHEN ${value} IS NULL THEN NULL WHEN json_type(${value}) = 'ARRAY' THEN CAST(${value} AS VARCHAR[]) ELSE ['*'] END AS ${end}_${part}`;
};
const entity = (end: string) =>
  ["kind", "name", "id"].map((part) => `"${end}".${part} AS ${end}_${part}`).join(", ");

export class Sql {
  readonly #connection: DuckDbConnection;

  private constructor(connection: DuckDbConnection) {
    this.#connection = connection;
  }

  /** The table `flows`, from lines of `csn audit export --format jsonl`. */
  static async ofLines(duckDb: DuckDb, lines: AsyncIterable<string>): Promise<Sql> {
    const folder = await mkdtemp(join(tmpdir(), "csn-sql-")); // of its owner alone: 0700
    try {
      const file = join(folder, "flows.jsonl");
      const out = createWriteStream(file, { mode: 0o600 });
      for await (const piece of lines) if (!out.write(piece)) await once(out, "drain");
      out.end();
      await once(out, "close");
      const columns = Object.entries(LINES).map(([name, type]) => `"${name}": '${type}'`);
      return await Sql.#with(
        duckDb,
        `SELECT record, time, verdict, rule, op, ${entity("from")}, ${entity("to")},
           ${["from", "to"].flatMap((end) => [label(end, "secrecy"), label(end, "integrity")]).join(", ")}
         FROM read_json(${quoted(file)}, format = 'newline_delimited', columns = {${columns.join(", ")}})`,
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** The table `flows`, from what `save` wrote, or any Parquet file. */
  static ofParquet(duckDb: DuckDb, file: string): Promise<Sql> {
    return Sql.#with(duckDb, `SELECT * FROM read_parquet(${quoted(file)})`);
  }

  static async #with(duckDb: DuckDb, select: string): Promise<Sql> {
    const connection = await (await duckDb.DuckDBInstance.create(":memory:")).connect();
    await connection.run("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false");
    await connection.run(`CREATE TABLE flows AS ${select}`);
    return new Sql(connection);
  }

  /** Before any query, since it writes a file. @param file is replaced */
  async save(file: string): Promise<void> {
    await this.#connection.run(`COPY flows TO ${quoted(file)} (FORMAT parquet, COMPRESSION zstd)`);
  }

  /** From here on nothing but the table can be reached. @throws what DuckDB says of the query */
  async ask(query: string): Promise<Answer> {
    await this.#connection.run("SET enable_external_access = false; SET lock_configuration = true");
    const reader = await this.#connection.runAndReadAll(query);
    return { columns: reader.deduplicatedColumnNames(), rows: reader.getRowsJson() };
  }

  close(): void {
    this.#connection.closeSync();
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
