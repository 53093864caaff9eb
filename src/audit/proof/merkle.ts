/**
 * Proofs of RFC 6962: that a leaf is in a tree (2.1.1), and that one tree continues another (2.1.2).
 *
 * Making them needs the tree's hashes, by level and index as in tiles; checking them needs nothing but this file.
 * Sizes and indexes are below 2^53.
 */
import { hash } from "node:crypto";
import { HASH_BYTES, type Hasher } from "./hash.ts";
import { EMPTY_ROOT, perfect } from "./tree.ts";

/** Hashes `from` to `from + count` of a tile level. */
export type TileReader = (level: number, from: number, count: number) => Buffer;

/** MTH(D[start:end]), where `start` is a multiple of the largest power of two below `end - start`, as in all of RFC 6962. */
export function rangeRoot(read: TileReader, hasher: Hasher, start: number, end: number): Buffer {
  const width = end - start;
  if (width === 0) return EMPTY_ROOT;
  const split = splitOf(width);
  if (width === 1 || split * 2 === width) return perfectRoot(read, hasher, start, width);
  return hasher.nodes(
    Buffer.concat([
      rangeRoot(read, hasher, start, start + split),
      rangeRoot(read, hasher, start + split, end),
    ]),
  );
}

/** @param width a power of two, of which `start` is a multiple */
function perfectRoot(read: TileReader, hasher: Hasher, start: number, width: number): Buffer {
  let level = 0;
  let unit = 1;
  while (unit * 256 <= width) {
    unit *= 256;
    level++;
  }
  return perfect(hasher, read(level, start / unit, width / unit));
}

/** PATH(m, D[n]): from the leaf's sibling up. */
export function inclusionPath(read: TileReader, hasher: Hasher, index: number, size: number): Buffer[] {
  const path: Buffer[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (index < middle) {
      path.push(rangeRoot(read, hasher, middle, end));
      end = middle;
    } else {
      path.push(rangeRoot(read, hasher, start, middle));
      start = middle;
    }
  }
  return path.reverse();
}

/** PROOF(m, D[n]), 0 < m <= n; none is needed from the empty tree. */
export function consistencyPath(read: TileReader, hasher: Hasher, from: number, size: number): Buffer[] {
  if (from === 0 || from === size) return [];
  const path: Buffer[] = [];
  let [start, end] = [0, size];
  let complete = true; // SUBPROOF's flag: the old tree is exactly this one
  while (from !== end) {
    const middle = start + splitOf(end - start);
    if (from <= middle) {
      path.push(rangeRoot(read, hasher, middle, end));
      end = middle;
    } else {
      path.push(rangeRoot(read, hasher, start, middle));
      start = middle;
      complete = false;
    }
  }
  if (!complete) path.push(rangeRoot(read, hasher, start, end));
  return path.reverse();
}

/** The root that a leaf's hash and its path lead to; null when the path is no path of that index and size. */
export function rootFromInclusion(
  leaf: Buffer,
  index: number,
  size: number,
  path: readonly Buffer[],
): Buffer | null {
  if (!isIndex(index) || !isIndex(size) || index >= size) return null;
  let [node, last] = [index, size - 1];
  let root = leaf;
  for (const sibling of path) {
    if (sibling.length !== HASH_BYTES || last === 0) return null;
    if (node % 2 === 1 || node === last) {
      root = nodeHash(sibling, root);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else root = nodeHash(root, sibling);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? root : null;
}

/** Does the tree of `size` continue that of `from`? */
export function isConsistent(
  from: number,
  fromRoot: Buffer,
  size: number,
  root: Buffer,
  path: readonly Buffer[],
): boolean {
  if (!isIndex(from) || !isIndex(size) || from > size) return false;
  if (from === 0) return path.length === 0;
  if (from === size) return path.length === 0 && fromRoot.equals(root);
  if (path.some((hashes) => hashes.length !== HASH_BYTES)) return false;
  const rest = [...path];
  let [node, last] = [from - 1, size - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  // when the old tree is a perfect subtree of the new, its root is the first step, and is left out
  const seed = node === 0 ? fromRoot : rest.shift();
  if (seed === undefined) return false;
  let [old, now] = [seed, seed];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      old = nodeHash(sibling, old);
      now = nodeHash(sibling, now);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else now = nodeHash(now, sibling);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && old.equals(fromRoot) && now.equals(root);
}

export function leafHash(record: Buffer): Buffer {
  return hash("sha256", Buffer.concat([Buffer.of(0), record]), "buffer");
}

export function nodeHash(left: Buffer, right: Buffer): Buffer {
  return hash("sha256", Buffer.concat([Buffer.of(1), left, right]), "buffer");
}

/** The largest power of two that is smaller. */
function splitOf(width: number): number {
  let split = 1;
  while (split * 2 < width) split *= 2;
  return split;
}

function half(n: number): number {
  return Math.floor(n / 2);
}

function isIndex(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}
