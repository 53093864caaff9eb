/**
 * csn audit scope: what is recorded besides what labelled programs do and what is done to labelled data. Root's alone.
 */
import { resolve } from "node:path";
import type { Command } from "commander";
import { parseScope, type ScopeEntry, scopeText } from "../../api/index.ts";
import { userOf } from "../arguments.ts";
import { connect } from "../connect.ts";
import { CliError } from "../errors.ts";
import { example, JSON_OPTION } from "../example.ts";
import { safe, table } from "../text.ts";
import { makeUi } from "../ui.ts";

const WHAT =
  "all, user:NAME, cgroup:PATH, path:PATH; opaque:PATH for what is never recorded so; repeats for what tells nothing new";

export function registerScope(audit: Command): void {
  const scope = audit
    .command("scope")
    .description("record more than what has a label: everything, a user, a cgroup, a path");
  example(scope, "$ csn audit scope add path:/srv/data", "$ csn audit scope list");

  const add = scope
    .command("add")
    .description("record this as well, from now on; it refuses nobody anything")
    .argument("<what>", WHAT)
    .option(...JSON_OPTION)
    .action(async (what: string, options: { json?: true }) => {
      const ui = makeUi(options);
      const answer = await (await connect("start", ui)).call("widenScope", { body: read(what) });
      if (ui.json) return ui.answer(answer);
      ui.print(
        answer.entry.kind === "opaque"
          ? `${safe(scopeText(answer.entry))}: not recorded, but where a labelled party is in it`
          : `${safe(scopeText(answer.entry))}: recorded`,
      );
    });
  example(
    add,
    "$ csn audit scope add all",
    "$ csn audit scope add user:alice",
    "$ csn audit scope add cgroup:/system.slice/nginx.service",
    "$ csn audit scope add opaque:/usr/bin/rsync",
  );

  const remove = scope
    .command("remove")
    .alias("rm")
    .description("take back what was added")
    .argument("<what>", "as `csn audit scope list` shows it")
    .option(...JSON_OPTION)
    .action(async (what: string, options: { json?: true }) => {
      const ui = makeUi(options);
      const answer = await (await connect("look", ui)).call("narrowScope", { body: read(what) });
      if (ui.json) return ui.answer(answer);
      ui.print(`${safe(scopeText(answer.entry))}: removed`);
    });
  example(remove, "$ csn audit scope remove all");

  const list = scope
    .command("list")
    .alias("ls")
    .description("what was added, and whether it is in force")
    .option(...JSON_OPTION)
    .action(async (options: { json?: true }) => {
      const ui = makeUi(options);
      const entries = await (await connect("look", ui)).call("scope");
      if (ui.json) return ui.answer(entries);
      const rows = entries.map(({ entry, inForce, why }) => [safe(scopeText(entry)), inForce ? "yes" : `no: ${safe(why)}`]); // prettier-ignore
      ui.print(...table([["WHAT", "IN FORCE"], ...rows]));
    });
  example(list, "$ csn audit scope list");
}

/** @throws CliError E_SCOPE, E_USER */
function read(text: string): ScopeEntry {
  const [kind, ...rest] = text.split(":");
  const value = rest.join(":");
  const made =
    kind === "user" && value !== ""
      ? `user:${userOf(value).uid}`
      : (kind === "path" || kind === "opaque") && value !== ""
        ? `${kind}:${resolve(value)}`
        : text;
  const entry = parseScope(made);
  if (entry !== null) return entry;
  throw new CliError(
    "E_SCOPE",
    `expected ${WHAT}; found \`${safe(text)}\``,
    "the path of a cgroup is the one below /sys/fs/cgroup, as `systemctl show --property ControlGroup` prints it",
  );
}
