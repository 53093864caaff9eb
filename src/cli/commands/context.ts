/**
 * csn context create|list|delete: contexts that have a name, to be used wherever a context is asked for; and change.
 */
import type { Command } from "commander";
import { addTags } from "../arguments.ts";
import { connect } from "../connect.ts";
import { example, JSON_OPTION } from "../example.ts";
import { type SpeakOptions, speaking, state } from "../stating.ts";
import { safe, shortContext, table } from "../text.ts";
import { makeUi } from "../ui.ts";
import { registerContextChange } from "./context-change.ts";

type Options = SpeakOptions & { secrecy?: string[]; integrity?: string[]; json?: true };

export function registerContext(program: Command): void {
  const context = program.command("context").description("give contexts a name, or change the own one");
  example(context, "$ csn context create lab/intake --secrecy lab/patient", "$ csn context list");

  const create = speaking(
    context
      .command("create")
      .alias("set")
      .description("name a context, or change what the name means from now on")
      .argument("<name>", "OWNER/NAME")
      .option("--secrecy <tags>", "separated by commas", addTags)
      .option("--integrity <tags>", "separated by commas", addTags)
      .option(...JSON_OPTION),
  ).action(async (name: string, { secrecy = [], integrity = [], ...options }: Options) => {
    const ui = makeUi(options);
    const intent = { kind: "context" as const, name, context: { secrecy, integrity } };
    const said = await state(await connect("start", ui), [intent], options);
    if (ui.json) return ui.answer(said.statements);
    ui.print(`${safe(name)} is ${shortContext({ secrecy, integrity })}`);
  });
  example(create, "$ csn context create lab/intake --secrecy lab/patient --integrity lab/checked");

  const list = context
    .command("list")
    .alias("ls")
    .description("the named contexts whose tags you know")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      const found = await (await connect("look", ui)).call("contexts");
      if (ui.json) return ui.answer(found);
      ui.print(
        ...table([["NAME", "CONTEXT"], ...found.map((one) => [safe(one.name), shortContext(one.context)])]),
      );
    });
  example(list, "$ csn context list");

  const remove = speaking(
    context
      .command("delete")
      .alias("rm")
      .description("forget a name; what has the context keeps it")
      .argument("<name>", "OWNER/NAME")
      .option(...JSON_OPTION),
  ).action(async (name: string, options: SpeakOptions & { json?: true }) => {
    const ui = makeUi(options);
    const said = await state(await connect("look", ui), [{ kind: "uncontext", name }], options);
    if (ui.json) return ui.answer(said.statements);
    ui.print(`forgot ${safe(name)}`);
  });
  example(remove, "$ csn context delete lab/intake");

  registerContextChange(context);
}
