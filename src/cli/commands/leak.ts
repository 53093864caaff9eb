/**
 * csn leak: did data reach somewhere? A path of records, or a statement of what was looked at and not found. [AUD-5]
 *
 * Exit codes: 0 none found within the coverage, 2 a path was found.
 */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { leakLines } from "../ask-views.ts";
import { asker } from "../asker.ts";
import { example, JSON_OPTION } from "../example.ts";
import { makeUi } from "../ui.ts";

type Options = {
  of: string;
  to: string;
  since?: string;
  until?: string;
  log?: string;
  statement?: string;
  json?: true;
};

export function registerLeak(program: Command): void {
  const leak = program
    .command("leak")
    .description("did data reach somewhere? (exit code 2: it did)")
    .requiredOption("--of <thing>", "the data: a tag, a path, an entity, a record")
    .requiredOption("--to <thing>", "where: a path, an address, `user:NAME`, a tag, or `outside`")
    .option("--since <time>", "from then on; what arrived before is told apart")
    .option("--until <time>", "until then")
    .option("--statement <file>", "keep the signed answer")
    .option("--log <folder>", "ask a copy of a log, without the daemon")
    .option(...JSON_OPTION)
    .action(async (options: Options) => {
      const ui = makeUi(options);
      const { of, to, since, until } = options;
      const answer = await (await asker(options.log, ui)).leak({ of, to, since, until });
      process.exitCode = answer.path === null ? 0 : 2;
      if (options.statement !== undefined)
        writeFileSync(options.statement, answer.statement ?? "", { flag: "wx" });
      if (ui.json) return ui.answer(answer);
      ui.print(...leakLines(answer, ui.paint));
    });
  example(
    leak,
    "$ csn leak --of lab/patient --to outside",
    "$ csn leak --of /srv/trial.csv --to 10.1.2.3 --since 7d",
  );
}
