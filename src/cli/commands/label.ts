/**
 * csn label get|set|clear: the contexts of files and directories.
 *
 * Each path is its own request; a fault with one does not keep the others from being done, and the exit
 * code is 1 then.
 */
import { resolve } from "node:path";
import type { Command } from "commander";
import type { LabelProgress, LabelView } from "../../api/index.ts";
import { addTags } from "../arguments.ts";
import type { Client } from "../client.ts";
import { connect, type Need } from "../connect.ts";
import { CliError, codedOf, Refusal, showError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { count, safe, shortContext } from "../text.ts";
import { makeUi, type Ui } from "../ui.ts";

type Result = Extract<LabelProgress, { result: unknown }>["result"];
type SetOptions = { secrecy?: string[]; integrity?: string[]; json?: true };

export function registerLabel(program: Command): void {
  const label = program
    .command("label")
    .description("show, set and clear the labels of files and directories");
  example(label, "$ csn label set --secrecy lab/patient ./trial", "$ csn label get ./trial/data.csv");

  const get = label
    .command("get")
    .description("show the context of files and directories")
    .argument("<paths...>", "files and directories")
    .option(...JSON_OPTION)
    .action((paths: string[], options: { json?: true }) =>
      forEach(paths, "look", makeUi(options), async (client, path, ui) => {
        const view = await client.call("getLabel", { query: { path } });
        if (!ui.json) ui.print(viewLine(view));
        return view;
      }),
    );
  example(get, "$ csn label get ./trial ./trial/data.csv");

  const set = label
    .command("set")
    .description("label files, and directories with all that is below them, now and later")
    .argument("<paths...>", "files and directories")
    .option("--secrecy <tags>", "whose concerns the data touches; separated by commas", addTags)
    .option("--integrity <tags>", "who vouches for the data; separated by commas", addTags)
    .option(...JSON_OPTION)
    .action((paths: string[], { secrecy = [], integrity = [], ...options }: SetOptions) => {
      if (secrecy.length + integrity.length === 0)
        throw new CliError(
          "E_USAGE",
          "expected --secrecy, --integrity or both, found neither",
          "`csn label clear PATH` takes a label off",
        );
      return forEach(paths, "start", makeUi(options), (client, path, ui) =>
        setLabel(client, { path, context: { secrecy, integrity } }, ui),
      );
    });
  example(
    set,
    "$ csn label set --secrecy lab/patient,lab/trial ./trial",
    "$ csn label set --integrity clinic/validated results.csv",
  );

  const clear = label
    .command("clear")
    .description("take a label off: the context is the directory's again")
    .argument("<paths...>", "files and directories")
    .option(...JSON_OPTION)
    .action((paths: string[], options: { json?: true }) =>
      forEach(paths, "start", makeUi(options), async (client, path, ui) => {
        const view = await client.call("clearLabel", { body: { path } });
        if (!ui.json) ui.print(viewLine(view));
        return view;
      }),
    );
  example(clear, "$ csn label clear ./trial");
}

async function setLabel(
  client: Client,
  body: { path: string; context: { secrecy: string[]; integrity: string[] } },
  ui: Ui,
): Promise<Result> {
  for await (const line of client.lines("setLabel", { body })) {
    if ("progress" in line) ui.progress.step(`labelling ${body.path}: ${line.progress.inodes} so far`);
    if (!("result" in line)) continue;
    ui.progress.done();
    const { result } = line;
    if (!ui.json)
      ui.print(
        `${safe(result.path)}: ${shortContext(result.context)} (${count(result.inodes, "file or directory", "files and directories")})`,
      );
    for (const path of result.skipped) ui.note(`not reached, another file system: ${path}`);
    return result;
  }
  throw new CliError(
    "E_DAEMON_LOST",
    `the daemon did not finish labelling ${body.path}`,
    "`csn label get` shows what is labelled; set the label again",
  );
}

async function forEach(
  paths: string[],
  need: Need,
  ui: Ui,
  work: (client: Client, path: string, ui: Ui) => Promise<unknown>,
): Promise<void> {
  const client = await connect(need, ui);
  const answers: unknown[] = [];
  for (const path of paths.map((name) => resolve(name))) {
    try {
      answers.push(await work(client, path, ui));
    } catch (error) {
      ui.progress.done();
      if (!(error instanceof Refusal)) throw error;
      showError(error);
      answers.push({ path, error: codedOf(error) });
      process.exitCode = 1;
    }
  }
  if (ui.json) ui.answer(answers);
}

function viewLine(view: LabelView): string {
  return `${safe(view.path)}: ${shortContext(view.context)}${view.own ? "" : " (its directory's)"}`;
}
