/**
 * csn tag create|list: the tags that labels are made of.
 */
import type { Command } from "commander";
import type { Tag } from "../../api/index.ts";
import { tagOf } from "../arguments.ts";
import { connect } from "../connect.ts";
import { example, JSON_OPTION } from "../example.ts";
import { safe, table } from "../text.ts";
import { makeUi } from "../ui.ts";
import { localTime } from "../views.ts";

export function registerTag(program: Command): void {
  const tag = program.command("tag").description("make and list tags, the concerns that labels consist of");
  example(tag, "$ csn tag create lab/patient", "$ csn tag list");

  const create = tag
    .command("create")
    .description("make tags; whoever makes one owns it")
    .argument("<names...>", "OWNER/NAME of each tag")
    .option(...JSON_OPTION)
    .action(async (names: string[], options: { json?: true }) => {
      const ui = makeUi(options);
      const wanted = names.map(tagOf); // all are checked before the first is made
      const client = await connect("start", ui);
      const made: Tag[] = [];
      for (const name of wanted) {
        const created = await client.call("createTag", { body: { name } });
        made.push(created);
        if (!ui.json) ui.print(`created ${safe(created.name)}`);
      }
      if (ui.json) ui.answer(made);
    });
  example(create, "$ csn tag create lab/patient lab/trial");

  const list = tag
    .command("list")
    .alias("ls")
    .description("the tags that you have something to do with")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      const tags = await (await connect("look", ui)).call("tags");
      if (ui.json) return ui.answer(tags);
      const rows = tags.map(({ name, owner, created }) => [safe(name), safe(owner), localTime(created)]);
      ui.print(...table([["TAG", "OWNER", "CREATED"], ...rows]));
    });
  example(list, "$ csn tag list");
}
