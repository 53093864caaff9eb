/**
 * Start, stop and status of machines that stay: `csn machine`, and `csn up` where the
 * host's own kernel can't enforce.
 */

import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { boot, type BootOptions } from "./boot.ts";
import { MachineError } from "./errors.ts";
import { withLock } from "./lock.ts";
import { isAlive, killProcess } from "./process.ts";
import {
  forgetState,
  machineFolder,
  machineNames,
  makeFolder,
  readState,
  runningState,
  type MachineFolder,
  type MachineState,
} from "./state.ts";

export interface StartOptions extends BootOptions {
  /** Folder of csn's state; the machine's is below it. */
  home: string;
}

/** How long the machine may take to close its files when asked to end. */
const STOP_SECONDS = 10;

/**
 * Starts a machine, or returns the one that runs already under this name, whatever kernel
 * it has. Returns when its init is ready; the daemon may need a moment more.
 *
 * @throws MachineError E_MACHINE_BOOT, E_MACHINE_BUSY, E_MACHINE_NAME, E_MACHINE_DISK, E_MACHINE_KERNEL
 */
export async function startMachine(options: StartOptions): Promise<MachineState> {
  const files = machineFolder(options.home, options.name);
  await makeFolder(files);
  return withLock(files.lock, async () => {
    const running = runningState(files);
    if (running !== null && running.mode === "daemon" && options.command === undefined) return running;
    if (running !== null) throw busy(running);
    const { state } = await boot(files, options);
    options.progress.done();
    return state;
  });
}

/**
 * Asks the machine to close its files and power off; after 10 s ends it like a power cut.
 *
 * @returns how it ended; null when it was not running
 */
export async function stopMachine(home: string, name: string): Promise<"stopped" | "killed" | null> {
  const files = machineFolder(home, name);
  const state = readState(files);
  if (state === null) return null;
  return withLock(files.lock, async () => {
    const running = runningState(files);
    let ended: "stopped" | "killed" | null = null;
    if (running !== null) {
      // A machine that runs a command listens to nobody.
      const asked = running.mode === "daemon" && askToPowerOff(files);
      ended = asked && (await endsWithin(running, STOP_SECONDS)) ? "stopped" : "killed";
      killProcess(running.qemu, "SIGKILL");
      await endsWithin(running, STOP_SECONDS);
    }
    await forgetState(files);
    return ended;
  });
}

export interface MachineStatus {
  name: string;
  running: boolean;
  /** Of the machine that runs; null otherwise. */
  state: MachineState | null;
}

export function machineStatus(home: string, name: string): MachineStatus {
  const state = runningState(machineFolder(home, name));
  return { name, running: state !== null, state };
}

export function listMachines(home: string): MachineStatus[] {
  return machineNames(home).map((name) => machineStatus(home, name));
}

export interface Endpoint {
  host: "127.0.0.1";
  port: number;
  /** For the daemon in the machine. Made anew at each boot. */
  token: string;
}

/** Where the machine's daemon is reached. @throws MachineError E_MACHINE_NOT_RUNNING */
export function endpoint(home: string, name: string): Endpoint {
  const files = machineFolder(home, name);
  const state = requireRunning(files, name);
  return { host: "127.0.0.1", port: state.port, token: readFileSync(files.token, "utf8") };
}

/** @throws MachineError E_MACHINE_NOT_RUNNING */
export function requireRunning(files: MachineFolder, name: string): MachineState {
  const state = runningState(files);
  if (state !== null) return state;
  throw new MachineError(
    "E_MACHINE_NOT_RUNNING",
    `machine \`${name}\` is not running`,
    "start it with `csn machine start` or `csn up`",
  );
}

export function busy(state: MachineState): MachineError {
  return new MachineError(
    "E_MACHINE_BUSY",
    `machine \`${state.name}\` already runs ${state.mode === "daemon" ? "the daemon" : "a command"}`,
    "stop it first, or use another name",
  );
}

/** @returns false when nobody reads the port, which means that QEMU is gone */
function askToPowerOff(files: MachineFolder): boolean {
  try {
    const fd = openSync(`${files.folder}/control`, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(fd, "poweroff\n");
    closeSync(fd);
    return true;
  } catch {
    return false;
  }
}

async function endsWithin(state: MachineState, seconds: number): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000;
  while (isAlive(state.qemu)) {
    if (Date.now() > deadline) return false;
    await sleep(25);
  }
  return true;
}
