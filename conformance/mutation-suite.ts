/**
 * The mutation suites, for tools/test.ts and tools/gen-mutation.ts: every check of the monitor taken out on
 * a real kernel. One passed for each mutant that a case catches or mutants.ts explains.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInMachine } from "../src/machine/index.ts";
import { ensureBuilt, ensureKernel, ensureSystemPackages, type KernelId, programNeeds, ROOT, type Progress } from "../src/setup/index.ts"; // prettier-ignore
import { sayFailed } from "../tools/failures.ts";
import type { Count, Suite } from "../tools/suite.ts";
import { mutantsOf, type Result } from "./mutants.ts";

/** Far more than it takes under emulation. */
const TIMEOUT_SECONDS = 3600;

const progress: Progress = {
  step: (text) => void process.stderr.write(`  ${text}\n`),
  done: () => undefined,
};

/** What the machine says: a result, a mark, or a case that fails with nothing taken out. */
type Line =
  | (Result & { milliseconds: number })
  | { mark: string; milliseconds: number }
  | { fault: string; mutant?: never };
export type Mutated = { results: Result[]; missing: string[]; faults: string[]; seconds: number };

/** Takes out every mutant, or those whose name begins with `only`. */
export async function mutate(id: KernelId, only?: string): Promise<Mutated> {
  await ensureSystemPackages(programNeeds, progress);
  await ensureBuilt(progress);
  const kernel = await ensureKernel(id, progress);
  const home = await mkdtemp(join(tmpdir(), "csn-mutation-"));
  const results: Result[] = [];
  const faults: string[] = [];
  let rest = "";
  const begun = performance.now();
  try {
    await runInMachine({
      home,
      name: "mutation",
      kernel,
      root: ROOT,
      command: [
        process.execPath,
        "--disable-warning=ExperimentalWarning",
        `${ROOT}/conformance/mutation.ts`,
        ...(only === undefined ? [] : [only]),
      ],
      freshDisk: true,
      timeoutSeconds: TIMEOUT_SECONDS,
      bootTimeoutSeconds: TIMEOUT_SECONDS,
      onOutput: (chunk) => {
        const parts = (rest + chunk.toString()).split("\n");
        rest = parts.pop() ?? "";
        for (const part of parts) take(part, results, faults);
      },
    });
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error));
  } finally {
    await rm(home, { recursive: true, force: true });
  }
  const seen = new Set(results.map(({ mutant }) => mutant));
  const missing = mutantsOf(`${ROOT}/build/mutants.bpf.o`)
    .mutants.map(({ name }) => name)
    .filter((name) => name.startsWith(only ?? "") && !seen.has(name));
  return { results, missing, faults, seconds: (performance.now() - begun) / 1000 };
}

function take(text: string, results: Result[], faults: string[]): void {
  if (!text.startsWith("{")) {
    if (text.trim() !== "") process.stderr.write(`  | ${text}\n`);
    return;
  }
  const line = JSON.parse(text) as Line;
  if ("mark" in line) progress.step(`${line.mark}: ${line.milliseconds} ms`);
  else if (line.mutant === undefined) faults.push(line.fault);
  else {
    results.push(line);
    if (process.env["CSN_MUTATION_VERBOSE"]) progress.step(text);
  }
}

export function isBad({ outcome }: Result): boolean {
  return outcome === "survived" || outcome === "stale";
}

export function mutationSuite(kernel: KernelId): Suite {
  return {
    name: `mutation ${kernel}`,
    kernel,
    onDemand: true,
    run: async (): Promise<Count> => {
      const { results, missing, faults } = await mutate(kernel);
      for (const fault of faults) sayFailed(`with nothing taken out: ${fault}`);
      for (const { mutant, outcome, by, fault, ran } of results.filter(isBad))
        sayFailed(`${outcome} ${mutant} (${ran} cases) ${by} ${fault}`);
      if (missing.length > 0) sayFailed(`no result: ${missing.length}, the first ${missing[0]}`);
      const absent = results.filter(({ outcome }) => outcome === "absent").length;
      const failed = results.filter(isBad).length + missing.length + faults.length;
      return { passed: results.length - results.filter(isBad).length - absent, failed, skipped: absent };
    },
  };
}
