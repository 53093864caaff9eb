/**
 * csn machine exec: an ordinary, unlabelled process in the machine, as root.
 */
import { resolve } from "node:path";
import type { Command } from "commander";
import { connectMachine } from "../connect.ts";
import { example } from "../example.ts";
import { runProgram, surroundings } from "../program-run.ts";
import { type User, userOf } from "../arguments.ts";
import { settingsOf } from "../settings.ts";
import { makeUi } from "../ui.ts";
import { addText } from "./run.ts";

type Options = {
  name?: string;
  tty?: true;
  interactive?: true;
  workdir?: string;
  env?: string[];
  user?: User;
};

export function registerMachineExec(machine: Command): void {
  const exec = machine
    .command("exec")
    .description("run an ordinary, unlabelled program in the machine")
    .usage("[options] [--] PROGRAM [ARGS...]")
    .argument("<program>", "found on the machine's PATH, which is this host's")
    .argument("[args...]", "what it is started with, options included")
    .passThroughOptions()
    .option("--name <name>", "of the machine")
    .option("-t, --tty", "give it a terminal")
    .option("-i, --interactive", "does nothing: standard input is always passed on")
    .option("-w, --workdir <directory>", "where it starts (default: here)")
    .option("-e, --env <name[=value]>", "set a variable", addText)
    .option("-u, --user <uid[:gid]>", "who it runs as (default: root)", userOf)
    .action(async (program: string, args: string[], options: Options) => {
      const { home, machine: name } = settingsOf();
      const client = await connectMachine(home, options.name ?? name, makeUi());
      process.exitCode = await runProgram(client, {
        argv: [program, ...args],
        context: { secrecy: [], integrity: [] },
        ...surroundings(options),
        cwd: resolve(options.workdir ?? "."),
        volumes: [],
        user: options.user ?? { uid: 0, gid: 0, groups: [0] },
        hostname: "csn",
        release: false,
        plain: true,
        via: [],
        mode: "enforce" as const,
      });
    });
  example(
    exec,
    "$ csn machine exec -- cat /data/trial/data.csv",
    "    what anybody without a label sees there",
  );
}
