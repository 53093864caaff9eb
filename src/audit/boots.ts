/**
 * Which boot a record is of, by its number, without reading the log: each segment's header says it.
 *
 * Guarantee: the clock is told as it was at the boot's first segment, so that nothing of where later segments begin is in it.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { constants, zstdDecompressSync } from "node:zlib";
import { readHeader, RECORD_BYTES, type SegmentHeader } from "./format.ts";
import { type Segment, segments } from "./segments.ts";

export type BootOf = { id: string; wallOffset: bigint };

/** A compressed header is within so many bytes. */
const COMPRESSED_HEAD = 1 << 16;

export class Boots {
  readonly #folder: string;
  readonly #now: string;
  readonly #known = new Map<number, BootOf>();
  #segments: Segment[] = [];
  #until = 0;

  /** @param folder of segments @param now the boot that it is: once a segment is of it, so are all that follow */
  constructor(folder: string, now: string) {
    this.#folder = folder;
    this.#now = now.replaceAll("-", "");
  }

  /** Null: no segment that can be read has this record. */
  of(record: number): BootOf | null {
    if (record >= this.#until) this.#refresh();
    const segment = this.#segments.findLast(({ first }) => first <= record);
    return segment === undefined ? null : (this.#known.get(segment.first) ?? null);
  }

  #refresh(): void {
    this.#segments = segments(this.#folder);
    const last = this.#segments.at(-1);
    const offsets = new Map([...this.#known.values()].map(({ id, wallOffset }) => [id, wallOffset]));
    for (const segment of this.#segments) {
      if (this.#known.has(segment.first)) continue;
      const header = headerOf(segment);
      if (header === null) continue;
      const wallOffset = offsets.get(header.bootId) ?? header.wallOffset;
      offsets.set(header.bootId, wallOffset);
      this.#known.set(segment.first, { id: header.bootId, wallOffset });
    }
    const isNow = last !== undefined && this.#known.get(last.first)?.id === this.#now;
    // of this boot all segments say the same: whoever follows the log need not look for the next one
    this.#until = isNow ? Infinity : last === undefined ? 0 : last.first + last.count;
  }
}

function headerOf({ path, compressed }: Segment): SegmentHeader | null {
  const head = Buffer.alloc(compressed ? COMPRESSED_HEAD : RECORD_BYTES);
  const fd = openSync(path, "r");
  try {
    const bytes = head.subarray(0, readSync(fd, head, 0, head.length, 0));
    // the rest of a compressed segment is not needed
    return readHeader(compressed ? zstdDecompressSync(bytes, { finishFlush: constants.ZSTD_e_flush }) : bytes); // prettier-ignore
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}
