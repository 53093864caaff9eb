/**
 * The suite `differential KERNEL`: 20,000 steps of random programs, half of them the same each time, half from
 * a seed that is printed. A program in which nothing disagreed has passed.
 */
import type { KernelId, Progress } from "../../src/setup/index.ts";
import type { Count, Suite } from "../../tools/suite.ts";
import { differential } from "./host.ts";
import { PROGRAM_STEPS } from "./report.ts";

const STEPS = 20_000;
const FIXED_SEED = 1;

const progress: Progress = {
  step: (text) => void process.stderr.write(`  ${text}\n`),
  done: () => undefined,
};

export function differentialSuite(kernel: KernelId): Suite {
  return { name: `differential ${kernel}`, kernel, run: () => runOn(kernel) };
}

async function runOn(kernel: KernelId): Promise<Count> {
  const programs = STEPS / PROGRAM_STEPS / 2;
  const seed = Math.floor(Date.now() / 1000) % 1_000_000_000;
  const result = await differential(
    kernel,
    [
      { seed: FIXED_SEED, programs },
      { seed, programs },
    ],
    progress,
  );
  console.log(`  ${result.steps} steps, ${result.disagreements} disagreements; seeds ${FIXED_SEED} to ${programs} and ${seed} to ${seed + programs - 1}`); // prettier-ignore
  const missing = 2 * programs - result.programs + (result.complete ? 0 : 1);
  return { passed: result.programs - result.disagreements, failed: result.disagreements + missing };
}
