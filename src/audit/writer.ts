/**
 * The log: appends records in batches, keeps their tree, and signs checkpoints of it.
 *
 * Guarantee: a segment holds whole records only; a new writer begins a new segment, so nothing that was signed is
 * touched. What could not be written is counted by kind, and the gap is itself a record as soon as writing works
 * again [AUD-3]. A checkpoint covers only what is on disk, and is only signed if its tree continues that of the
 * last one. A log that was found damaged is set aside as it is, and a new one begins by saying so.
 */
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Disk, realDisk, replaceFile, syncFolder } from "./disk.ts";
import { AuditError } from "./errors.ts";
import { KIND_LOG, RECORD_BYTES, textRecords, writeHeader } from "./format.ts";
import { Gaps } from "./gaps.ts";
import { type Checkpoint, parseCheckpoint, signCheckpoint } from "./proof/checkpoint.ts";
import { type Hasher, hasher } from "./proof/hash.ts";
import { loadKeys, type LogKeys, makeKeys, newOrigin, storeKeys, vkeysOf } from "./proof/keys.ts";
import type { TileFiles } from "./proof/tiles.ts";
import type { Tree } from "./proof/tree.ts";
import { type Recovered, recover } from "./recover.ts";
import { SegmentFile } from "./segment-file.ts";
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
  readonly #tree: Tree;
  readonly #tiles: TileFiles;
  #keys: LogKeys | null = null;
  /** Stated in the log, and not in force yet. */
  #nextKeys: LogKeys | null = null;
  #file: SegmentFile | null = null;
  #checkpoint: Checkpoint | null = null;
  #lastError = "";
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
    return this.#file === null || this.#file.length >= (this.#options.segmentBytes ?? SEGMENT_BYTES);
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
      this.#add(gaps.length === 0 ? records : Buffer.concat([gaps, records]), durable);
      this.#gaps.written();
      this.#lastError = "";
      return this.#tree.size - records.length / RECORD_BYTES;
    } catch (error) {
      this.#gaps.lose(records);
      this.#lastError = error instanceof Error ? error.message : String(error);
      return null;
    }
  }

  /** All that was appended is on disk when it returns. @returns false when the disk did not take it */
  sync(): boolean {
    try {
      this.#file?.sync();
      return true;
    } catch (error) {
      this.#lastError = error instanceof Error ? error.message : String(error);
      return false;
    }
  }

  /** Signs the tree as it is now, once it is on disk. @returns null when it could not be */
  signCheckpoint(): Checkpoint | null {
    if (this.#keys === null) return null;
    if (this.#checkpoint?.size === this.#tree.size && this.#checkpoint.origin === this.#keys.origin)
      return this.#checkpoint;
    try {
      this.#endRotation();
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

  #add(records: Buffer, durable: boolean): void {
    this.#file!.append(records, durable);
    this.#tiles.append(this.#tree.append(this.#hasher.leaves(records, RECORD_BYTES)));
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
    this.#news = [];
    this.#tiles.append(
      this.#tree.append(this.#hasher.leaves(Buffer.concat([header, ...texts]), RECORD_BYTES)),
    );
  }

  #signed(keys: LogKeys): string {
    const head = { origin: keys.origin, size: this.#tree.size, root: this.#tree.root() };
    return signCheckpoint(head, keys.signers, this.#seconds());
  }

  /** @param keep also as checkpoints/SIZE, which nothing replaces */
  #publish(text: string, keep: boolean): void {
    const { folder } = this.#options;
    const checkpoint = parseCheckpoint(text);
    if (keep) {
      this.#disk.mkdirSync(join(folder, "checkpoints"), { recursive: true, mode: 0o700 });
      replaceFile(
        this.#disk,
        join(folder, "checkpoints", String(checkpoint.size).padStart(15, "0")),
        Buffer.from(text),
      );
    }
    replaceFile(this.#disk, join(folder, "checkpoint"), Buffer.from(text), keep);
    this.#checkpoint = checkpoint;
  }

  #seconds(): number {
    return Math.floor((this.#options.now?.() ?? Date.now()) / 1000);
  }

  #open(): Recovered {
    const { folder, keyFile } = this.#options;
    this.#disk.mkdirSync(folder, { recursive: true, mode: 0o700 });
    let why = "";
    try {
      if (keyFile !== undefined) this.#keys = loadKeys(keyFile);
      const found = recover(this.#disk, folder, this.#hasher);
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
    return recover(this.#disk, folder, this.#hasher);
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
