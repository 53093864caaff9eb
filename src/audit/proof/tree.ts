/**
 * The Merkle tree of RFC 6962 as it grows, in tiles of 256 (C2SP tlog-tiles).
 *
 * Level 0 holds the leaves' hashes; at level l + 1 stands one hash for each full tile (256 hashes) of level l. Only
 * the unfinished tile of each level is kept in memory. Pure but for the hasher.
 */
import { hash } from "node:crypto";
import { HASH_BYTES, type Hasher } from "./hash.ts";

export const TILE_WIDTH = 256;
export const TILE_BYTES = TILE_WIDTH * HASH_BYTES;
/** MTH({}): the root of a tree without leaves. */
export const EMPTY_ROOT = hash("sha256", "", "buffer");

/** One level's hashes that an append added. */
export type Added = { level: number; hashes: Buffer };

export class Tree {
  readonly #hasher: Hasher;
  /** By level: the hashes of the unfinished tile. */
  #open: Buffer[];
  #size: number;

  /** @param open of a tree of that size: for each level the hashes of its unfinished tile */
  constructor(hasher: Hasher, size = 0, open: readonly Buffer[] = []) {
    this.#hasher = hasher;
    this.#size = size;
    this.#open = [...open];
  }

  get size(): number {
    return this.#size;
  }

  /** Adds leaves by their hashes. @returns what each level got, from the leaves upwards */
  append(leaves: Buffer): Added[] {
    const added: Added[] = [];
    this.#size += leaves.length / HASH_BYTES;
    let hashes = leaves;
    for (let level = 0; hashes.length > 0; level++) {
      added.push({ level, hashes });
      const all = Buffer.concat([this.#open[level] ?? Buffer.alloc(0), hashes]);
      const full = all.length - (all.length % TILE_BYTES);
      this.#open[level] = Buffer.from(all.subarray(full));
      hashes = tileRoots(this.#hasher, all.subarray(0, full));
    }
    return added;
  }

  root(): Buffer {
    return rootOf(this.#hasher, this.#open);
  }
}

/** The root of each full tile: eight halvings. */
export function tileRoots(hasher: Hasher, tiles: Buffer): Buffer {
  let hashes = tiles;
  for (let width = TILE_WIDTH; width > 1 && hashes.length > 0; width /= 2) hashes = hasher.nodes(hashes);
  return hashes;
}

/**
 * The root from the unfinished tiles: the perfect subtrees along the right edge, widest first, folded from the right.
 */
export function rootOf(hasher: Hasher, open: readonly Buffer[]): Buffer {
  const edge: Buffer[] = [];
  for (let level = open.length - 1; level >= 0; level--) {
    const hashes = open[level]!;
    let at = 0;
    for (let width = TILE_WIDTH / 2; width >= 1; width /= 2) {
      if (hashes.length - at < width * HASH_BYTES) continue;
      edge.push(perfect(hasher, hashes.subarray(at, at + width * HASH_BYTES)));
      at += width * HASH_BYTES;
    }
  }
  let root = edge.pop();
  if (root === undefined) return EMPTY_ROOT;
  while (edge.length > 0) root = hasher.nodes(Buffer.concat([edge.pop()!, root]));
  return root;
}

/** The root over a power of two of hashes. */
export function perfect(hasher: Hasher, hashes: Buffer): Buffer {
  let level = hashes;
  while (level.length > HASH_BYTES) level = hasher.nodes(level);
  return level;
}
