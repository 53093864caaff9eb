/**
 * csn doctor: tries each requirement, and says what to do about each that isn't met. Exit code 1 if any isn't.
 */
import type { Command } from "commander";
import { find } from "../connect.ts";
import { codedOf } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { hostChecks } from "../host-checks.ts";
import { settingsOf } from "../settings.ts";
import { during, makeUi, type Ui } from "../ui.ts";
import { doctorLines } from "../views.ts";

export function registerDoctor(program: Command): void {
  const doctor = program
    .command("doctor")
    .description("try everything that csn needs, and say what to do about what is missing")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      const host = await hostChecks(settingsOf());
      const daemon = await daemonChecks(ui);
      const checks = [...host, ...daemon];
      const ok = checks.every((check) => check.ok);
      process.exitCode = ok ? 0 : 1;
      if (ui.json) return ui.answer({ ok, checks });
      ui.print(...doctorLines(checks, ui.paint));
      if (daemon.length === 0) ui.note("no daemon runs; after `csn up`, csn doctor also tries the kernel");
    });
  example(doctor, "$ csn doctor");
}

/** The daemon's own, if one runs. One that can't be asked is a finding, too. */
async function daemonChecks(ui: Ui): Promise<Awaited<ReturnType<typeof hostChecks>>> {
  try {
    const client = await find("look", ui);
    if (client === null) return [];
    return (await during(ui, "the daemon tries its requirements", client.call("doctor"))).checks;
  } catch (error) {
    const { code, message, hint } = codedOf(error);
    return [{ name: "daemon", ok: false, found: `${code}: ${message}`, hint }];
  }
}
