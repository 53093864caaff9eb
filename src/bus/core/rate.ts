/**
 * How many messages each principal may publish: a bucket that holds one second's worth and fills steadily.
 */
interface Bucket {
  left: number;
  filledAt: number;
}

export class Rates {
  readonly #perSecond: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Takes one from the principal's bucket; false when it is empty. @param now milliseconds */
  take(principal: string, now: number): boolean {
    let bucket = this.#buckets.get(principal);
    if (bucket === undefined)
      this.#buckets.set(principal, (bucket = { left: this.#perSecond, filledAt: now }));
    const gained = (Math.max(0, now - bucket.filledAt) / 1000) * this.#perSecond;
    bucket.left = Math.min(this.#perSecond, bucket.left + gained);
    bucket.filledAt = now;
    if (bucket.left < 1) return false;
    bucket.left--;
    return true;
  }

  /** Forgets those whose bucket is full again. */
  sweep(now: number): void {
    for (const [principal, { filledAt }] of this.#buckets)
      if (now - filledAt > 1000) this.#buckets.delete(principal);
  }
}
