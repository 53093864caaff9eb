/**
 * Reads MQTT's data types from one packet (MQTT 5, section 1.5).
 *
 * Guarantee: nothing outside the packet is ever read, and a string is well-formed UTF-8 without NUL.
 */
import { isUtf8 } from "node:buffer";
import { Malformed, REASON } from "./malformed.ts";

export class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
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

  binary(): Buffer {
    return this.part(this.number16());
  }

  part(length: number): Buffer {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  rest(): Buffer {
    return this.part(this.left);
  }

  end(): void {
    if (this.left > 0) throw new Malformed(REASON.malformed, "packet is longer than what it says");
  }

  #take(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) throw new Malformed(REASON.malformed, "packet is too short");
    this.#at = start + length;
    return start;
  }
}
