/**
 * The segment files of a log's folder, by name: `NUMBER.csnlog`, or `NUMBER.csnlog.zst` once compressed. The number
 * is that of the header, the first record.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { RECORD_BYTES } from "./format.ts";

export type Segment = {
  path: string;
  first: number;
  /** Whole records, the header included. A closed segment's is known by where the next begins. */
  count: number;
  compressed: boolean;
};

export function segmentName(first: number): string {
  return `${String(first).padStart(12, "0")}.csnlog`;
}

/** In order. */
export function segments(folder: string): Segment[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  const found = names
    .filter((name) => /^\d{12}\.csnlog(\.zst)?$/.test(name))
    .sort()
    .map((name) => ({
      path: join(folder, name),
      first: Number.parseInt(name, 10),
      compressed: name.endsWith(".zst"),
    }))
    // between compressing and removing the original both are there, and say the same
    .filter((one, i, all) => !(one.compressed && all[i - 1]?.first === one.first));
  return found.map(({ path, first, compressed }, i) => ({
    path,
    first,
    compressed,
    count: compressed
      ? (found[i + 1]?.first ?? first) - first
      : Math.floor(statSync(path).size / RECORD_BYTES),
  }));
}

/** Whole segments that nothing is added to any more, before a record. */
export function closedBefore(folder: string, record: number): Segment[] {
  const all = segments(folder);
  return all.filter(({ first, count }, i) => i < all.length - 1 && first + count <= record);
}
