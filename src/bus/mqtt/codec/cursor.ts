/**
 * Reads MQTT's data types from one packet (MQTT 5, section 1.5).
 *
 * Guarantee: nothing outside the packet is ever read, and a string is well-formed UTF-8 without NUL.
 */
import { isUtf8 } from "node:buffer";
import { Malformed, REASON } from "./malformed.ts";

/** The last string of its kind that a client wrote, which mostly is the next one, too. */
export class LastString {
  text = "";
  bytes: Buffer = Buffer.alloc(0);
}

export class Cursor {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  /** @param start of the packet in `bytes`  @param end after it */
  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  byte(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  number16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  number32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  /** A number of one to four bytes, in its shortest form. */
  variable(): number {
    let value = 0;
    for (let n = 0; n < 4; n++) {
      const byte = this.byte();
      value += (byte & 127) * 128 ** n;
      if (byte >= 128) continue;
      if (n > 0 && byte === 0) break;
      return value;
    }
    throw new Malformed(REASON.malformed, "number is not in its shortest form");
  }

  string(): string {
    const length = this.number16();
    const start = this.#take(length);
    const text = this.#bytes.toString("utf8", start, start + length);
    if (text.includes("\0")) throw new Malformed(REASON.malformed, "string with NUL");
    if (text.includes("\ufffd") && !isUtf8(this.#bytes.subarray(start, start + length)))
      throw new Malformed(REASON.malformed, "string is no UTF-8");
    return text;
  }

  /** The same as `string`; what comes again is not read again. */
  stringAgain(last: LastString): string {
    const { bytes, text } = last;
    const start = this.#at + 2;
    let same = this.left >= 2 + bytes.length && this.#bytes.readUInt16BE(this.#at) === bytes.length ? 0 : -1;
    while (same >= 0 && same < bytes.length) same = this.#bytes[start + same] === bytes[same] ? same + 1 : -1;
    if (same >= 0) {
      this.#at = start + bytes.length;
      return text;
    }
    last.text = this.string();
    last.bytes = Buffer.from(this.#bytes.subarray(start, this.#at));
    return last.text;
  }

  binary(): Buffer {
    return this.part(this.number16());
  }

  part(length: number): Buffer {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A copy of what is left: a small message keeps no large chunk alive. */
  rest(): Buffer {
    const length = this.left;
    const copy = Buffer.allocUnsafe(length);
    this.#bytes.copy(copy, 0, this.#at, this.#end);
    this.#at = this.#end;
    return copy;
  }

  end(): void {
    if (this.left > 0) throw new Malformed(REASON.malformed, "packet is longer than what it says");
  }

  #take(length: number): number {
    const start = this.#at;
    if (start + length > this.#end) throw new Malformed(REASON.malformed, "packet is too short");
    this.#at = start + length;
    return start;
  }
}
