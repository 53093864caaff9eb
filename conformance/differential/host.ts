/**
 * Boots a machine for a run of programs, and tells how it went.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInMachine } from "../../src/machine/index.ts";
import { ensureBuilt, ensureKernel, ensureSystemPackages, type KernelId, programNeeds, type Progress, ROOT } from "../../src/setup/index.ts"; // prettier-ignore
import { sayFailed } from "../../tools/failures.ts";
import { PROGRAM_STEPS, type Report } from "./report.ts";

/** Programs whose seeds follow one another. */
export type Range = { readonly seed: number; readonly programs: number };
export type Result = {
  readonly programs: number;
  readonly steps: number;
  readonly disagreements: number;
  /** The run came to its end. */
  readonly complete: boolean;
};

/** Plays the programs on a kernel; prints each disagreement with the command that brings it back. */
export async function differential(id: KernelId, ranges: readonly Range[], progress: Progress): Promise<Result> {
  await ensureSystemPackages(programNeeds, progress);
  await ensureBuilt(progress);
  const kernel = await ensureKernel(id, progress);
  const home = await mkdtemp(join(tmpdir(), "csn-differential-"));
  const programs = ranges.reduce((sum, range) => sum + range.programs, 0);
  let result: Result = { programs: 0, steps: 0, disagreements: 0, complete: false };
  let rest = "";
  const take = (line: string): void => {
    if (!line.startsWith('{"kind":')) {
      if (line.trim() !== "") process.stderr.write(`  | ${line}\n`);
      return;
    }
    const report = JSON.parse(line) as Report;
    if (report.kind === "disagreement") {
      const seed = typeof report.name === "number" ? report.name : 1;
      const first = ranges.find((range) => seed >= range.seed && seed < range.seed + range.programs)?.seed ?? seed;
      const again = (from: number): string => `again: npm run differential -- --kernel ${id} --seed ${from} --steps ${(seed - from + 1) * PROGRAM_STEPS}`;
      sayFailed(
        `differential ${id}: disagreement, ${typeof report.name === "number" ? `seed ${seed}` : report.name}, at step ${report.at + 1}`,
        [
          report.text,
          report.happensAgain ? again(seed) : `not when it was played again, right after it; ${again(first)}`,
          ...report.program.map((step) => `  ${step}`),
        ].join("\n"),
      );
      return;
    }
    const { kind, steps, disagreements, seconds } = report;
    result = { programs: report.programs, steps, disagreements, complete: kind === "end" };
    progress.step(`differential ${id}: ${steps} steps, ${disagreements} disagreements, ${seconds.toFixed(0)} s`);
  };
  try {
    await runInMachine({
      home,
      name: "differential",
      kernel,
      root: ROOT,
      command: [process.execPath, "--disable-warning=ExperimentalWarning", `${ROOT}/conformance/differential/inside.ts`,
        ...ranges.flatMap((range) => [String(range.seed), String(range.programs)])],
      freshDisk: true,
      // ten times what a program takes under emulation
      timeoutSeconds: 300 + programs * 10,
      bootTimeoutSeconds: 3600,
      onOutput: (chunk) => {
        const lines = (rest + chunk.toString()).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) take(line);
      },
    });
  } catch (error) {
    sayFailed(`differential ${id} did not end`, error instanceof Error ? error.message : String(error));
  } finally {
    await rm(home, { recursive: true, force: true });
  }
  return result;
} // prettier-ignore
