/**
 * The records on disk: the kernel's 96 bytes as they are, in segments with one header record.
 *
 * A segment holds flows (as the kernel wrote them), names of entities, what context ids mean, events of
 * the daemon, and gaps. Ids of contexts are valid within a segment only [CTX-4]: each is described by
 * CONTEXT records before its first use. Little endian. Checkpoints and proofs will stand beside the
 * segments; the records do not change for them.
 */
export const RECORD_BYTES = 96;
export const MAGIC = Buffer.from("CSNLOG1\0", "latin1");

/** Offsets in the header record. */
const HEADER = { magic: 0, recordBytes: 8, version: 12, first: 16, bootId: 24, wallOffset: 40 } as const;

export type SegmentHeader = {
  /** Number of the first record, counted over all segments. */
  first: number;
  bootId: string;
  /** Wall clock minus time since boot when the segment began, in nanoseconds. */
  wallOffset: bigint;
};

export function writeHeader(header: SegmentHeader): Buffer {
  const buffer = Buffer.alloc(RECORD_BYTES);
  MAGIC.copy(buffer, HEADER.magic);
  buffer.writeUInt32LE(RECORD_BYTES, HEADER.recordBytes);
  buffer.writeUInt32LE(1, HEADER.version);
  buffer.writeBigUInt64LE(BigInt(header.first), HEADER.first);
  Buffer.from(header.bootId.replaceAll("-", ""), "hex").copy(buffer, HEADER.bootId);
  buffer.writeBigInt64LE(header.wallOffset, HEADER.wallOffset);
  return buffer;
}

/** Null when it is no header of this format. */
export function readHeader(buffer: Buffer): SegmentHeader | null {
  if (buffer.length < RECORD_BYTES || !buffer.subarray(0, 8).equals(MAGIC)) return null;
  if (buffer.readUInt32LE(HEADER.recordBytes) !== RECORD_BYTES || buffer.readUInt32LE(HEADER.version) !== 1)
    return null;
  return {
    first: Number(buffer.readBigUInt64LE(HEADER.first)),
    bootId: buffer.toString("hex", HEADER.bootId, HEADER.bootId + 16),
    wallOffset: buffer.readBigInt64LE(HEADER.wallOffset),
  };
}

const TEXT_AT = 8;
const TEXT_BYTES = RECORD_BYTES - TEXT_AT;

/**
 * A text of any length as records: kind, part, parts, and the context id it belongs to.
 *
 * @param kind KIND.CONTEXT
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
