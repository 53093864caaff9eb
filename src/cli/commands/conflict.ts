/**
 * csn conflict create|list|delete: sets of tags of which nobody may ever have held more than one. [COI-1]
 */
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { example, JSON_OPTION } from "../example.ts";
import { type SpeakOptions, speaking, state } from "../stating.ts";
import { safe, table } from "../text.ts";
import { makeUi } from "../ui.ts";

type Options = SpeakOptions & { json?: true };

export function registerConflict(program: Command): void {
  const conflict = program
    .command("conflict")
    .description("conflicts of interest: tags of which nobody may ever have more than one");
  example(conflict, "$ csn conflict create platform/drugs acme/secret bayer/secret", "$ csn conflict list");

  const create = speaking(
    conflict
      .command("create")
      .description("make a set; its maker owns all members, or is the platform's administrator")
      .argument("<name>", "OWNER/NAME; `platform/NAME` for the administrator")
      .argument("<tags...>", "its members, two or more; `OWNER/NAME:*` for all instances")
      .option(...JSON_OPTION),
  ).action(async (name: string, tags: string[], options: Options) => {
    const ui = makeUi(options);
    const said = await state(await connect("start", ui), [{ kind: "conflict", name, tags }], options);
    if (ui.json) return ui.answer(said.statements);
    ui.print(
      `created ${safe(name)}: who has held one of ${tags.map(safe).join(", ")} gets none of the others`,
    );
  });
  example(create, "$ csn conflict create platform/drugs acme/secret bayer/secret");

  const list = conflict
    .command("list")
    .alias("ls")
    .description("the sets that you made, or all of whose members you know")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      const found = await (await connect("look", ui)).call("conflicts");
      if (ui.json) return ui.answer(found);
      const rows = found.map(({ name, by, tags }) => [safe(name), safe(by), tags.map(safe).join(", ")]);
      ui.print(...table([["SET", "BY", "MEMBERS"], ...rows]));
    });
  example(list, "$ csn conflict list");

  const remove = speaking(
    conflict
      .command("delete")
      .alias("rm")
      .description("end a set")
      .argument("<name>", "OWNER/NAME")
      .option(...JSON_OPTION),
  ).action(async (name: string, options: Options) => {
    const ui = makeUi(options);
    const said = await state(await connect("look", ui), [{ kind: "unconflict", name }], options);
    if (ui.json) return ui.answer(said.statements);
    ui.print(`ended ${safe(name)}`);
  });
  example(remove, "$ csn conflict delete platform/drugs");
}
