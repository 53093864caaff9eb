/**
 * csn explain: why a flow was decided as it was, and what would allow it.
 */
import type { Command } from "commander";
import type { PrivilegeView } from "../../api/index.ts";
import { recordOf } from "../arguments.ts";
import { connect } from "../connect.ts";
import { example, JSON_OPTION } from "../example.ts";
import { safe } from "../text.ts";
import { makeUi } from "../ui.ts";
import { logLine } from "../views.ts";
import { grantText } from "./tag.ts";

export function registerExplain(program: Command): void {
  const explain = program
    .command("explain")
    .description("which rule decided a flow, which tags, and what would allow it")
    .argument("<id>", "what `csn log` calls the record, at the end of a line")
    .option(...JSON_OPTION)
    .action(async (id: string, options: { json?: true }) => {
      const ui = makeUi(options);
      const parameters = { id: recordOf(id) };
      const found = await (await connect("look", ui)).call("explain", { parameters });
      if (ui.json) return ui.answer(found);
      ui.print(logLine(found.record, ui.paint), "", safe(found.text));
      if (found.rule !== null) ui.print(`rule: ${safe(found.rule)}`);
      if (found.tags.length > 0) ui.print(`tags: ${found.tags.map(safe).join(", ")}`);
      if (found.remedy.length > 0)
        ui.print("", "what would allow it:", ...found.remedy.map((way) => `- ${safe(way)}`));
    });
  example(
    explain,
    "$ csn log --refused -n 1",
    "$ csn explain 17",
    "$ csn explain privilege lab/patient clinic",
  );

  const privilege = explain
    .command("privilege")
    .description("what somebody may do with a tag, and by which chain from its owner")
    .argument("<tag>", "OWNER/NAME")
    .argument("[holder]", "a principal, or `gate:OWNER/NAME`; yourself if left out")
    .option(...JSON_OPTION)
    .action(async (tag: string, holder: string | undefined, options: { json?: true }) => {
      const ui = makeUi(options);
      const client = await connect("look", ui);
      const found = await client.call("privileges", { query: { tag, holder } });
      if (ui.json) return ui.answer(found);
      ui.print(...privilegeLines(found));
    });
  example(privilege, "$ csn explain privilege lab/patient clinic");
}

function privilegeLines({ tag, holder, privileges, conflict }: PrivilegeView): string[] {
  const lines = privileges.flatMap(({ privilege, by, chain }) => {
    const how = { owner: "is its owner", open: "open to everybody", grant: "granted" };
    const first = `${privilege}  ${by === null ? "no" : `yes: ${how[by]}`}`;
    return [first, ...chain.map((grant) => `    ${safe(grant.by)} granted ${grantText(grant)}`)];
  });
  if (conflict !== null)
    lines.push(
      `[COI-1] ${safe(conflict)}: another member of the set has been held, so nothing of this one is`,
    );
  // a gate's definition is 64 digits long; `--json` has it
  return [`${safe(holder.replace(/@[0-9a-f]{64}$/, ""))} on ${safe(tag)}:`, ...lines];
}
