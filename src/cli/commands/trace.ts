/**
 * csn trace: where data went, and where it came from.
 */
import { type Command, InvalidArgumentError } from "commander";
import type { TraceAnswer, TraceQuery } from "../../api/index.ts";
import { traceLines } from "../ask-views.ts";
import { asker } from "../asker.ts";
import { CliError } from "../errors.ts";
import { example } from "../example.ts";
import { makeUi } from "../ui.ts";

type Options = Omit<TraceQuery, "stopAtGates" | "collapse"> & {
  stopAtGates?: true;
  collapse?: TraceQuery["collapse"];
  log?: string;
  format?: "text" | "json" | "dot" | "svg";
  json?: true;
};

export function registerTrace(program: Command): void {
  const trace = program
    .command("trace")
    .description("where data went (`from`), or where it came from (`to`)")
    .argument("<direction>", "`from` or `to`", oneOf("from", "to"))
    .argument("<thing>", "a tag, a path, a record's number, `pid:812`, `program:curl`, `user:alice`, 10.1.2.3:443, or an id of an answer")
    .option("--to <thing>", "of `from`: only what lies on a way there")
    .option("--from <thing>", "of `to`: only what lies on a way from there")
    .option("--since <time>", "what was reached from then on, not before")
    .option("--until <time>", "what had been reached by then")
    .option("--depth <flows>", "at most so many flows away", positive)
    .option("--collapse <by>", "as one: all of a `host`, `tenant`, `program` or `kind`", oneOf("host", "tenant", "program", "kind"))
    .option("--noise", "also folders, links, programs and libraries")
    .option("--refused", "also what was tried and refused")
    .option("--stop-at-gates", "only while data keeps its label")
    .option("--across-gates", "also what gates and owners let out (as without either)")
    .option("--limit <entities>", "at most so many (200)", positive)
    .option("--log <folder>", "ask a copy of a log, without the daemon")
    .option("--format <format>", "`text`, `json`, `dot` or `svg`", oneOf("text", "json", "dot", "svg"))
    .option("--json", "answer as JSON, for scripts")
    .action(async (direction: "from" | "to", thing: string, options: Options) => {
      const ui = makeUi(options);
      const { since, until, depth, collapse, noise, refused, stopAtGates, limit } = options;
      if (options[direction] !== undefined)
        throw new CliError("E_USAGE", `expected \`--${direction === "from" ? "to" : "from"}\` with \`trace ${direction}\`, found \`--${direction}\``, "`csn trace from A --to B`"); // prettier-ignore
      const query: TraceQuery = {
        ...{ from: options.from, to: options.to, [direction]: thing },
        ...{ since, until, depth, collapse, noise, refused, stopAtGates, limit },
      };
      const answer = (await asker(options.log, ui)).trace(query);
      await show(await answer, ui, options.json === true ? "json" : (options.format ?? "text"));
    }); // prettier-ignore
  example(
    trace,
    "$ csn trace from lab/patient --refused",
    "$ csn trace to /srv/report.csv --stop-at-gates",
    "$ csn trace from /srv/trial.csv --to 10.1.2.3 --format svg > way.svg",
  );
}

async function show(answer: TraceAnswer, ui: ReturnType<typeof makeUi>, format: string): Promise<void> {
  if (format === "json") return ui.answer(answer);
  if (format === "text") return ui.print(...traceLines(answer, ui.paint));
  const { drawDot, drawSvg } = await import("../../audit/index.ts");
  process.stdout.write(format === "dot" ? drawDot(answer) : drawSvg(answer));
}

export function positive(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= 100_000) return number;
  throw new InvalidArgumentError("expected a number from 1 to 100000");
}

export function oneOf(...words: string[]): (text: string) => string {
  return (text) => {
    if (words.includes(text)) return text;
    throw new InvalidArgumentError(`expected one of ${words.join(", ")}`);
  };
}
