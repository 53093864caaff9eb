/**
 * One segment file that is being written.
 *
 * Guarantee: after an append it holds all of the records or none of them, or it is `spoiled` and nothing is added
 * until `mend` could cut it. After a failed fdatasync nobody knows what is on disk: it counts as not written.
 */
import { join } from "node:path";
import { type Disk, syncFolder, writeAll } from "./disk.ts";
import { segmentName } from "./segments.ts";

export class SegmentFile {
  readonly path: string;
  readonly #disk: Disk;
  readonly #fd: number;
  #length = 0;
  #spoiled = false;
  #unsynced = false;
  #syncing = false;
  #closed = false;
  #waiting: (() => void)[] = [];

  /** Makes the file; its name is on disk when this returns. */
  constructor(disk: Disk, folder: string, first: number) {
    this.#disk = disk;
    this.path = join(folder, segmentName(first));
    this.#fd = disk.openSync(this.path, "wx", 0o600);
    try {
      syncFolder(disk, folder);
    } catch (error) {
      disk.closeSync(this.#fd);
      throw error;
    }
  }

  get length(): number {
    return this.#length;
  }

  get spoiled(): boolean {
    return this.#spoiled;
  }

  append(records: Buffer, durable: boolean): void {
    this.mend();
    try {
      writeAll(this.#disk, this.#fd, records, this.#length);
      if (durable) this.#disk.fdatasyncSync(this.#fd);
    } catch (error) {
      this.#spoiled = true;
      try {
        this.mend();
      } catch {
        // tried again before the next append
      }
      throw error;
    }
    this.#length += records.length;
    this.#unsynced = !durable;
  }

  /** Cuts off what a failed append left. */
  mend(): void {
    if (!this.#spoiled) return;
    this.#disk.ftruncateSync(this.#fd, this.#length);
    this.#spoiled = false;
  }

  /** On disk when it returns. */
  sync(): void {
    if (!this.#unsynced && !this.#syncing) return;
    this.#disk.fdatasyncSync(this.#fd);
    this.#unsynced = false;
  }

  /** On disk soon, without anybody waiting. @param failed called when the disk did not take it */
  syncSoon(failed: (error: Error) => void): void {
    if (!this.#unsynced || this.#syncing) return;
    this.#syncing = true;
    this.#unsynced = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#disk.fdatasync(this.#fd, (error) => {
      this.#syncing = false;
      if (this.#closed) this.#disk.closeSync(this.#fd);
      if (error) failed(error);
      else for (const done of waiting) done();
    });
  }

  /** Told once what was appended so far is on disk by `syncSoon`. */
  onSynced(done: () => void): void {
    this.#waiting.push(done);
  }

  close(): void {
    this.#closed = true;
    if (!this.#syncing) this.#disk.closeSync(this.#fd);
  }
}
