/**
 * Cuts a stream of bytes into packets.
 *
 * Guarantee: a packet's announced length is judged before anything of it is kept, so that at most one packet of the
 * allowed size, and one chunk, is held for a connection (twice that while it grows).
 */
import { Malformed, REASON } from "./malformed.ts";

/** One packet: its first byte, and what follows the length. */
export type TakeFrame = (header: number, body: Buffer) => void;

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
      const head = this.#headOf(bytes, at);
      if (head === null || head.end > bytes.length) break;
      at = head.end;
      take(bytes[head.at] as number, bytes.subarray(head.start, head.end));
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

  /** Null: the length is not all there yet. */
  #headOf(bytes: Buffer, at: number): { at: number; start: number; end: number } | null {
    let length = 0;
    for (let n = 0; n < 4; n++) {
      const byte = bytes[at + 1 + n];
      if (byte === undefined) return null;
      length += (byte & 127) * 128 ** n;
      if (byte < 128) {
        if (length + n + 2 > this.#longest) throw new Malformed(REASON.tooLarge, "packet too large");
        // MQTT 5, section 1.5.5: the shortest form alone.
        if (n > 0 && byte === 0) throw new Malformed(REASON.malformed, "length is not in its shortest form");
        return { at, start: at + 2 + n, end: at + 2 + n + length };
      }
    }
    throw new Malformed(REASON.malformed, "length has more than four bytes");
  }
}
