/**
 * One segment file that is being written.
 *
 * Guarantee: after an append it holds all of the records or none of them, or it is `spoiled` and nothing is added
 * until `mend` could cut it. After a failed fdatasync nobody knows what is on disk: it counts as not written.
 */
import { join } from "node:path";
import { type Disk, syncFolder, writeAll } from "./disk.ts";
import { RECORD_BYTES } from "./format.ts";
import { segmentName } from "./segments.ts";

export class SegmentFile {
  readonly path: string;
  readonly #disk: Disk;
  readonly #fd: number;
  #length = 0;
  #spoiled = false;
  #unsynced = false;

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
    if (!this.#unsynced) return;
    this.#disk.fdatasyncSync(this.#fd);
    this.#unsynced = false;
  }

  close(): void {
    this.#disk.closeSync(this.#fd);
  }

  get records(): number {
    return this.#length / RECORD_BYTES;
  }
}
