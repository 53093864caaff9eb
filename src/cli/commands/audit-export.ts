/**
 * csn audit export: all flows that the caller may see, in a format of others, on standard output.
 */
import type { Command } from "commander";
import { FORMATS, type Format } from "../../audit/index.ts";
import { asker } from "../asker.ts";
import { example } from "../example.ts";
import { flushed, makeUi } from "../ui.ts";
import { oneOf } from "./trace.ts";

type Options = { format: Format; noise?: true; refused?: true; log?: string; json?: true };

export function addExport(audit: Command): void {
  const command = audit
    .command("export")
    .description("all flows that you may see, for other tools")
    .option("--format <format>", FORMATS.join(", "), oneOf(...FORMATS), "jsonl")
    .option("--no-noise", "without folders, links, programs and libraries")
    .option("--no-refused", "without what was refused")
    .option("--log <folder>", "of a copy of a log, without the daemon")
    .option("--json", "as --format jsonl")
    .action(async ({ format, noise, refused, log, json }: Options) => {
      const from = await asker(log, makeUi({ json: true }));
      const options = { noise: noise === true, refused: refused === true };
      for await (const piece of from.export(json === true ? "jsonl" : format, options)) {
        process.stdout.write(piece);
        if (process.stdout.writableNeedDrain) await flushed(process.stdout);
      }
    });
  example(command, "$ csn audit export --format prov-json > record.json", "$ csn audit export --no-noise");
}
