/**
 * A log as it was left, by a daemon that ended, was killed or lost its power: made whole again before anything is
 * added.
 *
 * Guarantee: what a checkpoint covers is untouched, or the log is found to be damaged and nothing is added to it.
 * Beyond the last checkpoint, what was written whole stays; half a record, and all after a record that the file
 * system left empty, is cut off, and the log says how much. Tiles are made again from the records where they lag.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Disk } from "./disk.ts";
import { AuditError } from "./errors.ts";
import { FORMAT_VERSION, headerVersion, RECORD_BYTES } from "./format.ts";
import { type Checkpoint, parseCheckpoint } from "./proof/checkpoint.ts";
import type { Hasher } from "./proof/hash.ts";
import { rangeRoot } from "./proof/merkle.ts";
import { levelCount, TileFiles, TileSource } from "./proof/tiles.ts";
import { Tree } from "./proof/tree.ts";
import { pieces } from "./reader.ts";
import { segmentName, segments } from "./segments.ts";

export type Recovered = {
  tree: Tree;
  tiles: TileFiles;
  checkpoint: Checkpoint | null;
  /** Bytes that were cut off. */
  cut: number;
};

/** @throws AuditError E_LOG_DAMAGED, E_LOG_NEWER: another log must be begun */
export function recover(disk: Disk, folder: string, hasher: Hasher): Recovered {
  const checkpoint = lastCheckpoint(folder);
  const signed = checkpoint?.size ?? 0;
  let cut = 0;

  // A segment whose header never reached the disk was begun when the power went.
  let files = segments(folder);
  for (let last = files.at(-1); last !== undefined; last = files.at(-1)) {
    const version = headerVersion(headerOf(last.path, last.compressed));
    if (version !== null && version > FORMAT_VERSION)
      throw new AuditError(
        "E_LOG_NEWER",
        `\`${segmentName(last.first)}\` is of version ${version}`,
        "a newer csn wrote it",
      );
    if (version === FORMAT_VERSION) break;
    if (last.first < signed || version !== null)
      throw damaged(`the header of \`${segmentName(last.first)}\``);
    cut += statSync(last.path).size;
    disk.rmSync(last.path);
    files = segments(folder);
  }

  const last = files.at(-1);
  if (last !== undefined && !last.compressed) cut += cutTail(disk, last.path, last.first, signed);
  files = segments(folder);

  const source = new TileSource(folder);
  const tiles = new TileFiles(disk, folder);
  try {
    const from = startOf(files, source);
    tiles.cut(from);
    const open: Buffer[] = [];
    for (let level = 0; levelCount(level, from) > 0; level++) {
      const count = levelCount(level, from);
      open.push(Buffer.from(source.read(level, count - (count % 256), count % 256)));
    }
    const tree = new Tree(hasher, from, open);
    for (const file of files) {
      if (file.first < from) continue;
      if (file.first !== tree.size) throw damaged(`records ${tree.size} to ${file.first - 1}`);
      for (const records of pieces(file)) tiles.append(tree.append(hasher.leaves(records, RECORD_BYTES)));
    }
    tiles.flush();
    if (tree.size < signed) throw damaged(`records ${tree.size} to ${signed - 1}, which were signed,`);
    const now = new TileSource(folder);
    try {
      if (checkpoint !== null && !rangeRoot(now.read, hasher, 0, signed).equals(checkpoint.root))
        throw damaged(`the tree of the first ${signed} records`);
    } finally {
      now.close();
    }
    return { tree, tiles, checkpoint, cut };
  } catch (error) {
    tiles.close();
    throw error;
  } finally {
    source.close();
  }
}

/** The newest that was signed: the published one, or one that was kept when that was lost. */
export function lastCheckpoint(folder: string): Checkpoint | null {
  let newest: Checkpoint | null = null;
  for (const path of [join(folder, "checkpoint"), ...keptCheckpoints(folder).slice(-1)]) {
    if (!existsSync(path)) continue;
    try {
      const found = parseCheckpoint(readFileSync(path, "utf8"));
      if (newest === null || found.size > newest.size) newest = found;
    } catch {
      // half written: the other one counts; verify reports it
    }
  }
  return newest;
}

/** Paths of `checkpoints/SIZE`, by size. */
export function keptCheckpoints(folder: string): string[] {
  const kept = join(folder, "checkpoints");
  if (!existsSync(kept)) return [];
  return readdirSync(kept)
    .filter((name) => /^\d{15}$/.test(name))
    .sort()
    .map((name) => join(kept, name));
}

/** The last segment whose start the tiles of each level reach: all before it need not be read. */
function startOf(files: readonly { first: number }[], source: TileSource): number {
  const reaches = (size: number) => {
    for (let level = 0; levelCount(level, size) > 0; level++)
      if (source.count(level) < levelCount(level, size)) return false;
    return true;
  };
  return files.findLast(({ first }) => reaches(first))?.first ?? 0;
}

/** @returns how many bytes were no whole record */
function cutTail(disk: Disk, path: string, first: number, signed: number): number {
  const size = statSync(path).size;
  let whole = 0;
  scan: for (const records of pieces({ path, compressed: false }))
    for (let at = 0; at < records.length; at += RECORD_BYTES, whole++) if (records[at] === 0) break scan;
  if (whole * RECORD_BYTES === size) return 0;
  if (first + whole < signed) throw damaged(`record ${first + whole}, which was signed,`);
  const fd = disk.openSync(path, "r+");
  try {
    disk.ftruncateSync(fd, whole * RECORD_BYTES);
    disk.fdatasyncSync(fd);
  } finally {
    disk.closeSync(fd);
  }
  return size - whole * RECORD_BYTES;
}

function headerOf(path: string, compressed: boolean): Buffer {
  for (const records of pieces({ path, compressed })) return records.subarray(0, RECORD_BYTES);
  return Buffer.alloc(0);
}

function damaged(what: string): AuditError {
  return new AuditError(
    "E_LOG_DAMAGED",
    `${what} is not as it was written`,
    "`csn audit verify` on that folder says more",
  );
}
