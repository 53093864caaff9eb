/**
 * csn ps: labelled processes, their contexts and what they hold open.
 */
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { example, JSON_OPTION } from "../example.ts";
import { makeUi } from "../ui.ts";
import { processLines } from "../views.ts";

export function registerPs(program: Command): void {
  const ps = program
    .command("ps")
    .description("labelled processes, with their context and open files")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      const processes = await (await connect("look", ui)).call("processes");
      if (ui.json) ui.answer(processes);
      else ui.print(...processLines(processes));
    });
  example(ps, "$ csn ps");
}
