/**
 * Where flows of one sort are in the columns, in their order: 4 bytes for each. A flow that comes late moves those after it.
 */
import { grown } from "./grown.ts";

const START = 1 << 10;

export class Positions {
  #list = new Uint32Array(START);
  #count = 0;

  get bytes(): number {
    return this.#list.byteLength;
  }

  /** Of those from one position on to before another. */
  within(from: number, to: number): Uint32Array {
    return this.#list.subarray(this.#before(from), this.#before(to));
  }

  /** A flow has been put at a position. @param isOne of this sort */
  put(at: number, isOne: boolean): void {
    let n = this.#count;
    if (isOne && ++this.#count > this.#list.length) this.#list = grown(this.#list, n);
    const list = this.#list;
    for (; n > 0 && list[n - 1]! >= at; n--) list[isOne ? n : n - 1] = list[n - 1]! + 1;
    if (isOne) list[n] = at;
  }

  /** How many lie before a position. */
  #before(at: number): number {
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#list[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
