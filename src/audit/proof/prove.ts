/**
 * Proofs that records are in a log: each with its path to the root of one signed checkpoint.
 *
 * Guarantee: what `prove` gives, `checkProofs` and any other implementation of RFC 6962 and signed notes accept,
 * without the rest of the log. Nothing of other records is in it but hashes [AUD-4].
 */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { AuditError } from "../errors.ts";
import { RECORD_BYTES } from "../format.ts";
import { lastCheckpoint } from "../recover.ts";
import { type Segment, segments } from "../segments.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { hasher } from "./hash.ts";
import { inclusionPath, leafHash, rootFromInclusion } from "./merkle.ts";
import { TileSource } from "./tiles.ts";

/** `record` and each hash of `path` in base64; `path` from the leaf's sibling up. */
export type Proof = { id: number; record: string; path: string[] };
/** `checkpoint` is a signed note. */
export type Proofs = { checkpoint: string; proofs: Proof[] };

/**
 * @param folder of a log  @param checkpoint another than the newest
 * @throws AuditError E_LOG_NONE, E_LOG_RECORD (not signed yet), E_LOG_GONE (removed), E_LOG_DAMAGED
 */
export function prove(folder: string, ids: readonly number[], checkpoint = lastCheckpoint(folder)): Proofs {
  if (checkpoint === null)
    throw new AuditError(
      "E_LOG_NONE",
      `expected a log with a checkpoint in \`${folder}\`, found none`,
      "the daemon signs one at the latest a second after the first record",
    );
  const tiles = new TileSource(folder);
  const records = new RecordSource(folder);
  try {
    return {
      checkpoint: checkpoint.text,
      proofs: ids.map((id) => {
        if (!Number.isSafeInteger(id) || id < 0 || id >= checkpoint.size)
          throw new AuditError(
            "E_LOG_RECORD",
            `expected a record below ${checkpoint.size}, found ${id}`,
            "what is newer is signed within a second",
          );
        const path = inclusionPath(tiles.read, hasher(), id, checkpoint.size);
        return {
          id,
          record: records.read(id).toString("base64"),
          path: path.map((hash) => hash.toString("base64")),
        };
      }),
    };
  } finally {
    tiles.close();
    records.close();
  }
}

/** Does each proof lead to the checkpoint's root? Whose checkpoint it is, is another question. @throws AuditError */
export function checkProofs({ checkpoint, proofs }: Proofs): Checkpoint {
  const head = parseCheckpoint(checkpoint);
  for (const { id, record, path } of proofs) {
    const leaf = leafHash(Buffer.from(record, "base64"));
    const root = rootFromInclusion(
      leaf,
      id,
      head.size,
      path.map((hash) => Buffer.from(hash, "base64")),
    );
    if (root === null || !root.equals(head.root))
      throw new AuditError(
        "E_PROOF",
        `the proof of record ${id} does not lead to the checkpoint's root`,
        "the record or the proof was changed, or the checkpoint is of another tree",
      );
  }
  return head;
}

/** Single records by their numbers. */
export class RecordSource {
  readonly #segments: Segment[];
  #open: { segment: Segment; fd: number; bytes: Buffer | null } | null = null;

  constructor(folder: string) {
    this.#segments = segments(folder);
  }

  /** @throws AuditError E_LOG_GONE */
  read(id: number): Buffer {
    const segment = this.#segments.findLast(({ first }) => first <= id);
    if (segment === undefined || id >= segment.first + segment.count)
      throw new AuditError(
        "E_LOG_GONE",
        `record ${id} is no longer there`,
        "retention removed it, and kept its hash: who has a copy can still prove it",
      );
    const { fd, bytes } = this.#opened(segment);
    const at = (id - segment.first) * RECORD_BYTES;
    if (bytes !== null) return bytes.subarray(at, at + RECORD_BYTES);
    const record = Buffer.alloc(RECORD_BYTES);
    readSync(fd, record, 0, RECORD_BYTES, at);
    return record;
  }

  close(): void {
    if (this.#open !== null && this.#open.fd !== -1) closeSync(this.#open.fd);
    this.#open = null;
  }

  #opened(segment: Segment): { fd: number; bytes: Buffer | null } {
    if (this.#open?.segment === segment) return this.#open;
    this.close();
    const bytes = segment.compressed ? zstdDecompressSync(readFileSync(segment.path)) : null;
    this.#open = { segment, fd: bytes === null ? openSync(segment.path, "r") : -1, bytes };
    return this.#open;
  }
}
