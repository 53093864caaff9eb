/**
 * A log asks a witness to cosign its newest checkpoint (c2sp.org/tlog-witness), and keeps what it gets.
 *
 * Guarantee: only cosignatures that verify by the witness's key are kept, in `cosigned`. When the witness has seen a
 * larger tree, or another of the same size, the log was set back or forked: that is an error, never passed over.
 */
import { join } from "node:path";
import { realDisk, replaceFile } from "../disk.ts";
import { AuditError } from "../errors.ts";
import { lastCheckpoint } from "../recover.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { hasher } from "./hash.ts";
import { consistencyPath } from "./merkle.ts";
import { type Verifier, verifies } from "./note.ts";
import { TileSource } from "./tiles.ts";

export type Answer = { status: number; body: string };
/** Sends the body of `POST PREFIX/add-checkpoint`. */
export type Ask = (body: string) => Promise<Answer>;

const TIMEOUT_MS = 10_000;

/** @param url the witness's submission prefix */
export function overHttp(url: string): Ask {
  return async (body) => {
    try {
      const response = await fetch(`${url.replace(/\/$/, "")}/add-checkpoint`, {
        method: "POST",
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: response.status, body: await response.text() };
    } catch (error) {
      throw witnessError(
        `${url} can't be reached: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  };
}

/** @returns the checkpoint with the cosignatures  @throws AuditError E_WITNESS, E_LOG_FORK, E_LOG_NONE */
export async function cosign(folder: string, witnesses: readonly Verifier[], ask: Ask): Promise<Checkpoint> {
  const checkpoint = lastCheckpoint(folder);
  if (checkpoint === null)
    throw new AuditError(
      "E_LOG_NONE",
      `expected a log with a checkpoint in \`${folder}\`, found none`,
      "the first record begins it",
    );
  let answer = await ask(requestFor(folder, 0, checkpoint));
  if (answer.status === 409) {
    const seen = /^(\d{1,15})\n$/.exec(answer.body)?.[1];
    if (seen === undefined) throw witnessError("it answers 409 without a size");
    if (Number(seen) > checkpoint.size)
      throw new AuditError(
        "E_LOG_FORK",
        `the witness has seen ${seen} records of this log, and here are ${checkpoint.size}`,
        "the log was set back to an older copy, or its keys are used elsewhere",
      );
    answer = await ask(requestFor(folder, Number(seen), checkpoint));
  }
  if (answer.status === 409 || answer.status === 422)
    throw new AuditError(
      "E_LOG_FORK",
      "the witness has seen another tree of this log than the one here",
      "keep both: its checkpoint and this one prove it",
    );
  if (answer.status !== 200)
    throw witnessError(`it answers ${answer.status}: ${answer.body.slice(0, 200).trim()}`);
  const text = checkpoint.text + answer.body;
  const cosigned = parseCheckpoint(text);
  if (cosigned.note.text !== checkpoint.note.text || !witnesses.some((key) => verifies(key, cosigned.note)))
    throw witnessError("its answer is not signed by the key that was given for it");
  replaceFile(realDisk, join(folder, "cosigned"), Buffer.from(text), false);
  return cosigned;
}

function requestFor(folder: string, old: number, checkpoint: Checkpoint): string {
  const tiles = new TileSource(folder);
  try {
    const path = consistencyPath(tiles.read, hasher(), old, checkpoint.size);
    return `old ${old}\n${path.map((one) => `${one.toString("base64")}\n`).join("")}\n${checkpoint.text}`;
  } finally {
    tiles.close();
  }
}

function witnessError(why: string): AuditError {
  return new AuditError(
    "E_WITNESS",
    `the witness did not cosign: ${why}`,
    "look at the witness, and whether it knows this log's key",
  );
}
