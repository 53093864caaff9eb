/**
 * Writes the archive format of an initramfs ("newc", kernel:
 * Documentation/driver-api/early-userspace/buffer-format.rst). Pure. The kernel unpacks
 * archives that follow each other, each padded to four bytes, as one.
 */

export interface CpioFile {
  /** Without a leading slash. */
  path: string;
  /** Type and permission bits, as in st_mode. */
  mode: number;
  data: Buffer;
}

export const DIRECTORY = 0o040755;
export const PROGRAM = 0o100755;
export const PRIVATE_FILE = 0o100600;

const HEADER_BYTES = 110;

export function directory(path: string): CpioFile {
  return { path, mode: DIRECTORY, data: Buffer.alloc(0) };
}

export function cpio(files: readonly CpioFile[]): Buffer {
  const end = { path: "TRAILER!!!", mode: 0, data: Buffer.alloc(0) };
  return Buffer.concat([...files, end].flatMap((file, index) => entry(file, index + 1)));
}

function entry(file: CpioFile, inode: number): Buffer[] {
  const name = Buffer.from(`${file.path}\0`);
  // inode, mode, uid, gid, links, mtime, size, device (2), special device (2), name size, check
  const fields = [inode, file.mode, 0, 0, 1, 0, file.data.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from("070701" + fields.map((field) => field.toString(16).padStart(8, "0")).join(""));
  return [header, name, padding(HEADER_BYTES + name.length), file.data, padding(file.data.length)];
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}
