/**
 * A log as a folder of files for an object store, laid out as c2sp.org/tlog-tiles says: `checkpoint`,
 * `tile/L/N[.p/W]`, `tile/entries/N[.p/W]`. Any client of that specification can read it.
 *
 * Guarantee: the checkpoint is written last, so whoever reads it finds all that it covers; what is there already and
 * full is not written again.
 */
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { realDisk, replaceFile } from "../disk.ts";
import { AuditError } from "../errors.ts";
import { RECORD_BYTES } from "../format.ts";
import type { Checkpoint } from "../proof/checkpoint.ts";
import { RecordSource } from "../proof/prove.ts";
import { levelCount, TileSource } from "../proof/tiles.ts";
import { TILE_WIDTH } from "../proof/tree.ts";
import { requireCheckpoint } from "../recover.ts";

/** `N` in elements of three digits, all but the last with an `x`; `.p/W` for a tile that is not full. */
export function tileName(index: number, width: number): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, "0");
  const parts = digits.match(/\d{3}/g)!;
  const name = parts.map((part, i) => (i === parts.length - 1 ? part : `x${part}`)).join("/");
  return width === TILE_WIDTH ? name : `${name}.p/${width}`;
}

export type Exported = { checkpoint: Checkpoint; written: number; gone: number };

/** @throws AuditError E_LOG_NONE, E_LOG_DAMAGED */
export function exportLog(folder: string, target: string): Exported {
  const checkpoint = requireCheckpoint(folder);
  const tiles = new TileSource(folder);
  const records = new RecordSource(folder);
  let [written, gone] = [0, 0];
  const put = (path: string, make: () => Buffer | null) => {
    if (existsSync(join(target, path))) return;
    const bytes = make();
    if (bytes === null) {
      gone++;
      return;
    }
    mkdirSync(dirname(join(target, path)), { recursive: true });
    replaceFile(realDisk, join(target, path), bytes, false);
    written++;
  };
  try {
    for (let level = 0; levelCount(level, checkpoint.size) > 0; level++)
      for (const { index, width } of tilesOf(levelCount(level, checkpoint.size)))
        put(`tile/${level}/${tileName(index, width)}`, () => tiles.read(level, index * TILE_WIDTH, width));
    for (const { index, width } of tilesOf(checkpoint.size))
      put(`tile/entries/${tileName(index, width)}`, () => bundle(records, index * TILE_WIDTH, width));
    replaceFile(realDisk, join(target, "checkpoint"), Buffer.from(checkpoint.text), false);
    return { checkpoint, written, gone };
  } finally {
    tiles.close();
    records.close();
  }
}

function* tilesOf(count: number): Generator<{ index: number; width: number }> {
  for (let index = 0; index * TILE_WIDTH < count; index++)
    yield { index, width: Math.min(TILE_WIDTH, count - index * TILE_WIDTH) };
}

/** Null when retention removed one of them. */
function bundle(records: RecordSource, from: number, width: number): Buffer | null {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(RECORD_BYTES);
  try {
    return Buffer.concat(Array.from({ length: width }, (_, i) => [length, records.read(from + i)]).flat());
  } catch (error) {
    if (error instanceof AuditError && error.code === "E_LOG_GONE") return null;
    throw error;
  }
}
