/**
 * A copy of a log as it is now, for whoever verifies it or asks it elsewhere: the same files, nothing made anew.
 *
 * Guarantee: nothing is overwritten; what is copied is one state of the log, since whoever writes it waits meanwhile.
 * Not covered: its keys, which never leave their place; a copy that was broken off is left as it is, and `verify` says what it lacks.
 */
import { constants, cpSync, existsSync, readdirSync } from "node:fs";
import { AuditError } from "../errors.ts";
import { type Checkpoint } from "../proof/checkpoint.ts";
import { requireCheckpoint } from "../recover.ts";

/** @param target is made; nothing may be in it yet. @throws AuditError E_LOG_NONE, E_LOG_COPY */
export function copyLog(folder: string, target: string): Checkpoint {
  const checkpoint = requireCheckpoint(folder);
  try {
    if (existsSync(target) && readdirSync(target).length > 0) throw new Error("something is in it");
    // shares its blocks with the log where the file system can
    cpSync(folder, target, { recursive: true, errorOnExist: true, mode: constants.COPYFILE_FICLONE });
  } catch (error) {
    throw new AuditError(
      "E_LOG_COPY",
      `expected an empty or new folder to copy the log to, found that \`${target}\` can't be it: ${error instanceof Error ? error.message : String(error)}`,
      "name one that is not there yet, on a disk with room",
    );
  }
  return checkpoint;
}
