/**
 * The suite "system": csn as a user has it, from the command line to the kernel, on one machine that is
 * restarted, killed and cut off on the way. Cases run in order and share the machine.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listMachines, stopMachine } from "../../src/machine/index.ts";
import { busNeeds, ensureSystemPackages, networkNeeds, programNeeds, silent } from "../../src/setup/index.ts";
import { sayFailed } from "../../tools/failures.ts";
import type { Count, Suite } from "../../tools/suite.ts";
import { Bench } from "./bench.ts";
import { accounts } from "./accounts.ts";
import { badInput } from "./bad-input.ts";
import { bus } from "./bus.ts";
import { busExamples } from "./bus-examples.ts";
import { confinement } from "./confinement.ts";
import { float } from "./float.ts";
import { gateOwners } from "./gate-owners.ts";
import { evidence, evidenceAtLast, evidenceDemo } from "./evidence.ts";
import { gates } from "./gates.ts";
import { labels } from "./labels.ts";
import { lineage } from "./lineage.ts";
import { modes } from "./modes.ts";
import { network } from "./network.ts";
import { observe } from "./observe.ts";
import { owners } from "./owners.ts";
import { questions } from "./questions.ts";
import { ownersAttacks } from "./owners-attacks.ts";
import { running } from "./running.ts";
import { floods, scopes } from "./scope.ts";
import { statementAttacks } from "./statement-attacks.ts";
import { survival } from "./survival.ts";
import { wayOut } from "./way-out.ts";

export type Case = { name: string; run: (bench: Bench) => Promise<void> };

function casesFor(kernel: string, together: readonly string[]): readonly Case[] {
  /** What the daemon and the command line do by themselves is tried on one of the kernels that are tested together. */
  const onOne = (part: number, ...cases: readonly Case[]): readonly Case[] =>
    together[part % together.length] === kernel ? cases : [];
  return [
    ...badInput,
    ...running,
    ...labels,
    ...lineage,
    ...confinement,
    ...network,
    ...modes,
    ...observe,
    ...wayOut,
    ...onOne(0, ...owners, ...ownersAttacks, ...statementAttacks, ...bus, ...busExamples),
    ...onOne(1, ...float, ...gates, ...gateOwners, ...questions),
    ...accounts,
    ...scopes,
    ...survival,
    ...onOne(1, ...evidenceDemo),
    ...evidence,
    ...onOne(1, ...evidenceAtLast),
  ];
}

export function systemSuite(kernel: string): Suite {
  return { name: `system ${kernel}`, kernel, run: ({ together }) => runSystem(kernel, together) };
}

async function runSystem(kernel: string, together: readonly string[]): Promise<Count> {
  const home = mkdtempSync(join(tmpdir(), "csn-system-"));
  const bench = new Bench(home, kernel);
  const count = { passed: 0, failed: 0 };
  /** Parts of names, separated by `|`. */
  const only = process.env.CSN_CASE?.split("|");
  try {
    await ensureSystemPackages([...programNeeds, ...networkNeeds, ...busNeeds], silent);
    await bench.start();
    const all = [...casesFor(kernel, together), ...(only === undefined ? [] : floods)];
    for (const { name, run } of all) {
      if (only !== undefined && !only.some((part) => name.includes(part))) continue;
      const begun = Date.now();
      try {
        await run(bench);
        count.passed++;
        process.stderr.write(`  ok ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)\n`);
      } catch (error) {
        count.failed++;
        sayFailed(`system ${kernel}: ${name}`, String(error instanceof Error ? error.stack : error));
      }
    }
  } finally {
    for (const machine of listMachines(home)) await stopMachine(home, machine.name);
    rmSync(home, { recursive: true, force: true });
  }
  return count;
}
