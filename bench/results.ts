/** docs/bench.json and docs/bench.md: what was not measured anew stays as it was. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../src/setup/index.ts";
import { document } from "./document.ts";
import { type Measurement, PARTS, type Results } from "./report.ts";

const JSON_FILE = join(ROOT, "docs/bench.json");

/** @param made - By which command, and when. */
export async function keep(measured: Readonly<Record<string, Measurement>>, made: string): Promise<void> {
  const results = await readFile(JSON_FILE, "utf8").then(
    (text) => JSON.parse(text) as Results,
    (): Results => ({}),
  );
  for (const [kernel, measurement] of Object.entries(measured)) {
    const kept = (results[kernel] ??= { made: {} });
    if (measurement.calls) delete kept.peers; // of another run
    Object.assign(kept, measurement);
    for (const part of PARTS) if (measurement[part]) kept.made[part] = made;
  }
  await writeFile(JSON_FILE, JSON.stringify(results) + "\n");
  await writeFile(join(ROOT, "docs/bench.md"), document(results));
}
