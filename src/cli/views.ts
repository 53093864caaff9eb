/**
 * Answers of the daemon as lines for people. Pure, but for the caller's time zone.
 *
 * Guarantee: names that others have chosen are shown through `safe`.
 */
import type { Doctor, Entity, LogEntry, Process, Shadow, Status, World } from "../api/index.ts";
import { gateRunText } from "./gate-views.ts";
import { count, safe, shortContext, table } from "./text.ts";
import type { Paint } from "./ui.ts";

type Check = Doctor["checks"][number];

export function statusLines(status: Status, paint: Paint): string[] {
  const place = status.machine === null ? "on this host" : `in machine ${safe(status.machine)}`;
  const { counts } = status;
  const state = status.attached
    ? `${paint.green("enforcing")} since ${status.since === null ? "an unknown time" : localTime(status.since)} with ${count(status.programs, "program")} in the kernel`
    : `${paint.yellow("not attached")}: nothing is labelled, nothing is enforced`;
  return [
    `csn ${safe(status.version)} ${place}, kernel ${safe(status.kernel)}, daemon ${status.pid}`,
    state,
    ...(counts === null ? [`${count(status.tags, "tag")} of yours`] : countLines(status.tags, counts, paint)),
    ...(status.onFull === "refuse" ? ["flows that cannot be recorded are refused"] : []),
    ...(status.scope.length > 0 ? [`also recorded: ${status.scope.map(safe).join(", ")}`] : []),
    ...(status.absentHooks.length > 0
      ? [`hooks that this kernel lacks: ${status.absentHooks.map(safe).join(", ")}`]
      : []),
    "",
    ...worldLines(status.worlds, paint),
  ];
}

function countLines(tags: number, counts: NonNullable<Status["counts"]>, paint: Paint): string[] {
  const { labels, subjects, observed, unmounted, allHold, flows } = counts;
  return [
    `${count(tags, "tag")}, ${count(labels, "labelled file or directory", "labelled files and directories")}, ${count(subjects, "labelled process", "labelled processes")}`,
    ...(observed > 0
      ? [
          paint.yellow(
            `${count(observed, "process", "processes")} only observed: the flow rules refuse ${observed === 1 ? "it" : "them"} nothing`,
          ),
        ]
      : []),
    `flows: ${flows.allowed} allowed and ${flows.merged} more like them, ${flows.refused} refused, ${flows.observed} observed, ${flows.recorded} recorded, ${flows.lost} lost`,
    ...(flows.wide > 0 ? [`flows without a label that are recorded as well: ${flows.wide}`] : []),
    ...(unmounted > 0
      ? [paint.yellow(`${count(unmounted, "label")} on file systems that are not mounted`)]
      : []),
    ...(allHold
      ? [paint.yellow("no room to note who shares memory: everybody counts as if, and more is recorded")]
      : []),
    ...(flows.internal > 0
      ? [paint.yellow(`${count(flows.internal, "flow")} refused because something failed`)]
      : []),
  ];
}

/** What is enforced, world by world. */
export function worldLines(worlds: readonly World[], paint: Paint): string[] {
  const colour = { enforced: paint.green, refused: paint.green, observed: paint.yellow, off: paint.red };
  const lines = table(worlds.map((world) => [safe(world.id), world.state, safe(world.why)]));
  return lines.map((line, at) => {
    const state = worlds[at]?.state ?? "off";
    return line.replace(state, () => colour[state](state));
  });
}

export function doctorLines(checks: readonly Check[], paint: Paint): string[] {
  const width = Math.max(0, ...checks.map((check) => check.name.length));
  return checks.flatMap(({ name, ok, found, hint }) => [
    `${ok ? paint.green("ok    ") : paint.red("not ok")}  ${safe(name).padEnd(width)}  ${safe(found)}`,
    ...(ok || hint === "" ? [] : [`        ${"".padEnd(width)}  Hint: ${safe(hint)}`]),
  ]);
}

export function processLines(processes: readonly Process[]): string[] {
  const rows = processes.map((process) => {
    const [reads, writes] = [shortContext(process.in), shortContext(process.out)];
    const holds = process.holds.map(safe);
    return [
      ...[process.pid, process.ppid, process.uid].map(String),
      cut(safe(process.command)),
      reads === writes ? reads : `${reads} -> ${writes}`,
      process.mode + (process.shadow === null ? "" : `, shadow: ${shadowText(process.shadow)}`),
      holds.length > 3 ? `${holds.slice(0, 3).join(" ")} and ${holds.length - 3} more` : holds.join(" "),
    ];
  });
  return table([["PID", "PPID", "UID", "COMMAND", "CONTEXT", "MODE", "HOLDS"], ...rows]);
}

/** So that one long command line doesn't make all others wide; `--json` has it whole. */
function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** One record on one line. */
export function logLine(entry: LogEntry, paint: Paint): string {
  const colour = { allowed: paint.green, observed: paint.yellow, refused: paint.red };
  const verdict = colour[entry.verdict](entry.verdict);
  const why =
    entry.verdict !== "allowed"
      ? ` ${paint.bold([entry.rule ?? "", ...entry.tags].map(safe).join(" ").trim())}`
      : "";
  const gate = entry.gate === undefined ? "" : ` ${gateRunText(entry.gate)}`;
  const note = entry.note === undefined ? "" : ` ${paint.dim(safe(entry.note))}`;
  const offer = entry.gates.length > 0 ? ` (gate: ${entry.gates.map(safe).join(", ")})` : "";
  const times = entry.count > 1 ? ` x${entry.count}` : "";
  const flow = `${entityText(entry.source)} -> ${entityText(entry.sink)}`;
  const shadow = entry.shadow === undefined ? "" : ` ${paint.yellow(`shadow: ${shadowText(entry.shadow)}`)}`;
  return `${paint.dim(localTime(entry.time))} ${verdict} ${safe(entry.op)} ${safe(entry.program)}[${entry.pid}] ${flow}${gate}${why}${note}${shadow}${offer}${times} ${paint.dim(`#${entry.id}`)}`;
}

/** What is carried and no context says: secrecy tags, and `not` those that the data does not have. */
function shadowText({ secrecy, integrity }: Shadow): string {
  return [...secrecy, ...integrity.map((tag) => `not ${tag}`)].map(safe).join(", ");
}

function entityText(entity: Entity): string {
  return `${safe(entity.name === "" ? entity.kind : entity.name)} (${shortContext(entity.context)})`;
}

/** hh:mm:ss in the caller's time zone, with the date in front unless it is today's. */
export function localTime(iso: string, now: Date = new Date()): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return safe(iso);
  const two = (number: number) => String(number).padStart(2, "0");
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  if (time.toDateString() === now.toDateString()) return clock;
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock}`;
}
