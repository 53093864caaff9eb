/**
 * The machine's disk: a sparse ext4 image that persists between boots.
 */

import { existsSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { run } from "../setup/index.ts";
import { MachineError } from "./errors.ts";

export const DISK_BYTES = 4 * 2 ** 30;

/** Makes the disk if there is none, or anew when `fresh`. Complete or absent. @throws MachineError E_MACHINE_DISK */
export async function ensureDisk(path: string, fresh: boolean): Promise<void> {
  if (existsSync(path) && !fresh) return;
  const aside = `${path}.new`;
  await rm(aside, { force: true });
  const file = await open(aside, "w", 0o600);
  await file.truncate(DISK_BYTES);
  await file.close();
  // The tables are written by the machine's kernel when first used: the image stays small.
  const lazy = "lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0";
  const made = await run("mke2fs", [
    "-q",
    "-t",
    "ext4",
    "-m",
    "0",
    "-L",
    "csn-data",
    "-E",
    lazy,
    "-F",
    aside,
  ]);
  if (made.code !== 0) {
    await rm(aside, { force: true });
    throw new MachineError(
      "E_MACHINE_DISK",
      `mke2fs exited with ${made.code}: ${made.stderr.trim()}`,
      "check that the disk has space and that e2fsprogs is installed",
    );
  }
  await rename(aside, path);
}
