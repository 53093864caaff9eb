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
    .action((names: string[]) => {
      let topic = program;
      for (const name of names) {
        const next = topic.commands.find((sub) => sub.name() === name || sub.aliases().includes(name));
        if (next === undefined) return missing(topic, name);
        topic = next;
      }
      topic.outputHelp();
    });
  example(help, "$ csn help label set");
}

function missing(topic: Command, name: string): never {
  // Tried as a command, so that error and suggestion are the same as there.
  if (topic.commands.length > 0) topic.parse([name], { from: "user" });
  throw new CliError(
    "E_USAGE",
    `\`${topic.name()}\` has no command \`${name}\``,
    "`csn --help` shows all commands",
  );
}
