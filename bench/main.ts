/**
 * `npm run bench`: what the monitor costs, in instructions, on a stock kernel in the machine.
 *
 * Usage: npm run bench -- [--kernels 6.12,7.3] [--only calls|tree] [--json] [--write]
 * --json prints the reports; --write makes docs/bench.md anew.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runInMachine } from "../src/machine/index.ts";
import {
  ensureBuilt,
  ensureKernel,
  kernelIds,
  type KernelId,
  type Progress,
  ROOT,
} from "../src/setup/index.ts";
import { type CallsReport, MARK, type TreeReport } from "./report.ts";
import { callsText, document, treeText } from "./text.ts";

const TIMEOUT_SECONDS = 900;
const DEFAULT_KERNEL: KernelId = "6.12";

type Measurement = { calls?: CallsReport; tree?: TreeReport };

const progress: Progress = {
  step: (text) => void process.stderr.write(`  ${text}\n`),
  done: () => undefined,
};

const { values } = parseArgs({
  options: {
    kernels: { type: "string", default: DEFAULT_KERNEL },
    only: { type: "string" },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

await ensureBuilt(progress);
const measurements: Measurement[] = [];
for (const id of values.kernels.split(",")) measurements.push(await measure(kernelId(id)));

if (values.json) {
  console.log(JSON.stringify(measurements, null, 2));
} else {
  for (const { calls, tree } of measurements) {
    if (calls) console.log(callsText(calls));
    if (tree) console.log(treeText(tree));
  }
}
if (values.write) {
  const command = ["npm run bench --", ...process.argv.slice(2)].join(" ");
  await writeFile(join(ROOT, "docs/bench.md"), document(measurements, { command, date: new Date() }));
}

async function measure(id: KernelId): Promise<Measurement> {
  const measurement: Measurement = {};
  if (values.only !== "tree") measurement.calls = (await inMachine(id, "calls")) as CallsReport;
  if (values.only !== "calls") measurement.tree = (await inMachine(id, "tree")) as TreeReport;
  return measurement;
}

/** Instructions are counted for calls alone: with it, emulation is slower and seconds mean nothing. */
async function inMachine(id: KernelId, what: "calls" | "tree"): Promise<unknown> {
  const kernel = await ensureKernel(id, progress);
  const home = await mkdtemp(join(tmpdir(), "csn-bench-"));
  let report: unknown;
  let text = "";
  progress.step(`kernel ${kernel.version}: ${what}`);
  try {
    const { exitCode } = await runInMachine({
      home,
      name: "bench",
      kernel,
      root: ROOT,
      command: [process.execPath, "--disable-warning=ExperimentalWarning", `${ROOT}/bench/inside.ts`, what],
      freshDisk: true,
      icount: what === "calls",
      timeoutSeconds: TIMEOUT_SECONDS,
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

function kernelId(text: string): KernelId {
  const id = kernelIds.find((known) => known === text);
  if (id === undefined) throw new Error(`expected one of ${kernelIds.join(", ")}, found \`${text}\``);
  return id;
}
