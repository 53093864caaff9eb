/**
 * Disks that fail, for the tests: full, dead at a call, or without power, on top of real files.
 *
 * The model of a power cut: what was written since the last fdatasync of a file may be there, may be cut at any
 * place, or may have a block of zeros; a name that was made or replaced since the last fsync of its folder may be
 * as it was before.
 */
import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { closeSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { type Disk, realDisk } from "./disk.ts";

/** Made-up logs of flows. */
export * as logs from "./ask/testing.ts";

/** Numbers from 0 to 1, the same for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export class Death extends Error {}

/** `from`: of a name that was replaced by another: either both are as they were or none is. */
type Name = { path: string; before: Buffer | null; from?: { path: string; bytes: Buffer } };

export class FaultyDisk {
  /** Calls that change something, so far. */
  calls = 0;
  /** At this call the process ends, in the middle of it. */
  dieAt = Infinity;
  /** From this call to that one, the disk is full. */
  fullFrom = Infinity;
  fullTo = Infinity;
  /** At this call the disk fails. */
  brokenAt = Infinity;
  #dead = false;
  readonly #files = new Map<number, string>();
  readonly #synced = new Map<string, number>();
  /** Names that their folder does not surely have yet. */
  #names: Name[] = [];

  readonly disk: Disk = {
    ...realDisk,
    openSync: ((path: string, flags: string | number, mode?: number) => {
      const makes = flags === "w" || flags === "wx" || (typeof flags === "number" && !existsSync(path));
      if (makes) this.#step();
      const before = makes && existsSync(path) ? readFileSync(path) : null;
      const fd = realDisk.openSync(path, flags, mode);
      if (makes) {
        this.#names.push({ path, before });
        this.#synced.set(path, 0);
      } else if (!this.#synced.has(path) && statSync(path).isFile())
        this.#synced.set(path, statSync(path).size);
      this.#files.set(fd, path);
      return fd;
    }) as Disk["openSync"],
    writeSync: ((fd: number, bytes: Buffer, offset: number, length: number, position: number) => {
      this.#step(() => realDisk.writeSync(fd, bytes, offset, Math.floor(length / 2), position));
      const path = this.#files.get(fd)!;
      this.#synced.set(path, Math.min(this.#synced.get(path) ?? 0, position));
      return realDisk.writeSync(fd, bytes, offset, length, position);
    }) as unknown as Disk["writeSync"],
    fdatasyncSync: (fd) => {
      this.#step();
      this.#synced.set(this.#files.get(fd)!, statSync(this.#files.get(fd)!).size);
    },
    fdatasync: ((fd: number, done: (error: Error | null) => void) => {
      this.#step();
      this.#synced.set(this.#files.get(fd)!, statSync(this.#files.get(fd)!).size);
      done(null);
    }) as unknown as Disk["fdatasync"],
    fsyncSync: (fd) => {
      this.#step();
      const folder = this.#files.get(fd)!;
      this.#names = this.#names.filter(({ path }) => dirname(path) !== folder);
    },
    ftruncateSync: (fd, length) => {
      this.#step();
      realDisk.ftruncateSync(fd, length);
    },
    renameSync: (from, to) => {
      this.#step();
      const [source, target] = [String(from), String(to)];
      if (existsSync(source) && statSync(source).isFile()) {
        const before = existsSync(target) ? readFileSync(target) : null;
        this.#names.push({ path: target, before, from: { path: source, bytes: readFileSync(source) } });
        this.#synced.set(target, this.#synced.get(source) ?? 0);
      }
      realDisk.renameSync(from, to);
    },
    rmSync: (path, options) => {
      this.#step();
      realDisk.rmSync(path, options);
    },
    mkdirSync: ((path: string, options: { recursive: true }) => {
      if (!existsSync(path)) this.#step();
      return realDisk.mkdirSync(path, options);
    }) as Disk["mkdirSync"],
    closeSync: (fd) => {
      this.#files.delete(fd);
      realDisk.closeSync(fd); // also of the dead: the kernel does it
    },
  };

  /** What may be left when the power goes. */
  cutPower(next: () => number): void {
    for (const [path, synced] of this.#synced) {
      if (!existsSync(path)) continue;
      const size = statSync(path).size;
      if (size <= synced) continue;
      const keep = synced + Math.floor(next() * (size - synced + 1));
      truncateSync(path, keep);
      if (next() < 0.3 && keep > synced) zero(path, synced + Math.floor(next() * (keep - synced)), keep);
    }
    for (const { path, before, from } of this.#names.reverse()) {
      if (next() < 0.5) continue;
      if (from !== undefined) writeFileSync(from.path, from.bytes);
      if (before === null) rmSync(path, { force: true });
      else writeFileSync(path, before);
    }
  }

  #step(half: () => unknown = () => undefined): void {
    if (this.#dead) throw new Death("dead");
    this.calls++;
    if (this.calls === this.dieAt) {
      half();
      this.#dead = true;
      throw new Death("killed");
    }
    if (this.calls >= this.fullFrom && this.calls < this.fullTo) {
      half();
      throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    }
    if (this.calls === this.brokenAt) throw Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
  }
}

/** Zeros up to the end of the block or the file. */
function zero(path: string, from: number, size: number): void {
  const to = Math.min(size, from - (from % 512) + 512);
  const fd = openSync(path, "r+");
  writeSync(fd, Buffer.alloc(to - from), 0, to - from, from);
  closeSync(fd);
}
