/**
 * audit: the record of flows on disk, its tree and its proofs. May use: label, setup.
 */
export { CHANNEL, channelText, endsText } from "./channel.ts";
export { type BootOf, Boots } from "./boots.ts";
export { compressClosed } from "./keep/compress.ts";
export { type Gap, gapRecords, LOST_AT } from "./gaps.ts";
export { copyLog } from "./keep/copy.ts";
export { type Exported, exportLog } from "./keep/export.ts";
export { AuditError, type AuditErrorCode } from "./errors.ts";
export {
  KIND_LOG,
  KIND_MARK,
  MAGIC,
  NEWEST_RECORD_VERSION,
  readHeader,
  readTextPart,
  RECORD_BYTES,
  type SegmentHeader,
  textRecords,
  writeHeader,
} from "./format.ts";
export { checkProofDocument, type ProofDocument, proofDocument } from "./proof/document.ts";
export { parseVkey, type Verifier, vkeyOf } from "./proof/note.ts";
export { cosign, overHttp } from "./proof/cosign.ts";
export { Witness } from "./proof/witness.ts";
export { checkProofs, prove, type Proof, type Proofs } from "./proof/prove.ts";
export { type Checkpoint, parseCheckpoint } from "./proof/checkpoint.ts";
export { type Chunk, readChunks, readRecords, type Stored } from "./reader.ts";
export { type Segment, segmentName, segments } from "./segments.ts";
export { Sequences } from "./sequences.ts";
export { type LogStatement, parseStatement, statementsOf } from "./statements.ts";
export type { WriterOptions } from "./opening.ts";
export { Writer } from "./writer.ts";
export { verify, verifySteps } from "./verify/verify.ts";
export type { Finding, Loss, Progress, Report, VerifyOptions } from "./verify/report.ts";
export * from "./ask/index.ts";
export * from "./export/index.ts";
export * from "./graph/index.ts";
export * from "./record.ts";
