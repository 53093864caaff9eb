/**
 * The log: appends records in batches, keeps their tree, and signs checkpoints of it.
 *
 * Guarantee: a segment holds whole records only; a new writer begins a new segment, so nothing that was signed is
 * touched. What could not be written is counted by kind, and the gap is itself a record as soon as writing works
 * again [AUD-3]. A checkpoint covers only what is on disk, and is only signed if its tree continues that of the
 * last one. A log that was found damaged is set aside as it is, and a new one begins by saying so.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Disk, realDisk, replaceFile, syncFolder } from "./disk.ts";
import { AuditError } from "./errors.ts";
import { KIND_LOG, markRecord, RECORD_BYTES, textRecords, writeHeader } from "./format.ts";
import { Gaps } from "./gaps.ts";
import { type Checkpoint, parseCheckpoint, signCheckpoint } from "./proof/checkpoint.ts";
import { HASH_BYTES, type Hasher, hasher } from "./proof/hash.ts";
import { loadKeys, type LogKeys, makeKeys, newOrigin, storeKeys, vkeysOf } from "./proof/keys.ts";
import { signatureLine } from "./proof/note.ts";
import type { TileFiles } from "./proof/tiles.ts";
import type { Tree } from "./proof/tree.ts";
import { keptName, type Recovered, recover } from "./recover.ts";
import { SegmentFile } from "./segment-file.ts";
import { segments } from "./segments.ts";
import { lastStatements } from "./statements.ts";

const SEGMENT_BYTES = 64 * 1024 * 1024;

export type WriterOptions = {
  folder: string;
  bootId: string;
  wallOffset: () => bigint;
  /** Where the signing keys are kept: outside the log's folder, so that a copy of it holds none. Absent: no checkpoints. */
  keyFile?: string;
  /** What a segment says at its start: version, configuration, policy. */
  describe?: () => Record<string, unknown>;
  disk?: Disk;
  hasher?: Hasher;
  segmentBytes?: number;
  /** Milliseconds since 1970. */
  now?: () => number;
};

export class Writer {
  readonly #options: WriterOptions;
  readonly #disk: Disk;
  readonly #hasher: Hasher;
  readonly #gaps = new Gaps();
  /** Over the leaf hashes since the last mark, or since the segment's start, and how many they are. */
  #sinceMark = createHash("sha256");
  #unmarked = 0;
  readonly #tree: Tree;
  readonly #tiles: TileFiles;
  #keys: LogKeys | null = null;
  /** Stated in the log, and not in force yet. */
  #nextKeys: LogKeys | null = null;
  #file: SegmentFile | null = null;
  #checkpoint: Checkpoint | null = null;
  #lastError = "";
  /** Nothing more goes into this segment. */
  #ended = false;
  /** Said once, in the next segment. */
  #news: Record<string, unknown>[] = [];

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#disk = options.disk ?? realDisk;
    this.#hasher = options.hasher ?? hasher();
    const { tree, tiles, checkpoint } = this.#open();
    this.#tree = tree;
    this.#tiles = tiles;
    this.#checkpoint = checkpoint;
  }

  /** Number of the record that comes next: so many are in the tree. */
  get next(): number {
    return this.#tree.size;
  }

  /** The last that was signed. */
  get checkpoint(): Checkpoint | null {
    return this.#checkpoint;
  }

  get folder(): string {
    return this.#options.folder;
  }

  /** Public keys in force, as vkeys. */
  get vkeys(): string[] {
    return this.#keys === null ? [] : vkeysOf(this.#keys);
  }

  /** Records that could not be written since the last success, and why. */
  get trouble(): { unwritten: number; error: string } | null {
    return this.#lastError === "" ? null : { unwritten: this.#gaps.total, error: this.#lastError };
  }

  /** True when the next append begins a segment: what contexts mean must be said again. */
  get atStart(): boolean {
    return (
      this.#file === null || this.#ended || this.#file.length >= (this.#options.segmentBytes ?? SEGMENT_BYTES)
    );
  }

  /**
   * Appends whole records.
   *
   * @param durable on disk before it returns
   * @returns the number of the first of them, or null when they could not be written and are lost
   */
  append(records: Buffer, durable: boolean): number | null {
    try {
      this.#endRotation();
      if (this.atStart) this.#begin();
      const gaps = this.#gaps.records();
      const first = this.#tree.size + gaps.length / RECORD_BYTES;
      this.#add(gaps.length === 0 ? records : Buffer.concat([gaps, records]), durable);
      this.#gaps.written();
      this.#lastError = "";
      return first;
    } catch (error) {
      this.#gaps.lose(records);
      this.#lastError = error instanceof Error ? error.message : String(error);
      return null;
    }
  }

  /**
   * All that was appended is on disk soon. When the disk did not take it, nobody knows what is there: a new segment
   * begins, and says which records may be lost.
   */
  syncSoon(): void {
    const file = this.#file;
    if (file === null || this.#unmarked === 0) return;
    try {
      this.#addMark();
    } catch (error) {
      this.#lastError = error instanceof Error ? error.message : String(error);
    }
    const to = this.#tree.size;
    file.syncSoon((error) => {
      this.#lastError = error.message;
      this.#news.push({ unsynced: { to, error: error.message } });
      if (this.#file === file) this.#ended = true;
    });
  }

  /** Told once what was appended so far is on disk by `syncSoon`. */
  onSynced(done: () => void): void {
    this.#file?.onSynced(done);
  }

  /** A statement in the log's name, as a signed note; null without keys. Its first line is no log's origin, so that it is
   * never taken for a checkpoint. */
  signStatement(text: string): string | null {
    const keys = this.#keys;
    if (keys === null) return null;
    const body = `csn statement of ${keys.origin}\n${text}\n`;
    const seconds = Math.floor((this.#options.now ?? Date.now)() / 1000);
    return `${body}\n${keys.signers.map((signer) => signatureLine(signer, body, seconds)).join("")}`;
  }

  /** Signs the tree as it is now, once it is on disk. @returns null when it could not be */
  signCheckpoint(): Checkpoint | null {
    if (this.#keys === null) return null;
    if (this.#checkpoint?.size === this.#tree.size && this.#checkpoint.origin === this.#keys.origin)
      return this.#checkpoint;
    try {
      this.#endRotation();
      if (this.#unmarked > 0) this.#addMark(); // what is signed is never cut off, even if the signature is lost
      this.#file?.sync();
      this.#publish(this.#signed(this.#keys), false);
      return this.#checkpoint;
    } catch (error) {
      this.#lastError = error instanceof Error ? error.message : String(error);
      return null;
    }
  }

  /**
   * New keys take over: stated in the log, and that statement signed by the old ones, for the last time.
   *
   * @returns the new ones, as vkeys  @throws AuditError E_LOG_WRITE
   */
  rotateKeys(): string[] {
    const { keyFile } = this.#options;
    if (this.#keys === null || keyFile === undefined) return [];
    try {
      this.#endRotation();
      const keys = makeKeys(this.#keys.origin);
      storeKeys(this.#disk, nextFile(keyFile), keys);
      if (this.atStart) this.#begin();
      this.#add(textRecords(KIND_LOG, 0, JSON.stringify({ keys: vkeysOf(keys) })), true);
      this.#nextKeys = keys;
      this.#endRotation();
    } catch (error) {
      throw new AuditError(
        "E_LOG_WRITE",
        `the new keys could not be put in force: ${error instanceof Error ? error.message : String(error)}`,
        "look at the disk that holds csn's home, then try again",
      );
    }
    return this.vkeys;
  }

  /** Something that the log says of itself; on disk before it returns, or in the next segment. */
  state(said: Record<string, unknown>): void {
    if (this.append(textRecords(KIND_LOG, 0, JSON.stringify(said)), true) === null) this.#news.push(said);
  }

  /**
   * Removes what records say, up to a number, in whole segments; their hashes stay, so old proofs hold. The log says so
   * first, signed.
   *
   * @returns the range that is gone; null when no whole segment lies before  @throws AuditError E_LOG_WRITE
   */
  retain(before: number, reason: string, by: string): { from: number; to: number } | null {
    const all = segments(this.#options.folder);
    const old = all.filter(({ first, count }, i) => i < all.length - 1 && first + count <= before);
    const [oldest] = old;
    const newest = old.at(-1);
    if (oldest === undefined || newest === undefined) return null;
    const range = { from: oldest.first, to: newest.first + newest.count };
    try {
      this.#endRotation();
      if (this.atStart) this.#begin();
      this.#tiles.sync();
      this.#add(textRecords(KIND_LOG, 0, JSON.stringify({ retention: { ...range, reason, by } })), true);
      if (this.#keys !== null) this.#publish(this.#signed(this.#keys), true);
      for (const { path } of old) this.#disk.rmSync(path);
      syncFolder(this.#disk, this.#options.folder);
    } catch (error) {
      throw new AuditError(
        "E_LOG_WRITE",
        `what was to be removed could not be: ${error instanceof Error ? error.message : String(error)}`,
        "look at the disk that holds csn's home, then try again",
      );
    }
    return range;
  }

  /** Once stated, nothing else is added before the old keys have signed that. */
  #endRotation(): void {
    const { keyFile } = this.#options;
    if (this.#nextKeys === null || this.#keys === null || keyFile === undefined) return;
    this.#publish(this.#signed(this.#keys), true);
    this.#disk.renameSync(nextFile(keyFile), keyFile);
    syncFolder(this.#disk, dirname(keyFile));
    this.#keys = this.#nextKeys;
    this.#nextKeys = null;
  }

  close(): void {
    this.signCheckpoint();
    this.#file?.close();
    this.#file = null;
    this.#tiles.close();
  }

  /** What is to be relied on ends with a mark. */
  #add(records: Buffer, durable: boolean): void {
    const leaves = this.#hasher.leaves(records, RECORD_BYTES);
    if (!durable) {
      this.#file!.append(records, false);
      this.#grow(leaves);
      return;
    }
    const mark = markRecord(
      this.#unmarked + records.length / RECORD_BYTES,
      this.#sinceMark.copy().update(leaves).digest(),
    );
    this.#file!.append(Buffer.concat([records, mark]), true);
    this.#grow(leaves);
    this.#grow(this.#hasher.leaves(mark, RECORD_BYTES));
    this.#sinceMark = createHash("sha256");
    this.#unmarked = 0;
  }

  /** Without waiting for the disk. */
  #addMark(): void {
    const mark = markRecord(this.#unmarked, this.#sinceMark.copy().digest());
    this.#file!.append(mark, false);
    this.#grow(this.#hasher.leaves(mark, RECORD_BYTES));
    this.#sinceMark = createHash("sha256");
    this.#unmarked = 0;
  }

  #grow(leaves: Buffer): void {
    this.#tiles.append(this.#tree.append(leaves));
    this.#sinceMark.update(leaves);
    this.#unmarked += leaves.length / HASH_BYTES;
  }

  /** Ends the segment, with a checkpoint that is kept, and begins another. */
  #begin(): void {
    const { folder, bootId, wallOffset, describe } = this.#options;
    if (this.#file !== null) {
      this.#file.mend();
      this.#file.sync();
      this.#tiles.sync();
      if (this.#keys !== null) this.#publish(this.#signed(this.#keys), true);
      this.#file.close();
      this.#file = null;
    }
    const first = this.#tree.size;
    const header = writeHeader({ first, bootId, wallOffset: wallOffset(), root: this.#tree.root() });
    const said = [{ segment: { ...describe?.(), keys: this.vkeys } }, ...this.#news];
    const texts = said.map((text) => textRecords(KIND_LOG, 0, JSON.stringify(text)));
    const file = new SegmentFile(this.#disk, folder, first);
    try {
      file.append(Buffer.concat([header, ...texts]), false);
    } catch (error) {
      file.close();
      this.#disk.rmSync(file.path, { force: true });
      throw error;
    }
    this.#file = file;
    this.#ended = false;
    this.#news = [];
    this.#sinceMark = createHash("sha256");
    this.#unmarked = 0;
    this.#grow(this.#hasher.leaves(Buffer.concat([header, ...texts]), RECORD_BYTES));
  }

  /** Of one size there is one checkpoint: after a change of keys, the old ones'. */
  #signed(keys: LogKeys): string {
    const last = this.#checkpoint;
    if (last?.size === this.#tree.size && last.origin === keys.origin) return last.text;
    const head = { origin: keys.origin, size: this.#tree.size, root: this.#tree.root() };
    return signCheckpoint(head, keys.signers, this.#seconds());
  }

  /** @param keep also as checkpoints/SIZE, which nothing replaces */
  #publish(text: string, keep: boolean): void {
    const { folder } = this.#options;
    const checkpoint = parseCheckpoint(text);
    if (keep) {
      this.#disk.mkdirSync(join(folder, "checkpoints"), { recursive: true, mode: 0o700 });
      replaceFile(this.#disk, join(folder, keptName(checkpoint.size)), Buffer.from(text));
    }
    replaceFile(this.#disk, join(folder, "checkpoint"), Buffer.from(text), keep);
    this.#checkpoint = checkpoint;
  }

  #seconds(): number {
    return Math.floor((this.#options.now?.() ?? Date.now()) / 1000);
  }

  #open(): Recovered {
    const { folder, keyFile, bootId } = this.#options;
    this.#disk.mkdirSync(folder, { recursive: true, mode: 0o700 });
    let why = "";
    try {
      if (keyFile !== undefined) this.#keys = loadKeys(keyFile);
      const found = recover(this.#disk, folder, this.#hasher, bootId);
      const isOurs = found.checkpoint === null || found.checkpoint.origin === this.#keys?.origin;
      if (isOurs || keyFile === undefined) {
        if (found.cut > 0) this.#news.push({ recovered: { cut: found.cut } });
        if (keyFile !== undefined) this.#settleKeys(keyFile, found);
        return found;
      }
      found.tiles.close();
      why = "its keys are gone";
    } catch (error) {
      if (!(error instanceof AuditError)) throw error;
      why = error.message;
    }
    this.#setAside(why);
    if (keyFile !== undefined) {
      this.#keys = makeKeys(newOrigin());
      storeKeys(this.#disk, keyFile, this.#keys);
    }
    return recover(this.#disk, folder, this.#hasher, bootId);
  }

  /** A rotation may have been cut short. What was stated is brought to its end; what was not is forgotten. */
  #settleKeys(keyFile: string, found: Recovered): void {
    if (this.#keys === null) {
      this.#keys = makeKeys(newOrigin());
      storeKeys(this.#disk, keyFile, this.#keys);
    }
    const next = loadKeys(nextFile(keyFile));
    if (next === null) return;
    const stated = JSON.stringify({ keys: vkeysOf(next) });
    if (!lastStatements(this.#options.folder).some(({ text }) => text === stated)) {
      this.#disk.rmSync(nextFile(keyFile), { force: true });
      return;
    }
    const head = { origin: this.#keys.origin, size: found.tree.size, root: found.tree.root() };
    if ((found.checkpoint?.size ?? 0) < head.size) {
      found.tiles.sync();
      this.#publish(signCheckpoint(head, this.#keys.signers, this.#seconds()), true);
      found.checkpoint = this.#checkpoint;
    }
    this.#disk.renameSync(nextFile(keyFile), keyFile);
    syncFolder(this.#disk, dirname(keyFile));
    this.#keys = next;
  }

  /** The damaged log is kept, under another name, and the new one says which it follows. */
  #setAside(why: string): void {
    const { folder } = this.#options;
    const names = new Set(readdirSync(dirname(folder)));
    let n = 1;
    while (names.has(`${basename(folder)}.${n}`)) n++;
    const aside = `${folder}.${n}`;
    if (existsSync(folder)) this.#disk.renameSync(folder, aside);
    this.#disk.mkdirSync(folder, { recursive: true, mode: 0o700 });
    syncFolder(this.#disk, dirname(folder));
    this.#news.push({ former: { folder: basename(aside), why } });
  }
}

function nextFile(keyFile: string): string {
  return `${keyFile}.next`;
}
