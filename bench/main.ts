/**
 * `npm run bench`: what the monitor costs, in instructions, on a stock kernel in the machine.
 *
 * Usage: npm run bench -- [--kernels 6.12,7.3] [--only calls,peers,macro,tree] [--json] [--write]
 * Peers are compared with calls, and so need them. What counts instructions runs side by side. --json prints the reports; --write makes docs/bench.md anew,
 * where what was not measured stays.
 */
import { parseArgs } from "node:util";
import {
  ensureBuilt,
  ensureKernel,
  ensureSource,
  kernelIds,
  type KernelFiles,
  type KernelId,
  type Progress,
} from "../src/setup/index.ts";
import { needs } from "../conformance/software/needs.ts";
import { ensurePrograms } from "../conformance/software/packages.ts";
import { inMachine } from "./machine.ts";
import { ensurePeerTools } from "./peer-tools.ts";
import {
  type Measurement,
  PARTS,
  peerIds,
  type PeerReport,
  type PeerReports,
  type TreeReport,
  workloadIds,
} from "./report.ts";
import { keep } from "./results.ts";
import { callsText, macroText, peersText, treeText } from "./text.ts";

const DEFAULT_KERNEL: KernelId = "6.12";

const progress: Progress = {
  step: (text) => void process.stderr.write(`  ${text}\n`),
  done: () => undefined,
};

const { values } = parseArgs({
  options: {
    kernels: { type: "string", default: DEFAULT_KERNEL },
    only: { type: "string", default: PARTS.join() },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const parts = new Set(values.only.split(",").map((name) => oneOf(PARTS, name)));

if (parts.has("peers") && !parts.has("calls")) throw new Error("peers are measured with calls");

await ensureBuilt(progress);
const tools = parts.has("peers") ? await ensurePeerTools(progress) : "";
const kernels: KernelFiles[] = [];
for (const id of values.kernels.split(",")) kernels.push(await ensureKernel(oneOf(kernelIds, id), progress));
const measured: Record<string, Measurement> = {};
await Promise.all(kernels.map(async (kernel) => (measured[kernel.id] = await countInstructions(kernel))));
// Seconds are of this computer, so nothing else may run.
if (parts.has("tree"))
  for (const kernel of kernels)
    measured[kernel.id]!.tree = (await inMachine(
      kernel,
      ["tree"],
      { icount: false },
      progress,
    )) as TreeReport;

if (values.json) {
  console.log(JSON.stringify(measured, null, 2));
} else {
  for (const { calls, peers, macro, tree } of Object.values(measured)) {
    if (calls) console.log(callsText(calls));
    if (calls && peers) console.log(peersText(calls, peers));
    if (macro) console.log(macroText(macro));
    if (tree) console.log(treeText(tree));
  }
}
if (values.write) {
  const command = ["npm run bench --", ...process.argv.slice(2)].join(" ");
  await keep(measured, `By \`${command}\`, ${new Date().toISOString().slice(0, 10)}.`);
}

async function countInstructions(kernel: KernelFiles): Promise<Measurement> {
  const counted = (...what: string[]) => inMachine(kernel, what, { icount: true }, progress);
  const [calls, peers, macro] = await Promise.all([
    parts.has("calls") ? counted("calls") : undefined,
    parts.has("peers") ? measurePeers(kernel) : undefined,
    parts.has("macro") ? measureMacro(counted) : undefined,
  ]);
  return { calls, peers, macro } as Measurement;
}

async function measureMacro(counted: (...what: string[]) => Promise<unknown>): Promise<unknown> {
  await ensurePrograms([...needs.gcc, ...needs.postgresql, ...needs.redis, ...needs.nginx]);
  return counted("macro", workloadIds.join(), await ensureSource("bzip2", progress));
}

/** Security modules are chosen when a machine boots; so each peer has its own. */
async function measurePeers(kernel: KernelFiles): Promise<PeerReports> {
  const reports: Partial<PeerReports> = {};
  for (const id of peerIds) {
    const append = id === "auditd" ? "" : `lsm=lockdown,capability,landlock,${id},bpf enforcing=1`;
    reports[id] = (await inMachine(
      kernel,
      ["peer", id, tools],
      { icount: true, append },
      progress,
    )) as PeerReport;
  }
  return reports as PeerReports;
}

function oneOf<T extends string>(known: readonly T[], text: string): T {
  const found = known.find((name) => name === text);
  if (found === undefined) throw new Error(`expected one of ${known.join(", ")}, found \`${text}\``);
  return found;
}
