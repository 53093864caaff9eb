/**
 * The suite "software": real programs, unmodified, each under one label on one machine. Each works inside
 * its context and cannot get data out of it (docs/software.md). Last, the record of all that is held against the model.
 *
 * CSN_SOFTWARE=git,redis runs only those. A program whose packages can't be had fails; none is skipped.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listMachines, stopMachine } from "../../src/machine/index.ts";
import { sayFailed } from "../../tools/failures.ts";
import type { Count, Suite } from "../../tools/suite.ts";
import { Bench } from "../e2e/bench.ts";
import { checkDisk } from "../record-checks.ts";
import { attacks } from "./attacks.ts";
import { chromium } from "./chromium.ts";
import { gcc } from "./gcc.ts";
import { git } from "./git.ts";
import { java } from "./java.ts";
import { needs, type ProgramName, programNames, python as pythonNeeds } from "./needs.ts";
import { nginx } from "./nginx.ts";
import { node } from "./node.ts";
import { ensurePrograms } from "./packages.ts";
import { postgresql } from "./postgresql.ts";
import { python } from "./python.ts";
import { redis } from "./redis.ts";
import { sqlite } from "./sqlite.ts";
import { listenOutside, Stage } from "./stage.ts";

/** One program: its cases run in order on one stage. */
export type Program = readonly { name: string; run: (stage: Stage) => Promise<void> }[];

const PROGRAMS: Record<ProgramName, Program> = {
  git,
  sqlite,
  gcc,
  python,
  node,
  java,
  postgresql,
  redis,
  nginx,
  chromium,
  attacks,
};

const RECORD = "properties 2 and 4 hold on the record of all of them [AUD-4]";

export function softwareSuite(kernel: string): Suite {
  return { name: `software ${kernel}`, kernel, onDemand: true, run: () => runSoftware(kernel) };
}

function chosen(): ProgramName[] {
  const asked = process.env.CSN_SOFTWARE?.split(",").map((name) => name.trim());
  const unknown = asked?.filter((name) => !(programNames as string[]).includes(name)) ?? [];
  if (unknown.length > 0)
    throw new Error(`CSN_SOFTWARE: no program ${unknown.join(", ")}; there are ${programNames.join(", ")}`);
  return programNames.filter((name) => asked === undefined || asked.includes(name));
}

/** What was refused while all went well: what programs ask for and can do without. */
async function showRefusals(stage: Stage, mark: number): Promise<void> {
  const counts = new Map<string, number>();
  for (const line of await stage.refusals(mark)) {
    const what = line.replace(/^(\S+) \S*?([^/ ]*):/, "$1 by $2:").replaceAll(/\b\d{2,}\b/g, "N");
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  for (const [what, count] of counts) process.stderr.write(`      refused ${count}x ${what}\n`);
}

async function runSoftware(kernel: string): Promise<Count> {
  const names = chosen();
  const home = mkdtempSync(join(tmpdir(), "csn-software-"));
  const bench = new Bench(home, kernel);
  const count = { passed: 0, failed: 0 };
  const fail = (what: string, error: unknown) => {
    count.failed++;
    sayFailed(`software ${kernel}: ${what}`, String(error instanceof Error ? error.stack : error));
  };
  try {
    // All of them before the boot: the machine sees the host's tree as it was when it looked first.
    const missing = new Map<ProgramName, unknown>();
    await ensurePrograms(pythonNeeds);
    for (const name of names) {
      try {
        await ensurePrograms(needs[name]);
      } catch (error) {
        missing.set(name, error);
      }
    }
    await bench.start();
    await listenOutside(bench);
    for (const name of names) {
      const stage = new Stage(bench, name);
      for (const { name: what, run } of PROGRAMS[name]) {
        try {
          if (missing.has(name)) throw missing.get(name);
          const mark = await stage.mark();
          const begun = Date.now();
          await run(stage);
          count.passed++;
          process.stderr.write(`  ok ${name}: ${what} (${((Date.now() - begun) / 1000).toFixed(1)} s)\n`);
          if (name !== "attacks" && !what.startsWith("no ")) await showRefusals(stage, mark);
        } catch (error) {
          fail(`${name}: ${what}`, error);
        }
      }
    }
    try {
      await bench.ok("machine", "stop");
      const checked = checkDisk(join(home, "machine/system/disk.img"), { hasRepeats: false });
      process.stderr.write(`  ok ${RECORD}: ${JSON.stringify(checked)}\n`);
      count.passed++;
    } catch (error) {
      fail(RECORD, error);
    }
  } finally {
    for (const machine of listMachines(home)) await stopMachine(home, machine.name);
    rmSync(home, { recursive: true, force: true });
  }
  return count;
}
