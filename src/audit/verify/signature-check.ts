/**
 * The checkpoints of a log: who signed and cosigned them, and by the keys that were in force.
 */
import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { type Checkpoint, parseCheckpoint } from "../proof/checkpoint.ts";
import { type Verifier, verifies, vkeyOf } from "../proof/note.ts";
import { keptName } from "../recover.ts";
import type { KeyLine } from "./key-line.ts";
import type { Findings, Report, VerifyOptions } from "./report.ts";

/** A checkpoint of the log's own folder, and where it stands. */
export type Own = { checkpoint: Checkpoint; file: string };

/** Null when there is none, or none that can be read. */
export function readCheckpoint(path: string, folder: string, findings: Findings): Own | null {
  if (!existsSync(path)) return null;
  const file = relative(folder, path);
  try {
    return { checkpoint: parseCheckpoint(readFileSync(path, "utf8")), file };
  } catch (error) {
    findings.add("E_CHECKPOINT", null, file, error instanceof Error ? error.message : String(error));
    return null;
  }
}

/** @param size records that are there */
export function checkSignatures(
  line: KeyLine,
  own: readonly Own[],
  newest: Checkpoint | null,
  size: number,
  { keys = [], witnesses = [], checkpoints = [] }: VerifyOptions,
  findings: Findings,
): Pick<Report, "signers" | "trusted" | "witnesses"> {
  let signers: string[] = [];
  for (const { checkpoint, file } of own) {
    const by = line.check(checkpoint, file);
    if (checkpoint === newest) signers = by;
  }
  for (const checkpoint of checkpoints.filter((one) => one.size <= size))
    line.check(checkpoint, "the checkpoint from elsewhere");
  const stated = new Set(line.verifiers.map(vkeyOf));
  if (keys.length > 0 && !keys.some((key) => stated.has(vkeyOf(key))))
    findings.add(
      "E_LOG_KEY",
      null,
      "",
      "the log was never signed by the key that was given: it is another's, or was made anew by somebody else",
    );
  const seen = witnesses.filter((witness) => own.some(({ checkpoint }) => isBy(witness, checkpoint)));
  for (const witness of witnesses)
    if (!seen.includes(witness))
      findings.add("E_WITNESS", null, "cosigned", `no checkpoint is cosigned by \`${witness.name}\``);
  return { signers, trusted: keys.length > 0, witnesses: seen.map(({ name }) => name) };
}

function isBy(witness: Verifier, { note }: Checkpoint): boolean {
  try {
    return verifies(witness, note);
  } catch {
    return false;
  }
}

/** A change of keys counts when the old ones signed it. */
export function checkRotations(line: KeyLine, own: readonly Own[], findings: Findings): void {
  for (const size of line.changes)
    if (!own.some(({ checkpoint }) => checkpoint.size === size))
      findings.add(
        "E_LOG_KEY",
        size - 1,
        keptName(size),
        `the change of keys at record ${size - 1} is not signed by the keys before`,
      );
}
