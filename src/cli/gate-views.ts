/**
 * Gates and their runs as lines for people. Pure.
 */
import type { GateRunView, GateTag, GateView } from "../api/index.ts";
import { safe, shortContext, table } from "./text.ts";
import type { Paint } from "./ui.ts";

export function gateLines(gate: GateView, paint: Paint): string[] {
  const command = [gate.program, ...gate.args].map(safe).join(" ");
  return [
    `${safe(gate.name)}: ${shortContext(gate.in)} -> ${shortContext(gate.out)}`,
    `  runs      ${command}`,
    `  program   ${safe(gate.program)} sha256:${gate.digest}`,
    ...gate.files.map(({ path, digest }) => `  file      ${safe(path)} sha256:${digest}`),
    ...(gate.consent.length > 0 ? [`  consent   ${gate.consent.map(safe).join(", ")}`] : []),
    ...(gate.purpose === "" ? [] : [`  purpose   ${safe(gate.purpose)}`]),
    `  users     ${gate.users.includes("*") ? "everybody" : gate.users.map(safe).join(", ")}`,
    ...table(gate.tags.map((tag) => ["", tag.change, safe(tag.tag), tag.privilege, rightText(tag, paint)])),
    gate.ready ? `  ${paint.green("ready")}` : `  ${paint.red("not ready")}: ${safe(gate.why)}`,
  ];
}

function rightText({ tag, by, grants }: GateTag, paint: Paint): string {
  if (by === null) return paint.red(`missing: ${safe(tag.slice(0, tag.indexOf("/")))} has not granted it`);
  if (grants.length === 0) return { gate: "open to everybody", user: "yours", platform: "root's" }[by];
  return grants
    .map((grant) => {
      const term = grant.until === null ? "" : ` until ${grant.until.slice(0, 10)}`;
      const purpose = grant.purpose === "" ? "" : ` for ${safe(grant.purpose)}`;
      return `granted by ${safe(grant.by)}${term}${purpose} (${grant.id.slice(0, 8)})`;
    })
    .join(", then ");
}

/** What a run did, in short, for a line of the log. */
export function gateRunText({ tags, purpose, ended, exit, input, output }: GateRunView): string {
  const done = tags.filter(({ change }) => change !== "carries");
  const changes = done.map(({ change, tag, grants }) => {
    const grant = grants.at(-1);
    return `${change} ${safe(tag)}${grant === undefined ? "" : ` by ${safe(grant.by)}'s ${grant.id.slice(0, 8)}`}`;
  });
  const what = purpose === "" ? "" : ` for ${safe(purpose)}`;
  if (ended === "") return [changes.join(", ") + what, "begins"].join("; ");
  const end = exit === null ? "did not start" : exit === 0 ? "" : `exit ${exit}`;
  const sizes = `${input.bytes} B in, ${output.bytes} B out`;
  return [changes.join(", ") + what, sizes, end].filter((text) => text !== "").join("; ");
}
