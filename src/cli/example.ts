/**
 * Help that teaches: each command ends with an example.
 */
import type { Command } from "commander";

/** Adds lines to a command's help: `$ ` and a command, or what it does. */
export function example(command: Command, ...lines: string[]): Command {
  const text = lines.map((line) => `  ${line}`).join("\n");
  return command.addHelpText("after", `\n${lines.length > 2 ? "Examples" : "Example"}:\n${text}`);
}

export const JSON_OPTION = ["--json", "answer as JSON, for scripts"] as const;
