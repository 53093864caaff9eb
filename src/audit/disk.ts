/**
 * The system calls that change files of a log, as a value: the fault tests put failures, torn writes and deaths
 * between the log and them.
 */
import * as fs from "node:fs";

export type Disk = Pick<
  typeof fs,
  | "closeSync"
  | "fdatasync"
  | "fdatasyncSync"
  | "fsyncSync"
  | "ftruncateSync"
  | "mkdirSync"
  | "openSync"
  | "renameSync"
  | "rmSync"
  | "writeSync"
>;

export const realDisk: Disk = fs;

/** All of it, at that place. */
export function writeAll(disk: Disk, fd: number, bytes: Buffer, position: number): void {
  let done = 0;
  while (done < bytes.length) {
    const written = disk.writeSync(fd, bytes, done, bytes.length - done, position + done);
    if (written === 0) throw new Error("ENOSPC: nothing was written");
    done += written;
  }
}

/** A file as a whole: afterwards it is the new one or the old one, on disk, whatever happens. */
export function replaceFile(disk: Disk, path: string, bytes: Buffer, durable = true): void {
  const aside = `${path}.new`;
  const fd = disk.openSync(aside, "w", 0o600);
  try {
    writeAll(disk, fd, bytes, 0);
    disk.fdatasyncSync(fd);
  } finally {
    disk.closeSync(fd);
  }
  disk.renameSync(aside, path);
  if (durable) syncFolder(disk, path.slice(0, path.lastIndexOf("/")) || "/");
}

/** Names of files are on disk too. */
export function syncFolder(disk: Disk, folder: string): void {
  const fd = disk.openSync(folder, "r");
  try {
    disk.fsyncSync(fd);
  } finally {
    disk.closeSync(fd);
  }
}
