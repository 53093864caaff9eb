/**
 * What verify is given, and what it found: the faults, first the first record that is not as it was written, and what a reader should know
 * although nothing is wrong.
 */
import type { AuditErrorCode } from "../errors.ts";
import type { Checkpoint } from "../proof/checkpoint.ts";
import type { Hasher } from "../proof/hash.ts";
import type { Verifier } from "../proof/note.ts";

export type Finding = {
  code: AuditErrorCode;
  /** The first record that it concerns; null when it concerns none (a key, a checkpoint). */
  record: number | null;
  /** Relative to the log's folder. */
  file: string;
  message: string;
};

/** Lost records, by what they were and where they were lost (LOST_AT) [AUD-3]. */
export type Loss = { record: number; kind: number; refused: boolean; at: number; count: number };

export type Report = {
  ok: boolean;
  origin: string;
  /** Records in the tree, and how many of them a checkpoint covers. */
  records: number;
  signed: number;
  bytes: number;
  segments: number;
  /** Who signed the newest checkpoint: key names and kinds. */
  signers: string[];
  /** Was it held against a key that was given, not only against those that the log states? */
  trusted: boolean;
  witnesses: string[];
  /** By record, the first first; at most `MOST_FINDINGS`. */
  findings: Finding[];
  /** How many there were beyond those. */
  more: number;
  notes: string[];
  losses: Loss[];
  /** Records whose payload retention removed. */
  gone: { from: number; to: number }[];
  seconds: number;
};

export const MOST_FINDINGS = 100;

export class Findings {
  readonly list: Finding[] = [];
  more = 0;

  add(code: AuditErrorCode, record: number | null, file: string, message: string): void {
    if (this.list.length < MOST_FINDINGS) this.list.push({ code, record, file, message });
    else this.more++;
  }

  /** What concerns no record comes last. */
  sorted(): Finding[] {
    return [...this.list].sort((a, b) => (a.record ?? Infinity) - (b.record ?? Infinity) || 0);
  }
}

/** Bytes. */
export type Progress = { done: number; all: number };

export type VerifyOptions = {
  /** Public keys known from elsewhere: one of them must be the log's. */
  keys?: readonly Verifier[];
  /** Checkpoints of this log from elsewhere: it must continue each. */
  checkpoints?: readonly Checkpoint[];
  /** Witnesses that must have cosigned. */
  witnesses?: readonly Verifier[];
  hasher?: Hasher;
};
