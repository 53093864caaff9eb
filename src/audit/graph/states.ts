/**
 * What each entity holds, as one byte: a pass looks up in tables what a flow between two such states does.
 *
 * A state stands for all that a pass knows of an entity, for instance under which contexts it holds data. States are found as
 * they occur, and so is what each kind of flow makes of them. Where there is no room for more, an entity is MANY, and the
 * pass has to look at each of its flows itself.
 */
export const SHIFT = 8;
/** Of entities for whose state there was no room. */
export const MANY = (1 << SHIFT) - 1;
/** In `next`: not known yet. No state comes to be number 0 again, which is what all hold at first. */
export const UNKNOWN = 0;

/** Where a table has what it says of a kind of flow and a state. */
export const cell = (kind: number, state: number): number => (kind << SHIFT) | state;

export type Rules<Held> = {
  kinds: number;
  /** What all entities hold at first. */
  empty: Held;
  /** Which states are the same. */
  key: (held: Held) => string;
  /** Bits that say what who holds this does by a flow of a kind: as its near end, and as its far end. */
  near: (held: Held, kind: number) => number;
  far: (held: Held, kind: number) => number;
  /** The same of MANY. */
  nearMany: (kind: number) => number;
  farMany: (kind: number) => number;
};

export class States<Held> {
  /** By entity: its state. */
  readonly of: Uint8Array;
  /** By cell: the bits. */
  readonly near: Uint8Array;
  readonly far: Uint8Array;
  readonly #rules: Rules<Held>;
  readonly #held: Held[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #most: number;

  /** @param entities how many there are @param most states that there is room for */
  constructor(entities: number, rules: Rules<Held>, most = MANY) {
    this.#rules = rules;
    this.#most = most;
    this.of = new Uint8Array(entities);
    this.near = new Uint8Array(rules.kinds << SHIFT);
    this.far = new Uint8Array(rules.kinds << SHIFT);
    for (let kind = 0; kind < rules.kinds; kind++) {
      this.near[cell(kind, MANY)] = rules.nearMany(kind);
      this.far[cell(kind, MANY)] = rules.farMany(kind);
    }
    this.#number(rules.empty);
  }

  /** What an entity holds has changed. */
  change(entity: number, make: (held: Held) => Held): void {
    const state = this.of[entity]!;
    if (state !== MANY) this.of[entity] = this.#number(make(this.#held[state]!));
  }

  /** The number of a state, with its cells in the tables; MANY when there is no room. */
  #number(held: Held): number {
    const { kinds, key, near, far } = this.#rules;
    const text = key(held);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const state = this.#held.length;
    if (state >= this.#most) return MANY;
    this.#numbers.set(text, state);
    this.#held.push(held);
    for (let kind = 0; kind < kinds; kind++) {
      this.near[cell(kind, state)] = near(held, kind);
      this.far[cell(kind, state)] = far(held, kind);
    }
    return state;
  }
}
