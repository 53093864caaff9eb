/**
 * csn policy check|plan|apply|diff|export|test|prove: policy as files, and proof before use.
 *
 * `check`, `test` and `prove` need no daemon: they take the files as the whole policy. With --world, and for all others, the
 * policy in force is asked. Exit codes: 2 when a property does not hold or files and world differ, 1 when a case fails, 3
 * when the files are invalid.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { PolicyPlan, PolicyProofs, PolicyTests } from "../../api/index.ts";
import {
  type AnyDocument,
  checkDocuments,
  jsonSchema,
  parseProperty,
  prove,
  readDocuments,
  runTests,
  type SourceFile,
  type State,
} from "../../policy/index.ts";
import { connect } from "../connect.ts";
import { CliError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { filesOf, showProblems } from "../source-files.ts";
import { count, safe } from "../text.ts";
import { makeUi, type Ui } from "../ui.ts";

/** The answer is no. */
const REFUSED = 2;
const FILES = [
  "[files...]",
  "files and folders (*.yaml, *.yml below them); `policy` if none is given",
] as const;

type Options = {
  json?: true;
  prune?: true;
  set?: string;
  world?: true;
  owners?: true;
  property?: string[];
  to?: string;
};

export function registerPolicy(program: Command): void {
  const policy = program
    .command("policy")
    .description("policy as files: check, plan, apply, compare, try and prove");
  example(policy, "$ csn policy check policy/", "$ csn policy plan policy/", "$ csn policy apply policy/");

  example(
    policy
      .command("check")
      .description("check files against their schema and each other; nothing else is asked")
      .argument(...FILES)
      .option(...JSON_OPTION)
      .action((names: string[], options: Options) => {
        const ui = makeUi(options);
        const loaded = load(names, ui);
        if (loaded === null) return;
        const { documents, notes } = loaded;
        if (ui.json) return ui.answer({ problems: [], notes, documents: documents.length });
        for (const note of notes) ui.note(note);
        ui.print(`${count(documents.length, "document")}: no fault found`);
      }),
    "$ csn policy check policy/",
  );

  for (const [name, about] of [
    ["plan", "show what files would change, and who has to sign it"],
    ["apply", "put files in force: all of it or nothing, signed and on the record"],
  ] as const)
    example(
      policy
        .command(name)
        .description(about)
        .argument(...FILES)
        .option("--prune", "also revoke what was granted by documents of this set that are gone")
        .option("--set <name>", "which set of files this is", "default")
        .option(...JSON_OPTION)
        .action(async (names: string[], options: Options) => {
          const ui = makeUi(options);
          const loaded = load(names, ui);
          if (loaded === null) return;
          const { set = "default", prune = false } = options;
          const body = { files: loaded.files, set, prune };
          const client = await connect(name === "apply" ? "start" : "look", ui);
          const answer = await client.call(name === "apply" ? "policyApply" : "policyPlan", { body });
          if (ui.json) return ui.answer(answer);
          showPlan(ui, answer, name === "apply");
        }),
      `$ csn policy ${name} policy/`,
    );

  example(
    policy
      .command("diff")
      .description("files and the policy in force, side by side (exit code 2: they differ)")
      .argument(...FILES)
      .option(...JSON_OPTION)
      .action(async (names: string[], options: Options) => {
        const ui = makeUi(options);
        const loaded = load(names, ui);
        if (loaded === null) return;
        const answer = await (
          await connect("look", ui)
        ).call("policyDiff", { body: { files: loaded.files } });
        process.exitCode = answer.differences.length > 0 ? REFUSED : 0;
        if (ui.json) return ui.answer(answer);
        const { green, red } = ui.paint;
        for (const { sign, words } of answer.differences)
          ui.print(`${sign === "+" ? green("+") : red("-")} ${safe(words)}`);
        if (answer.differences.length === 0) ui.print("no difference");
      }),
    "$ csn policy diff policy/",
  );

  example(
    policy
      .command("export")
      .description("the policy in force as files, on standard output or in a folder")
      .option("--to <folder>", "write a file for each kind there, and the schema for editors")
      .option(...JSON_OPTION)
      .action(async (options: Options) => {
        const ui = makeUi(options);
        const { files } = await (await connect("look", ui)).call("policyExport");
        if (ui.json) return ui.answer(files);
        const { to } = options;
        if (to === undefined) return ui.print(files.map(({ text }) => text.trimEnd()).join("\n---\n"));
        mkdirSync(to, { recursive: true });
        // a folder that holds a policy already is not half written over
        for (const { name, text } of [...files, { name: "policy.schema.json", text: schemaText() }])
          writeFileSync(join(to, name), text, { flag: name.endsWith(".json") ? "w" : "wx" });
        ui.print(`wrote ${count(files.length, "file")} to ${safe(to)}`);
      }),
    "$ csn policy export --to policy/",
  );

  example(
    policy
      .command("test")
      .description("try the cases of PolicyTest documents (exit code 1: one differs)")
      .argument(...FILES)
      .option("--world", "on the policy in force, not on the files alone")
      .option(...JSON_OPTION)
      .action(async (names: string[], options: Options) => {
        const ui = makeUi(options);
        const loaded = load(names, ui);
        if (loaded === null) return;
        const { documents, state, files } = loaded;
        const outcomes: PolicyTests =
          options.world === true
            ? await (await connect("look", ui)).call("policyTest", { body: { files } })
            : runTests(state, documents, new Date(), null);
        showTests(ui, outcomes);
      }),
    "$ csn policy test policy/",
  );

  example(
    policy
      .command("prove")
      .description("do properties hold, whatever happens under the policy? (exit code 2: one does not)")
      .argument(...FILES)
      .option(
        "-p, --property <text>",
        "a property besides those of the files",
        (text, all: string[] | undefined) => [...(all ?? []), text],
      )
      .option("--world", "of the policy in force, not of the files alone")
      .option("--owners", "count what owners may do with their own tags, too")
      .option(...JSON_OPTION)
      .action(async (names: string[], options: Options) => {
        const ui = makeUi(options);
        const { world = false, owners = false, property: given = [] } = options;
        const loaded = world && names.length === 0 ? EMPTY : load(names, ui);
        if (loaded === null) return;
        const properties = [
          ...loaded.documents.flatMap((d) => (d.kind === "Property" ? d.spec.holds : [])),
          ...given,
        ];
        if (properties.length === 0)
          throw new CliError(
            "E_USAGE",
            "expected a property, found none",
            "write a Property document, or `--property TEXT`",
          );
        const now = new Date();
        const proofs: PolicyProofs = world
          ? await (await connect("look", ui)).call("policyProve", { body: { properties, owners } })
          : properties
              .map((text) => parseProperty(text, loaded.state!))
              .map((property) => prove(loaded.state!, property, now, { owners }));
        showProofs(ui, proofs);
      }),
    "$ csn policy prove policy/",
    "$ csn policy prove --world -p 'lab/patient never reaches unlabelled except through lab/anonymise'",
    "$ csn policy prove policy/ -p 'tenant acme and tenant bayer never meet'",
  );
}

type Loaded = { files: SourceFile[]; documents: AnyDocument[]; notes: string[]; state: State };
const EMPTY = { files: [], documents: [] as AnyDocument[], notes: [], state: null };

/** Reads and checks files; null when something is wrong with them, which has been shown. */
function load(names: readonly string[], ui: Ui): Loaded | null {
  const files = (names.length === 0 ? ["policy"] : names).flatMap((name) => filesOf(name, "policy"));
  if (files.length === 0)
    throw new CliError("E_USAGE", "expected policy files, found none", "they end with .yaml or .yml");
  const { documents, problems } = readDocuments(files);
  const checked = checkDocuments(documents, new Date());
  const all = problems.length > 0 ? problems : checked.problems;
  if (all.length === 0) return { files, documents, notes: checked.notes, state: checked.after };
  showProblems(ui, "E_POLICY", all);
  return null;
}

function showPlan(ui: Ui, { steps, notes }: PolicyPlan, done: boolean): void {
  for (const note of notes) ui.note(note);
  for (const { by, words } of steps) ui.print(`${done ? "done" : "would"}: ${safe(words)} [${safe(by)}]`);
  if (steps.length === 0) ui.print("nothing to change");
  else
    ui.print(
      `${count(steps.length, "statement")}${done ? ", signed and in force" : "; `csn policy apply` makes them"}`,
    );
}

function showTests(ui: Ui, outcomes: PolicyTests): void {
  const failed = outcomes.filter(({ ok }) => !ok);
  if (failed.length > 0 || outcomes.length === 0) process.exitCode = 1;
  if (ui.json) return ui.answer(outcomes);
  for (const { ok, place, name, expected, found } of outcomes) {
    ui.print(`${ok ? ui.paint.green("ok") : ui.paint.red("FAILED")} ${safe(name)}`);
    if (!ok)
      ui.print(`   ${safe(place.file)}:${place.line}: expected ${safe(expected)}, found ${safe(found)}`);
  }
  ui.print(
    outcomes.length === 0
      ? "no cases: write a PolicyTest document"
      : `${count(outcomes.length, "case")}, ${failed.length} failed`,
  );
}

function showProofs(ui: Ui, proofs: PolicyProofs): void {
  if (proofs.some(({ holds }) => !holds)) process.exitCode = REFUSED;
  if (ui.json) return ui.answer(proofs);
  for (const { property, holds, path } of proofs) {
    ui.print(`${holds ? ui.paint.green("holds") : ui.paint.red("BROKEN")}: ${safe(property)}`);
    for (const [i, step] of path.entries()) ui.print(`  ${i + 1}. ${safe(step)}`);
  }
}

function schemaText(): string {
  return `${JSON.stringify(jsonSchema(), null, 2)}\n`;
}
