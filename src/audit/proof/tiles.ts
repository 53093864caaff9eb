/**
 * The tree's hashes on disk: for each tile level one file, its tiles one after the other.
 *
 * `tiles/L` holds hash i of level L at 32 i, so tile N of c2sp.org/tlog-tiles is its bytes 8192 N to 8192 (N + 1);
 * one file a level instead of one a tile is what lets a million hashes a second be kept. export.ts writes the
 * layout with one file a tile.
 *
 * Guarantee: a hash stands at its place or not at all; what could not be written waits in memory and is tried again.
 * Not covered: the last hashes may be missing after a power cut. They are made again from the records (recover.ts).
 */
import { closeSync, constants, existsSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Disk, writeAll } from "../disk.ts";
import { AuditError } from "../errors.ts";
import { HASH_BYTES } from "./hash.ts";
import type { TileReader } from "./merkle.ts";
import { type Added, TILE_WIDTH } from "./tree.ts";

const MOST_LEVELS = 7; // 256^7 leaves

export function tilePath(folder: string, level: number): string {
  return join(folder, "tiles", String(level));
}

/** How many hashes a level has in a tree of that size. */
export function levelCount(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** `fd` is -1 until it is opened. */
type Level = { fd: number; count: number; waiting: Buffer[] };

export class TileFiles {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #levels: Level[] = [];

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
    disk.mkdirSync(join(folder, "tiles"), { recursive: true, mode: 0o700 });
  }

  /** Forgets all beyond a tree of that size. */
  cut(size: number): void {
    this.close();
    this.#levels.length = 0;
    for (let level = 0; level < MOST_LEVELS && existsSync(tilePath(this.#folder, level)); level++) {
      const count = levelCount(level, size);
      this.#level(level).count = count;
      this.#disk.ftruncateSync(this.#open(level), count * HASH_BYTES);
    }
  }

  /** Never throws: what can't be written now waits for `flush`. */
  append(added: readonly Added[]): void {
    for (const { level, hashes } of added) this.#level(level).waiting.push(hashes);
    try {
      this.flush();
    } catch {
      // `flush` is tried again before anybody relies on it
    }
  }

  /** @throws when the disk does not take it */
  flush(): void {
    for (const [index, level] of this.#levels.entries()) {
      if (level.waiting.length === 0) continue;
      const bytes = level.waiting.length === 1 ? level.waiting[0]! : Buffer.concat(level.waiting);
      level.waiting = [bytes];
      writeAll(this.#disk, this.#open(index), bytes, level.count * HASH_BYTES);
      level.count += bytes.length / HASH_BYTES;
      level.waiting = [];
    }
  }

  /** On disk when it returns. */
  sync(): void {
    this.flush();
    for (const { fd } of this.#levels) if (fd !== -1) this.#disk.fdatasyncSync(fd);
  }

  close(): void {
    for (const { fd } of this.#levels) if (fd !== -1) this.#disk.closeSync(fd);
    for (const level of this.#levels) level.fd = -1;
  }

  #level(index: number): Level {
    while (this.#levels.length <= index) this.#levels.push({ fd: -1, count: 0, waiting: [] });
    return this.#levels[index]!;
  }

  #open(index: number): number {
    const level = this.#level(index);
    if (level.fd === -1)
      level.fd = this.#disk.openSync(
        tilePath(this.#folder, index),
        constants.O_CREAT | constants.O_RDWR,
        0o600,
      );
    return level.fd;
  }
}

/** Hashes of the levels on disk now, for reading; parts that were read lately are kept. */
export class TileSource {
  readonly #folder: string;
  readonly #fds = new Map<number, number>();
  readonly #kept = new Map<string, Buffer>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws AuditError E_LOG_DAMAGED when they are not there */
  readonly read: TileReader = (level, from, count) => {
    const tile = Math.floor(from / TILE_WIDTH);
    const at = from - tile * TILE_WIDTH;
    if (at + count > TILE_WIDTH) return this.#bytes(level, from, count);
    const key = `${level}/${tile}`;
    let kept = this.#kept.get(key);
    if (kept === undefined || kept.length < (at + count) * HASH_BYTES) {
      const there = Math.min(TILE_WIDTH, this.count(level) - tile * TILE_WIDTH);
      kept = this.#bytes(level, tile * TILE_WIDTH, Math.max(there, at + count));
      if (this.#kept.size >= 4096) this.#kept.delete(this.#kept.keys().next().value!);
      this.#kept.set(key, kept);
    }
    return kept.subarray(at * HASH_BYTES, (at + count) * HASH_BYTES);
  };

  count(level: number): number {
    const path = tilePath(this.#folder, level);
    return existsSync(path) ? Math.floor(statSync(path).size / HASH_BYTES) : 0;
  }

  close(): void {
    for (const fd of this.#fds.values()) closeSync(fd);
    this.#fds.clear();
  }

  #bytes(level: number, from: number, count: number): Buffer {
    const bytes = Buffer.alloc(count * HASH_BYTES);
    if (count > 0 && this.#fill(level, from, bytes) !== bytes.length)
      throw new AuditError(
        "E_LOG_DAMAGED",
        `expected hashes ${from} to ${from + count - 1} of tile level ${level}, found fewer`,
        "`csn audit verify` says what else is missing",
      );
    return bytes;
  }

  #fill(level: number, from: number, bytes: Buffer): number {
    if (!this.#fds.has(level)) {
      if (!existsSync(tilePath(this.#folder, level))) return 0;
      this.#fds.set(level, openSync(tilePath(this.#folder, level), "r"));
    }
    let done = 0;
    while (done < bytes.length) {
      const got = readSync(this.#fds.get(level)!, bytes, done, bytes.length - done, from * HASH_BYTES + done);
      if (got === 0) break;
      done += got;
    }
    return done;
  }
}
