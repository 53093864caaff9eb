/**
 * csn up: starts what is missing, and attaches the monitor if anything has a label. Says what is enforced, and
 * what is not.
 */
import { type Command, Option } from "commander";
import { connect } from "../connect.ts";
import { example, JSON_OPTION } from "../example.ts";
import { during, makeUi } from "../ui.ts";
import { statusLines } from "../views.ts";

export function registerUp(program: Command): void {
  const up = program
    .command("up")
    .description("start enforcing: in this kernel where it can, else in a virtual machine")
    .addOption(
      new Option(
        "--on-full <what>",
        "flows that cannot be recorded: refuse them, or let them happen and count them (the default); root only",
      ).choices(["refuse", "count"]),
    )
    .option(...JSON_OPTION)
    .action(async (options: { json?: true; onFull?: "refuse" | "count" }) => {
      const ui = makeUi(options);
      const client = await connect("start", ui);
      const status = await during(
        ui,
        "attaching the monitor",
        client.call("up", { body: { onFull: options.onFull } }),
      );
      if (ui.json) return ui.answer(status);
      ui.print(...statusLines(status, ui.paint));
      if (!status.attached)
        ui.note("ready: the first label attaches the monitor, and until then nothing is slowed down");
      else if (status.worlds.some(({ state }) => state === "off" || state === "observed"))
        ui.note("not every kind of channel is closed; see the list above");
    });
  example(up, "$ csn up", "$ csn up --on-full refuse");
}
