/**
 * How much is recorded of a unit of work, and what a flood loses, by csn and by auditd on the same kernel in the same run.
 *
 * Usage: sh tools/node.sh bench/volume.ts [--kernel 6.12] [--write]: --write makes docs/bench-record.md anew.
 * Bytes and records hardly depend on the computer; rates do, and are those of an emulated machine where there is no KVM.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { needs } from "../conformance/software/needs.ts";
import { ensurePrograms } from "../conformance/software/packages.ts";
import {
  ensureBuilt,
  ensureKernel,
  ensureSource,
  kernelIds,
  type Progress,
  ROOT,
} from "../src/setup/index.ts";
import { inMachine } from "./machine.ts";
import { ensurePeerTools } from "./peer-tools.ts";
import { type VolumeReport, volumeText } from "./volume-report.ts";

const progress: Progress = {
  step: (text) => void process.stderr.write(`  ${text}\n`),
  done: () => undefined,
};
const { values } = parseArgs({
  options: { kernel: { type: "string", default: "6.12" }, write: { type: "boolean", default: false } },
});
const id = kernelIds.find((known) => known === values.kernel);
if (id === undefined) throw new Error(`expected one of ${kernelIds.join(", ")}, found \`${values.kernel}\``);

await ensureBuilt(progress);
await ensurePrograms([...needs.gcc, ...needs.sqlite, ...needs.postgresql, ...needs.nginx]);
const tools = await ensurePeerTools(progress);
const archive = await ensureSource("bzip2", progress);
const report = (await inMachine(await ensureKernel(id, progress), ["volume", tools, archive], { icount: false }, progress)) as VolumeReport; // prettier-ignore
const text = [
  "# What is recorded of a unit of work",
  "",
  `By \`sh tools/node.sh bench/volume.ts --kernel ${id} --write\`, which writes this file, ${new Date().toISOString().slice(0, 10)}: Linux ${report.kernel} in the machine, ${cpus()[0]?.model ?? "unknown processor"}. Programs and files have a label, and nothing else has; auditd records the same kinds of calls of the same programs (bench/peers/audit-all.rules), with csn off.`,
  "",
  ...volumeText(report),
];
console.log(text.join("\n"));
if (values.write) writeFileSync(join(ROOT, "docs/bench-record.md"), `${text.join("\n")}\n`);
