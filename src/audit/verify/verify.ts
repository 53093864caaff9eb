/**
 * Is a log as it was written? Offline, on a folder or a copy of one, with nothing but its files.
 *
 * Guarantee: each promise of docs/evidence.md that files can show is checked; the first bad record is named; nothing
 * is written. Exit codes are the caller's: this only reports.
 * Not covered: what happened after the last checkpoint; and a log that was rewritten as a whole by whoever holds its
 * keys, unless a key, an older checkpoint or a witness's cosignature from elsewhere is given to hold it against.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { AuditError } from "../errors.ts";
import { FORMAT_VERSION, headerVersion, readHeader, RECORD_BYTES, type SegmentHeader } from "../format.ts";
import { LOST_AT } from "../gaps.ts";
import { type Checkpoint, parseCheckpoint } from "../proof/checkpoint.ts";
import { type Hasher, hasher } from "../proof/hash.ts";
import { type Verifier, verifies, vkeyOf } from "../proof/note.ts";
import { TileSource } from "../proof/tiles.ts";
import { pieces } from "../reader.ts";
import { keptCheckpoints, keptName } from "../recover.ts";
import { type Segment, segments } from "../segments.ts";
import { parseStatement } from "../statements.ts";
import { KeyLine } from "./key-line.ts";
import { RecordCheck } from "./record-check.ts";
import { Findings, type Report } from "./report.ts";
import { type Expected, TreeCheck } from "./tree-check.ts";

export type VerifyOptions = {
  /** Public keys known from elsewhere: one of them must be the log's. */
  keys?: readonly Verifier[];
  /** Checkpoints of this log from elsewhere: it must continue each. */
  checkpoints?: readonly Checkpoint[];
  /** Witnesses that must have cosigned. */
  witnesses?: readonly Verifier[];
  hasher?: Hasher;
};

/** A step of the wall clock that is worth a note, ns. */
const CLOCK_STEP = 1_000_000_000n;

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

/** Bytes. */
export type Progress = { done: number; all: number };

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

type Own = { checkpoint: Checkpoint; file: string };

function readCheckpoint(path: string, folder: string, findings: Findings): Own | null {
  if (!existsSync(path)) return null;
  const file = relative(folder, path);
  try {
    return { checkpoint: parseCheckpoint(readFileSync(path, "utf8")), file };
  } catch (error) {
    findings.add("E_CHECKPOINT", null, file, error instanceof Error ? error.message : String(error));
    return null;
  }
}

/** @param next where the next segment begins  @returns its header */
function* checkSegment(
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

function checkSignatures(
  line: KeyLine,
  own: readonly Own[],
  newest: Checkpoint | null,
  size: number,
  { keys = [], witnesses = [], checkpoints = [] }: VerifyOptions,
  findings: Findings,
): Pick<Report, "signers" | "trusted" | "witnesses"> {
  let signers: string[] = [];
  for (const { checkpoint, file } of own) {
    const by = line.check(checkpoint, file);
    if (checkpoint === newest) signers = by;
  }
  for (const checkpoint of checkpoints.filter((one) => one.size <= size))
    line.check(checkpoint, "the checkpoint from elsewhere");
  const stated = new Set(line.verifiers.map(vkeyOf));
  if (keys.length > 0 && !keys.some((key) => stated.has(vkeyOf(key))))
    findings.add(
      "E_LOG_KEY",
      null,
      "",
      "the log was never signed by the key that was given: it is another's, or was made anew by somebody else",
    );
  const seen = witnesses.filter((witness) => own.some(({ checkpoint }) => isBy(witness, checkpoint)));
  for (const witness of witnesses)
    if (!seen.includes(witness))
      findings.add("E_WITNESS", null, "cosigned", `no checkpoint is cosigned by \`${witness.name}\``);
  return { signers, trusted: keys.length > 0, witnesses: seen.map(({ name }) => name) };
}

function isBy(witness: Verifier, { note }: Checkpoint): boolean {
  try {
    return verifies(witness, note);
  } catch {
    return false;
  }
}

/** A change of keys counts when the old ones signed it. */
function checkRotations(line: KeyLine, own: readonly Own[], findings: Findings): void {
  for (const size of line.changes)
    if (!own.some(({ checkpoint }) => checkpoint.size === size))
      findings.add(
        "E_LOG_KEY",
        size - 1,
        keptName(size),
        `the change of keys at record ${size - 1} is not signed by the keys before`,
      );
}

/** Whatever is gone must have been removed by somebody who said so. */
function checkGone(
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

function noteClock(before: SegmentHeader | null, now: SegmentHeader, notes: string[]): void {
  if (before === null || before.bootId !== now.bootId) return;
  const step = now.wallOffset - before.wallOffset;
  if (step > CLOCK_STEP || step < -CLOCK_STEP)
    notes.push(
      `the clock was set ${step > 0n ? "forward" : "back"} by ${Number((step > 0n ? step : -step) / 1_000_000n) / 1000} s before record ${now.first}`,
    );
}

function noteRecords(records: RecordCheck, notes: string[]): void {
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

function total(files: readonly Segment[]): number {
  return files.reduce((sum, { count }) => sum + count * RECORD_BYTES, 0);
}
