/**
 * A log as it was left, by a daemon that ended, was killed or lost its power: made whole again before anything is
 * added.
 *
 * Guarantee: what a checkpoint covers is untouched, or the log is found to be damaged and nothing is added to it.
 * Beyond the last checkpoint, what a daemon of this boot wrote whole stays, and of an earlier boot what a mark vouches
 * for. The rest is cut off, and the log says how much. Tiles are made again from the records where they lag, and all of them where
 * they are not what was signed: records alone say whether the log is damaged.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Disk } from "./disk.ts";
import { AuditError } from "./errors.ts";
import {
  FORMAT_VERSION,
  headerVersion,
  KIND_MARK,
  readHeader,
  readMark,
  RECORD_BYTES,
  RECORD_VERSION,
} from "./format.ts";
import { type Checkpoint, parseCheckpoint } from "./proof/checkpoint.ts";
import { HASH_BYTES, type Hasher } from "./proof/hash.ts";
import { rangeRoot } from "./proof/merkle.ts";
import { levelCount, TileFiles, TileSource } from "./proof/tiles.ts";
import { Tree } from "./proof/tree.ts";
import { pieces } from "./reader.ts";
import { type Segment, segmentName, segments } from "./segments.ts";

export type Recovered = {
  tree: Tree;
  tiles: TileFiles;
  checkpoint: Checkpoint | null;
  /** Bytes that were cut off. */
  cut: number;
};

/** @throws AuditError E_LOG_DAMAGED, E_LOG_NEWER: another log must be begun */
export function recover(disk: Disk, folder: string, hasher: Hasher, bootId: string): Recovered {
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
  if (last !== undefined && !last.compressed) cut += cutTail(disk, last, signed, hasher, bootId);
  files = segments(folder);

  const source = new TileSource(folder);
  const tiles = new TileFiles(disk, folder);
  const starts = [startOf(files, source), files[0]?.first ?? 0];
  try {
    const rebuild = (from: number) => treeFrom(from, { files, source, tiles, hasher, checkpoint });
    const tree = starts[0] === starts[1] ? rebuild(starts[1]!) : either(() => rebuild(starts[0]!), () => rebuild(starts[1]!)); // prettier-ignore
    tiles.sync(); // what is before a segment is never looked at again
    return { tree, tiles, checkpoint, cut };
  } catch (error) {
    tiles.close();
    throw error;
  } finally {
    source.close();
  }
}

/** The second when the first finds damage: a tile that the power's end emptied is made again from the records. */
function either<T>(first: () => T, second: () => T): T {
  try {
    return first();
  } catch (error) {
    if (!(error instanceof AuditError) || error.code !== "E_LOG_DAMAGED") throw error;
    return second();
  }
}

type Parts = {
  files: readonly Segment[];
  source: TileSource;
  tiles: TileFiles;
  hasher: Hasher;
  checkpoint: Checkpoint | null;
};

/** The tree, by the tiles as far as `from`, and from there by the records. @throws AuditError E_LOG_DAMAGED */
function treeFrom(from: number, { files, source, tiles, hasher, checkpoint }: Parts): Tree {
  const signed = checkpoint?.size ?? 0;
  tiles.cut(from);
  const open: Buffer[] = [];
  for (let level = 0; levelCount(level, from) > 0; level++) {
    const count = levelCount(level, from);
    open.push(Buffer.from(source.read(level, count - (count % 256), count % 256)));
  }
  if (signed <= from) holds(rangeRoot(source.read, hasher, 0, signed), checkpoint);
  const tree = new Tree(hasher, from, open);
  for (const file of files) {
    if (file.first < from) continue;
    if (file.first !== tree.size) throw damaged(`records ${tree.size} to ${file.first - 1}`);
    for (const records of pieces(file)) {
      const leaves = hasher.leaves(records, RECORD_BYTES);
      const upTo = Math.max(0, signed - tree.size) * HASH_BYTES;
      tiles.append(tree.append(leaves.subarray(0, upTo)));
      if (tree.size === signed) holds(tree.root(), checkpoint);
      tiles.append(tree.append(leaves.subarray(upTo)));
    }
  }
  if (tree.size < signed) throw damaged(`records ${tree.size} to ${signed - 1}, which were signed,`);
  return tree;
}

/** @throws AuditError E_LOG_DAMAGED */
function holds(root: Buffer, checkpoint: Checkpoint | null): void {
  if (checkpoint !== null && !root.equals(checkpoint.root))
    throw damaged(`the tree of the first ${checkpoint.size} records`);
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

/** The same, of a folder that must have one. @throws AuditError E_LOG_NONE */
export function requireCheckpoint(folder: string): Checkpoint {
  const checkpoint = lastCheckpoint(folder);
  if (checkpoint !== null) return checkpoint;
  throw new AuditError(
    "E_LOG_NONE",
    `expected a log with a checkpoint in \`${folder}\`, found none`,
    "give the folder that holds `*.csnlog` files",
  );
}

/** Of a checkpoint that nothing replaces. */
export function keptName(size: number): string {
  return `checkpoints/${String(size).padStart(15, "0")}`;
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

/**
 * Of this boot, whole records are as they were written: only the process ended. Of an earlier one, the power may have
 * gone, and what is beyond the last mark that fits, and not signed, is not to be relied on: it was promised to nobody.
 *
 * @returns how many bytes were cut off
 */
function cutTail(
  disk: Disk,
  { path, first }: Segment,
  signed: number,
  hasher: Hasher,
  bootId: string,
): number {
  const size = statSync(path).size;
  const sameBoot = readHeader(headerOf(path, false))?.bootId === bootId.replaceAll("-", "");
  const whole = sameBoot
    ? Math.floor(size / RECORD_BYTES)
    : Math.max(markedRecords(path, hasher), signed - first);
  if (first + whole < signed || whole * RECORD_BYTES > size)
    throw damaged(`record ${first + whole}, which was signed,`);
  const fd = disk.openSync(path, "r+");
  try {
    if (whole * RECORD_BYTES < size) disk.ftruncateSync(fd, whole * RECORD_BYTES);
    disk.fdatasyncSync(fd); // what is built upon must be there when the power goes later
  } finally {
    disk.closeSync(fd);
  }
  if (whole === 0) disk.rmSync(path);
  return size - whole * RECORD_BYTES;
}

/** How many records, from the start, are vouched for by marks. */
function markedRecords(path: string, hasher: Hasher): number {
  let marked = 0;
  let passed = 0;
  let since = createHash("sha256");
  for (const records of pieces({ path, compressed: false })) {
    const leaves = hasher.leaves(records, RECORD_BYTES);
    let from = 0;
    for (let at = 0; at < records.length; at += RECORD_BYTES, passed++) {
      if (records[at] !== RECORD_VERSION || records[at + 1] !== KIND_MARK) continue;
      const leaf = (at / RECORD_BYTES) * HASH_BYTES;
      since.update(leaves.subarray(from, leaf));
      if (!since.digest().equals(readMark(records.subarray(at, at + RECORD_BYTES)).hash)) return marked;
      marked = passed + 1;
      since = createHash("sha256");
      from = leaf + HASH_BYTES;
    }
    since.update(leaves.subarray(from));
  }
  return marked;
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
