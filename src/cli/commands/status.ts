/**
 * csn status: for each kind of channel whether it is enforced. Starts nothing.
 */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { find } from "../connect.ts";
import { example, JSON_OPTION } from "../example.ts";
import { makeUi } from "../ui.ts";
import { statusLines } from "../views.ts";

/** Where the daemon pins what it attaches (src/kernel); only root can look. */
const PINS = "/sys/fs/bpf/csn";

export function registerStatus(program: Command): void {
  const status = program
    .command("status")
    .description("what is enforced, refused outright, observed or off, and why")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      const client = await find("look", ui);
      if (client !== null) {
        const found = await client.call("status");
        return ui.json ? ui.answer(found) : ui.print(...statusLines(found, ui.paint));
      }
      const attached = existsSync(PINS);
      if (ui.json) return ui.answer({ running: false, attached });
      if (attached) ui.print("no daemon runs, but its monitor is still attached and goes on enforcing");
      else ui.print(ui.paint.yellow("nothing is enforced: no daemon runs"));
      ui.print("start it with `csn up`");
    });
  example(status, "$ csn status", "$ csn status --json | jq .counts.flows.refused");
}
