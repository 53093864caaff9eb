/**
 * Keys of five 32-bit words to small numbers: open addressing on typed arrays, so that ten million entities are five
 * arrays and no objects.
 *
 * Guarantee: numbers are given in the order of first sight, from 0, and never change.
 */
export const WORDS = 5;
const START = 1 << 12;

export class Interner {
  #keys: Uint32Array<ArrayBuffer>;
  /** 0: free, else number + 1. Twice as many as keys. */
  #slots: Uint32Array<ArrayBuffer>;
  #count = 0;

  /** @param room for so many at first: it grows, but one that need not is faster */
  constructor(room = START) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(room, START)));
    this.#keys = new Uint32Array(size * WORDS);
    this.#slots = new Uint32Array(size * 2);
  }

  get size(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#keys.byteLength + this.#slots.byteLength;
  }

  /** @returns the key's number; `size` grew if it is new */
  intern(a: number, b: number, c: number, d: number, e: number): number {
    const keys = this.#keys;
    const mask = this.#slots.length - 1;
    let slot = hash(a, b, c, d, e) & mask;
    for (;;) {
      const found = this.#slots[slot]!;
      if (found === 0) break;
      const at = (found - 1) * WORDS;
      if (
        keys[at] === a >>> 0 &&
        keys[at + 1] === b >>> 0 &&
        keys[at + 2] === c >>> 0 &&
        keys[at + 3] === d >>> 0 &&
        keys[at + 4] === e >>> 0
      )
        return found - 1;
      slot = (slot + 1) & mask;
    }
    return this.#add(slot, a, b, c, d, e);
  }

  /** The key's number, or -1. */
  find(a: number, b: number, c: number, d: number, e: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash(a, b, c, d, e) & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot]!;
      if (found === 0) return -1;
      const key = this.key(found - 1);
      if (
        key[0] === a >>> 0 &&
        key[1] === b >>> 0 &&
        key[2] === c >>> 0 &&
        key[3] === d >>> 0 &&
        key[4] === e >>> 0
      )
        return found - 1;
    }
  }

  /** The words of a number; only to be read. */
  key(number: number): Uint32Array {
    return this.#keys.subarray(number * WORDS, number * WORDS + WORDS);
  }

  /** One of them. */
  word(number: number, at: number): number {
    return this.#keys[number * WORDS + at]!;
  }

  #add(slot: number, a: number, b: number, c: number, d: number, e: number): number {
    const number = this.#count++;
    const [keys, at] = [this.#keys, number * WORDS];
    keys[at] = a;
    keys[at + 1] = b;
    keys[at + 2] = c;
    keys[at + 3] = d;
    keys[at + 4] = e;
    this.#slots[slot] = number + 1;
    if (this.#count * WORDS === this.#keys.length) this.#grow();
    return number;
  }

  #grow(): void {
    const keys = new Uint32Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#count; number++) {
      const at = number * WORDS;
      let slot = hash(keys[at]!, keys[at + 1]!, keys[at + 2]!, keys[at + 3]!, keys[at + 4]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}

function hash(a: number, b: number, c: number, d: number, e: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b);
  h = Math.imul((h ^ (h >>> 13)) + b, 0xc2b2ae35);
  h = Math.imul((h ^ (h >>> 15)) + c, 0x27d4eb2f);
  h = Math.imul((h ^ (h >>> 13)) + d, 0x165667b1);
  h = Math.imul((h ^ (h >>> 15)) + e, 0x9e3779b1);
  return (h ^ (h >>> 16)) >>> 0;
}
