/**
 * csn check: may data flow from one context to another? Exit code 0 for yes, 2 for no.
 */
import type { Command } from "commander";
import type { ContextInput } from "../../api/index.ts";
import { addTags, parseContext } from "../arguments.ts";
import { connect } from "../connect.ts";
import { CliError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { safe, shortContext } from "../text.ts";
import { makeUi } from "../ui.ts";

/** The answer is no. */
const REFUSED = 2;

type Options = {
  from?: string;
  to?: string;
  fromSecrecy?: string[];
  fromIntegrity?: string[];
  toSecrecy?: string[];
  toIntegrity?: string[];
  json?: true;
};

export function registerCheck(program: Command): void {
  const check = program
    .command("check")
    .description("ask whether data may flow from one context to another (exit code 2: it may not)")
    .option("--from <context>", "`S=a/b,c/d;I=e/f`, or `unlabelled`")
    .option("--to <context>", "the same")
    .option("--from-secrecy <tags>", "separated by commas", addTags)
    .option("--from-integrity <tags>", "separated by commas", addTags)
    .option("--to-secrecy <tags>", "separated by commas", addTags)
    .option("--to-integrity <tags>", "separated by commas", addTags)
    .option(...JSON_OPTION)
    .action(async (options: Options) => {
      const ui = makeUi(options);
      const from = side("from", options.from, options.fromSecrecy, options.fromIntegrity);
      const to = side("to", options.to, options.toSecrecy, options.toIntegrity);
      const answer = await (await connect("look", ui)).call("check", { body: { from, to } });
      process.exitCode = answer.allowed ? 0 : REFUSED;
      if (ui.json) return ui.answer(answer);
      const verdict = answer.allowed ? ui.paint.green("allowed") : ui.paint.red("refused");
      const why = [answer.rule ?? "", ...answer.tags].map(safe).join(" ").trim();
      ui.print(
        `${verdict}: ${shortContext(from)} -> ${shortContext(to)}${why === "" ? "" : ` (${why})`}`,
        safe(answer.reason),
        ...answer.gates.map((gate) => `[GATE-4] gate ${safe(gate)} would let it through`),
      );
    });
  example(
    check,
    "$ csn check --from-secrecy lab/patient --to unlabelled",
    "$ csn check --from 'S=lab/patient;I=clinic/validated' --to S=lab/patient",
  );
}

function side(
  name: "from" | "to",
  text: string | undefined,
  secrecy: string[] = [],
  integrity: string[] = [],
): ContextInput {
  if (text === undefined) return { secrecy, integrity };
  if (secrecy.length + integrity.length === 0) return parseContext(text);
  throw new CliError(
    "E_USAGE",
    `expected --${name} or --${name}-secrecy and --${name}-integrity, found both`,
    "use one of the two ways",
  );
}
