/**
 * The virtual machine as a place for the daemon: start it with all it needs, wait until the daemon answers.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  endpoint,
  machineFolder,
  type MachineState,
  machineStatus,
  startMachine,
  stopMachine,
} from "../machine/index.ts";
import { ensureBuilt, ensureKernel, type KernelId, ROOT } from "../setup/index.ts";
import { Client } from "./client.ts";
import { CliError } from "./errors.ts";
import { DAEMON_SECONDS, notUp } from "./not-up.ts";
import type { Settings } from "./settings.ts";
import type { Ui } from "./ui.ts";

const POLL_MS = 100;
/** A guest whose network isn't up yet swallows a call instead of refusing it. */
const PROBE_MS = 3000;
/** The machine's init starts the daemon anew when it ends; more often than this is no accident. */
const MOST_ENDS = 3;

export type MachineChoice = {
  home: string;
  name: string;
  kernel: KernelId;
  memoryMiB?: number | undefined;
  cpus?: number | undefined;
};

/** Boots it, or finds it running; the daemon may need a moment more. */
export async function bootMachine(choice: MachineChoice, ui: Ui): Promise<MachineState> {
  await ensureBuilt(ui.progress);
  const kernel = await ensureKernel(choice.kernel, ui.progress);
  try {
    return await startMachine({
      home: choice.home,
      name: choice.name,
      kernel,
      root: ROOT,
      progress: ui.progress,
      ...(choice.memoryMiB === undefined ? {} : { memoryMiB: choice.memoryMiB }),
      ...(choice.cpus === undefined ? {} : { cpus: choice.cpus }),
    });
  } finally {
    ui.progress.done();
  }
}

export async function startDefaultMachine({ home, machine, kernel }: Settings, ui: Ui): Promise<Client> {
  await bootMachine({ home, name: machine, kernel }, ui);
  return untilMachineAnswers(home, machine, ui);
}

export async function restartMachine(settings: Settings, ui: Ui, why: string): Promise<Client> {
  ui.note(`restarting machine ${settings.machine}: ${why}`);
  await stopMachine(settings.home, settings.machine);
  return startDefaultMachine(settings, ui);
}

/** @throws CliError E_DAEMON_START, MachineError E_MACHINE_NOT_RUNNING */
export async function untilMachineAnswers(home: string, name: string, ui: Ui): Promise<Client> {
  const client = new Client({ machine: name, ...endpoint(home, name) });
  const files = machineFolder(home, name);
  const deadline = Date.now() + DAEMON_SECONDS * 1000;
  const endsBefore = endsOfDaemon(files.status);
  let isSaid = false;
  try {
    for (;;) {
      const error: unknown = await client.call("status", { silenceMs: PROBE_MS }).then(
        () => null,
        (reason: unknown) => reason,
      );
      // A refusal is an answer too; whatever was asked next meets it again.
      if (!(error instanceof CliError)) return client;
      if (error.code === "E_DAEMON_ANSWER") throw error;
      if (!machineStatus(home, name).running)
        throw notUp(`is gone: machine \`${name}\` has ended`, files.outputLog);
      if (endsOfDaemon(files.status) - endsBefore >= MOST_ENDS)
        throw notUp(`in machine \`${name}\` ends as soon as it is started`, files.outputLog);
      if (Date.now() > deadline)
        throw notUp(`in machine \`${name}\` did not answer within ${DAEMON_SECONDS} s`, files.outputLog);
      if (!isSaid) ui.progress.step(`waiting for the daemon in machine ${name}`);
      isSaid = true;
      await sleep(POLL_MS);
    }
  } finally {
    if (isSaid) ui.progress.done();
  }
}

function endsOfDaemon(status: string): number {
  try {
    return readFileSync(status, "utf8").match(/^daemon-exit /gm)?.length ?? 0;
  } catch {
    return 0;
  }
}
