/**
 * One boot: prepares the folder, starts QEMU, and waits until the machine's init is ready.
 *
 * Guarantee: returns with a machine whose init runs, or throws with the console's last
 * lines and no QEMU left. The caller holds the machine's lock.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { realpath, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureSystemPackages, machineNeeds, run, type KernelFiles, type Progress } from "../setup/index.ts";
import { bootScript } from "./boot-settings.ts";
import { ensureDisk } from "./disk.ts";
import { MachineError } from "./errors.ts";
import { baseInitramfs, bootArchive } from "./initramfs.ts";
import { killProcess, nameProcess } from "./process.ts";
import { forgetKvm, probeAccel, qemuArguments, qemuProgram } from "./qemu.ts";
import { makeFolder, writeState, type Accel, type MachineFolder, type MachineState } from "./state.ts";
import { lastLines, readStatus } from "./status.ts";

export interface BootOptions {
  name: string;
  kernel: KernelFiles;
  /** Checkout that holds the program; seen under the same path in the machine. */
  root: string;
  /** Run this once, then power off. Without it the daemon is kept running. */
  command?: readonly string[];
  env?: Readonly<Record<string, string>>;
  memoryMiB?: number;
  cpus?: number;
  icount?: boolean;
  extraAppend?: string;
  freshDisk?: boolean;
  /** The machine ends when this process does, however it ends. */
  tied?: boolean;
  bootTimeoutSeconds?: number;
  progress: Progress;
}

/** Emulated, a boot takes 5 s on an idle computer; a busy one may take many times that. */
const BOOT_SECONDS: Record<Accel, number> = { kvm: 60, tcg: 120 };
const POLL_MS = 25;

export interface Booted {
  state: MachineState;
  qemu: ChildProcess;
}

export async function boot(files: MachineFolder, options: BootOptions): Promise<Booted> {
  await prepare(files, options);
  const accel: Accel = options.icount === true ? "tcg" : await probeAccel();
  try {
    return await attempt(files, options, accel);
  } catch (error) {
    // The probe sets registers but runs nothing; a broken KVM may show only now.
    if (accel !== "kvm" || !(error instanceof MachineError)) throw error;
    options.progress.step("hardware virtualisation failed, booting with emulation");
    await forgetKvm();
    return attempt(files, options, "tcg");
  }
}

async function prepare(files: MachineFolder, options: BootOptions): Promise<void> {
  await ensureSystemPackages(machineNeeds, options.progress);
  options.progress.step(`preparing machine ${options.name}`);
  await makeFolder(files);
  await ensureDisk(files.disk, options.freshDisk === true);
  const token = randomBytes(32).toString("hex");
  await writeFile(files.token, token, { mode: 0o600 });

  const base = await baseInitramfs(options.kernel, dirname(files.folder));
  const settings = bootScript({
    token,
    root: options.root,
    name: options.name,
    modulesDir: options.kernel.modulesDir,
    kernelVersion: options.kernel.version,
    hidden: await realpath(dirname(files.folder)),
    command: options.command ?? null,
    env: options.env ?? {},
  });
  await rm(files.initrd, { force: true });
  await writeFile(files.initrd, Buffer.concat([base, bootArchive(settings)]), { mode: 0o600 });
}

async function attempt(files: MachineFolder, options: BootOptions, accel: Accel): Promise<Booted> {
  const how = accel === "kvm" ? "" : " (emulated: no working /dev/kvm)";
  options.progress.step(`booting kernel ${options.kernel.version}${how}`);
  const control = `${files.folder}/control`;
  for (const path of [
    files.status,
    files.outputLog,
    files.consoleLog,
    `${files.folder}/console.sock`,
    control,
  ]) {
    await rm(path, { force: true });
  }
  const fifo = await run("mkfifo", ["-m", "0600", control]);
  if (fifo.code !== 0) throw bootError(files, `mkfifo exited with ${fifo.code}: ${fifo.stderr.trim()}`);

  const port = await freePort();
  const qemu = startQemu(files, options, accel, port);
  const named = qemu.pid === undefined ? null : nameProcess(qemu.pid);
  if (named === null) throw bootError(files, "QEMU ended at once");

  const state: MachineState = {
    name: options.name,
    qemu: named,
    port,
    kernel: { id: options.kernel.id, version: options.kernel.version },
    accel,
    started: new Date().toISOString(),
    root: options.root,
    mode: options.command === undefined ? "daemon" : "command",
  };
  await writeState(files, state);
  try {
    await untilReady(files, qemu, accel, options.bootTimeoutSeconds);
  } catch (error) {
    killProcess(named, "SIGKILL");
    if (!hasEnded(qemu)) await once(qemu, "exit");
    throw error;
  }
  return { state, qemu };
}

function startQemu(files: MachineFolder, options: BootOptions, accel: Accel, port: number): ChildProcess {
  const args = qemuArguments({
    accel,
    port,
    cpus: options.cpus ?? 2,
    memoryMiB: options.memoryMiB ?? 2048,
    vmlinuz: options.kernel.vmlinuz,
    icount: options.icount === true,
    extraAppend: options.extraAppend ?? "",
  });
  const tied = options.tied === true;
  const command = tied
    ? ["setpriv", "--pdeathsig", "KILL", qemuProgram(), ...args]
    : [qemuProgram(), ...args];
  const log = openSync(files.qemuLog, "w", 0o600);
  try {
    const qemu = spawn(command[0]!, command.slice(1), {
      cwd: files.folder,
      detached: !tied,
      stdio: ["ignore", log, log],
    });
    qemu.on("error", () => {}); // seen as an ended process
    if (!tied) qemu.unref();
    return qemu;
  } finally {
    closeSync(log);
  }
}

/** With KVM it either boots soon or never: no caller's patience is taken for that. */
async function untilReady(
  files: MachineFolder,
  qemu: ChildProcess,
  accel: Accel,
  patience: number = BOOT_SECONDS[accel],
): Promise<void> {
  const seconds = accel === "kvm" ? BOOT_SECONDS.kvm : patience;
  const deadline = Date.now() + seconds * 1000;
  while (!readStatus(files.status).ready) {
    // One more look: a short command may be over before we have seen it begin.
    if (hasEnded(qemu) && !readStatus(files.status).ready)
      throw bootError(files, "the machine ended while booting");
    // QEMU stops the machine then, and itself goes on
    if (accel === "kvm" && lastLines(files.qemuLog, 200).includes("KVM internal error"))
      throw bootError(files, "KVM could not run the machine");
    if (Date.now() > deadline) throw bootError(files, `the machine was not ready after ${seconds} s`);
    await sleep(POLL_MS);
  }
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

export function consoleTail(files: MachineFolder): string {
  const lines = [lastLines(files.qemuLog, 5), lastLines(files.consoleLog, 20)].filter((text) => text !== "");
  return lines.length === 0 ? "(the console shows nothing)" : lines.join("\n");
}

function bootError(files: MachineFolder, what: string): MachineError {
  return new MachineError(
    "E_MACHINE_BOOT",
    `${what}; its console ends with:\n${consoleTail(files)}`,
    `the whole console is in ${files.consoleLog}`,
  );
}

/** A port that is free now. Whoever takes it before QEMU does makes the boot fail, with QEMU's message. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
