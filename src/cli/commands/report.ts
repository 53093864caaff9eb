/**
 * csn report: what the record says about an owner's data, for who has to account for it.
 */
import type { Command } from "commander";
import { erasureLines } from "../ask-views.ts";
import { asker } from "../asker.ts";
import { example, JSON_OPTION } from "../example.ts";
import { TAG_OPTION } from "./audit-ask.ts";
import { positive } from "./trace.ts";
import { makeUi } from "../ui.ts";

type Options = { limit?: number; log?: string; tag?: Record<string, string>; json?: true };

export function registerReport(program: Command): void {
  const report = program.command("report").description("what the record says about an owner's data");
  example(report, "$ csn report erasure alice");
  const erasure = report
    .command("erasure")
    .description("what was derived from data: files, ways out of its tags, people, addresses")
    .argument("<whom>", "an owner of tags (`alice`, `user:alice`) or one tag (`alice/medical`)")
    .option("--limit <entities>", "at most so many of each (1000)", positive)
    .option("--log <folder>", "ask a copy of a log, without the daemon")
    .option(...TAG_OPTION)
    .option(...JSON_OPTION)
    .action(async (of: string, { limit, log, tag, json }: Options) => {
      const ui = makeUi({ json });
      const answer = await (await asker(log, ui, tag)).erasure({ of, limit });
      if (ui.json) ui.answer(answer);
      else ui.print(...erasureLines(answer, ui.paint));
    });
  example(erasure, "$ csn report erasure alice", "$ csn report erasure alice/medical --json");
}
