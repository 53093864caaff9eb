/**
 * `npm test`: every suite, a line for each, and last the sum: `N passed, N failed`.
 *
 * Guarantee: exit code 0 only if something ran and nothing failed.
 * Usage: sh tools/test.sh [--kernels 6.12,7.3|none] [--only SUITE] [--all]
 * Suites that take long or fetch much run with `--only` their name, or with `--all`.
 *
 * To add suites, put them into conformance/suites.ts: `export const suites: readonly Suite[]`.
 */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { checks, lineOf, runCheck } from "./check.ts";
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
      console.log(`  ${lineOf(outcome).replaceAll("\n", "\n  ")}`);
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
    options: { kernels: { type: "string" }, only: { type: "string" }, all: { type: "boolean" } },
  });
  const kernels = values.kernels?.split(",").filter((kernel) => kernel !== "none") ?? [DEFAULT_KERNEL];
  const options: Options = { kernels, only: values.only ?? null, all: values.all ?? false };
  const suites = await allSuites();

  let sum: Count = { passed: 0, failed: 0 };
  for (const missing of values.kernels === undefined ? [] : kernels) {
    if (suites.some(({ kernel }) => kernel === missing)) continue;
    console.log(`no suite for kernel ${missing}`);
    sum = { passed: sum.passed, failed: sum.failed + 1 };
  }
  for (const suite of selected(suites, options)) {
    const count = await runSuite(suite, options);
    sum = { passed: sum.passed + count.passed, failed: sum.failed + count.failed };
  }
  if (sum.passed + sum.failed === 0)
    console.log(`no test ran; the suites are: ${suites.map(({ name }) => name).join(", ")}`);
  console.log(`${sum.passed} passed, ${sum.failed} failed`);
  process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;
}

async function runSuite(suite: Suite, options: Options): Promise<Count> {
  const start = performance.now();
  let count: Count;
  try {
    count = await suite.run(options);
    // A suite that ran nothing is broken, not fine.
    if (count.passed + count.failed === 0) throw new Error("no test ran");
  } catch (error) {
    console.log(
      `  could not run: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    count = { passed: 0, failed: 1 };
  }
  const skipped = count.skipped ? `, ${count.skipped} skipped` : "";
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${suite.name}: ${count.passed} passed, ${count.failed} failed${skipped} (${seconds} s)`);
  return count;
}

await main();
