/**
 * csn demo: unmodified programs on labelled data, each step tried for real.
 */
import type { Command } from "commander";
import { example } from "../example.ts";

export function registerDemo(program: Command): void {
  const demo = program
    .command("demo")
    .description("see it work: programs process labelled data, and what the rules refuse is refused")
    .option("--json", "one JSON value for machines")
    .option("--keep", "leave the data and the machine as they are afterwards")
    .action(async (flags: { json?: true; keep?: true }) => {
      const { runDemo } = await import("../demo/index.ts");
      const options = { json: flags.json === true, keep: flags.keep === true };
      process.exitCode = await runDemo(options);
    });
  example(demo, "$ csn demo");
}
