/**
 * What the kernel itself uses a file for: a disk (a loop device), or a place for memory (swap).
 *
 * Guarantee: such a file gets no label. A loop device reads and writes it past every hook, for all who may read the
 * device; and pages of everybody's memory are no data of its label.
 *
 * Not covered: a file of an overlay whose name is gone, behind a loop device. After the label nobody
 * makes one: that would need to open the file.
 */
import { readdirSync } from "node:fs";
import { native } from "../kernel/index.ts";
import { type Holder, inodeKey } from "./holder.ts";
import { readText } from "./read-text.ts";

/** @param holds - whether the file at a path gets the label */
export function kernelHolder(holds: (path: string) => boolean, inodes: ReadonlySet<string>): Holder | null {
  for (const name of readdirSync("/sys/block")) {
    const path = readText(`/sys/block/${name}/loop/backing_file`).trimEnd();
    if (path !== "" && (holds(path) || inodes.has(fileOf(`/dev/${name}`))))
      return { who: `the kernel's \`${name}\``, how: "has it as a disk (losetup -d lets it go)" };
  }
  for (const line of readText("/proc/swaps").split("\n").slice(1)) {
    const path = /^(\S+)\s+file\s/.exec(line)?.[1];
    if (path !== undefined && holds(unescape(path)))
      return { who: "the kernel", how: "has it for swapping (swapoff lets it go)" };
  }
  return null;
}

/** By its number: the file may have another name by now, or none here. */
function fileOf(device: string): string {
  try {
    const { dev, ino } = native().loopFile(device);
    const major = (dev >> 8) & 0xfff;
    const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
    return inodeKey(((major << 20) | minor) >>> 0, BigInt(ino));
  } catch {
    return ""; // detached meanwhile
  }
}

/** /proc/swaps writes blanks and the like as `\040`. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
