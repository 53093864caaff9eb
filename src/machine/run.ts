/**
 * The test bench: boots a machine for one command and gives its output and exit code.
 *
 * Guarantee: an exit code comes from the command and nothing else; a machine that hangs,
 * panics or is killed is an error with its console. QEMU ends when the caller's process
 * does, even by SIGKILL.
 */

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { silent, type KernelFiles, type Progress } from "../setup/index.ts";
import { boot, consoleTail, hasEnded, type Booted } from "./boot.ts";
import { MachineError } from "./errors.ts";
import { busy } from "./lifecycle.ts";
import { withLock } from "./lock.ts";
import {
  forgetState,
  machineFolder,
  makeFolder,
  runningState,
  type Accel,
  type MachineFolder,
} from "./state.ts";
import { readStatus, Tail } from "./status.ts";

export interface RunOptions {
  home: string;
  name: string;
  kernel: KernelFiles;
  /** Working directory of the command; see BootOptions. */
  root: string;
  /** Program and arguments; no shell reads them. */
  command: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Standard output and error, in the order written, as bytes. */
  onOutput?: (chunk: Buffer) => void;
  /** For the command, counted from when init is ready. */
  timeoutSeconds?: number;
  memoryMiB?: number;
  smp?: number;
  icount?: boolean;
  extraAppend?: string;
  freshDisk?: boolean;
  bootTimeoutSeconds?: number;
  progress?: Progress;
  /** Ends the machine like a power cut; the call then throws the signal's reason. */
  signal?: AbortSignal;
}

export interface RunResult {
  /** As a shell gives it: 128 + N when signal N ended the command, 126 or 127 when it could not be run. */
  exitCode: number;
  /** From starting QEMU until it ended. */
  seconds: number;
  /** Until the command began. */
  bootSeconds: number;
  accel: Accel;
}

const RUN_SECONDS = 600;

/** @throws MachineError E_MACHINE_BOOT, E_MACHINE_CRASH, E_MACHINE_TIMEOUT, E_MACHINE_BUSY, ... */
export async function runInMachine(options: RunOptions): Promise<RunResult> {
  const files = machineFolder(options.home, options.name);
  await makeFolder(files);
  const progress = options.progress ?? silent;
  const { smp, ...rest } = options;
  const begun = performance.now();

  const booted = await withLock(files.lock, async () => {
    const running = runningState(files);
    if (running !== null) throw busy(running);
    return boot(files, { ...rest, ...(smp === undefined ? {} : { cpus: smp }), tied: true, progress });
  });
  const bootSeconds = (performance.now() - begun) / 1000;
  progress.done();
  try {
    const exitCode = await follow(files, booted, options);
    return { exitCode, seconds: (performance.now() - begun) / 1000, bootSeconds, accel: booted.state.accel };
  } finally {
    await end(booted);
    await forgetState(files);
  }
}

/** Waits for the end, too: until then the disk is locked. */
async function end({ qemu }: Booted): Promise<void> {
  if (hasEnded(qemu)) return;
  const ended = once(qemu, "exit");
  qemu.kill("SIGKILL");
  await ended;
}

async function follow(files: MachineFolder, { qemu }: Booted, options: RunOptions): Promise<number> {
  const tail = new Tail(files.outputLog);
  const drain = (): void => {
    for (let chunk = tail.next(); chunk !== null; chunk = tail.next()) options.onOutput?.(chunk);
  };
  const seconds = options.timeoutSeconds ?? RUN_SECONDS;
  const deadline = Date.now() + seconds * 1000;
  while (!hasEnded(qemu)) {
    options.signal?.throwIfAborted();
    if (Date.now() > deadline) {
      drain();
      throw failure(files, "E_MACHINE_TIMEOUT", `the command was not over after ${seconds} s`);
    }
    await sleep(25);
    drain();
  }
  drain();
  const { exitCode } = readStatus(files.status);
  if (exitCode === null) throw failure(files, "E_MACHINE_CRASH", "the machine ended before the command did");
  return exitCode;
}

function failure(
  files: MachineFolder,
  code: "E_MACHINE_CRASH" | "E_MACHINE_TIMEOUT",
  what: string,
): MachineError {
  return new MachineError(
    code,
    `${what}; its console ends with:\n${consoleTail(files)}`,
    `the whole console is in ${files.consoleLog}`,
  );
}
