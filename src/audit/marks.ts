/**
 * What has come into a segment since its last mark, so that the next one can vouch for it (recover.ts).
 */
import { createHash } from "node:crypto";
import { markRecord } from "./format.ts";
import { HASH_BYTES } from "./proof/hash.ts";

export class Marks {
  readonly #hash = createHash("sha256");
  #count = 0;

  /** Records that no mark vouches for. */
  get unmarked(): number {
    return this.#count;
  }

  grow(leaves: Buffer): void {
    this.#hash.update(leaves);
    this.#count += leaves.length / HASH_BYTES;
  }

  /** The record that vouches for all of them, and for what is about to come. */
  next(leaves: Buffer = Buffer.alloc(0)): Buffer {
    return markRecord(this.#count + leaves.length / HASH_BYTES, this.#hash.copy().update(leaves).digest());
  }
}
