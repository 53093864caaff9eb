/**
 * Answers about the record as lines for people. Pure, but for the caller's time zone.
 *
 * Guarantee: names that others have chosen are shown through `safe`.
 */
import type { Coverage, ErasureAnswer, LeakAnswer, QuestionsAnswer, TraceAnswer } from "../api/index.ts";
import { count, safe, shortContext } from "./text.ts";
import type { Paint } from "./ui.ts";
import { localTime } from "./views.ts";

type Edge = TraceAnswer["edges"][number];
type Step = Edge["step"];
type Node = TraceAnswer["nodes"][number];
type Flow = NonNullable<LeakAnswer["path"]>[number];

export function traceLines(answer: TraceAnswer, paint: Paint): string[] {
  const lines = answer.direction === "between" ? wayLines(answer, paint) : treeLines(answer, paint);
  if (answer.edges.length === 0) lines.push("nothing that you may see");
  for (const { from, to, step, times } of answer.refused)
    lines.push(`${paint.red("refused")} ${safe(from.name)} -> ${safe(to.name)} ${stepText(step, paint)}${times > 1 ? ` x${times}` : ""}`); // prettier-ignore
  const { entities, refused } = answer.leftOut;
  const left = [
    ...(entities > 0 ? [count(entities, "more entity", "more entities")] : []),
    ...(refused > 0 ? [count(refused, "more refusal")] : []),
  ];
  if (left.length > 0) lines.push(paint.yellow(`and ${left.join(", ")}: --limit shows more`));
  return lines;
}

/** What each was reached by, below what it was reached from. */
function treeLines(answer: TraceAnswer, paint: Paint): string[] {
  const isForward = answer.direction === "from";
  const below = new Map<number, { edge: Edge; child: number }[]>();
  for (const edge of answer.edges) {
    const [parent, child] = isForward ? [edge.from, edge.to] : [edge.to, edge.from];
    if (parent === child) continue;
    below.set(parent, [...(below.get(parent) ?? []), { edge, child }]);
  }
  const lines: string[] = [];
  const shown = new Set<number>();
  const stack = answer.roots.toReversed().map((root) => ({ at: root, lead: "", head: "", tail: "" }));
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { at, lead, head, tail } = next;
    lines.push(`${lead}${head}${nodeText(answer.nodes[at]!)}${tail}`);
    if (shown.has(at)) continue; // folded pictures have circles
    shown.add(at);
    const children = below.get(at) ?? [];
    const inner = head === "" ? lead : `${lead}${head.startsWith("└") ? "   " : "│  "}`;
    for (const [i, { edge, child }] of [...children.entries()].toReversed()) {
      const end = i === children.length - 1 ? "└─ " : "├─ ";
      const times = (edge.times ?? 1) > 1 ? ` x${edge.times}` : "";
      stack.push({ at: child, lead: inner, head: `${end}${crossText(edge.step, paint)}`, tail: ` ${stepText(edge.step, paint)}${times}` }); // prettier-ignore
    }
  }
  return lines;
}

function wayLines({ nodes, edges }: TraceAnswer, paint: Paint): string[] {
  return edges.map(
    ({ from, to, step }) =>
      `${nodeText(nodes[from]!)} -> ${crossText(step, paint)}${nodeText(nodes[to]!)} ${stepText(step, paint)}`,
  );
}

export function leakLines(answer: LeakAnswer, paint: Paint): string[] {
  const { asked, path, earlier, coverage, refused, leftOut } = answer;
  const when = [asked.since && `since ${safe(asked.since)}`, asked.until && `until ${safe(asked.until)}`];
  const time = when.filter(Boolean).join(" ");
  const lines = [
    path === null
      ? `${paint.green("no")}: within what was looked at, nothing of ${safe(asked.of)} reached ${safe(asked.to)}${time && ` ${time}`}`
      : `${paint.red("yes")}: ${safe(asked.of)} reached ${safe(asked.to)}${time && ` ${time}`}`,
  ];
  if (path !== null) lines.push(...pathLines(path, paint));
  if (earlier !== null) lines.push(paint.yellow("before that time it did:"), ...pathLines(earlier, paint));
  if (refused.length > 0) lines.push(`${count(refused.length + leftOut, "attempt")} refused:`);
  for (const { from, to, step, times } of refused)
    lines.push(
      `  ${safe(from.name)} -> ${safe(to.name)} ${stepText(step, paint)}${times > 1 ? ` x${times}` : ""}`,
    );
  lines.push(...coverageLines(coverage, paint));
  if (answer.proofs) lines.push(`${count(answer.proofs.proofs.length, "record")} with proofs (--json)`);
  if (answer.statement) lines.push("signed with the log's key (--statement FILE keeps it)");
  return lines;
}

export function questionsLines({ answers, coverage }: QuestionsAnswer, paint: Paint): string[] {
  return [...answers.flatMap((answer) => questionLines(answer, paint)), ...coverageLines(coverage, paint)];
}

export function questionLines(
  { name, says, holds, path, early, limits }: QuestionsAnswer["answers"][number],
  paint: Paint,
): string[] {
  const lines = [`${holds ? paint.green("holds") : paint.red("BROKEN")} ${safe(name)}: ${safe(says)}`];
  if (path !== null) lines.push(...pathLines(path, paint));
  if (early !== null)
    lines.push(`  too soon: ${safe(early.thing.name)} was first on the record ${safe(early.since)}, and passed the gate ${safe(early.passed)}`); // prettier-ignore
  return [...lines, ...limits.map((limit) => `  limit: ${safe(limit)}`)];
}

export function erasureLines(answer: ErasureAnswer, paint: Paint): string[] {
  const { tags, files, left, people, addresses, leftOut, coverage } = answer;
  const trail = ({ thing, since, context }: ErasureAnswer["people"][number]) =>
    `  ${safe(thing.name)} (${shortContext(context)}) since ${localTime(since)}`;
  const lines = [
    `${tags.map(safe).join(", ")} on ${safe(coverage.host)}`,
    `${count(files.length, "file or folder", "files and folders")} got data:`,
    ...files.map((file) => {
      const where =
        typeof file.found === "string"
          ? `there: ${safe(file.found)}`
          : paint.yellow("not found by this name");
      return `${trail(file)}, inode ${safe(file.thing.id)}, ${where}`;
    }),
    `${count(left.length, "way", "ways")} in which it left its tags:`,
    ...left.flatMap(({ times, ...flow }) => pathLines([flow], paint).map((line) => (times > 1 ? `${line} x${times}` : line))), // prettier-ignore
    `${count(people.length, "person", "people")} saw some:`,
    ...people.map(trail),
    `${count(addresses.length, "address", "addresses")} got some:`,
    ...addresses.map(trail),
  ];
  if (leftOut > 0) lines.push(paint.yellow(`and ${leftOut} more: --limit shows them`));
  return [...lines, ...coverageLines(coverage, paint)];
}

export function pathLines(path: readonly Flow[], paint: Paint): string[] {
  return path.map(
    ({ from, to, step }) =>
      `  ${crossText(step, paint)}${safe(from.name)} (${shortContext(step.source)}) -> ${safe(to.name)} (${shortContext(step.sink)}) ${stepText(step, paint)}`,
  );
}

export function coverageLines({ host, clearance, boots, gaps, limits }: Coverage, paint: Paint): string[] {
  const whose =
    clearance === null ? "all records" : `records of ${clearance.map(safe).join(", ") || "no tag"}`;
  return [
    `looked at: ${whose} of ${safe(host)}`,
    ...boots.map(({ boot, from, to }) => `  boot ${safe(boot.slice(0, 8))}: ${safe(from)} to ${safe(to)}`),
    gaps.length === 0 ? "no gap in the record" : paint.yellow(`${count(gaps.length, "gap")} in the record:`),
    ...gaps.map(({ near, lost, what }) => `  near ${safe(near)}: ${lost ?? "some"} ${safe(what)}`),
    ...limits.map((limit) => `limit: ${safe(limit)}`),
  ];
}

function nodeText({ kind, name, context, holds }: Node): string {
  const what = holds === undefined ? "" : `${count(holds, "entity", "entities")}, `;
  const where = holds === undefined ? shortContext(context) : safe(kind);
  return `${safe(name)} (${what}${where})`;
}

function stepText({ op, time, record, rule, verdict }: Step, paint: Paint): string {
  const why = verdict === "allowed" ? "" : ` ${paint.bold(`${verdict} ${safe(rule ?? "")}`)}`;
  return paint.dim(`${safe(op)} ${localTime(time)} #${safe(record)}`) + why;
}

/** By whose right it went on with another label. */
function crossText({ crossing }: Step, paint: Paint): string {
  if (crossing === null) return "";
  const { by, gate, drops, adds } = crossing;
  const tags = [...drops.map((tag) => `-${safe(tag)}`), ...adds.map((tag) => `+${safe(tag)}`)].join(" ");
  if (gate === null) return paint.yellow(`[${by} ${tags}] `);
  const grants = gate.grants.map(({ by: who, grant }) => `${safe(who)}'s ${grant === "" ? "right" : `grant ${safe(grant.slice(0, 8))}`}`); // prettier-ignore
  return paint.yellow(
    `[gate ${safe(gate.name)} ${tags}, run by ${safe(gate.user)}, by ${grants.join(", ")}] `,
  );
}
