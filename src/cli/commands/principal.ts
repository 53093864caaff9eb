/**
 * csn principal create|list|show|rotate|bind: people, tenants and services, who own tags.
 */
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { type Command, Option } from "commander";
import type { PrincipalView } from "../../api/index.ts";
import { publicText } from "../../policy/index.ts";
import { connect } from "../connect.ts";
import { CliError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { state } from "../stating.ts";
import { safe, table } from "../text.ts";
import { makeUi } from "../ui.ts";

type CreateOptions = { type: string; user?: string; ownKey?: string; json?: true };

export function registerPrincipal(program: Command): void {
  const principal = program
    .command("principal")
    .description("people, tenants and services: who own tags and hold privileges");
  example(principal, "$ csn principal create registry --type tenant", "$ csn principal list");

  const create = principal
    .command("create")
    .description("make a principal; users of the host become one with their first tag")
    .argument("<name>", "a-z, 0-9, `.`, `_` and `-`")
    .addOption(
      new Option("--type <type>", "what it is").choices(["person", "tenant", "service"]).default("person"),
    )
    .option("--user <user>", "the local user that it is")
    .option(
      "--own-key <file>",
      "make a key pair, keep the private half in this new file, and tell csn only the public one",
    )
    .option(...JSON_OPTION)
    .action(async (name: string, options: CreateOptions) => {
      const ui = makeUi(options);
      const client = await connect("start", ui);
      const key = options.ownKey === undefined ? null : makeKey(options.ownKey);
      const { type, user = null } = options;
      const made = await client.call("createPrincipal", { body: { name, type, user, key } });
      if (ui.json) return ui.answer(made);
      ui.print(`created ${line(made)}`);
    });
  example(
    create,
    "$ csn principal create registry --type tenant",
    "$ csn principal create alice --user alice",
    "$ csn principal create carol --own-key carol.pem",
  );

  const list = principal
    .command("list")
    .alias("ls")
    .description("all principals")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      const all = await (await connect("look", ui)).call("principals");
      if (ui.json) return ui.answer(all);
      const rows = all.map((one) => [
        safe(one.name),
        one.type,
        userText(one),
        one.custody,
        String(one.tags ?? ""),
      ]);
      ui.print(...table([["PRINCIPAL", "TYPE", "USER", "KEY", "TAGS"], ...rows]));
    });
  example(list, "$ csn principal list");

  const show = principal
    .command("show")
    .description("one principal, with its key's fingerprint")
    .argument("<name>", "as `csn principal list` shows it")
    .option(...JSON_OPTION)
    .action(async (name: string, options: { json?: true }) => {
      const ui = makeUi(options);
      const found = (await (await connect("look", ui)).call("principals")).find((one) => one.name === name);
      if (found === undefined)
        throw new CliError(
          "E_PRINCIPAL_UNKNOWN",
          `expected the name of a principal, found \`${name}\``,
          "`csn principal list` shows all",
        );
      if (ui.json) return ui.answer(found);
      ui.print(line(found));
    });
  example(show, "$ csn principal show registry");

  const rotate = principal
    .command("rotate")
    .description("give a principal a new key; the old one signs no more")
    .argument("<name>", "yourself, or for root any whose key the daemon keeps")
    .option("--own-key <file>", "make the new pair, and keep the private half in this new file")
    .option("--key <file>", "the old private key, for a principal who keeps it himself; needs --own-key")
    .option(...JSON_OPTION)
    .action(async (name: string, options: { ownKey?: string; key?: string; json?: true }) => {
      const ui = makeUi(options);
      if (options.key !== undefined && options.ownKey === undefined)
        throw new CliError(
          "E_USAGE",
          "expected --own-key with --key, found none",
          "who keeps his key goes on doing so: name a new file for the new one",
        );
      const client = await connect("look", ui);
      const key = options.ownKey === undefined ? null : makeKey(options.ownKey);
      if (options.key !== undefined)
        await state(client, [{ kind: "rotate", key: key! }], { as: name, key: options.key });
      const now =
        options.key === undefined
          ? await client.call("rotatePrincipal", { body: { name, key } })
          : (await client.call("principals")).find((one) => one.name === name)!;
      if (ui.json) return ui.answer(now);
      ui.print(`new key of ${line(now)}`);
    });
  example(
    rotate,
    "$ csn principal rotate alice",
    "$ csn principal rotate carol --key carol.pem --own-key carol-2.pem",
  );

  const bind = principal
    .command("bind")
    .description("say which user of the host a principal is that was none")
    .argument("<name>", "the principal")
    .argument("<user>", "name or number of the user")
    .option(...JSON_OPTION)
    .action(async (name: string, who: string, options: { json?: true }) => {
      const ui = makeUi(options);
      const now = await (await connect("look", ui)).call("bindPrincipal", { body: { name, user: who } });
      if (ui.json) return ui.answer(now);
      ui.print(line(now));
    });
  example(bind, "$ csn principal bind registry registry");
}

function line(principal: PrincipalView): string {
  const { name, type, custody, fingerprint } = principal;
  const whose = custody === "own" ? "keeps its own key" : "key kept by the daemon";
  return `${safe(name)} (${type}, ${userText(principal)}, ${whose}) ${safe(fingerprint)}`;
}

function userText({ uid }: PrincipalView): string {
  return uid === null ? "no user" : `uid ${uid}`;
}

/** @returns the public half */
function makeKey(file: string): string {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  try {
    const pem = privateKey.export({ type: "pkcs8", format: "pem" });
    writeFileSync(file, pem, { mode: 0o600, flag: "wx" });
  } catch (error) {
    throw new CliError(
      "E_KEY_FILE",
      `expected to write a new file \`${file}\`: ${error instanceof Error ? error.message : String(error)}`,
      "a key is never written over: choose another name",
    );
  }
  return publicText(publicKey);
}
