/**
 * `npm test`: every suite, a line for each, and last what failed, by name, and the sum: `N passed, N failed`.
 *
 * Several kernels are tested at the same time, each in a process of its own, since an emulated machine
 * keeps one processor busy.
 *
 * Guarantee: exit code 0 only if something ran and nothing failed.
 * Usage: sh tools/test.sh [--kernels 6.12,7.3|none] [--only SUITE] [--all]
 * Suites that take long or fetch much run with `--only` their name, or with `--all`.
 *
 * To add suites, put them into conformance/suites.ts: `export const suites: readonly Suite[]`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ensureBuilt, silent } from "../src/setup/index.ts";
import { checks, lineOf, runCheck } from "./check.ts";
import { rememberFailed, sayAllFailed, sayFailed } from "./failures.ts";
import type { Count, Options, Suite } from "./suite.ts";
import { unitSuite } from "./unit-suite.ts";

/** The kernel that conformance runs on when none is named. */
const DEFAULT_KERNEL = "6.12";

const checkSuite: Suite = {
  name: "check",
  async run() {
    const count = { passed: 0, failed: 0 };
    for (const check of checks) {
      const outcome = await runCheck(check);
      count[outcome.ok ? "passed" : "failed"]++;
      if (outcome.ok) console.log(`  ${lineOf(outcome)}`);
      else sayFailed(`check ${outcome.name}`, outcome.output);
    }
    return count;
  },
};

async function allSuites(): Promise<readonly Suite[]> {
  const conformance = new URL("../conformance/suites.ts", import.meta.url);
  if (!existsSync(conformance)) return [checkSuite, unitSuite];
  const { suites } = (await import(conformance.href)) as { suites: readonly Suite[] };
  return [checkSuite, unitSuite, ...suites];
}

/** The suites that the options ask for. */
function selected(suites: readonly Suite[], { kernels, only, all }: Options): readonly Suite[] {
  const named = suites.filter(({ name, onDemand }) =>
    only === null ? all || !onDemand : name === only || name.startsWith(`${only} `),
  );
  return named.filter(({ kernel }) => kernel === undefined || kernels.includes(kernel));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kernels: { type: "string" },
      only: { type: "string" },
      all: { type: "boolean" },
      of: { type: "string" }, // and the kernels of the others
      part: { type: "string" }, // what one of several processes runs: the suites of this kernel
    },
  });
  const kernels = values.kernels?.split(",").filter((kernel) => kernel !== "none") ?? [DEFAULT_KERNEL];
  const together = values.of?.split(",") ?? kernels;
  const options: Options = { kernels, together, only: values.only ?? null, all: values.all ?? false };
  const suites = await allSuites();

  let sum: Count = { passed: 0, failed: 0 };
  for (const missing of values.kernels === undefined ? [] : kernels) {
    if (suites.some(({ kernel }) => kernel === missing)) continue;
    sayFailed(`no suite for kernel ${missing}`);
    sum = plus(sum, { passed: 0, failed: 1 });
  }
  const chosen = selected(suites, options);
  const parts = new Set(chosen.flatMap(({ kernel }) => kernel ?? []));
  const apart = parts.size > 1 ? Array.from(parts) : [];
  const isMine = ({ kernel }: Suite): boolean =>
    values.part === undefined ? kernel === undefined || !apart.includes(kernel) : kernel === values.part;
  for (const suite of chosen.filter(isMine)) sum = plus(sum, await runSuite(suite, options));
  if (apart.length > 0) await ensureBuilt(silent); // once, not by each of them
  for (const count of await Promise.all(apart.map((kernel) => runPart(kernel, kernels))))
    sum = plus(sum, count);
  if (sum.passed + sum.failed === 0)
    console.log(`no test ran; the suites are: ${suites.map(({ name }) => name).join(", ")}`);
  if (values.part === undefined) sayAllFailed(); // else the other process does
  console.log(`${sum.passed} passed, ${sum.failed} failed`);
  process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;
}

function plus(a: Count, b: Count): Count {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed };
}

/** The suites of one kernel, in a process of their own; its lines begin with the kernel. */
async function runPart(kernel: string, of: readonly string[]): Promise<Count> {
  const same = [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(
    "setpriv", // it ends when this process does, however that ends
    [
      "--pdeathsig",
      "TERM",
      process.execPath,
      ...same,
      "--kernels",
      kernel,
      "--part",
      kernel,
      "--of",
      of.join(),
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const closed = once(child, "close");
  let sum: Count | null = null;
  createInterface(child.stdout).on("line", (line) => {
    const found = /^(\d+) passed, (\d+) failed$/.exec(line);
    if (found) sum = { passed: Number(found[1]), failed: Number(found[2]) };
    else {
      console.log(`${kernel} ${line}`);
      rememberFailed(line);
    }
  });
  createInterface(child.stderr).on("line", (line) => void process.stderr.write(`${kernel} ${line}\n`));
  await closed;
  if (sum !== null) return sum;
  sayFailed(`${kernel} ended before its sum`);
  return { passed: 0, failed: 1 };
}

async function runSuite(suite: Suite, options: Options): Promise<Count> {
  const start = performance.now();
  let count: Count;
  try {
    count = await suite.run(options);
    // A suite that ran nothing is broken, not fine.
    if (count.passed + count.failed === 0) throw new Error("no test ran");
  } catch (error) {
    sayFailed(
      `${suite.name} could not run`,
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
    count = { passed: 0, failed: 1 };
  }
  const skipped = count.skipped ? `, ${count.skipped} skipped` : "";
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${suite.name}: ${count.passed} passed, ${count.failed} failed${skipped} (${seconds} s)`);
  return count;
}

await main();
