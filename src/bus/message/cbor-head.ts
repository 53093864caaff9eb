/**
 * The head of a CBOR data item (RFC 8949, section 3): what it is, and its number.
 */
import { Unfit } from "./unfit.ts";

/** Major types that are told apart here. */
export const UNSIGNED = 0;
export const NEGATIVE = 1;
export const BYTES = 2;
export const TEXT = 3;
export const LIST = 4;
export const MAP = 5;
export const TAG = 6;
export const SIMPLE = 7;

export interface Head {
  readonly major: number;
  /** The five bits that say where the number is. */
  readonly info: number;
  /** Value, length, or the bits of a float. */
  readonly number: bigint;
  /** Offset of what follows the head. */
  readonly end: number;
}

/** Bytes of the number, by the five bits; fewer than 24 are the number. */
const WIDTH: Readonly<Record<number, number>> = { 24: 1, 25: 2, 26: 4, 27: 8 };

/** @throws Unfit where it is cut off, of no definite length, or written longer than it has to be */
export function headAt(bytes: Buffer, at: number): Head {
  const first = bytes[at];
  if (first === undefined) throw new Unfit("no CBOR: it is cut off");
  const [major, info] = [first >> 5, first & 31];
  if (info < 24) return { major, info, number: BigInt(info), end: at + 1 };
  const width = WIDTH[info];
  if (width === undefined) throw new Unfit("CBOR of no definite length, or reserved");
  const end = at + 1 + width;
  if (end > bytes.length) throw new Unfit("no CBOR: it is cut off");
  const number = BigInt(`0x${bytes.toString("hex", at + 1, end)}`);
  const least = width === 1 ? 24n : 1n << BigInt(width * 4);
  if (major !== SIMPLE && number < least) throw new Unfit("CBOR that is written longer than it has to be");
  return { major, info, number, end };
}

/** The shortest head of this major type. @param number below 2^32 */
export function writeHead(major: number, number: number): Buffer {
  const first = major << 5;
  if (number < 24) return Buffer.of(first | number);
  if (number < 0x100) return Buffer.of(first | 24, number);
  const wide = number < 0x1_0000;
  const head = Buffer.alloc(wide ? 3 : 5);
  head[0] = first | (wide ? 25 : 26);
  if (wide) head.writeUInt16BE(number, 1);
  else head.writeUInt32BE(number, 1);
  return head;
}
