/**
 * `npm run bench`: what the monitor costs, in instructions, on a stock kernel in the machine.
 *
 * Usage: npm run bench -- [--kernels 6.12,7.3] [--only calls,peers,tree] [--json] [--write]
 * Peers are compared with calls, and so need them. --json prints the reports; --write makes docs/bench.md anew.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  ensureBuilt,
  ensureKernel,
  kernelIds,
  type KernelFiles,
  type KernelId,
  type Progress,
  ROOT,
} from "../src/setup/index.ts";
import { inMachine } from "./machine.ts";
import { ensurePeerTools } from "./peer-tools.ts";
import {
  type CallsReport,
  type Measurement,
  type PeerId,
  peerIds,
  type PeerReport,
  type PeerReports,
  type TreeReport,
} from "./report.ts";
import { callsText, document, peersText, treeText } from "./text.ts";

const DEFAULT_KERNEL: KernelId = "6.12";
const PARTS = ["calls", "peers", "tree"] as const;
type Part = (typeof PARTS)[number];

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
const parts = values.only.split(",").map((name) => oneOf(PARTS, name));

await ensureBuilt(progress);
const measurements: Measurement[] = [];
for (const id of values.kernels.split(",")) measurements.push(await measure(oneOf(kernelIds, id)));

if (values.json) {
  console.log(JSON.stringify(measurements, null, 2));
} else {
  for (const { calls, peers, tree } of measurements) {
    if (calls) console.log(callsText(calls));
    if (calls && peers) console.log(peersText(calls, peers));
    if (tree) console.log(treeText(tree));
  }
}
if (values.write) {
  const command = ["npm run bench --", ...process.argv.slice(2)].join(" ");
  await writeFile(join(ROOT, "docs/bench.md"), document(measurements, { command, date: new Date() }));
}

async function measure(id: KernelId): Promise<Measurement> {
  const kernel = await ensureKernel(id, progress);
  const run = (what: Part, icount: boolean) => inMachine(kernel, [what], { icount }, progress);
  const measurement: Measurement = {};
  if (parts.includes("calls")) measurement.calls = (await run("calls", true)) as CallsReport;
  if (parts.includes("peers")) measurement.peers = await measurePeers(kernel);
  if (parts.includes("tree")) measurement.tree = (await run("tree", false)) as TreeReport;
  return measurement;
}

/** Security modules are chosen when a machine boots; so each peer has its own. */
async function measurePeers(kernel: KernelFiles): Promise<PeerReports> {
  const tools = await ensurePeerTools(progress);
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
