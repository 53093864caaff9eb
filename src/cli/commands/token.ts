/**
 * csn token create|list|revoke: how programs from elsewhere, and principals who are no user, call the API.
 *
 * Guarantee: the token is made here and shown once; the daemon is told its SHA-256 alone.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Command } from "commander";
import type { Intent } from "../../api/index.ts";
import { connect } from "../connect.ts";
import { example, JSON_OPTION } from "../example.ts";
import { dateOf } from "../sharing.ts";
import { type SpeakOptions, speaking, state } from "../stating.ts";
import { safe, table } from "../text.ts";
import { makeUi } from "../ui.ts";
import { localTime } from "../views.ts";

type CreateOptions = SpeakOptions & { until?: string; note?: string; json?: true };

export function registerToken(program: Command): void {
  const token = program
    .command("token")
    .description("tokens: who shows one (CSN_TOKEN, or `Authorization: Bearer`) speaks as its principal");
  example(token, "$ csn token create --until 90d --note console", "$ csn token list");

  const create = speaking(
    token
      .command("create")
      .description("make a token of yours; it is shown once, and kept nowhere")
      .option("--until <date>", "when it ends: `2027-06-01`, or `90d`")
      .option("--note <text>", "what for, so that you know it again")
      .option(...JSON_OPTION),
  ).action(async (options: CreateOptions) => {
    const ui = makeUi(options);
    const until = options.until === undefined ? null : dateOf(options.until);
    const text = `csn_${randomBytes(32).toString("base64url")}`;
    const hash = createHash("sha256").update(text).digest("hex");
    const intent: Intent = { kind: "token", hash, until, note: options.note ?? "" };
    const { statements } = await state(await connect("start", ui), [intent], options);
    if (ui.json) return ui.answer({ token: text, id: hash, principal: statements[0]!.by, until });
    ui.print(text);
    ui.note(
      `token ${hash.slice(0, 8)} of ${safe(statements[0]!.by)}; whoever has it speaks as ${safe(statements[0]!.by)}`,
    );
  });
  example(
    create,
    "$ csn token create --until 90d --note console",
    "$ export CSN_TOKEN=$(csn token create --as registry)",
  );

  const list = token
    .command("list")
    .alias("ls")
    .description("your tokens, without what they are; for root, everybody's")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      const all = await (await connect("look", ui)).call("tokens");
      if (ui.json) return ui.answer(all);
      const rows = all.map(({ id, principal, state: now, created, until, note }) => [
        id.slice(0, 8),
        safe(principal),
        now,
        localTime(created),
        until === null ? "" : localTime(until),
        safe(note),
      ]);
      ui.print(...table([["TOKEN", "PRINCIPAL", "STATE", "CREATED", "UNTIL", "NOTE"], ...rows]));
    });
  example(list, "$ csn token list");

  const revoke = speaking(
    token
      .command("revoke")
      .description("end a token, at once")
      .argument("<id>", "as `csn token list` shows it")
      .option(...JSON_OPTION),
  ).action(async (id: string, options: SpeakOptions & { json?: true }) => {
    const ui = makeUi(options);
    const said = await state(await connect("look", ui), [{ kind: "untoken", id }], options);
    if (ui.json) return ui.answer(said.statements);
    ui.print(`revoked token ${safe(id)}`);
  });
  example(revoke, "$ csn token revoke 3fa91c20");
}
