/**
 * csn explain: why a flow was decided as it was, and what would allow it.
 */
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { CliError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { safe } from "../text.ts";
import { makeUi } from "../ui.ts";
import { logLine } from "../views.ts";

export function registerExplain(program: Command): void {
  const explain = program
    .command("explain")
    .description("which rule decided a flow, which tags, and what would allow it")
    .argument("<id>", "the record's number, as `csn log` shows it at the end of a line")
    .option(...JSON_OPTION)
    .action(async (id: string, options: { json?: true }) => {
      const ui = makeUi(options);
      const number = /^#?(\d+)$/.exec(id)?.[1];
      if (number === undefined)
        throw new CliError(
          "E_USAGE",
          `expected a record's number, found \`${id}\``,
          "`csn log` shows the numbers: #17 is 17",
        );
      const found = await (await connect("look", ui)).call("explain", { parameters: { id: number } });
      if (ui.json) return ui.answer(found);
      ui.print(logLine(found.record, ui.paint), "", safe(found.text));
      if (found.rule !== null) ui.print(`rule: ${safe(found.rule)}`);
      if (found.tags.length > 0) ui.print(`tags: ${found.tags.map(safe).join(", ")}`);
      if (found.remedy.length > 0)
        ui.print("", "what would allow it:", ...found.remedy.map((way) => `- ${safe(way)}`));
    });
  example(explain, "$ csn log --refused -n 1", "$ csn explain 17");
}
