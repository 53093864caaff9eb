/**
 * csn tag create|list|grant|revoke|open|close: tags, and who may do what with them.
 */
import type { Command } from "commander";
import type { GrantView, Privilege, Tag } from "../../api/index.ts";
import { tagOf } from "../arguments.ts";
import { connect } from "../connect.ts";
import { CliError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { dateOf, privilegesOf } from "../sharing.ts";
import { type SpeakOptions, speaking, state } from "../stating.ts";
import { count, safe, table } from "../text.ts";
import { makeUi } from "../ui.ts";
import { localTime } from "../views.ts";

type GrantOptions = SpeakOptions & {
  to: string;
  until?: string;
  delegate?: true;
  purpose?: string;
  json?: true;
};
type RevokeOptions = SpeakOptions & { from?: string; json?: true };
type OpenOptions = SpeakOptions & { json?: true };

const PRIVILEGES =
  "`s+` take it on board, `s-` let it out, `i+` vouch, `i-` stop vouching; several with commas";

export function registerTag(program: Command): void {
  const tag = program
    .command("tag")
    .description("tags, the concerns that labels consist of, and who may do what with them");
  example(
    tag,
    "$ csn tag create lab/patient",
    "$ csn tag grant lab/patient s+ --to clinic",
    "$ csn tag list",
  );

  const create = speaking(
    tag
      .command("create")
      .description("make tags; whoever stands before the slash owns them")
      .argument("<names...>", "OWNER/NAME of each tag, or OWNER/NAME:INSTANCE")
      .option(...JSON_OPTION),
  ).action(async (names: string[], options: SpeakOptions & { json?: true }) => {
    const ui = makeUi(options);
    const wanted = names.map(tagOf); // all are checked before the first is made
    const client = await connect("start", ui);
    if (options.as !== undefined) {
      const said = await state(client, [{ kind: "tag", names: wanted }], options);
      if (ui.json) return ui.answer(said.statements);
      return ui.print(...wanted.map((name) => `created ${safe(name)}`));
    }
    const made: Tag[] = [];
    for (const name of wanted) {
      const created = await client.call("createTag", { body: { name } });
      made.push(created);
      if (!ui.json) ui.print(`created ${safe(created.name)}`);
    }
    if (ui.json) ui.answer(made);
  });
  example(create, "$ csn tag create lab/patient lab/trial", "$ csn tag create lab/case:4711");

  const list = tag
    .command("list")
    .alias("ls")
    .description("the tags that you have something to do with")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      const tags = await (await connect("look", ui)).call("tags");
      if (ui.json) return ui.answer(tags);
      const rows = tags.map(({ name, owner, created }) => [safe(name), safe(owner), localTime(created)]);
      ui.print(...table([["TAG", "OWNER", "CREATED"], ...rows]));
    });
  example(list, "$ csn tag list");

  const grant = speaking(
    tag
      .command("grant")
      .description("let somebody, or a gate, use a tag")
      .argument("<tag>", "OWNER/NAME, or OWNER/NAME:* for all instances")
      .argument("<privileges>", PRIVILEGES, privilegesOf)
      .requiredOption("--to <holder>", "a principal, or `gate:OWNER/NAME` as it is defined now")
      .option("--until <date>", "when it ends: `2027-06-01`, or `90d`")
      .option("--delegate", "it may be passed on")
      .option("--purpose <text>", "what for; on the record")
      .option(...JSON_OPTION),
  ).action(async (name: string, privileges: Privilege[], options: GrantOptions) => {
    const ui = makeUi(options);
    const { to, delegate = false, purpose = "" } = options;
    const until = options.until === undefined ? null : dateOf(options.until);
    const client = await connect("start", ui);
    const intent = { kind: "grant" as const, tag: name, privileges, to, until, delegate, purpose };
    const said = await state(client, [intent], options);
    if (ui.json) return ui.answer(said.statements);
    for (const { body } of said.statements) ui.print(`granted ${grantText(body as unknown as GrantView)}`);
  });
  example(
    grant,
    "$ csn tag grant lab/patient s+ --to clinic",
    "$ csn tag grant lab/patient s+,s- --to clinic --until 2027-06-01 --delegate",
    "$ csn tag grant lab/patient s- --to gate:lab/anonymise --purpose research",
  );

  const revoke = speaking(
    tag
      .command("revoke")
      .description("take back what was granted, and all that was passed on from it, at once")
      .argument("<what>", "the grant's number, or a tag with --from")
      .argument("[privileges]", "only grants of these", privilegesOf)
      .option("--from <holder>", "from whom")
      .option(...JSON_OPTION),
  ).action(async (what: string, privileges: Privilege[] | undefined, options: RevokeOptions) => {
    const ui = makeUi(options);
    const isTag = what.includes("/");
    if (isTag && options.from === undefined)
      throw new CliError(
        "E_USAGE",
        "expected --from with a tag, found none",
        "`csn tag revoke lab/patient --from clinic`",
      );
    const from = options.from === undefined ? {} : { from: options.from };
    const only = privileges === undefined ? {} : { privileges };
    const intent = {
      kind: "revoke" as const,
      ...(isTag ? { tag: what } : { grant: what }),
      ...from,
      ...only,
    };
    const said = await state(await connect("look", ui), [intent], options);
    if (ui.json) return ui.answer(said.statements);
    ui.print(`revoked ${count(said.statements.length, "grant")}`);
  });
  example(revoke, "$ csn tag revoke lab/patient --from clinic", "$ csn tag revoke 3fa91c20");

  for (const [word, open] of [
    ["open", true],
    ["close", false],
  ] as const) {
    const command = speaking(
      tag
        .command(word)
        .description(
          open
            ? "let everybody: with `s+` anyone may take data on board that only the owner lets out"
            : "end that",
        )
        .argument("<tag>", "OWNER/NAME, or OWNER/NAME:*")
        .argument("<privileges>", PRIVILEGES, privilegesOf)
        .option(...JSON_OPTION),
    ).action(async (name: string, privileges: Privilege[], options: OpenOptions) => {
      const ui = makeUi(options);
      const intents = privileges.map((privilege) => ({ kind: "open" as const, tag: name, privilege, open }));
      const said = await state(await connect("start", ui), intents, options);
      if (ui.json) return ui.answer(said.statements);
      ui.print(`${open ? "opened" : "closed"} ${privileges.join(",")} on ${safe(name)}`);
    });
    example(command, `$ csn tag ${word} lab/patient s+`);
  }
}

/** `s+ on lab/patient to clinic until 2027-06-01, may be passed on (3fa91c20)` */
export function grantText({ id, to, tag, privileges, delegate, until, purpose }: GrantView): string {
  const holder = to.startsWith("gate:") ? to.split("@")[0]! : to;
  const term = until === null ? "" : ` until ${until.slice(0, 10)}`;
  const what = purpose === "" ? "" : ` for ${safe(purpose)}`;
  return `${privileges.join(",")} on ${safe(tag)} to ${safe(holder)}${term}${what}${delegate ? ", may be passed on" : ""} (${id.slice(0, 8)})`;
}
