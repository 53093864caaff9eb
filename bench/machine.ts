/** Boots a machine for one measurement, and gives the report that bench/inside.ts prints in it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInMachine } from "../src/machine/index.ts";
import { type KernelFiles, type Progress, ROOT } from "../src/setup/index.ts";
import { MARK } from "./report.ts";

/** Only a machine that hangs takes so long. */
const TIMEOUT_SECONDS = 7200;

/** @param icount - Instructions are counted; emulation is slower with it, and seconds mean nothing. */
export async function inMachine(
  kernel: KernelFiles,
  what: readonly string[],
  { icount, append = "" }: { icount: boolean; append?: string },
  progress: Progress,
): Promise<unknown> {
  const home = await mkdtemp(join(tmpdir(), "csn-bench-"));
  let report: unknown;
  let text = "";
  progress.step(`kernel ${kernel.version}: ${what.slice(0, 2).join(" ")}`);
  try {
    const { exitCode } = await runInMachine({
      home,
      name: "bench",
      kernel,
      root: ROOT,
      command: [
        process.execPath,
        "--disable-warning=ExperimentalWarning",
        `${ROOT}/bench/inside.ts`,
        ...what,
      ],
      freshDisk: true,
      icount,
      extraAppend: append,
      timeoutSeconds: TIMEOUT_SECONDS,
      bootTimeoutSeconds: TIMEOUT_SECONDS,
      onOutput: (chunk) => {
        const lines = (text + chunk.toString()).split("\n");
        text = lines.pop() ?? "";
        for (const line of lines) {
          if (line.startsWith(MARK)) report = JSON.parse(line.slice(MARK.length));
          else progress.step(`| ${line}`);
        }
      },
    });
    if (exitCode !== 0 || report === undefined)
      throw new Error(`the bench in the machine exited with ${exitCode}`);
    return report;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
