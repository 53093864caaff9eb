/**
 * csn help: how a command, or a subcommand, is used.
 */
import type { Command } from "commander";
import { CliError } from "../errors.ts";
import { example } from "../example.ts";

export function registerHelp(program: Command): void {
  const help = program
    .command("help")
    .description("how a command is used")
    .argument("[command...]", "such as `label set`")
    .action((names: string[]) => names.reduce(commandIn, program).outputHelp());
  example(help, "$ csn help label set");
}

/** @throws CommanderError, CliError E_USAGE when there is no such command */
function commandIn(topic: Command, name: string): Command {
  const found = topic.commands.find((sub) => sub.name() === name || sub.aliases().includes(name));
  if (found !== undefined) return found;
  // Tried as a command, so that error and suggestion are the same as there.
  if (topic.commands.length > 0) topic.parse([name], { from: "user" });
  throw new CliError(
    "E_USAGE",
    `\`${topic.name()}\` has no command \`${name}\``,
    "`csn --help` shows all commands",
  );
}
