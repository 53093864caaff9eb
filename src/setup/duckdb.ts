/**
 * DuckDB, for `csn sql` alone: 70 MB that nobody else needs, so it is fetched when it is first asked for.
 *
 * Guarantee: the version and the digests of duckdb/package-lock.json; its folder in the cache is complete or absent (it is made aside and
 * renamed), so a second call uses no network. Nothing of it is run while it is installed.
 */
import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { run } from "./command.ts";
import { SetupError } from "./errors.ts";
import { cacheFolder } from "./kernel.ts";
import type { Progress } from "./progress.ts";
import { ROOT } from "./build.ts";

/** What csn uses of it; its own types come with it. */
export type DuckDb = {
  DuckDBInstance: { create(path: string): Promise<{ connect(): Promise<DuckDbConnection> }> };
};
export type DuckDbConnection = {
  run(sql: string): Promise<unknown>;
  runAndReadAll(sql: string): Promise<{ deduplicatedColumnNames(): string[]; getRowsJson(): unknown[][] }>;
  closeSync(): void;
};

const FILES = ["package.json", "package-lock.json"];

/** @throws SetupError E_SQL_INSTALL */
export async function ensureDuckDb(progress: Progress): Promise<DuckDb> {
  const source = join(ROOT, "src/setup/duckdb");
  const lock = await readFile(join(source, "package-lock.json"));
  const name = createHash("sha256").update(lock).digest("hex").slice(0, 16);
  const folder = join(cacheFolder(), "duckdb", name);
  if (!(await exists(folder))) await install(source, folder, progress);
  return createRequire(join(folder, "package.json"))("@duckdb/node-api") as DuckDb;
}

async function install(source: string, folder: string, progress: Progress): Promise<void> {
  const parent = join(folder, "..");
  await mkdir(parent, { recursive: true });
  const aside = await mkdtemp(join(parent, ".making-"));
  try {
    for (const file of FILES) await copyFile(join(source, file), join(aside, file));
    progress.step("fetching DuckDB (first use; 70 MB)");
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const { code, stderr } = await run("npm", ["install", ...options], { cwd: aside });
    if (code !== 0) throw failed(stderr.trim().split("\n").at(-1) ?? `npm exited with ${code}`);
    if (!(await exists(folder))) await rename(aside, folder);
  } catch (error) {
    throw error instanceof SetupError ? error : failed(String(error));
  } finally {
    await rm(aside, { recursive: true, force: true });
    progress.done();
  }
}

function failed(why: string): SetupError {
  return new SetupError(
    "E_SQL_INSTALL",
    `DuckDB, which answers \`csn sql\`, could not be installed: ${why}`,
    "the first use needs npm and a reachable npm registry; later ones work offline",
  );
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
