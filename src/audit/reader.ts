/**
 * Reads segments back, in order.
 *
 * Guarantee: gives whole records of segments with a valid header; a damaged segment is reported, not
 * skipped in silence.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { readHeader, RECORD_BYTES, type SegmentHeader } from "./format.ts";
import { segments } from "./writer.ts";

export type Stored = {
  /** Number of the record over all segments. */
  id: number;
  segment: SegmentHeader;
  record: Buffer;
};

const CHUNK = RECORD_BYTES * 8192;

/**
 * @param after only records with a larger number; segments before it are not opened
 * @param onDamaged called with the path of a segment whose header is not of this format
 */
export function* readRecords(
  folder: string,
  after = 0,
  onDamaged: (path: string) => void = () => {},
): Generator<Stored> {
  for (const { path, first, records } of segments(folder)) {
    if (first + records <= after) continue;
    const fd = openSync(path, "r");
    try {
      const head = Buffer.alloc(RECORD_BYTES);
      readSync(fd, head, 0, RECORD_BYTES, 0);
      const segment = readHeader(head);
      if (segment === null) {
        onDamaged(path);
        continue;
      }
      let position = RECORD_BYTES;
      let id = first;
      for (;;) {
        const chunk = Buffer.alloc(CHUNK);
        const length = readSync(fd, chunk, 0, CHUNK, position);
        const whole = length - (length % RECORD_BYTES);
        for (let at = 0; at < whole; at += RECORD_BYTES, id++) {
          // names and contexts before `after` are still wanted: the caller decides by kind
          yield { id, segment, record: chunk.subarray(at, at + RECORD_BYTES) };
        }
        position += whole;
        if (whole < CHUNK) break;
      }
    } finally {
      closeSync(fd);
    }
  }
}
