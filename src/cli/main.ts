/**
 * csn's command line.
 *
 * Exit codes: 0 done or allowed, 1 csn failed, 2 the answer is "refused" (check), a question does not hold (audit ask) or the
 * evidence is broken (audit verify), 3 the policy or a file of questions is invalid;
 * `csn run`, `csn gate run` and `csn machine exec` give the program's own, or 125 when csn failed.
 */
import { startupSnapshot } from "node:v8";
import { CommanderError } from "commander";
import { CliError, showError } from "./errors.ts";
import { makeProgram } from "./program.ts";
import { CSN_FAILED } from "./program-run.ts";
import { endWithPipe, flushed } from "./ui.ts";

/** @returns the exit code */
async function main(argv: readonly string[]): Promise<number> {
  try {
    await makeProgram().parseAsync(argv, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0; // help, version
    // Help that was shown because a subcommand is missing has said it all.
    if (!(error instanceof CommanderError)) showError(error);
    else if (error.code !== "commander.help") showError(usageError(error, argv));
    return runsProgram(argv) ? CSN_FAILED : 1;
  }
}

/** commander's words, as an error of ours. */
function usageError(error: CommanderError, argv: readonly string[]): CliError {
  const [, text = "", suggestion] =
    /^(?:error: )?(.*?)(?:\n\(Did you mean (.*)\?\))?$/s.exec(error.message) ?? [];
  const command = makeProgram().commands.find((one) => one.name() === argv[0]);
  const sub = command?.commands.find((one) => one.name() === argv[1]);
  const topic = [command, sub].flatMap((one) => one?.name() ?? []).join(" ");
  const help = topic === "" ? "csn --help" : `csn help ${topic}`;
  const hint =
    suggestion === undefined ? `\`${help}\` shows what there is` : `did you mean \`${suggestion}\`?`;
  return new CliError(
    "E_USAGE",
    text
      .replace(/'([^']*)'/g, "`$1`")
      .replace(" is invalid. ", " is invalid: ")
      .replace(/\.$/, ""),
    hint,
  );
}

function runsProgram([command, subcommand]: readonly string[]): boolean {
  return (
    command === "run" ||
    (command === "machine" && subcommand === "exec") ||
    (command === "gate" && subcommand === "run")
  );
}

async function run(): Promise<never> {
  const code = await main(process.argv.slice(2));
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  process.exit(code);
}

function start(): void {
  endWithPipe();
  void run();
}

// What is above this is in the snapshot that the build makes (src/setup/build.ts): no `await` outside a function, nothing
// asked of the process.
if (startupSnapshot.isBuildingSnapshot()) startupSnapshot.setDeserializeMainFunction(start);
else start();
