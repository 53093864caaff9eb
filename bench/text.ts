/** The bench's reports as text for people. Pure. */
import {
  type CallId,
  callIds,
  CALLS,
  type CallsReport,
  type ColumnId,
  columnIds,
  macroColumnIds,
  type MacroColumnId,
  type MacroReport,
  type PeerId,
  type PeerReports,
  peerIds,
  type TreeReport,
  workloadIds,
  WORKLOADS,
} from "./report.ts";

/** Two runs of the longer calls differ by this much. */
const CLOSE = 0.02;

/** Real programs may cost this much more. */
const MACRO_GOAL = 0.05;

/** Less than this of a call is no base for a ratio. */
const NOISE = 0.015;

const number = new Intl.NumberFormat("en-US");

/** What a call costs in one column. */
function least(report: CallsReport, column: ColumnId, call: CallId): number {
  return report.columns[column].calls[call].least;
}

/** (labelled - baseline) / (floor - baseline); null where the floor is nothing or noise. */
export function labelledOverFloor(report: CallsReport, call: CallId): number | null {
  const floor = least(report, "floor", call) - least(report, "baseline", call);
  return floor <= NOISE * least(report, "baseline", call)
    ? null
    : (least(report, "labelled", call) - least(report, "baseline", call)) / floor;
}

export function rows(report: CallsReport): string[][] {
  const head = ["", ...columnIds, "unlabelled − floor", "labelled / floor"];
  const body = callIds.map((call) => {
    const ratio = labelledOverFloor(report, call);
    return [
      CALLS[call],
      ...columnIds.map((column) => number.format(least(report, column, call))),
      signed(least(report, "unlabelled", call) - least(report, "floor", call)),
      ratio === null ? "" : ratio.toFixed(1),
    ];
  });
  return [head, ...body];
}

/** (labelled - baseline) / (SELinux - baseline); null where SELinux costs nothing or noise. */
export function labelledOverSelinux(report: CallsReport, peers: PeerReports, call: CallId): number | null {
  const base = least(report, "baseline", call);
  const selinux = peers.selinux.figures.calls[call].least - base;
  return selinux <= NOISE * base ? null : (least(report, "labelled", call) - base) / selinux;
}

export function peerRows(report: CallsReport, peers: PeerReports): string[][] {
  const of = (id: PeerId, call: CallId) => peers[id].figures.calls[call].least;
  const head = [
    ...["", "baseline", ...peerIds, "unlabelled", "labelled"],
    ...["labelled / selinux", "labelled − selinux"],
  ];
  const body = callIds.map((call) => {
    const ratio = labelledOverSelinux(report, peers, call);
    return [
      CALLS[call],
      number.format(least(report, "baseline", call)),
      ...peerIds.map((id) => number.format(of(id, call))),
      number.format(least(report, "unlabelled", call)),
      number.format(least(report, "labelled", call)),
      ratio === null ? "" : ratio.toFixed(1),
      signed(least(report, "labelled", call) - of("selinux", call)),
    ];
  });
  return [head, ...body];
}

export function peerNotes(report: CallsReport, peers: PeerReports): string[] {
  const dearer = callIds.filter(
    (call) => least(report, "labelled", call) > (1 + CLOSE) * peers.selinux.figures.calls[call].least,
  );
  return [
    `A labelled call is no dearer than with SELinux (within 2 %): met for ${callIds.length - dearer.length} of ${callIds.length}${dearer.length === 0 ? "" : `; not met for ${dearer.map((call) => CALLS[call]).join(", ")}`}.`,
    ...peerIds.map((id) => `${id}: ${peers[id].proof}. Security modules: ${peers[id].lsm}.`),
  ];
}

export function macroRows({ columns }: MacroReport): string[][] {
  const head = ["", "baseline, thousands", ...macroColumnIds.slice(1)];
  const body = workloadIds.flatMap((id) => {
    const base = columns.baseline[id];
    if (base === undefined) return [];
    const over = macroColumnIds.slice(1).map((column) => percent(columns[column][id]! / base - 1));
    return [[WORKLOADS[id], number.format(Math.round(base / 1000)), ...over]];
  });
  return [head, ...body];
}

export function macroNotes({ columns, rounds, records }: MacroReport): string[] {
  const above = (column: MacroColumnId) =>
    workloadIds.filter((id) => (columns[column][id] ?? 0) > (1 + MACRO_GOAL) * (columns.baseline[id] ?? 0));
  const met = (column: MacroColumnId) => {
    const over = above(column);
    return over.length === 0 ? "met" : `not met for ${over.map((id) => WORKLOADS[id]).join("; ")}`;
  };
  return [
    `Within 5 % of the baseline, unlabelled: ${met("unlabelled")}.`,
    `Within 5 % of the baseline, labelled: ${met("labelled")}.`,
    `Least of ${rounds} rounds. While the labelled programs ran: ${number.format(records.recorded)} records (${records.lost} lost), ${records.refused} refusals.`,
  ];
}

export function macroText(report: MacroReport): string {
  return [...aligned(macroRows(report)), ...macroNotes(report)].join("\n");
}

function percent(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(100 * value).toFixed(1)} %`;
}

function signed(value: number): string {
  return value < 0 ? `−${number.format(-value)}` : `+${number.format(value)}`;
}

export function callsText(report: CallsReport): string {
  return [
    `Linux ${report.kernel}, instructions, minimum`,
    ...aligned(rows(report)),
    ...goals(report),
    recordsText(report),
  ].join("\n");
}

export function peersText(report: CallsReport, peers: PeerReports): string {
  return [...aligned(peerRows(report, peers)), ...peerNotes(report, peers)].join("\n");
}

function aligned(table: string[][]): string[] {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  "),
  );
}

/** The goals of the issue, and where they are not met. */
export function goals(report: CallsReport): string[] {
  const above = (a: ColumnId, b: ColumnId) =>
    callIds.filter((call) => least(report, a, call) / least(report, b, call) - 1 > CLOSE);
  const names = (calls: CallId[]) => calls.map((call) => CALLS[call]).join(", ");
  const over = callIds.filter((call) => (labelledOverFloor(report, call) ?? 0) > 2);
  const idle = above("idle", "baseline");
  const unlabelled = above("unlabelled", "floor");
  return [
    `No label on the host costs nothing (within 2 %): ${idle.length === 0 ? "met" : `not met for ${names(idle)}`}.`,
    `An unlabelled program is at the floor (within 2 %): ${unlabelled.length === 0 ? "met" : `not met for ${names(unlabelled)}`}.`,
    `A labelled one adds at most twice what the floor adds (ratio ≤ 2): ${over.length === 0 ? "met" : `not met for ${names(over)}`}.`,
  ];
}

export function recordsText({ records }: CallsReport): string {
  const parts = Object.entries(records).map(
    ([column, { recorded, lost }]) => `${column} ${recorded} (${lost} lost)`,
  );
  return `Records written meanwhile: ${parts.join(", ")}.`;
}

export function treeText(report: TreeReport): string {
  const seconds = (value: number) => `${value.toFixed(1)} s`;
  return [
    `Linux ${report.kernel}, wall clock under emulation`,
    `load and attach the monitor: ${seconds(report.loadSeconds)}`,
    `label a folder of ${number.format(report.files)} files: ${seconds(report.labelSeconds)} (making it: ${seconds(report.createSeconds)})`,
    `kernel memory for each inode with a cached context: ${report.bytesPerInode} bytes`,
  ].join("\n");
}
