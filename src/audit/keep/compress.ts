/**
 * Closed segments take less room: `N.csnlog` becomes `N.csnlog.zst`.
 *
 * Guarantee: the original is removed only when the compressed file is on disk and gives back the same bytes; in
 * between both are there and the original counts.
 */
import { readFileSync } from "node:fs";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { type Disk, realDisk, replaceFile, syncFolder } from "../disk.ts";
import { segments } from "../segments.ts";

/** Fast, and by far the most of what there is to gain: records are alike. */
const LEVEL = 3;

/** @returns how many segments were compressed: at most `most`, the newest never */
export function compressClosed(folder: string, most = Infinity, disk: Disk = realDisk): number {
  const closed = segments(folder)
    .slice(0, -1)
    .filter(({ compressed }) => !compressed)
    .slice(0, most);
  for (const { path } of closed) {
    const bytes = readFileSync(path);
    const small = zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
    if (!zstdDecompressSync(small).equals(bytes))
      throw new Error(`${path} does not come back from its compressed form`);
    replaceFile(disk, `${path}.zst`, small);
    disk.rmSync(path);
  }
  if (closed.length > 0) syncFolder(disk, folder);
  return closed.length;
}
