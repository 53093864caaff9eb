/** Who holds what is about to be labelled, and how inodes are called there. See holders.ts. */

export type Holder = { who: string; how: string };

/** Device as `major:minor` in hex and inode number: what /proc/PID/maps shows. */
export function inodeKey(dev: number, ino: bigint): string {
  return `${dev.toString(16)}:${ino}`;
}
