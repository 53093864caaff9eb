/**
 * csn down: the only way to end enforcement. Takes the monitor off, ends the daemon, stops the machine.
 */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { machineStatus, stopMachine } from "../../machine/index.ts";
import { find } from "../connect.ts";
import { example, JSON_OPTION } from "../example.ts";
import { settingsOf } from "../settings.ts";
import { during, makeUi, type Ui } from "../ui.ts";

export function registerDown(program: Command): void {
  const down = program
    .command("down")
    .description("end enforcement: take the monitor off and stop what `csn up` started")
    .option("--force", "even while labelled programs run or the daemon does not answer")
    .option(...JSON_OPTION)
    .action((options: { force?: true; json?: true }) => takeDown(options.force === true, makeUi(options)));
  example(down, "$ csn down", "$ csn down --force", "    also while labelled programs still run");
}

async function takeDown(force: boolean, ui: Ui): Promise<void> {
  const settings = settingsOf();
  const client = await find("look", ui, settings).catch((error: unknown) => {
    // A machine whose daemon is broken can still be stopped.
    if (force && machineStatus(settings.home, settings.machine).running) return undefined;
    throw error;
  });
  if (client === null)
    return report(ui, { attached: false, machine: null, stopped: null }, "nothing runs, nothing is enforced");

  const status = await client?.call("down", { body: { force } });
  const machine = client === undefined ? settings.machine : client.machine;
  if (machine === null) {
    endDaemon(status?.pid ?? 0);
    return report(ui, { attached: false, machine, stopped: null }, "the monitor is off: nothing is enforced");
  }
  const stopped = await during(ui, `stopping machine ${machine}`, stopMachine(settings.home, machine));
  report(
    ui,
    { attached: false, machine, stopped },
    `nothing is enforced; machine ${machine} is ${stopped ?? "stopped"}`,
  );
}

/** A daemon that csn started on this host ends with what it was for. One in a guest is started anew by its init. */
function endDaemon(pid: number): void {
  try {
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("/src/daemon/main.ts"))
      process.kill(pid, "SIGTERM");
  } catch {
    // it has ended by itself, or belongs to somebody else
  }
}

function report(ui: Ui, value: unknown, text: string): void {
  if (ui.json) ui.answer(value);
  else ui.print(text);
}
