/**
 * The log: appends records in batches, keeps their tree, and signs checkpoints of it.
 *
 * Guarantee: a segment holds whole records only; a new writer begins a new segment, so nothing that was signed is
 * touched. What could not be written is counted by kind, and the gap is itself a record as soon as writing works
 * again [AUD-3]. A checkpoint covers only what is on disk, and is only signed if its tree continues that of the
 * last one. A log that was found damaged is set aside as it is, and a new one begins by saying so.
 */
import { dirname } from "node:path";
import { type Disk, realDisk, syncFolder } from "./disk.ts";
import { notWritten } from "./errors.ts";
import { KIND_LOG, RECORD_BYTES, textRecords, writeHeader } from "./format.ts";
import { Gaps } from "./gaps.ts";
import { Marks } from "./marks.ts";
import { openLog, type WriterOptions } from "./opening.ts";
import { type Checkpoint, signCheckpoint } from "./proof/checkpoint.ts";
import { type Hasher, hasher } from "./proof/hash.ts";
import { type LogKeys, makeKeys, nextKeyFile, storeKeys, vkeysOf } from "./proof/keys.ts";
import { signStatement } from "./proof/statement.ts";
import type { TileFiles } from "./proof/tiles.ts";
import type { Tree } from "./proof/tree.ts";
import { publish } from "./publish.ts";
import { SegmentFile } from "./segment-file.ts";
import { closedBefore } from "./segments.ts";

const SEGMENT_BYTES = 64 * 1024 * 1024;
const NONE = Buffer.alloc(0);

export class Writer {
  readonly #options: WriterOptions;
  readonly #disk: Disk;
  readonly #hasher: Hasher;
  readonly #gaps = new Gaps();
  #marks = new Marks();
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
    const opened = openLog(this.#disk, this.#hasher, options, this.#seconds());
    this.#tree = opened.tree;
    this.#tiles = opened.tiles;
    this.#checkpoint = opened.checkpoint;
    this.#keys = opened.keys;
    this.#news = opened.news;
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
    const { segmentBytes = SEGMENT_BYTES } = this.#options;
    return this.#file === null || this.#ended || this.#file.length >= segmentBytes;
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
    if (file === null || this.#marks.unmarked === 0) return;
    try {
      this.#addMarked(NONE, NONE, false);
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

  /** A statement in the log's name, as a signed note; null without keys. */
  signStatement(text: string): string | null {
    return this.#keys === null ? null : signStatement(this.#keys, text, this.#seconds());
  }

  /** Signs the tree as it is now, once it is on disk. @returns null when it could not be */
  signCheckpoint(): Checkpoint | null {
    if (this.#keys === null) return null;
    if (this.#checkpoint?.size === this.#tree.size && this.#checkpoint.origin === this.#keys.origin)
      return this.#checkpoint;
    try {
      this.#endRotation();
      if (this.#marks.unmarked > 0) this.#addMarked(NONE, NONE, false); // what is signed is never cut off, even if the signature is lost
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
      storeKeys(this.#disk, nextKeyFile(keyFile), keys);
      if (this.atStart) this.#begin();
      this.#add(textRecords(KIND_LOG, 0, JSON.stringify({ keys: vkeysOf(keys) })), true);
      this.#nextKeys = keys;
      this.#endRotation();
    } catch (error) {
      throw notWritten("the new keys could not be put in force", error);
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
    const old = closedBefore(this.#options.folder, before);
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
      throw notWritten("what was to be removed could not be", error);
    }
    return range;
  }

  /** Once stated, nothing else is added before the old keys have signed that. */
  #endRotation(): void {
    const { keyFile } = this.#options;
    if (this.#nextKeys === null || this.#keys === null || keyFile === undefined) return;
    this.#publish(this.#signed(this.#keys), true);
    this.#disk.renameSync(nextKeyFile(keyFile), keyFile);
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
    if (durable) {
      this.#addMarked(records, leaves, true);
      return;
    }
    this.#file!.append(records, false);
    this.#grow(leaves);
  }

  #addMarked(records: Buffer, leaves: Buffer, durable: boolean): void {
    const mark = this.#marks.next(leaves);
    this.#file!.append(Buffer.concat([records, mark]), durable);
    this.#grow(Buffer.concat([leaves, this.#hasher.leaves(mark, RECORD_BYTES)]));
    this.#marks = new Marks();
  }

  #grow(leaves: Buffer): void {
    this.#tiles.append(this.#tree.append(leaves));
    this.#marks.grow(leaves);
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
    this.#marks = new Marks();
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
    this.#checkpoint = publish(this.#disk, this.#options.folder, text, keep);
  }

  #seconds(): number {
    return Math.floor((this.#options.now?.() ?? Date.now()) / 1000);
  }
}
