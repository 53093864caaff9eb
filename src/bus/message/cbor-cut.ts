/**
 * Takes attributes out of CBOR. [MSG-2]
 *
 * Guarantee: what is kept has the bytes that it had; the heads of maps and lists count what is left, in the shortest form, which
 * `readCbor` requires of all heads. What remains visible is what json-cut.ts says.
 */
import { BYTES, headAt, LIST, MAP, TEXT, writeHead } from "./cbor-head.ts";
import type { Found } from "./found.ts";

/**
 * @param bytes that `readCbor` accepted
 * @param removed in the order of `start`, none within another
 * @returns null when nothing is left in the outermost map or list
 */
export function cutCbor(bytes: Buffer, removed: readonly Found[]): Buffer | null {
  const left = Buffer.concat(new Cutter(bytes, removed).cut());
  const isEmpty = left.length === 1 && (left[0] === LIST << 5 || left[0] === MAP << 5);
  return isEmpty ? null : left;
}

class Cutter {
  readonly #bytes: Buffer;
  readonly #removed: readonly Found[];
  readonly #pieces: Buffer[] = [];
  #at = 0;
  #next = 0;

  constructor(bytes: Buffer, removed: readonly Found[]) {
    this.#bytes = bytes;
    this.#removed = removed;
  }

  cut(): Buffer[] {
    this.#item();
    return this.#pieces;
  }

  #item(): void {
    const { major, number, end } = headAt(this.#bytes, this.#at);
    if (major === LIST || major === MAP) {
      this.#at = end;
      this.#parts(major, Number(number));
      return;
    }
    const length = major === TEXT || major === BYTES ? Number(number) : 0;
    this.#pieces.push(this.#bytes.subarray(this.#at, end + length));
    this.#at = end + length;
  }

  #parts(major: number, count: number): void {
    const place = this.#pieces.push(Buffer.alloc(0)) - 1;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const cut = this.#removed[this.#next];
      if (cut?.start === this.#at) {
        this.#at = cut.end;
        this.#next++;
        continue;
      }
      kept++;
      if (major === MAP) this.#item();
      this.#item();
    }
    this.#pieces[place] = writeHead(major, kept);
  }
}
