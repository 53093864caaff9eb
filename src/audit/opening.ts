/**
 * A log as a writer finds it: its files made whole (recover.ts), its keys, and what there is to say of both.
 *
 * Guarantee: a log that is damaged, or whose keys are gone, is set aside as it is, and the new one says which it follows; a
 * change of keys that was cut short is brought to its end if it was stated, and else forgotten.
 */
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { type Disk, syncFolder } from "./disk.ts";
import { AuditError } from "./errors.ts";
import { signCheckpoint } from "./proof/checkpoint.ts";
import type { Hasher } from "./proof/hash.ts";
import {
  loadKeys,
  type LogKeys,
  makeKeys,
  newOrigin,
  nextKeyFile,
  storeKeys,
  vkeysOf,
} from "./proof/keys.ts";
import { publish } from "./publish.ts";
import { type Recovered, recover } from "./recover.ts";
import { lastStatements } from "./statements.ts";

export type Opened = Recovered & {
  keys: LogKeys | null;
  /** To be said in the next segment. */
  news: Record<string, unknown>[];
};

export type WriterOptions = {
  folder: string;
  bootId: string;
  wallOffset: () => bigint;
  /** Where the signing keys are kept: outside the log's folder, so that a copy of it holds none. Absent: no checkpoints. */
  keyFile?: string;
  /** What a segment says at its start: version, configuration, policy. */
  describe?: () => Record<string, unknown>;
  disk?: Disk;
  hasher?: Hasher;
  segmentBytes?: number;
  /** Milliseconds since 1970. */
  now?: () => number;
};

/** @param seconds since 1970 */
export function openLog(disk: Disk, hasher: Hasher, options: WriterOptions, seconds: number): Opened {
  const { folder, keyFile, bootId } = options;
  disk.mkdirSync(folder, { recursive: true, mode: 0o700 });
  let why = "";
  try {
    const keys = keyFile === undefined ? null : loadKeys(keyFile);
    const found = recover(disk, folder, hasher, bootId);
    const isOurs = found.checkpoint === null || found.checkpoint.origin === keys?.origin;
    if (isOurs || keyFile === undefined) {
      const news = found.cut > 0 ? [{ recovered: { cut: found.cut } }] : [];
      if (keyFile === undefined) return { ...found, keys, news };
      return { ...settle(disk, folder, keyFile, keys ?? freshKeys(disk, keyFile), found, seconds), news };
    }
    found.tiles.close();
    why = "its keys are gone";
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    why = error.message;
  }
  const news = [setAside(disk, folder, why)];
  const keys = keyFile === undefined ? null : freshKeys(disk, keyFile);
  return { ...recover(disk, folder, hasher, bootId), keys, news };
}

function freshKeys(disk: Disk, keyFile: string): LogKeys {
  const keys = makeKeys(newOrigin());
  storeKeys(disk, keyFile, keys);
  return keys;
}

/** A rotation may have been cut short. What was stated is brought to its end; what was not is forgotten. */
function settle(
  disk: Disk,
  folder: string,
  keyFile: string,
  keys: LogKeys,
  found: Recovered,
  seconds: number,
): Recovered & { keys: LogKeys } {
  const next = loadKeys(nextKeyFile(keyFile));
  if (next === null) return { ...found, keys };
  const stated = JSON.stringify({ keys: vkeysOf(next) });
  if (!lastStatements(folder).some(({ text }) => text === stated)) {
    disk.rmSync(nextKeyFile(keyFile), { force: true });
    return { ...found, keys };
  }
  const head = { origin: keys.origin, size: found.tree.size, root: found.tree.root() };
  let { checkpoint } = found;
  if ((checkpoint?.size ?? 0) < head.size) {
    found.tiles.sync();
    checkpoint = publish(disk, folder, signCheckpoint(head, keys.signers, seconds), true);
  }
  disk.renameSync(nextKeyFile(keyFile), keyFile);
  syncFolder(disk, dirname(keyFile));
  return { ...found, checkpoint, keys: next };
}

/** The damaged log is kept, under another name. @returns which the new one follows */
function setAside(disk: Disk, folder: string, why: string): Record<string, unknown> {
  const names = new Set(readdirSync(dirname(folder)));
  let n = 1;
  while (names.has(`${basename(folder)}.${n}`)) n++;
  const aside = `${folder}.${n}`;
  if (existsSync(folder)) disk.renameSync(folder, aside);
  disk.mkdirSync(folder, { recursive: true, mode: 0o700 });
  syncFolder(disk, dirname(folder));
  return { former: { folder: basename(aside), why } };
}
