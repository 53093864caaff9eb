/**
 * What one connection writes: gathered for a turn, then one write.
 *
 * Guarantee: it never waits; who does not read is choked, and is told when there is room again. When it ends, the other
 * side has a moment to take the last word, and then the connection is gone, whatever the other side does.
 */
import type { Duplex } from "node:stream";
import type { Flushed, Turn } from "./turn.ts";

/** For the last word. Milliseconds. */
const LINGER = 2000;

export class Output implements Flushed {
  readonly #stream: Duplex;
  readonly #turn: Turn;
  readonly #most: number;
  readonly #drained: () => void;
  readonly #overlong: () => void;
  /** Longest packet that the other side takes. Bytes. */
  longest = Infinity;
  #parts: Buffer[] = [];
  #bytes = 0;
  #isMarked = false;
  #isEnding = false;
  /** Since when the other side takes too little; null: it does not. Milliseconds since 1970. */
  chokedAt: number | null = null;
  readonly #now: () => number;

  /**
   * @param most bytes that may wait
   * @param drained called when there is room again
   * @param overlong called instead of writing what is longer than the other side takes
   */
  constructor(
    stream: Duplex,
    turn: Turn,
    most: number,
    now: () => number,
    drained: () => void,
    overlong: () => void,
  ) {
    this.#stream = stream;
    this.#turn = turn;
    this.#most = most;
    this.#now = now;
    this.#drained = drained;
    this.#overlong = overlong;
    stream.on("drain", () => this.#relieve());
  }

  get isChoked(): boolean {
    if (this.chokedAt !== null) return true;
    if (this.#bytes + this.#stream.writableLength < this.#most) return false;
    this.chokedAt = this.#now();
    return true;
  }

  /** How many parts wait in this turn. */
  get mark(): number {
    return this.#parts.length;
  }

  /** @param at before which of the waiting parts; default: last */
  write(part: Buffer, at = this.#parts.length): void {
    if (this.#isEnding) return;
    if (part.length > this.longest) {
      this.#overlong();
      return;
    }
    if (at === this.#parts.length) this.#parts.push(part);
    else this.#parts.splice(at, 0, part);
    this.#bytes += part.length;
    this.#mark();
  }

  /** Writes what waits, then ends the stream. */
  end(): void {
    this.#isEnding = true;
    this.#mark();
  }

  flush(): void {
    this.#isMarked = false;
    if (this.#stream.destroyed) return;
    if (this.#parts.length > 0) this.#stream.write(this.#turn.together(this.#parts, this.#bytes));
    this.#parts = [];
    this.#bytes = 0;
    if (this.#isEnding) this.#linger();
    else if (this.chokedAt !== null && !this.#stream.writableNeedDrain) this.#relieve();
  }

  abandon(): void {
    this.#isMarked = false;
    this.#stream.destroy();
  }

  #mark(): void {
    if (this.#isMarked) return;
    this.#isMarked = true;
    this.#turn.mark(this);
  }

  #linger(): void {
    this.#stream.end();
    const clock = setTimeout(() => this.#stream.destroy(), LINGER);
    this.#stream.once("close", () => clearTimeout(clock));
  }

  #relieve(): void {
    if (this.chokedAt === null || this.#stream.writableLength >= this.#most) return;
    this.chokedAt = null;
    this.#drained();
  }
}
