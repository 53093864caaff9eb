/**
 * What a log says of itself, held against what is there: records that were removed, lost, or not understood.
 */
import { LOST_AT } from "../gaps.ts";
import { parseStatement } from "../statements.ts";
import type { RecordCheck } from "./record-check.ts";
import type { Findings } from "./report.ts";

/** Whatever is gone must have been removed by somebody who said so. */
export function checkGone(
  gone: readonly { from: number; to: number }[],
  records: RecordCheck,
  findings: Findings,
): void {
  const said = records.statements.flatMap(({ text }) => {
    const { from, to } = (parseStatement(text)?.retention ?? {}) as { from?: unknown; to?: unknown };
    return typeof from === "number" && typeof to === "number" ? [{ from, to }] : [];
  });
  for (const { from, to } of gone) {
    let at = from;
    for (const range of said.sort((a, b) => a.from - b.from))
      if (range.from <= at && range.to > at) at = range.to;
    if (at < to)
      findings.add(
        "E_LOG_DAMAGED",
        at,
        "",
        `records ${at} to ${to - 1} are missing, and no statement of the log says that they were removed`,
      );
  }
}

export function noteRecords(records: RecordCheck, notes: string[]): void {
  for (const [where, why] of [
    [LOST_AT.DISK, "could not be written when they were made"],
    [LOST_AT.RING, "found no room in the kernel's ring"],
  ] as const) {
    const losses = records.losses.filter(({ at }) => at === where);
    const lost = losses.reduce((sum, { count }) => sum + count, 0);
    if (lost > 0) notes.push(`${lost} records ${why}: ${losses.length} gap records say which`);
  }
  if (records.unaccounted > 0)
    notes.push(
      `${records.unaccounted} records of flows that the kernel counted are missing, and no gap record says so`,
    );
  if (records.undescribed > 0)
    notes.push(`${records.undescribed} records name a context that their segment does not explain`);
  for (const { from, text } of records.statements) {
    const said = parseStatement(text);
    for (const key of ["recovered", "former", "unsynced"] as const)
      if (said?.[key] !== undefined) notes.push(`record ${from} says: ${key} ${JSON.stringify(said[key])}`);
  }
}
