/**
 * A folder of segments into a graph: all of it, and later what has been added.
 *
 * Guarantee: each whole record once, in order; a segment that can't be read is told with its reason, and the rest is
 * read nevertheless.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import { readHeader, RECORD_BYTES, type SegmentHeader } from "../format.ts";
import { segments } from "../writer.ts";
import { Graph } from "./graph.ts";

const CHUNK = RECORD_BYTES * 16384;

type Open = { path: string; first: number; header: SegmentHeader; done: number };

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
    for (const { path, first } of segments(this.#folder)) {
      if (this.#current !== null && first < this.#current.first) continue;
      const fd = openSync(path, "r");
      try {
        if (this.#current?.path !== path) {
          const head = Buffer.alloc(RECORD_BYTES);
          const length = readSync(fd, head, 0, RECORD_BYTES, 0);
          const header = readHeader(head);
          if (header === null) {
            // one that is just being begun has no header yet
            if (length > 0 && !this.damaged.includes(basename(path))) this.damaged.push(basename(path));
            continue;
          }
          this.#current = { path, first, header, done: 0 };
        }
        this.#read(fd, this.#current);
      } finally {
        closeSync(fd);
      }
    }
    return this.graph;
  }

  #read(fd: number, open: Open): void {
    for (;;) {
      const length = readSync(fd, this.#buffer, 0, CHUNK, (open.done + 1) * RECORD_BYTES);
      const whole = Math.floor(length / RECORD_BYTES);
      if (whole === 0) return;
      this.graph.add(this.#buffer.subarray(0, whole * RECORD_BYTES), open.first + open.done, open.header);
      open.done += whole;
    }
  }
}
