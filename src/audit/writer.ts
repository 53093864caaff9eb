/**
 * Appends records to segment files in batches.
 *
 * Guarantee: a segment holds whole records only (what a failed write left behind is cut off); a new
 * writer begins a new segment, so nothing written earlier is touched. What could not be written is
 * counted, and the gap is itself a record as soon as writing works again [AUD-3].
 *
 * Not covered: proof that nothing was changed afterwards (comes with the Merkle tree).
 */
import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { RECORD_BYTES, type SegmentHeader, writeHeader } from "./format.ts";

const SEGMENT_BYTES = 64 * 1024 * 1024;
const KIND_GAP = 5;

export type WriterOptions = {
  folder: string;
  bootId: string;
  wallOffset: () => bigint;
  /** Called at the start of each segment; what it returns follows the header. */
  onSegment?: (first: number) => void;
};

export class Writer {
  readonly #options: WriterOptions;
  #fd = -1;
  #length = 0;
  #next: number;
  #unwritten = 0;
  #lastError = "";

  constructor(options: WriterOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    this.#next = nextRecordNumber(options.folder);
  }

  /** Number of the record that comes next. */
  get next(): number {
    return this.#next;
  }

  /** Records that could not be written since the last success, and why. */
  get trouble(): { unwritten: number; error: string } | null {
    return this.#lastError === "" ? null : { unwritten: this.#unwritten, error: this.#lastError };
  }

  /** True when the next append begins a segment: what contexts mean must be said again. */
  get atStart(): boolean {
    return this.#fd === -1 || this.#length >= SEGMENT_BYTES;
  }

  /**
   * Appends whole records.
   *
   * @param durable on disk before it returns
   * @returns the number of the first of them, or null when they could not be written and are lost
   */
  append(records: Buffer, durable: boolean): number | null {
    const count = records.length / RECORD_BYTES;
    try {
      if (this.atStart) this.#begin();
      const gap = this.#unwritten > 0 ? gapRecord(this.#unwritten) : Buffer.alloc(0);
      this.#write(Buffer.concat([gap, records]));
      if (durable) fdatasyncSync(this.#fd);
      const first = this.#next + gap.length / RECORD_BYTES;
      this.#next = first + count;
      this.#unwritten = 0;
      this.#lastError = "";
      return first;
    } catch (error) {
      this.#unwritten += count;
      this.#lastError = error instanceof Error ? error.message : String(error);
      return null;
    }
  }

  close(): void {
    if (this.#fd !== -1) closeSync(this.#fd);
    this.#fd = -1;
  }

  #begin(): void {
    this.close();
    const header: SegmentHeader = {
      first: this.#next,
      bootId: this.#options.bootId,
      wallOffset: this.#options.wallOffset(),
    };
    this.#fd = openSync(join(this.#options.folder, segmentName(this.#next)), "ax", 0o600);
    this.#length = 0;
    this.#write(writeHeader(header));
  }

  /** All of it or nothing. */
  #write(bytes: Buffer): void {
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(this.#fd, bytes, done);
    } catch (error) {
      ftruncateSync(this.#fd, this.#length);
      throw error;
    }
    this.#length += bytes.length;
  }
}

export function segmentName(first: number): string {
  return `${String(first).padStart(12, "0")}.csnlog`;
}

/** Segment files in order, with the number of their first record. */
export function segments(folder: string): { path: string; first: number; records: number }[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .filter((name) => /^\d{12}\.csnlog$/.test(name))
    .sort()
    .map((name) => {
      const path = join(folder, name);
      // a power cut may leave half a record at the end: it does not count
      const records = Math.max(0, Math.floor(statSync(path).size / RECORD_BYTES) - 1);
      return { path, first: Number.parseInt(name, 10), records };
    });
}

/** One past the last, so that names of segments never repeat: an empty segment still takes a number. */
function nextRecordNumber(folder: string): number {
  const last = segments(folder).at(-1);
  return last === undefined ? 1 : last.first + Math.max(1, last.records);
}

function gapRecord(lost: number): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record[0] = 1;
  record[1] = KIND_GAP;
  record.writeUInt32LE(Math.min(lost, 0xffffffff), 88);
  return record;
}
