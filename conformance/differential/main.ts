/**
 * `npm run differential -- [--kernel 6.12] [--steps 20000] [--seed 1]`: random programs on the reference and in
 * the kernel. Exit code 0 only if all steps were played and nothing disagreed.
 */
import { parseArgs } from "node:util";
import { kernelIds } from "../../src/setup/index.ts";
import { differential } from "./host.ts";
import { PROGRAM_STEPS } from "./report.ts";

const { values } = parseArgs({
  options: {
    kernel: { type: "string", default: "6.12" },
    steps: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
  },
});
const id = kernelIds.find((known) => known === values.kernel);
if (id === undefined) throw new Error(`expected a kernel of ${kernelIds.join(", ")}, found ${values.kernel}`);
const programs = Math.ceil(Number(values.steps) / PROGRAM_STEPS);
const seed = Number(values.seed);
if (!(programs > 0) || !Number.isSafeInteger(seed))
  throw new Error("expected numbers for --steps and --seed");

const progress = { step: (text: string) => void process.stderr.write(`  ${text}\n`), done: () => undefined };
const result = await differential(id, [{ seed, programs }], progress);
console.log(`differential ${id}: ${result.steps} steps in ${result.programs} programs, seeds ${seed} to ${seed + programs - 1}: ${result.disagreements} disagreements`); // prettier-ignore
process.exitCode = result.complete && result.disagreements === 0 && result.programs === programs ? 0 : 1;
