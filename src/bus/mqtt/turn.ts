/**
 * One turn of the event loop: what was to be kept is on disk before anything that was said in the turn leaves.
 *
 * Guarantee: an acknowledgement is sent after the message that it acknowledges was kept. Writes of a turn are one write
 * for each connection, and what several are sent alike is put together once. When keeping fails, nothing of the turn is
 * sent and the connections end.
 */
export interface Flushed {
  /** Sends what was said in the turn. */
  flush(): void;
  /** What was said is not so: end the connection. */
  abandon(): void;
}

const EMPTY: Buffer = Buffer.alloc(0);

export class Turn {
  readonly #commit: () => void;
  #waiting = new Set<Flushed>();
  #isPlanned = false;
  /** What was put together last in this turn, and from which parts. */
  #parts: readonly Buffer[] = [];
  #whole = EMPTY;

  /** @param commit makes durable what was kept; throws when it can't */
  constructor(commit: () => void) {
    this.#commit = commit;
  }

  /** At the end of this turn, `one` is flushed. */
  mark(one: Flushed): void {
    this.#waiting.add(one);
    this.plan();
  }

  /** At the end of this turn, what was kept is made durable. */
  plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(() => this.end());
  }

  end(): void {
    this.#isPlanned = false;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    let isKept = true;
    try {
      this.#commit();
    } catch {
      isKept = false;
    }
    for (const one of waiting) {
      if (isKept) one.flush();
      else one.abandon();
    }
    this.#parts = [];
    this.#whole = EMPTY;
  }

  /**
   * Puts parts together, in a flush. Who was sent the very same parts before (each judged for itself) shares the bytes, which nobody
   * changes.
   *
   * @param bytes in all
   */
  together(parts: readonly Buffer[], bytes: number): Buffer {
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return only;
    if (!areSame(parts, this.#parts)) {
      this.#whole = Buffer.concat(parts, bytes);
      this.#parts = parts;
    }
    return this.#whole;
  }
}

/** Not what is in them: whether they are the same buffers. */
function areSame(some: readonly Buffer[], others: readonly Buffer[]): boolean {
  return some.length === others.length && some.every((part, at) => part === others[at]);
}
