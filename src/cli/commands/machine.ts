/**
 * csn machine: the virtual machine in which csn enforces where this host's own kernel can't.
 */
import { type Command, InvalidArgumentError } from "commander";
import {
  attachConsole,
  listMachines,
  type MachineStatus,
  machineStatus,
  stopMachine,
} from "../../machine/index.ts";
import { kernelIds } from "../../setup/index.ts";
import { example, JSON_OPTION } from "../example.ts";
import { kernelOf, settingsOf } from "../settings.ts";
import { bootMachine, untilMachineAnswers } from "../start-machine.ts";
import { safe, table } from "../text.ts";
import { during, makeUi } from "../ui.ts";
import { localTime } from "../views.ts";
import { registerMachineExec } from "./machine-exec.ts";

type Named = { name?: string; json?: true };
type StartOptions = Named & { kernel?: ReturnType<typeof kernelOf>; memory?: number; cpus?: number };

export function registerMachine(program: Command): void {
  const machine = program
    .command("machine")
    .description("manage the virtual machine that enforces where this host can't");
  example(machine, "$ csn machine start --kernel 7.3 --name next", "$ csn machine stop --name next");
  registerStart(machine);
  registerStop(machine);
  registerLists(machine);
  registerMachineExec(machine);

  const console = machine
    .command("console")
    .description("a root shell on the machine's serial console; Ctrl-] leaves it")
    .option("--name <name>", "of the machine")
    .action(async (options: Named) => {
      const settings = settingsOf();
      const name = options.name ?? settings.machine;
      if (process.stdin.isTTY)
        makeUi().note(`console of machine ${name}: Ctrl-] leaves it, Enter shows the prompt`);
      await attachConsole(settings.home, name, { input: process.stdin, output: process.stdout });
    });
  example(console, "$ csn machine console");
}

function registerStart(machine: Command): void {
  const start = machine
    .command("start")
    .description("start a machine, and wait until its daemon answers")
    .option("--kernel <version>", `${kernelIds.join(" or ")} (default: 6.12, or CSN_KERNEL)`, kernelOf)
    .option("--name <name>", "of the machine (default: default, or CSN_MACHINE_NAME)")
    .option("--memory <MiB>", "its memory (default: 2048)", atLeast(256))
    .option("--cpus <number>", "its processors (default: 2)", atLeast(1))
    .option(...JSON_OPTION)
    .action(async (options: StartOptions) => {
      const ui = makeUi(options);
      const settings = settingsOf();
      const name = options.name ?? settings.machine;
      const { running } = machineStatus(settings.home, name);
      const kernel = options.kernel ?? settings.kernel;
      const state = await bootMachine(
        { home: settings.home, name, kernel, memoryMiB: options.memory, cpus: options.cpus },
        ui,
      );
      if (running) ui.note(`machine ${name} was running already`);
      await untilMachineAnswers(settings.home, name, ui);
      if (ui.json) ui.answer(machineStatus(settings.home, name));
      else ui.print(`machine ${name} runs kernel ${safe(state.kernel.version)} (${state.accel})`);
    });
  example(start, "$ csn machine start --kernel 7.3 --memory 4096");
}

function registerStop(machine: Command): void {
  const stop = machine
    .command("stop")
    .description("power a machine off; labels and records stay on its disk")
    .option("--name <name>", "of the machine")
    .option(...JSON_OPTION)
    .action(async (options: Named) => {
      const ui = makeUi(options);
      const settings = settingsOf();
      const name = options.name ?? settings.machine;
      const ended = await during(ui, `stopping machine ${name}`, stopMachine(settings.home, name));
      if (ui.json) ui.answer({ name, ended });
      else ui.print(`machine ${name} ${ended === null ? "was not running" : `is ${ended}`}`);
    });
  example(stop, "$ csn machine stop");
}

function registerLists(machine: Command): void {
  const status = machine
    .command("status")
    .description("whether a machine runs, and with what kernel")
    .option("--name <name>", "of the machine")
    .option(...JSON_OPTION)
    .action((options: Named) => {
      const ui = makeUi(options);
      const settings = settingsOf();
      const found = machineStatus(settings.home, options.name ?? settings.machine);
      if (ui.json) ui.answer(found);
      else ui.print(...machineLines([found]));
    });
  example(status, "$ csn machine status");

  const list = machine
    .command("list")
    .alias("ls")
    .description("all machines, running or not")
    .option(...JSON_OPTION)
    .action((options: Named) => {
      const ui = makeUi(options);
      const found = listMachines(settingsOf().home);
      if (ui.json) ui.answer(found);
      else ui.print(...machineLines(found));
    });
  example(list, "$ csn machine list");
}

function machineLines(machines: readonly MachineStatus[]): string[] {
  const rows = machines.map(({ name, state }) =>
    state === null
      ? [name, "stopped"]
      : [
          name,
          "running",
          safe(state.kernel.version),
          state.accel,
          localTime(state.started),
          safe(state.root),
        ],
  );
  return table([["NAME", "STATE", "KERNEL", "CPU", "STARTED", "CHECKOUT"], ...rows]);
}

function atLeast(least: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,7}$/.test(text) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`expected a whole number from ${least}`);
  };
}
