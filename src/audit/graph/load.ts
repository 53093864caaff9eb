/**
 * A folder of segments into a graph: all of it, and later what has been added.
 *
 * Guarantee: each whole record once, in order; a segment that can't be read is told with its reason, and the rest is
 * read nevertheless.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import { readHeader, RECORD_BYTES, type SegmentHeader } from "../format.ts";
import { pieces } from "../reader.ts";
import { type Segment, segments } from "../segments.ts";
import { Graph } from "./graph.ts";

const CHUNK = RECORD_BYTES * 16384;

type Open = { first: number; header: SegmentHeader; done: number };

export class Loader {
  readonly graph = new Graph();
  /** Segments that could not be read. */
  readonly damaged: string[] = [];
  readonly #folder: string;
  readonly #buffer = Buffer.allocUnsafe(CHUNK);
  #current: Open | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads what has come since. */
  refresh(): Graph {
    for (const segment of segments(this.#folder)) {
      const current = this.#current;
      if (current !== null && segment.first < current.first) continue;
      // one that was read while it grew may have been compressed since: its end is known by where the next begins
      if (current?.first === segment.first && segment.count <= current.done) continue;
      this.#read(segment);
    }
    this.graph.settle();
    return this.graph;
  }

  #read(segment: Segment): void {
    if (segment.compressed) {
      let at = 0;
      for (const bytes of pieces(segment)) at += this.#take(segment, bytes, at);
      return;
    }
    const fd = openSync(segment.path, "r");
    try {
      let at = this.#current?.first === segment.first ? this.#current.done : 0;
      for (;;) {
        const length = readSync(fd, this.#buffer, 0, CHUNK, at * RECORD_BYTES);
        const whole = Math.floor(length / RECORD_BYTES);
        if (whole === 0 || this.#take(segment, this.#buffer.subarray(0, whole * RECORD_BYTES), at) === 0)
          return;
        at += whole;
      }
    } finally {
      closeSync(fd);
    }
  }

  /** @param at number of the first of these within its segment; 0: the header @returns how many were taken */
  #take({ first, path }: Segment, bytes: Buffer, at: number): number {
    const count = bytes.length / RECORD_BYTES;
    let from = at;
    if (at === 0) {
      const header = readHeader(bytes);
      if (header === null) {
        if (!this.damaged.includes(basename(path))) this.damaged.push(basename(path));
        return 0;
      }
      if (this.#current?.first !== first) this.#current = { first, header, done: 1 };
      from = 1;
    }
    const current = this.#current!;
    // compressed meanwhile: what was read before comes again
    from = Math.max(from, current.done);
    if (from < at + count) {
      this.graph.add(bytes.subarray((from - at) * RECORD_BYTES), first + from, current.header);
      current.done = at + count;
    }
    return count;
  }
}
