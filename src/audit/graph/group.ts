/**
 * Processes and objects that hold each other, and what of what came there has been told to whom: so that it is told once.
 */
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
  /** By entity: how often it had when all of it was told. */
  readonly #told = new Map<number, number>();
  /** Is there something new in what is seen, that was not drawn from there? */
  #hasNews = true;
  /** Who sees it knows that there is something new, and has not drawn from here since. */
  isAnnounced = false;

  constructor(root: number, members: Map<number, number>) {
    [this.root, this.members] = [root, members];
  }

  hasTold(entity: number): boolean {
    return this.#told.get(entity) === this.#count;
  }

  told(entity: number): void {
    this.#told.set(entity, this.#count);
  }

  /** Something came to the root. Who had all before and brought it himself has all. */
  came(from: number): void {
    const hadAll = this.hasTold(from);
    this.#count++;
    if (hadAll) this.told(from);
  }

  /** A member has another context: what was told is not what is told now. */
  tellAgain(): void {
    this.#count++;
  }

  /** Is nothing new to be seen? */
  hasDrawn(): boolean {
    return this.seers.size === 0 || !this.#hasNews;
  }

  drew(): void {
    this.#hasNews = false;
  }

  /** There is something new in what is seen. */
  seesMore(): void {
    this.#hasNews = true;
  }
}
