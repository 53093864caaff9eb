/**
 * csn log: what flowed and what was refused, a line each, oldest first.
 *
 * Not covered: following over a restart of the daemon.
 */
import { type Command, InvalidArgumentError } from "commander";
import { tagOf } from "../arguments.ts";
import { connect } from "../connect.ts";
import { example } from "../example.ts";
import { flushed, makeUi } from "../ui.ts";
import { logLine } from "../views.ts";

const MOST = 1_000_000;

type Options = { follow?: true; refused?: true; observed?: true; tag?: string; lines?: number; json?: true };

export function registerLog(program: Command): void {
  const log = program
    .command("log")
    .description("attempted flows, allowed and refused")
    .option("-f, --follow", "go on with what happens from now")
    .option("--refused", "only what was refused")
    .option("--observed", "only what an observed program did and enforcing would have refused")
    .option("--tag <tag>", "only what has to do with this tag", tagOf)
    .option("-n, --lines <number>", "the last records, at most", lineCount)
    .option("--json", "one JSON value a line")
    .action(async (options: Options) => {
      const ui = makeUi(options);
      const client = await connect("look", ui);
      const query = {
        follow: options.follow,
        refused: options.refused,
        observed: options.observed,
        tag: options.tag,
        limit: options.lines,
      };
      let lost = 0;
      for await (const entry of client.lines("log", { query })) {
        if (ui.json) process.stdout.write(`${JSON.stringify(entry)}\n`);
        else ui.print(logLine(entry, ui.paint));
        const lostNow = entry.lost ?? 1;
        if (lostNow > lost)
          ui.note(`records are missing: a processor has lost ${entry.lost ?? "some"} since the boot`);
        lost = Math.max(lost, lostNow);
        if (process.stdout.writableNeedDrain) await flushed(process.stdout);
      }
    });
  example(log, "$ csn log -f --refused", "$ csn log -n 20 --tag lab/patient");
}

function lineCount(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= MOST) return number;
  throw new InvalidArgumentError(`expected a number from 1 to ${MOST}`);
}
