/**
 * Is a log as it was written? Offline, on a folder or a copy of one, with nothing but its files.
 *
 * Guarantee: each promise of docs/evidence.md that files can show is checked; the first bad record is named; nothing
 * is written. Exit codes are the caller's: this only reports.
 * Not covered: what happened after the last checkpoint; and a log that was rewritten as a whole by whoever holds its
 * keys, unless a key, an older checkpoint or a witness's cosignature from elsewhere is given to hold it against.
 */
import { existsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { AuditError } from "../errors.ts";
import { RECORD_BYTES, type SegmentHeader } from "../format.ts";
import type { Checkpoint } from "../proof/checkpoint.ts";
import { hasher } from "../proof/hash.ts";
import { TileSource } from "../proof/tiles.ts";
import { keptCheckpoints, keptName } from "../recover.ts";
import { type Segment, segments } from "../segments.ts";
import { KeyLine } from "./key-line.ts";
import { RecordCheck } from "./record-check.ts";
import { Findings, type Progress, type Report, type VerifyOptions } from "./report.ts";
import { checkSegment, noteClock } from "./segment-check.ts";
import { checkRotations, checkSignatures, readCheckpoint } from "./signature-check.ts";
import { checkGone, noteRecords } from "./statement-check.ts";
import { type Expected, TreeCheck } from "./tree-check.ts";

/** @throws AuditError E_LOG_NONE, E_LOG_OTHER */
export function verify(
  folder: string,
  options: VerifyOptions = {},
  onProgress: (progress: Progress) => void = () => undefined,
): Report {
  const steps = verifySteps(folder, options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    onProgress(step.value);
  }
}

/** The same in steps of some milliseconds, for who has other things to do. */
export function* verifySteps(folder: string, options: VerifyOptions = {}): Generator<Progress, Report> {
  const started = performance.now();
  const findings = new Findings();
  const notes: string[] = [];
  const files = segments(folder);
  const published = readCheckpoint(join(folder, "checkpoint"), folder, findings);
  const kept = keptCheckpoints(folder).flatMap((path) => readCheckpoint(path, folder, findings) ?? []);
  const cosigned = existsSync(join(folder, "cosigned"))
    ? readCheckpoint(join(folder, "cosigned"), folder, findings)
    : null;
  if (files.length === 0 && published === null && kept.length === 0)
    throw new AuditError(
      "E_LOG_NONE",
      `expected a log in \`${folder}\`, found neither segments nor checkpoints`,
      "give the folder that holds `*.csnlog` files",
    );
  if (published === null && findings.list.length === 0)
    findings.add("E_CHECKPOINT", null, "checkpoint", "the log has no checkpoint: nothing of it is signed");

  const own = [...kept, published, cosigned].filter((one) => one !== null);
  const newest = own.reduce<Checkpoint | null>(
    (best, one) => (best === null || one.checkpoint.size > best.size ? one.checkpoint : best),
    null,
  );
  for (const checkpoint of options.checkpoints ?? [])
    if (newest !== null && checkpoint.origin !== newest.origin)
      throw new AuditError(
        "E_LOG_OTHER",
        `the checkpoint is of \`${checkpoint.origin}\`, and this log is \`${newest.origin}\``,
        "give one of the same log: its first line names it",
      );
  for (const { checkpoint, file } of kept)
    if (!file.endsWith(keptName(checkpoint.size)))
      findings.add("E_LOG_DAMAGED", null, file, `\`${file}\` is a checkpoint of ${checkpoint.size} records`);
  for (const { checkpoint, file } of own)
    if (checkpoint.origin !== newest?.origin)
      findings.add("E_LOG_OTHER", null, file, `the checkpoint is of \`${checkpoint.origin}\``);

  const expected: Expected[] = [
    ...own.map(({ checkpoint, file }) => ({
      size: checkpoint.size,
      root: checkpoint.root,
      what: `\`${file}\``,
      file,
      code: "E_LOG_DAMAGED" as const,
    })),
    ...(options.checkpoints ?? []).map(({ size, root }) => ({
      size,
      root,
      what: "the checkpoint from elsewhere",
      file: "",
      code: "E_LOG_FORK" as const,
    })),
  ].sort((a, b) => a.size - b.size);

  const tiles = new TileSource(folder);
  const records = new RecordCheck(findings);
  const gone: { from: number; to: number }[] = [];
  let bytes = 0;
  try {
    const tree = new TreeCheck(options.hasher ?? hasher(), tiles, findings, expected);
    let before: SegmentHeader | null = null;
    for (const [i, file] of files.entries()) {
      const name = basename(file.path);
      if (file.first !== tree.tree.size) {
        if (file.first < tree.tree.size) {
          findings.add(
            "E_LOG_DAMAGED",
            file.first,
            name,
            `\`${name}\` begins at record ${file.first}, and ${tree.tree.size} were before it`,
          );
          continue;
        }
        gone.push({ from: tree.tree.size, to: file.first });
        if (!tree.addGone(file.first)) {
          findings.add(
            "E_LOG_DAMAGED",
            tree.tree.size,
            name,
            `records ${tree.tree.size} to ${file.first - 1} are missing, and their hashes too`,
          );
          break;
        }
      }
      const next = files[i + 1]?.first ?? null;
      const header: SegmentHeader | null = yield* checkSegment(file, next, tree, records, findings, notes, {
        done: bytes,
        all: total(files),
      });
      if (header !== null) noteClock(before, header, notes);
      before = header;
      bytes += statSync(file.path).size;
    }
    // what is signed, is not there, and was not removed at the end on purpose
    for (const { size, file } of tree.unreached)
      if (findings.list.every(({ record }) => record !== tree.tree.size))
        findings.add(
          "E_LOG_DAMAGED",
          tree.tree.size,
          file,
          `records ${tree.tree.size} to ${size - 1} are missing: a signed checkpoint covers ${size}`,
        );
    for (const { level, from, to } of tree.missing(files.at(-1)?.first ?? 0))
      findings.add(
        "E_LOG_DAMAGED",
        from,
        `tiles/${level}`,
        `the hashes over records ${from} to ${to - 1} are missing`,
      );
    if (tree.hashes > tree.tree.size)
      findings.add(
        "E_LOG_DAMAGED",
        tree.tree.size,
        "tiles/0",
        `records ${tree.tree.size} to ${tree.hashes - 1} are missing: their hashes are there`,
      );
    if (published !== null && newest !== null && published.checkpoint.size < newest.size)
      findings.add(
        "E_LOG_DAMAGED",
        published.checkpoint.size,
        published.file,
        `the checkpoint of ${published.checkpoint.size} records is older than another one here, of ${newest.size}`,
      );

    const line = new KeyLine(records.statements, gone[0]?.from === 0 ? gone[0].to : 0, findings);
    const signers = checkSignatures(line, own, newest, tree.tree.size, options, findings);
    checkGone(gone, records, findings);
    checkRotations(line, own, findings);
    noteRecords(records, notes);
    const size = tree.tree.size;
    if (newest !== null && size > newest.size)
      notes.push(`${size - newest.size} records came after the newest checkpoint: nothing proves them yet`);
    const list = findings.sorted();
    return {
      ok: list.length === 0,
      origin: newest?.origin ?? "",
      records: size,
      signed: newest?.size ?? 0,
      bytes,
      segments: files.length,
      ...signers,
      findings: list,
      more: findings.more,
      notes,
      losses: records.losses,
      gone,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    tiles.close();
  }
}

function total(files: readonly Segment[]): number {
  return files.reduce((sum, { count }) => sum + count * RECORD_BYTES, 0);
}
