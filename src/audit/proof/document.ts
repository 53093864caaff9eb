/**
 * A proof that stands alone: a record, what it takes to understand it, the way of each to the root of a signed
 * checkpoint, as one JSON value. Nothing else of the log is in it but hashes [AUD-4].
 */
import { AuditError } from "../errors.ts";
import { KIND_CONTEXT, KIND_LOG, readTextPart, RECORD_BYTES } from "../format.ts";
import { pieces } from "../reader.ts";
import { lastCheckpoint } from "../recover.ts";
import { segments } from "../segments.ts";
import { lastStatements, parseStatement, StatementReader } from "../statements.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { parseVkey, type Verifier, verifies, vkeyOf } from "./note.ts";
import { checkProofs, prove, type Proofs } from "./prove.ts";

const FORMAT = "csn-proof/1";
/** Offsets of csn_record and csn_name_record (bpf/abi.h), and their kinds. */
const AT = { sourceContext: 32, sinkContext: 36, source: 40, sink: 56, name: 8 } as const;
const ENTITY_BYTES = 16;
const KIND_NAME = 2;
const KIND_PROCESS = 3;

export type ProofDocument = { format: typeof FORMAT; record: number; keys: string[] } & Proofs;

/** @throws AuditError as `prove` does */
export function proofDocument(folder: string, id: number): ProofDocument {
  const checkpoint = lastCheckpoint(folder);
  const { ids, keys } = meaningOf(folder, id);
  return { format: FORMAT, record: id, keys, ...prove(folder, [id, ...ids], checkpoint) };
}

/**
 * Holds, and is signed by a key that the reader trusts?
 *
 * @param trusted keys known from elsewhere; none: those that the document states itself
 * @throws AuditError E_PROOF, E_CHECKPOINT, E_LOG_KEY, E_LOG_OTHER
 */
export function checkProofDocument(
  value: unknown,
  trusted: readonly Verifier[],
): { checkpoint: Checkpoint; record: Buffer; signers: string[] } {
  const document = shapeOf(value);
  const checkpoint = checkProofs(document);
  const verifiers = trusted.length > 0 ? trusted : document.keys.map(parseVkey);
  const signers = verifiers.filter((verifier) => verifies(verifier, checkpoint.note));
  if (signers.length === 0)
    throw new AuditError(
      "E_LOG_KEY",
      `the checkpoint of \`${checkpoint.origin}\` is not signed by ${trusted.length > 0 ? "a key that was given" : "the keys that the proof states"}`,
      "give the log's key with --key, as `csn audit key` printed it when the record was made or later",
    );
  return {
    checkpoint,
    record: Buffer.from(document.proofs[0]!.record, "base64"),
    signers: signers.map(vkeyOf),
  };
}

function shapeOf(value: unknown): ProofDocument {
  const found = value as Partial<ProofDocument> | null;
  const isText = (text: unknown) => typeof text === "string";
  const isFine =
    typeof found === "object" &&
    found?.format === FORMAT &&
    isText(found.checkpoint) &&
    Array.isArray(found.keys) &&
    found.keys.every(isText) &&
    Array.isArray(found.proofs) &&
    found.proofs.every(
      (one) =>
        Number.isSafeInteger(one?.id) &&
        isText(one.record) &&
        Array.isArray(one.path) &&
        one.path.every(isText),
    ) &&
    found.proofs[0]?.id === found.record &&
    found.proofs.every((one) => Buffer.from(one.record, "base64").length === RECORD_BYTES);
  if (!isFine)
    throw new AuditError(
      "E_PROOF",
      `expected a proof in the form \`${FORMAT}\`, found something else`,
      "give a file as `csn audit prove` writes it",
    );
  return found as ProofDocument;
}

/** The records of its segment that say what a record's numbers mean: header, contexts, names; and the keys in force. */
function meaningOf(folder: string, id: number): { ids: number[]; keys: string[] } {
  const segment = segments(folder).findLast(({ first }) => first <= id);
  if (segment === undefined || id >= segment.first + segment.count) return { ids: [], keys: [] };
  const all = Buffer.concat([...pieces(segment)]).subarray(0, (id - segment.first + 1) * RECORD_BYTES);
  const record = all.subarray(-RECORD_BYTES);
  const contexts = new Set([record.readUInt32LE(AT.sourceContext), record.readUInt32LE(AT.sinkContext)]);
  const entities = [AT.source, AT.sink].map((at) => record.subarray(at, at + ENTITY_BYTES));
  const ids = new Set<number>();
  const reader = new StatementReader();
  // only where to find the checkpoint's key: whether it is to be trusted, the reader decides
  const keys = new Set<string>(lastStatements(folder).flatMap(({ text }) => keysIn(text)));
  if (id !== segment.first) ids.add(segment.first);
  for (let at = RECORD_BYTES; at < all.length - RECORD_BYTES; at += RECORD_BYTES) {
    const kind = all[at + 1];
    const number = segment.first + at / RECORD_BYTES;
    if (kind === KIND_CONTEXT && contexts.has(readTextPart(all.subarray(at, at + RECORD_BYTES)).id))
      ids.add(number);
    else if (kind === KIND_NAME || kind === KIND_PROCESS) {
      const entity = all.subarray(at + AT.name, at + AT.name + ENTITY_BYTES);
      if (entities.some((one) => one.equals(entity))) ids.add(number);
    } else if (kind === KIND_LOG) {
      const statement = reader.take(number, all.subarray(at, at + RECORD_BYTES));
      for (const key of statement === null ? [] : keysIn(statement.text)) keys.add(key);
    }
  }
  return { ids: [...ids], keys: [...keys] };
}

function keysIn(text: string): string[] {
  const said = parseStatement(text);
  const stated = said?.keys ?? (said?.segment as { keys?: unknown } | undefined)?.keys;
  return Array.isArray(stated) ? stated.filter((one) => typeof one === "string") : [];
}
