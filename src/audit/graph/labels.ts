/**
 * Labels of a pass by entity: found when somebody asks, and only as far as is asked.
 */
export class LabelIndex {
  /** By entity: its newest label + 1, of those that are in the index; 0: none. */
  readonly #newest: Uint32Array;
  /** By label: the one that its entity had before, or -1. */
  #older = new Int32Array(0);
  #labels = 0;
  #entities = 0;

  /** @param size of entities */
  constructor(size: number) {
    this.#newest = new Uint32Array(size);
  }

  /** The newest of the first `count` labels that is the entity's, or -1. @param owners by label: its entity */
  of(entity: number, owners: Int32Array, count: number): number {
    this.#grow(owners, count);
    return (this.#newest[entity] ?? 0) - 1;
  }

  /** The newest of the labels before one, or -1. */
  before(label: number, entity: number, owners: Int32Array): number {
    let at = this.of(entity, owners, label);
    while (at >= label) at = this.#older[at]!;
    return at;
  }

  /** How many entities have one of the first `count` labels. */
  entities(owners: Int32Array, count: number): number {
    this.#grow(owners, count);
    return this.#entities;
  }

  #grow(owners: Int32Array, count: number): void {
    if (count > this.#older.length) {
      const older = new Int32Array(owners.length);
      older.set(this.#older);
      this.#older = older;
    }
    for (; this.#labels < count; this.#labels++) {
      const entity = owners[this.#labels]!;
      const before = this.#newest[entity]!;
      if (before === 0) this.#entities++;
      this.#older[this.#labels] = before - 1;
      this.#newest[entity] = this.#labels + 1;
    }
  }
}

export function longer(old: Int32Array, fill = 0): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(old.length * 4).fill(fill, old.length);
  grown.set(old);
  return grown;
}
