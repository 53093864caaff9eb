/**
 * The conformance suites, for tools/test.ts: every case of cases.ts and scenarios.ts on a real kernel, in
 * one machine each. What is missing at the end (a panic, a hang) counts as failed.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInMachine } from "../src/machine/index.ts";
import {
  ensureBuilt,
  ensureKernel,
  ensureSystemPackages,
  kernelIds,
  type KernelId,
  programNeeds,
  type Progress,
  ROOT,
} from "../src/setup/index.ts";
import { sayFailed } from "../tools/failures.ts";
import type { Count, Suite } from "../tools/suite.ts";
import { allCases } from "./cases.ts";
import { differentialSuite } from "./differential/suite.ts";
import { systemSuite } from "./e2e/suite.ts";
import { mosquittoSuite } from "./mosquitto/suite.ts";
import { mutationSuite } from "./mutation-suite.ts";
import { scenarios } from "./scenarios.ts";
import { softwareSuite } from "./software/suite.ts";

/** Far more than it takes under emulation, so that only what hangs runs into it. */
const TIMEOUT_SECONDS = 3600;
const SHOWN_FAULTS = 40;

const progress: Progress = {
  step: (text) => void process.stderr.write(`  ${text}\n`),
  done: () => undefined,
};

type Line = { id: string; row: string; fault: string | null; milliseconds?: number };

/** Lines that are about the run, not a case. */
const MARKS = new Set(["attach", "matrix", "end"]);

export const suites: readonly Suite[] = [
  ...kernelIds.flatMap((kernel) => [
    { name: `kernel ${kernel}`, kernel, run: () => runOn(kernel) },
    differentialSuite(kernel),
    systemSuite(kernel),
    mutationSuite(kernel),
    softwareSuite(kernel),
  ]),
  mosquittoSuite,
];

async function runOn(id: KernelId): Promise<Count> {
  await ensureSystemPackages(programNeeds, progress);
  await ensureBuilt(progress);
  const kernel = await ensureKernel(id, progress);
  const home = await mkdtemp(join(tmpdir(), "csn-conformance-"));
  const lines: Line[] = [];
  let rest = "";
  let ended: string | null = null;
  progress.step(`kernel ${id}: ${allCases().length} generated cases, ${scenarios.length} scenarios`);
  try {
    await runInMachine({
      home,
      name: "conformance",
      kernel,
      root: ROOT,
      command: [
        process.execPath,
        "--disable-warning=ExperimentalWarning",
        `${ROOT}/conformance/inside.ts`,
        ...(process.env.CSN_CASE ? [process.env.CSN_CASE] : []),
      ],
      freshDisk: true,
      // one of the two kernels fully preemptible
      extraAppend: id === "7.3" ? "preempt=full" : "",
      timeoutSeconds: TIMEOUT_SECONDS,
      bootTimeoutSeconds: TIMEOUT_SECONDS,
      onOutput: (chunk) => {
        const parts = (rest + chunk.toString()).split("\n");
        rest = parts.pop() ?? "";
        for (const part of parts) lines.push(...parse(part));
      },
    });
  } catch (error) {
    ended = error instanceof Error ? error.message : String(error);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
  return process.env.CSN_CASE
    ? judge(lines, ended, new Set(lines.map((line) => line.id)))
    : judge(lines, ended);
}

function parse(text: string): Line[] {
  if (!text.startsWith('{"id":')) {
    if (text.trim() !== "") process.stderr.write(`  | ${text}\n`);
    return [];
  }
  const line = JSON.parse(text) as Line;
  if (MARKS.has(line.id)) progress.step(`${line.id}: ${line.milliseconds} ms`);
  return [line];
}

/** @param chosen - absent: all are to have a result */
function judge(lines: readonly Line[], ended: string | null, chosen?: ReadonlySet<string>): Count {
  const results = new Map(lines.filter(({ id }) => !MARKS.has(id)).map((line) => [line.id, line]));
  const all = [...allCases(), ...scenarios].map(({ id }) => id).filter((id) => chosen?.has(id) ?? true);
  const faults = [...results.values()].filter(({ fault }) => fault !== null);
  const missing = all.filter((id) => !results.has(id));
  for (const { id, fault } of faults.slice(0, SHOWN_FAULTS)) sayFailed(`${id}: ${fault}`);
  if (faults.length > SHOWN_FAULTS) console.log(`  and ${faults.length - SHOWN_FAULTS} more`);
  if (missing.length > 0) {
    sayFailed(`no result: ${missing.length}, the first ${missing[0]}${ended === null ? "" : `; ${ended}`}`);
  } else if (ended !== null) console.log(`  ${ended}`);
  return { passed: all.length - faults.length - missing.length, failed: faults.length + missing.length };
}
