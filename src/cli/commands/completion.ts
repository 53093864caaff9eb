/**
 * csn completion: prints a shell's completion script.
 */
import { Argument, type Command } from "commander";
import { bashScript, fishScript, wordsOf, zshScript } from "../completion.ts";
import { example } from "../example.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
type Shell = keyof typeof SCRIPTS;

export function registerCompletion(program: Command): void {
  const completion = program
    .command("completion")
    .description("print a completion script for your shell")
    .addArgument(new Argument("<shell>", "your shell").choices(Object.keys(SCRIPTS)))
    .action((shell: Shell) => {
      process.stdout.write(SCRIPTS[shell](wordsOf(program)));
    });
  example(
    completion,
    "$ source <(csn completion bash)",
    "$ csn completion zsh > ~/.zfunc/_csn",
    "$ csn completion fish > ~/.config/fish/completions/csn.fish",
  );
}
