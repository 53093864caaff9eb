/**
 * In the machine: the same calls beside SELinux, AppArmor and auditd, each in a machine of its own.
 *
 * Guarantee: a column is measured only after the peer was seen at work: SELinux and AppArmor refuse the
 * measured program a file that it could read before, and audit has records of it.
 */
import { deepStrictEqual, match, ok } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../src/setup/index.ts";
import type { PeerId, PeerReport } from "./report.ts";
import { DATA, inFolder, kernel, newFolder, plain, securityModules, stopped } from "./stage.ts";

const EACCES = 13;
const BARRED = `${DATA}/barred`;

export const peers: Record<PeerId, (tools: string) => Promise<PeerReport>> = { selinux, apparmor, auditd };

/** Runs a program of the tools' tree, which sees the machine's own kernel and disk. */
function enter(tools: string) {
  for (const name of ["proc", "sys", "dev", "data"])
    must(["mount", "--rbind", `/${name}`, `${tools}/${name}`]);
  return (...argv: string[]) => must(["chroot", tools, ...argv]);
}

function must(argv: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(argv[0]!, argv.slice(1), { encoding: "utf8" });
  if (status !== 0)
    throw new Error(`${argv.join(" ")} exited with ${status}: ${error?.message ?? ""}${stdout}${stderr}`);
  return stdout;
}

/** What the measured program gets when it opens a file that is not its own: 0 or an error's number. */
function opens(folder: string): number | null {
  return spawnSync("./bench-calls", ["--open", BARRED], { cwd: folder }).status;
}

/** Checks that the program is confined, and refused what it was not before `confine`. */
async function confined(folder: string, confine: () => void, as: RegExp): Promise<string> {
  writeFileSync(BARRED, "");
  deepStrictEqual([opens(folder)], [0], "the program could not even read before");
  confine();
  let attribute = "";
  await stopped(folder, (pid) => {
    attribute = readFileSync(`/proc/${pid}/attr/current`, "utf8").replace(/\0|\n$/g, "");
  });
  match(attribute, as);
  deepStrictEqual([opens(folder)], [EACCES], `${attribute} was refused nothing`);
  return attribute;
}

async function report(name: PeerId, proof: string): Promise<PeerReport> {
  const figures = await inFolder(name, plain);
  return { kernel, lsm: securityModules(), figures, proof };
}

async function selinux(tools: string): Promise<PeerReport> {
  const folder = newFolder("selinux");
  must(["mount", "-t", "selinuxfs", "selinuxfs", "/sys/fs/selinux"]);
  const run = enter(tools);
  const domain = await confined(
    folder,
    () => {
      run("load_policy", "-i");
      const label = (type: string, ...paths: string[]) =>
        run("setfilecon", `system_u:object_r:${type}:s0`, ...paths);
      label("csn_bench_file_t", "/data", DATA, folder);
      label("csn_bench_exec_t", `${folder}/bench-calls`);
      label("zero_device_t", "/dev/zero");
      label("null_device_t", "/dev/null");
      label("shadow_t", BARRED);
    },
    /^system_u:system_r:csn_bench_t:/,
  );
  deepStrictEqual(run("getenforce").trim(), "Enforcing");
  const version = run("policyvers").trim();
  return report("selinux", `Enforcing, Debian's policy (version ${version}), the program in ${domain}`);
}

async function apparmor(tools: string): Promise<PeerReport> {
  const folder = newFolder("apparmor");
  const run = enter(tools);
  const profile = await confined(
    folder,
    () => {
      writeFileSync("/data/apparmor.profile", readFileSync(`${ROOT}/bench/peers/apparmor.profile`));
      run("apparmor_parser", "--replace", "--skip-cache", "/data/apparmor.profile");
    },
    /^csn-bench \(enforce\)$/,
  );
  return report("apparmor", `the program in profile ${profile}`);
}

async function auditd(tools: string): Promise<PeerReport> {
  newFolder("auditd");
  const run = enter(tools);
  mkdirSync("/run/audit", { recursive: true });
  writeFileSync("/data/audit.rules", readFileSync(`${ROOT}/bench/peers/audit.rules`));
  run("auditd", "-s", "enable");
  run("auditctl", "-R", "/data/audit.rules");
  const status = () => run("auditctl", "-s");
  match(status(), /^enabled 1$/m);
  match(status(), /^pid [1-9]/m);
  const measured = await report("auditd", "");
  while (!/^backlog 0$/m.test(status())) await sleep(100);
  const lost = /^lost (\d+)$/m.exec(status())?.[1];
  const logs = readdirSync(`${tools}/var/log/audit`).map((name) => `${tools}/var/log/audit/${name}`);
  const keys = logs.map((path) => readFileSync(path, "utf8").match(/key="csn-bench"/g)?.length ?? 0);
  const written = keys.reduce((sum, count) => sum + count, 0);
  ok(written > 0 && lost !== undefined, `auditd has written nothing:\n${status()}`);
  return { ...measured, proof: `auditd has written ${written} calls, ${lost} records lost` };
}
