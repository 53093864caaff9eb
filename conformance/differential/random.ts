/**
 * The generator's random numbers: small, and the same on every computer.
 *
 * Guarantee: a seed gives one sequence for ever; what is drawn never depends on time or on Math.random.
 */
export class Random {
  #state: number;

  constructor(seed: number) {
    // neighbouring seeds must not give neighbouring sequences
    this.#state = (Math.imul(seed ^ 0x5bd1e995, 0x2c1b3c6d) ^ (seed >>> 15)) >>> 0 || 1;
    for (let n = 0; n < 8; n++) this.next();
  }

  /** 0 to 2^32 - 1. Xorshift (Marsaglia 2003). */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state;
  }

  /** 0 to limit - 1. */
  below(limit: number): number {
    return Math.floor((this.next() / 4294967296) * limit);
  }

  /** True in `percent` of 100 cases. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  /** @throws RangeError when there is nothing to pick */
  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError("nothing to pick from");
    return from[this.below(from.length)] as T;
  }

  /** As `pick`; each has a weight. */
  weighted<T extends { readonly weight: number }>(from: readonly T[]): T {
    let left = this.below(from.reduce((sum, { weight }) => sum + weight, 0));
    for (const one of from) {
      if (left < one.weight) return one;
      left -= one.weight;
    }
    throw new RangeError("nothing to pick from");
  }
}
