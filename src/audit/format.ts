/**
 * The records on disk: the kernel's 96 bytes as they are, in segments that begin with a header record.
 *
 * A segment holds flows (as the kernel wrote them), names of entities, what context ids mean, events of
 * the daemon, gaps, and what the log says of itself (KIND_LOG). Ids of contexts are valid within a segment only
 * [CTX-4]: each is described by CONTEXT records before its first use. Little endian.
 *
 * A MARK says which records were whole when they were written: power that is cut may leave half of what came after
 * the last one.
 *
 * Every record, headers too, is one leaf of the log's tree, and its number is its place there, from 0.
 */
export const RECORD_BYTES = 96;
export const MAGIC = Buffer.from("CSNLOG1\0", "latin1");
/** Of headers. 1 had no tree. */
export const FORMAT_VERSION = 2;
/** Of records that the daemon writes: csn_record's `version`. */
export const RECORD_VERSION = 1;
/** The kernel's are of its ABI's version: up to this one they are understood. */
export const NEWEST_RECORD_VERSION = 7;

/** csn_record_kind, as far as the log itself cares. */
export const KIND_CONTEXT = 4;
export const KIND_GAP = 5;
export const KIND_LOG = 32;
export const KIND_MARK = 33;

/** Offsets in the header record. */
const HEADER = {
  magic: 0,
  recordBytes: 8,
  version: 12,
  first: 16,
  bootId: 24,
  wallOffset: 40,
  root: 48,
} as const;

export type SegmentHeader = {
  /** The header's own number. */
  first: number;
  bootId: string;
  /** Wall clock minus time since boot when the segment began, in nanoseconds. */
  wallOffset: bigint;
  /** Of the tree over all records before this one. */
  root: Buffer;
};

export function writeHeader(header: SegmentHeader): Buffer {
  const buffer = Buffer.alloc(RECORD_BYTES);
  MAGIC.copy(buffer, HEADER.magic);
  buffer.writeUInt32LE(RECORD_BYTES, HEADER.recordBytes);
  buffer.writeUInt32LE(FORMAT_VERSION, HEADER.version);
  buffer.writeBigUInt64LE(BigInt(header.first), HEADER.first);
  Buffer.from(header.bootId.replaceAll("-", ""), "hex").copy(buffer, HEADER.bootId);
  buffer.writeBigInt64LE(header.wallOffset, HEADER.wallOffset);
  header.root.copy(buffer, HEADER.root);
  return buffer;
}

/** Null when it is no header of this format. */
export function readHeader(buffer: Buffer): SegmentHeader | null {
  if (headerVersion(buffer) !== FORMAT_VERSION) return null;
  return {
    first: Number(buffer.readBigUInt64LE(HEADER.first)),
    bootId: buffer.toString("hex", HEADER.bootId, HEADER.bootId + 16),
    wallOffset: buffer.readBigInt64LE(HEADER.wallOffset),
    root: Buffer.from(buffer.subarray(HEADER.root, HEADER.root + 32)),
  };
}

/** Null when it is no header of any version. */
export function headerVersion(buffer: Buffer): number | null {
  if (buffer.length < RECORD_BYTES || !buffer.subarray(0, 8).equals(MAGIC)) return null;
  if (buffer.readUInt32LE(HEADER.recordBytes) !== RECORD_BYTES) return null;
  // a power cut left zeros: there never was a version 0
  return buffer.readUInt32LE(HEADER.version) || null;
}

const TEXT_AT = 8;
const TEXT_BYTES = RECORD_BYTES - TEXT_AT;

/**
 * A text of any length as records: kind, part, parts, and the context id it belongs to.
 *
 * @param kind of csn_record_kind: CONTEXT, DETAIL, LOG
 */
export function textRecords(kind: number, id: number, text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const parts = Math.max(1, Math.ceil(bytes.length / TEXT_BYTES));
  const buffer = Buffer.alloc(parts * RECORD_BYTES);
  for (let part = 0; part < parts; part++) {
    const at = part * RECORD_BYTES;
    buffer[at] = 1;
    buffer[at + 1] = kind;
    buffer[at + 2] = part;
    buffer[at + 3] = parts;
    buffer.writeUInt32LE(id, at + 4);
    bytes.copy(buffer, at + TEXT_AT, part * TEXT_BYTES, (part + 1) * TEXT_BYTES);
  }
  return buffer;
}

/** One part of a text: which, of how many, of what, and its bytes without the padding. */
export function readTextPart(record: Buffer): { part: number; parts: number; id: number; bytes: Buffer } {
  const end = record.indexOf(0, TEXT_AT);
  return {
    part: record[2]!,
    parts: record[3]!,
    id: record.readUInt32LE(4),
    bytes: record.subarray(TEXT_AT, end === -1 ? RECORD_BYTES : end),
  };
}

/** Offsets in a mark. */
const MARK = { count: 4, hash: 16 } as const;

/** @param count of records since the mark before, or since the segment's start  @param hash SHA-256 of their leaf hashes */
export function markRecord(count: number, hash: Buffer): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record[0] = RECORD_VERSION;
  record[1] = KIND_MARK;
  record.writeUInt32LE(count, MARK.count);
  hash.copy(record, MARK.hash);
  return record;
}

export function readMark(record: Buffer): { count: number; hash: Buffer } {
  return { count: record.readUInt32LE(MARK.count), hash: record.subarray(MARK.hash, MARK.hash + 32) };
}
