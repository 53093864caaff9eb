/**
 * csn run: an unmodified program under a label, in a compartment of its own.
 *
 * Exit code: the program's, or 125, 126, 127 as with docker.
 */
import { resolve } from "node:path";
import type { Command } from "commander";
import { addTags, callingUser, type User, userOf, volumeOf } from "../arguments.ts";
import { connect } from "../connect.ts";
import { CliError } from "../errors.ts";
import { example } from "../example.ts";
import { runProgram, surroundings } from "../program-run.ts";
import { makeUi } from "../ui.ts";

type Options = {
  secrecy?: string[];
  integrity?: string[];
  clearance?: string[];
  float?: true;
  observe?: true;
  across?: string[];
  volume?: string[];
  tty?: true;
  interactive?: true;
  workdir?: string;
  env?: string[];
  user?: User;
  hostname?: string;
  release?: true;
  via?: string[];
};

/** @throws CliError E_USAGE */
function modeOf({ float, observe }: Options): "enforce" | "float" | "observe" {
  if (float && observe)
    throw new CliError(
      "E_USAGE",
      "expected `--float` or `--observe`, found both",
      "a program runs in one mode; docs/modes.md tells what each does",
    );
  return float ? "float" : observe ? "observe" : "enforce";
}

export const addText = (text: string, before: string[] = []): string[] => [...before, text];

const addNames = (text: string, before: string[] = []): string[] => [...before, ...text.split(",")];

export function registerRun(program: Command): void {
  const run = program
    .command("run")
    .description("run a program under a label")
    .usage("[options] [--] PROGRAM [ARGS...]")
    .argument("<program>", "the program, as it is; found on the PATH")
    .argument("[args...]", "what it is started with, options included")
    .passThroughOptions()
    .option("--secrecy <tags>", "whose data it may read; separated by commas", addTags)
    .option("--integrity <tags>", "whose word it keeps; separated by commas", addTags)
    .option("--clearance <tags>", "what it may raise its secrecy to and still print", addTags)
    .option("--float", "raise it to what it reads, up to its clearance")
    .option("--observe", "refuse it nothing by the flow rules; record what enforcing would refuse")
    .option(
      "--across <tags>",
      "what an observed program may cross (default: its own tags; for root all)",
      addTags,
    )
    .option("-v, --volume <src:dst[:ro]>", "show a file or directory at another place", addText)
    .option("-t, --tty", "give it a terminal")
    .option("-i, --interactive", "does nothing: standard input is always passed on")
    .option("-w, --workdir <directory>", "where it starts (default: here)")
    .option("-e, --env <name[=value]>", "set a variable", addText)
    .option("-u, --user <uid[:gid]>", "who it runs as (default: you)", userOf)
    .option("--hostname <name>", "what it takes the host's name for")
    .option("--via <gates>", "let its output pass through gates first; separated by commas", addNames)
    .option("--release", "take labelled output on your own responsibility")
    .action(async (name: string, args: string[], options: Options) => {
      const cwd = process.cwd();
      const request = {
        argv: [name, ...args],
        context: { secrecy: options.secrecy ?? [], integrity: options.integrity ?? [] },
        ...(options.clearance && { clearance: { secrecy: options.clearance, integrity: [] } }),
        mode: modeOf(options),
        ...(options.across && { across: options.across }),
        ...surroundings(options),
        cwd: resolve(cwd, options.workdir ?? "."),
        volumes: (options.volume ?? []).map((volume) => volumeOf(volume, cwd)),
        user: options.user ?? callingUser(),
        hostname: options.hostname ?? "csn",
        release: options.release === true,
        via: options.via ?? [],
        plain: false,
      };
      const ui = makeUi();
      process.exitCode = await runProgram(await connect("start", ui), request);
    });
  example(
    run,
    "$ csn run --secrecy lab/patient -- awk -F, '{ n += $2 } END { print n }' trial/data.csv",
    "$ csn run --secrecy lab/patient --via lab/anonymise -- cat trial/data.csv > open.csv",
    "$ csn run --float --clearance lab/patient,lab/trial -- ./report.sh",
    "$ csn run --observe --secrecy lab/patient -- python3 -m http.server",
    "$ csn run -t --secrecy lab/patient -v ./trial:/data:ro bash",
  );
}
