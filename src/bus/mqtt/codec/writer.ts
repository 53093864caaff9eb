/**
 * Writes MQTT's data types into one buffer that grows (MQTT 5, section 1.5).
 */
export class Writer {
  #buffer = Buffer.allocUnsafe(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Begins anew; what was taken before stays as it was. */
  clear(): this {
    this.#length = 0;
    return this;
  }

  byte(value: number): this {
    this.#room(1);
    this.#buffer[this.#length++] = value;
    return this;
  }

  number16(value: number): this {
    this.#room(2);
    this.#length = this.#buffer.writeUInt16BE(value, this.#length);
    return this;
  }

  number32(value: number): this {
    this.#room(4);
    this.#length = this.#buffer.writeUInt32BE(value, this.#length);
    return this;
  }

  /** In one to four bytes. */
  variable(value: number): this {
    let left = value;
    for (; left > 127; left >>>= 7) this.byte((left & 127) | 128);
    return this.byte(left);
  }

  /** @throws RangeError for more than 65,535 bytes of UTF-8 */
  string(text: string): this {
    // One unit of a string is at most three bytes.
    this.#room(2 + 3 * text.length);
    const length = this.#buffer.write(text, this.#length + 2);
    this.#buffer.writeUInt16BE(length, this.#length);
    this.#length += 2 + length;
    return this;
  }

  bytes(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** A copy of what was written. */
  taken(): Buffer {
    const copy = Buffer.allocUnsafe(this.#length);
    this.#buffer.copy(copy, 0, 0, this.#length);
    return copy;
  }

  /** What was written, valid until the next `clear`. */
  written(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#length + bytes, 2 * this.#buffer.length));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}
