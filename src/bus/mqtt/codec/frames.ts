/**
 * Cuts a stream of bytes into packets.
 *
 * Guarantee: a packet's announced length is judged before anything of it is kept, so that at most one packet of the
 * allowed size, and one chunk, is held for a connection (twice that while it grows).
 */
import { Malformed, REASON } from "./malformed.ts";

/** One packet: its first byte, and where in the bytes what follows its length stands. They are not changed afterwards. */
export type TakeFrame = (header: number, bytes: Buffer, start: number, end: number) => void;

/** Most bytes of a packet's length. */
const LENGTH_BYTES = 4;

export class Frames {
  readonly #longest: number;
  /** What is held, and how much of it counts: it grows by doubling, so that slow drops of bytes cost little. */
  #held = Buffer.alloc(0);
  #length = 0;

  /** @param longest packet, in bytes */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** Bytes held of what is not complete. */
  get held(): number {
    return this.#length;
  }

  /**
   * Takes what came, and calls for each packet that is complete. `isStopped` may say stop: what is left then waits for the
   * next call, also one with nothing.
   *
   * @throws Malformed when the length is no length, or too much
   */
  push(chunk: Buffer, take: TakeFrame, isStopped: () => boolean): void {
    const wasHeld = this.#length > 0;
    if (wasHeld) this.#append(chunk);
    const bytes = wasHeld ? this.#held.subarray(0, this.#length) : chunk;
    let at = 0;
    while (at < bytes.length && !isStopped()) {
      const lengthBytes = lengthBytesOf(bytes, at + 1);
      if (lengthBytes === 0) break;
      const start = at + 1 + lengthBytes;
      const end = start + this.#lengthOf(bytes, at + 1, lengthBytes);
      if (end > bytes.length) break;
      const header = bytes[at] as number;
      at = end;
      take(header, bytes, start, end);
    }
    if (wasHeld && at === 0) return;
    // A copy: messages may still point into what was held, and a chunk may be much longer than its rest.
    this.#held = Buffer.from(bytes.subarray(at));
    this.#length = this.#held.length;
  }

  #append(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (length > this.#held.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.#held.length));
      this.#held.copy(grown, 0, 0, this.#length);
      this.#held = grown;
    }
    chunk.copy(this.#held, this.#length);
    this.#length = length;
  }

  /** @throws Malformed */
  #lengthOf(bytes: Buffer, at: number, lengthBytes: number): number {
    let length = 0;
    for (let n = lengthBytes - 1; n >= 0; n--) length = length * 128 + ((bytes[at + n] as number) & 127);
    if (1 + lengthBytes + length > this.#longest) throw new Malformed(REASON.tooLarge, "packet too large");
    // MQTT 5, section 1.5.5: the shortest form alone.
    if (lengthBytes > 1 && bytes[at + lengthBytes - 1] === 0)
      throw new Malformed(REASON.malformed, "length is not in its shortest form");
    return length;
  }
}

/** 0: the length is not all there yet. @throws Malformed */
function lengthBytesOf(bytes: Buffer, at: number): number {
  for (let n = 0; n < LENGTH_BYTES; n++) {
    const byte = bytes[at + n];
    if (byte === undefined) return 0;
    if (byte < 128) return n + 1;
  }
  throw new Malformed(REASON.malformed, "length has more than four bytes");
}
