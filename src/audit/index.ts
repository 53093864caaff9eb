/**
 * audit: the record of flows on disk, its tree and its proofs. May use: label, setup.
 */
export { AuditError, type AuditErrorCode } from "./errors.ts";
export {
  KIND_LOG,
  MAGIC,
  readHeader,
  readTextPart,
  RECORD_BYTES,
  type SegmentHeader,
  textRecords,
  writeHeader,
} from "./format.ts";
export { checkProofs, prove, type Proof, type Proofs } from "./proof/prove.ts";
export { type Checkpoint, parseCheckpoint } from "./proof/checkpoint.ts";
export { type Chunk, readChunks, readRecords, type Stored } from "./reader.ts";
export { type Segment, segmentName, segments } from "./segments.ts";
export { type LogStatement, parseStatement, statementsOf } from "./statements.ts";
export { Writer, type WriterOptions } from "./writer.ts";
