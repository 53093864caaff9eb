/**
 * csn statement list|export|verify: what principals have stated, signed and in one order.
 */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { PolicyError, World } from "../../policy/index.ts";
import { connect } from "../connect.ts";
import { CliError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { count, safe } from "../text.ts";
import { makeUi } from "../ui.ts";
import { localTime } from "../views.ts";
import type { Client } from "../client.ts";

const AT_ONCE = 10_000;

export function registerStatement(program: Command): void {
  const statement = program
    .command("statement")
    .description("what principals have stated: signed, in one order, verifiable anywhere");
  example(statement, "$ csn statement export > statements.jsonl", "$ csn statement verify statements.jsonl");

  const list = statement
    .command("list")
    .alias("ls")
    .description("all statements, oldest first")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      const all = [];
      for await (const one of allStatements(await connect("look", ui))) all.push(one);
      if (ui.json) return ui.answer(all);
      for (const { seq, at, by, body } of all) {
        const { kind, ...rest } = body;
        ui.print(`#${seq} ${localTime(at)} ${safe(by)} ${safe(kind)} ${safe(JSON.stringify(rest))}`);
      }
    });
  example(list, "$ csn statement list");

  const exporting = statement
    .command("export")
    .description("all statements with their signatures, one JSON value a line")
    .action(async () => {
      const ui = makeUi();
      for await (const one of allStatements(await connect("look", ui))) ui.print(JSON.stringify(one));
    });
  example(exporting, "$ csn statement export > statements.jsonl");

  const verify = statement
    .command("verify")
    .description("check each signature and the order of exported statements; needs no daemon")
    .argument("<file>", "as `csn statement export` writes it")
    .option("--realm <hash>", "the hash of the first statement, if you know whose log it has to be")
    .option(...JSON_OPTION)
    .action((file: string, options: { realm?: string; json?: true }) => {
      const ui = makeUi(options);
      const world = new World();
      const lines = readFileSync(file, "utf8").split("\n");
      for (const [at, line] of lines.entries()) {
        if (line === "" && at === lines.length - 1) break;
        try {
          world.apply(JSON.parse(line));
        } catch (error) {
          const code = error instanceof PolicyError ? error.code : "E_STATEMENT";
          throw new CliError(
            code,
            `${file}:${at + 1}: ${(error as Error).message}`,
            "what stands before this line is as it was signed",
          );
        }
      }
      if (options.realm !== undefined && options.realm !== world.realm)
        throw new CliError(
          "E_STATEMENT_ORDER",
          `expected the log ${options.realm}, found ${world.realm}`,
          "it is another platform's",
        );
      const { seq, head, realm } = world;
      if (ui.json) return ui.answer({ statements: seq + 1, realm, head });
      ui.print(
        `${count(seq + 1, "statement")}, each signed by its principal and in its place`,
        `log  ${realm}`,
        `head ${head}`,
      );
    });
  example(verify, "$ csn statement verify statements.jsonl");
}

async function* allStatements(client: Client) {
  for (let from = 0; ;) {
    const some = await client.call("statements", { query: { from, limit: AT_ONCE } });
    yield* some;
    if (some.length < AT_ONCE) return;
    from = some.at(-1)!.seq + 1;
  }
}
