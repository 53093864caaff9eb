/**
 * csn demo: unmodified programs on labelled data, each step tried for real.
 */
import type { Command } from "commander";
import { example } from "../example.ts";

export function registerDemo(program: Command): void {
  const demo = program
    .command("demo")
    .description("see it work: programs process labelled data, and what the rules refuse is refused")
    .argument(
      "[name]",
      "`registry`; `hospital`: owners who don't trust each other share; `evidence`: who leaked what; `bus`: messages",
      "registry",
    )
    .option("--json", "one JSON value for machines")
    .option("--keep", "leave the data and the machine as they are afterwards")
    .action(async (name: string, flags: { json?: true; keep?: true }) => {
      const { runDemo } = await import("../demo/index.ts");
      const options = { name, json: flags.json === true, keep: flags.keep === true };
      process.exitCode = await runDemo(options);
    });
  example(demo, "$ csn demo", "$ csn demo hospital", "$ csn demo evidence", "$ csn demo bus");
}
