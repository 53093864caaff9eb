/**
 * One segment file: does it continue the tree, is each of its records one, does it end where the next begins?
 */
import { statSync } from "node:fs";
import { basename } from "node:path";
import { FORMAT_VERSION, headerVersion, readHeader, RECORD_BYTES, type SegmentHeader } from "../format.ts";
import { hasher } from "../proof/hash.ts";
import { pieces } from "../reader.ts";
import type { Segment } from "../segments.ts";
import type { RecordCheck } from "./record-check.ts";
import type { Findings, Progress } from "./report.ts";
import type { TreeCheck } from "./tree-check.ts";

/** A step of the wall clock that is worth a note, ns. */
const CLOCK_STEP = 1_000_000_000n;

/** @param next where the next segment begins  @returns its header */
export function* checkSegment(
  file: Segment,
  next: number | null,
  tree: TreeCheck,
  records: RecordCheck,
  findings: Findings,
  notes: string[],
  progress: Progress,
): Generator<Progress, SegmentHeader | null> {
  const name = basename(file.path);
  let header: SegmentHeader | null = null;
  let done = 0;
  for (const piece of pieces(file)) {
    let rest = piece;
    let first = file.first + done / RECORD_BYTES;
    if (done === 0) {
      header = checkHeader(piece, file.first, tree, findings, name);
      rest = piece.subarray(RECORD_BYTES);
      first++;
      records.begin(header);
    }
    records.take(rest, first, name);
    tree.add(hasher().leaves(piece, RECORD_BYTES), name);
    done += piece.length;
    yield { done: progress.done + done, all: progress.all };
  }
  const end = file.first + done / RECORD_BYTES;
  const torn = file.compressed ? 0 : statSync(file.path).size % RECORD_BYTES;
  const cut = `\`${name}\` ends with ${torn} bytes that are no record`;
  if (torn !== 0 && next === null) notes.push(`${cut}: a write was cut short, and nobody relied on it`);
  else if (torn !== 0) findings.add("E_LOG_DAMAGED", end, name, cut);
  if (next !== null && end > next)
    findings.add(
      "E_LOG_DAMAGED",
      next,
      name,
      `\`${name}\` holds ${end - next} records more than were before the next segment`,
    );
  if (file.compressed && done === 0)
    findings.add("E_LOG_DAMAGED", file.first, name, `\`${name}\` can't be decompressed`);
  return header;
}

function checkHeader(
  piece: Buffer,
  first: number,
  tree: TreeCheck,
  findings: Findings,
  name: string,
): SegmentHeader | null {
  const header = readHeader(piece);
  const version = headerVersion(piece);
  if (header === null && version !== null && version > FORMAT_VERSION)
    findings.add(
      "E_LOG_NEWER",
      first,
      name,
      `\`${name}\` is of version ${version}, and this csn knows ${FORMAT_VERSION}`,
    );
  else if (header === null)
    findings.add("E_LOG_DAMAGED", first, name, `\`${name}\` does not begin with a header`);
  else if (header.first !== first)
    findings.add(
      "E_LOG_DAMAGED",
      first,
      name,
      `\`${name}\` says of itself that it begins at record ${header.first}`,
    );
  else if (!header.root.equals(tree.tree.root()) && findings.list.length === 0)
    findings.add(
      "E_LOG_DAMAGED",
      first,
      name,
      `\`${name}\` continues another log: its header has the root of another tree`,
    );
  return header;
}

/** Between segments of one boot, the clock may have been set. */
export function noteClock(before: SegmentHeader | null, now: SegmentHeader, notes: string[]): void {
  if (before === null || before.bootId !== now.bootId) return;
  const step = now.wallOffset - before.wallOffset;
  if (step > CLOCK_STEP || step < -CLOCK_STEP)
    notes.push(
      `the clock was set ${step > 0n ? "forward" : "back"} by ${Number((step > 0n ? step : -step) / 1_000_000n) / 1000} s before record ${now.first}`,
    );
}
