/**
 * Processes and objects that hold each other, and what of what came there has been told to whom: so that it is told once.
 *
 * Not all readers see what was told: it counts for each pair of contexts that a cause had (`key`).
 */
const MOST_KEYS = 1 << 12;

export class Group {
  /** All that comes to a member goes here. */
  readonly root: number;
  /** With the time since when this root is theirs. */
  readonly members: Map<number, number>;
  /** Of the members: processes that see things besides; things that processes see. */
  readonly seers = new Set<number>();
  readonly watched = new Set<number>();
  /** How often something came to the root. */
  #count = 0;
  /** By entity and key: how often it had when all of it was told. */
  readonly #told = new Map<number, number>();
  /** How often there has been something new in what is seen; by key, at how many of them it was drawn from there. */
  #news = 1;
  readonly #drawn = new Map<number, number>();
  /** Who sees it knows that there is something new, and has not drawn from here since. */
  isAnnounced = false;

  constructor(root: number, members: Map<number, number>) {
    [this.root, this.members] = [root, members];
  }

  hasTold(entity: number, key: number): boolean {
    return key < MOST_KEYS && this.#told.get(entity * MOST_KEYS + key) === this.#count;
  }

  told(entity: number, key: number): void {
    if (key < MOST_KEYS) this.#told.set(entity * MOST_KEYS + key, this.#count);
  }

  /** Something came to the root. Who had all before and brought it himself has all. */
  came(from: number, key: number): void {
    const hadAll = this.hasTold(from, key);
    this.#count++;
    if (hadAll) this.told(from, key);
  }

  /** A member has another context: what was told is not what is told now. */
  tellAgain(): void {
    this.#count++;
  }

  /** Is nothing new to be seen? */
  hasDrawn(key: number): boolean {
    return this.seers.size === 0 || this.#drawn.get(key) === this.#news;
  }

  drew(key: number): void {
    this.#drawn.set(key, this.#news);
  }

  /** There is something new in what is seen. */
  seesMore(): void {
    this.#news++;
  }
}
