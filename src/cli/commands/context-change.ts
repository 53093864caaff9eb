/**
 * csn context change: a program's own context, asked for from inside `csn run`.
 *
 * Exit code: 0 changed, 2 refused; with a PROGRAM, which then runs under the new context, that program's.
 */
import { spawnSync } from "node:child_process";
import { constants } from "node:os";
import type { Command } from "commander";
import { ChangeRefused, changeContext } from "../../client/index.ts";
import { addTags } from "../arguments.ts";
import { showError } from "../errors.ts";
import { example } from "../example.ts";

type Options = { add?: string[]; drop?: string[]; addIntegrity?: string[]; dropIntegrity?: string[] };

/** As a shell gives them. */
const NOT_FOUND = 127;
const SIGNALLED = 128;
const REFUSED = 2;

export function registerContextChange(context: Command): void {
  const change = context
    .command("change")
    .description("change the context of the own compartment, from inside `csn run`")
    .usage("[options] [-- PROGRAM [ARGS...]]")
    .argument("[program...]", "run this under the new context")
    .passThroughOptions()
    .option("--add <tags>", "add to secrecy; separated by commas", addTags)
    .option("--drop <tags>", "take from secrecy", addTags)
    .option("--add-integrity <tags>", "add to integrity", addTags)
    .option("--drop-integrity <tags>", "take from integrity", addTags)
    .action((argv: string[], options: Options) => {
      try {
        changeContext(options);
      } catch (error) {
        if (!(error instanceof ChangeRefused)) throw error;
        showError(error);
        process.exitCode = REFUSED;
        return;
      }
      if (argv.length > 0) process.exitCode = run(argv);
    });
  example(
    change,
    "$ csn context change --add lab/patient -- sort /data/trial.csv",
    "$ csn run --clearance lab/patient -- csn context change --add lab/patient -- sort /data/trial.csv",
  );
}

function run([name, ...args]: string[]): number {
  const { status, signal, error } = spawnSync(name!, args, { stdio: "inherit" });
  if (error) {
    process.stderr.write(`csn: ${name}: ${error.message}\n`);
    return NOT_FOUND;
  }
  return signal ? SIGNALLED + constants.signals[signal] : (status ?? 1);
}
