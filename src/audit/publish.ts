/**
 * A checkpoint put where readers look for it. On disk when it returns if it is to be kept.
 */
import { join } from "node:path";
import { type Disk, replaceFile } from "./disk.ts";
import { type Checkpoint, parseCheckpoint } from "./proof/checkpoint.ts";
import { keptName } from "./recover.ts";

/** @param keep also as checkpoints/SIZE, which nothing replaces */
export function publish(disk: Disk, folder: string, text: string, keep: boolean): Checkpoint {
  const checkpoint = parseCheckpoint(text);
  if (keep) {
    disk.mkdirSync(join(folder, "checkpoints"), { recursive: true, mode: 0o700 });
    replaceFile(disk, join(folder, keptName(checkpoint.size)), Buffer.from(text));
  }
  replaceFile(disk, join(folder, "checkpoint"), Buffer.from(text), keep);
  return checkpoint;
}
