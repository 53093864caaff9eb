/**
 * csn audit ask: what has been promised of the record, as files. Does it hold?
 *
 * Exit codes: 0 all hold as far as the record tells, 2 one does not, 3 a file is invalid.
 */
import { type Command, InvalidArgumentError } from "commander";
import type { QuestionsAnswer } from "../../api/index.ts";
import { readQuestions } from "../../policy/index.ts";
import { questionLines, questionsLines } from "../ask-views.ts";
import { asker, type Asker } from "../asker.ts";
import { eachChange } from "../each-change.ts";
import { CliError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { filesOf, showProblems } from "../source-files.ts";
import { count } from "../text.ts";
import { makeUi, type Ui } from "../ui.ts";

/** One does not hold. */
const BROKEN = 2;

type Options = {
  watch?: true;
  keepGoing?: true;
  log?: string;
  tag?: Record<string, string>;
  json?: true;
};
type Questions = Parameters<Asker["questions"]>[0]["questions"];

export function addAsk(audit: Command): void {
  const command = audit
    .command("ask")
    .description("do questions that are kept as files hold? (exit code 2: one does not)")
    .argument("<files...>", "files and folders (*.yaml, *.yml below them) of Question documents")
    .option("--watch", "stay, ask again as records come, and tell when one stops to hold")
    .option("--keep-going", "of --watch: go on until none holds, not only to the first")
    .option("--log <folder>", "ask a copy of a log, without the daemon")
    .option(...TAG_OPTION)
    .option(...JSON_OPTION)
    .action(async (names: string[], options: Options) => {
      const ui = makeUi(options);
      const files = names.flatMap((name) => filesOf(name, "question"));
      const { questions, problems } = readQuestions(files);
      if (problems.length > 0) return showProblems(ui, "E_ASK_FILE", problems);
      if (questions.length === 0)
        throw new CliError("E_USAGE", "expected a question, found none", "docs/questions.md has examples");
      const of = await asker(options.log, ui, options.tag);
      if (options.watch === true) return watch(ui, of, questions, options.keepGoing === true);
      const answer = await of.questions({ questions });
      process.exitCode = answer.answers.every(({ holds }) => holds) ? 0 : BROKEN;
      if (ui.json) ui.answer(answer);
      else ui.print(...questionsLines(answer, ui.paint));
    });
  example(
    command,
    "$ csn audit ask examples/questions/",
    "$ csn audit ask questions.yaml --watch --json",
    "$ csn audit ask questions.yaml --log /mnt/backup/csn/log --tag registry/patient=5f3a...",
  );
}

/** Tells of each question once, when it is found that it does not hold. */
async function watch(ui: Ui, of: Asker, questions: Questions, goesOn: boolean): Promise<void> {
  const told = new Set<string>();
  ui.note(`watching ${count(questions.length, "question")}`);
  await eachChange(of.changes(), async () => {
    const { answers, coverage } = await of.questions({ questions });
    for (const answer of answers) {
      if (answer.holds || told.has(answer.name)) continue;
      told.add(answer.name);
      process.exitCode = BROKEN;
      tell(ui, answer, coverage);
      if (!goesOn) return true;
    }
    return told.size === questions.length;
  });
}

function tell(
  ui: Ui,
  answer: QuestionsAnswer["answers"][number],
  coverage: QuestionsAnswer["coverage"],
): void {
  if (ui.json) process.stdout.write(`${JSON.stringify({ ...answer, coverage })}\n`);
  else ui.print(...questionLines(answer, ui.paint));
}

/** What a copy of a log does not say. */
export const TAG_OPTION = [
  "--tag <name=id>",
  "of --log, which knows tags by id: what one is called (again for more)",
  namedTag,
] as const;

/** `registry/patient=5f3a…` */
function namedTag(text: string, all: Record<string, string> = {}): Record<string, string> {
  const [, name, id] = /^([^=]+)=#?([0-9a-f]{32})$/.exec(text) ?? [];
  if (name === undefined || id === undefined)
    throw new InvalidArgumentError("expected OWNER/NAME=ID, with an id of 32 hexadecimal digits");
  return { ...all, [id]: name };
}
