/**
 * Reads segments back, in order.
 *
 * Guarantee: gives whole records of segments with a valid header; a damaged segment is reported, not
 * skipped in silence.
 * Not covered: whether they are as they were written. That is verify's question.
 */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { readHeader, RECORD_BYTES, type SegmentHeader } from "./format.ts";
import { type Segment, segments } from "./segments.ts";

/** Many records in a row, the header not among them. */
export type Chunk = {
  /** Number of the first of them. */
  first: number;
  segment: SegmentHeader;
  records: Buffer;
};

export type Stored = {
  /** Number of the record over all segments. */
  id: number;
  segment: SegmentHeader;
  record: Buffer;
};

const CHUNK = RECORD_BYTES * 8192;

/**
 * The fast way: whole chunks, of up to 8192 records. A chunk's buffer is the caller's to keep.
 *
 * @param after only segments that have records with a larger number
 * @param onDamaged called with the path of a segment whose header is not of this format
 */
export function* readChunks(
  folder: string,
  after = 0,
  onDamaged: (path: string) => void = () => {},
): Generator<Chunk> {
  for (const file of segments(folder)) {
    if (file.first + file.count <= after) continue;
    let segment: SegmentHeader | null = null;
    let first = file.first;
    for (const bytes of pieces(file)) {
      let records = bytes;
      if (segment === null) {
        segment = readHeader(bytes);
        if (segment === null) break;
        records = bytes.subarray(RECORD_BYTES);
        first++;
      }
      if (records.length > 0) yield { first, segment, records };
      first += records.length / RECORD_BYTES;
    }
    if (segment === null) onDamaged(file.path);
  }
}

/** One by one. Names and contexts before `after` are still given: the caller decides by kind. */
export function* readRecords(
  folder: string,
  after = 0,
  onDamaged: (path: string) => void = () => {},
): Generator<Stored> {
  for (const { first, segment, records } of readChunks(folder, after, onDamaged))
    for (let at = 0, id = first; at < records.length; at += RECORD_BYTES, id++)
      yield { id, segment, record: records.subarray(at, at + RECORD_BYTES) };
}

/** The bytes of a segment in whole records, the header first. @param maxRecords no more than so many */
export function* pieces(file: Pick<Segment, "path" | "compressed">): Generator<Buffer> {
  if (file.compressed) {
    let all: Buffer;
    try {
      all = zstdDecompressSync(readFileSync(file.path));
    } catch {
      return; // as if it were empty: the caller sees that its header is missing
    }
    for (let at = 0; at < all.length; at += CHUNK) {
      const some = all.subarray(at, at + CHUNK);
      yield some.subarray(0, some.length - (some.length % RECORD_BYTES));
    }
    return;
  }
  const fd = openSync(file.path, "r");
  try {
    for (let position = 0; ;) {
      const chunk = Buffer.allocUnsafeSlow(CHUNK);
      const length = readSync(fd, chunk, 0, CHUNK, position);
      const whole = length - (length % RECORD_BYTES);
      if (whole > 0) yield chunk.subarray(0, whole);
      position += whole;
      if (whole < CHUNK) break;
    }
  } finally {
    closeSync(fd);
  }
}
