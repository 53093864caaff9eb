/**
 * csn share, unshare, mine: for the people whose data it is. They make the same statements as `csn tag`.
 */
import type { Command } from "commander";
import type { GrantView, Intent, Mine, Privilege } from "../../api/index.ts";
import { connect } from "../connect.ts";
import { CliError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { dateOf } from "../sharing.ts";
import { type SpeakOptions, speaking, state } from "../stating.ts";
import { count, safe } from "../text.ts";
import { makeUi } from "../ui.ts";
import { logLine } from "../views.ts";
import { grantText } from "./tag.ts";

type ShareOptions = SpeakOptions & {
  with?: string[];
  through?: string;
  until?: string;
  purpose?: string;
  release?: true;
  delegate?: true;
  json?: true;
};

export function registerShare(program: Command): void {
  const share = speaking(
    program
      .command("share")
      .description("let others use your data: under its label, or through a gate that anonymises it")
      .argument("<tags...>", "your tags: alice/medical")
      .option("--with <principals>", "who may take it on board, under its label; separated by commas", list)
      .option("--through <gate>", "the gate that may take the label off: registry/anonymise")
      .option("--release", "they may take the label off themselves: from then on it is in their hands")
      .option("--delegate", "they may share it further")
      .option("--until <date>", "when it ends: `2027-06-01`, or `90d`")
      .option("--purpose <text>", "what for; on the record")
      .option(...JSON_OPTION),
  ).action(async (tags: string[], options: ShareOptions) => {
    const ui = makeUi(options);
    const intents = tags.flatMap((tag) => sharing(tag, options));
    if (intents.length === 0)
      throw new CliError(
        "E_USAGE",
        "expected `--with` or `--through`, found neither",
        "`--with clinic` lets somebody take it on board, `--through registry/anonymise` lets a gate take the label off",
      );
    const said = await state(await connect("start", ui), intents, options);
    if (ui.json) return ui.answer(said.statements);
    for (const { body } of said.statements) ui.print(`shared: ${grantText(body as unknown as GrantView)}`);
    ui.note("`csn mine` shows what is shared, `csn unshare` takes it back");
  });
  example(
    share,
    "$ csn share alice/medical --through registry/anonymise --until 90d --purpose research",
    "$ csn share alice/medical --with clinic",
  );

  const unshare = speaking(
    program
      .command("unshare")
      .description("take back what you shared, and all that was passed on from it, at once")
      .argument("<tags...>", "your tags")
      .option("--with <principals>", "from these; otherwise from all", list)
      .option("--through <gate>", "from this gate")
      .option(...JSON_OPTION),
  ).action(async (tags: string[], options: ShareOptions) => {
    const ui = makeUi(options);
    const from = [
      ...(options.with ?? []),
      ...(options.through === undefined ? [] : [`gate:${options.through}`]),
    ];
    const intents = tags.flatMap((tag): Intent[] =>
      from.length === 0
        ? [{ kind: "revoke", tag }]
        : from.map((holder) => ({ kind: "revoke", tag, from: holder })),
    );
    const said = await state(await connect("look", ui), intents, options);
    if (ui.json) return ui.answer(said.statements);
    ui.print(`took back ${count(said.statements.length, "grant")}`);
  });
  example(unshare, "$ csn unshare alice/medical --through registry/anonymise", "$ csn unshare alice/medical");

  const mine = program
    .command("mine")
    .description("what you own, who may do what with it, and what was done")
    .option("--as <principal>", "root: what that principal would see")
    .option(...JSON_OPTION)
    .action(async (options: { as?: string; json?: true }) => {
      const ui = makeUi(options);
      const found = await (await connect("look", ui)).call("mine", { query: { as: options.as } });
      if (ui.json) return ui.answer(found);
      ui.print(...mineLines(found));
      if (found.done.length > 0)
        ui.print("", "what was done, newest first:", ...found.done.map((entry) => logLine(entry, ui.paint)));
      if (found.uses.length > 0)
        ui.print("", "through gates, together with others' data:", ...found.uses.map(useLine));
    });
  example(mine, "$ csn mine");
}

function sharing(tag: string, options: ShareOptions): Intent[] {
  const { through, delegate = false, purpose = "" } = options;
  const until = options.until === undefined ? null : dateOf(options.until);
  const intents: Intent[] = [];
  for (const to of options.with ?? []) {
    const privileges: Privilege[] = options.release ? ["s+", "s-"] : ["s+"];
    intents.push({ kind: "grant", tag, privileges, to, until, delegate, purpose });
  }
  if (through !== undefined)
    intents.push({ kind: "grant", tag, privileges: ["s-"], to: `gate:${through}`, until, purpose });
  return intents;
}

function mineLines({ principal, tags, holds }: Mine): string[] {
  const lines = [
    principal === null
      ? "you are no principal yet: your first tag makes you one"
      : principal === "platform"
        ? "you are root, and own nothing: `--as NAME` shows what a principal sees"
        : `you are ${safe(principal)}`,
  ];
  for (const tag of tags) {
    const open = tag.open.length > 0 ? ` (open to all: ${tag.open.join(",")})` : "";
    lines.push("", `${safe(tag.name)}${open}`);
    if (tag.grants.length === 0) lines.push("  nobody else may do anything with it");
    for (const grant of tag.grants) {
      const via = grant.via === null ? "" : `, passed on by ${safe(grant.by)}`;
      lines.push(`  ${grantText(grant)}${via}`);
    }
  }
  if (holds.length > 0)
    lines.push("", "granted to you:", ...holds.map((grant) => `  ${grantText(grant)} by ${safe(grant.by)}`));
  return lines;
}

/** `2026-11-25 registry/anonymise drops alice/medical for research, run by research (3fa91c20)` */
function useLine({ day, gate, change, tag, purpose, user, grants }: Mine["uses"][number]): string {
  const what = purpose === "" ? "" : ` for ${safe(purpose)}`;
  const by = grants.length === 0 ? "" : ` (${grants.map((id) => id.slice(0, 8)).join(", ")})`;
  return `  ${day} ${safe(gate)} ${change} ${safe(tag)}${what}, run by ${safe(user)}${by}`;
}

function list(text: string, before: string[] = []): string[] {
  return [...before, ...text.split(",").filter((part) => part !== "")];
}
