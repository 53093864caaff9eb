/**
 * A machine's folder, `<home>/machine/<name>/`, and its state file.
 *
 * Guarantee: state.json is whole or absent (written aside, then renamed); a machine counts
 * as running only while the very process that the file names is alive.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MachineError } from "./errors.ts";
import { isAlive, type ProcessName } from "./process.ts";

export type Accel = "kvm" | "tcg";

export interface MachineState {
  name: string;
  /** The QEMU process. */
  qemu: ProcessName;
  /** On the host's 127.0.0.1, forwarded to port 7070 in the machine. */
  port: number;
  /** As in KernelFiles. */
  kernel: { id: string; version: string };
  accel: Accel;
  /** ISO 8601, UTC. */
  started: string;
  /** Folder that holds the program, the same path inside and outside. */
  root: string;
  /** A daemon that is kept running, or one command and then power off. */
  mode: "daemon" | "command";
}

export interface MachineFolder {
  folder: string;
  state: string;
  token: string;
  disk: string;
  /** Everything the serial console showed since the boot. */
  consoleLog: string;
  /** What the daemon or the command printed. */
  outputLog: string;
  /** Lines from init: `ready`, `exit N`, `poweroff`. */
  status: string;
  /** QEMU's own messages. */
  qemuLog: string;
  initrd: string;
  lock: string;
}

/** @throws MachineError E_MACHINE_NAME */
export function machineFolder(home: string, name: string): MachineFolder {
  if (!/^[a-z0-9][a-z0-9.-]{0,30}$/.test(name)) {
    throw new MachineError(
      "E_MACHINE_NAME",
      `expected a machine name of 1 to 31 small letters, digits, dots and hyphens, got \`${name}\``,
      "choose another name",
    );
  }
  const folder = join(home, "machine", name);
  return {
    folder,
    state: join(folder, "state.json"),
    token: join(folder, "token"),
    disk: join(folder, "disk.img"),
    consoleLog: join(folder, "console.log"),
    outputLog: join(folder, "output.log"),
    status: join(folder, "status"),
    qemuLog: join(folder, "qemu.log"),
    initrd: join(folder, "initrd"),
    lock: join(folder, "lock"),
  };
}

export async function makeFolder(files: MachineFolder): Promise<void> {
  // 0700: the disk holds labelled data, the initrd and the token open the daemon.
  await mkdir(files.folder, { recursive: true, mode: 0o700 });
}

/** The state of a machine that runs now; null when it doesn't, whatever the file says. */
export function runningState(files: MachineFolder): MachineState | null {
  const state = readState(files);
  return state !== null && isAlive(state.qemu) ? state : null;
}

/** The file's content; null when it is absent or damaged. */
export function readState(files: MachineFolder): MachineState | null {
  try {
    return JSON.parse(readFileSync(files.state, "utf8")) as MachineState;
  } catch {
    return null;
  }
}

export async function writeState(files: MachineFolder, state: MachineState): Promise<void> {
  const aside = `${files.state}.new`;
  await writeFile(aside, JSON.stringify(state, null, 2) + "\n", { mode: 0o600 });
  await rename(aside, files.state);
}

export async function forgetState(files: MachineFolder): Promise<void> {
  await rm(files.state, { force: true });
}

/** Names of the machines that have a folder, running or not. */
export function machineNames(home: string): string[] {
  const folder = join(home, "machine");
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}
