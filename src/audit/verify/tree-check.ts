/**
 * Holds the hashes of the records, as they are read, against the tiles on disk and the roots that were signed.
 *
 * Guarantee: the first record, or the first hash, that is not as it was written is named. Which of the two was
 * changed is told by the level above: a tile that still leads to its hash there is as it was.
 */
import { HASH_BYTES, type Hasher } from "../proof/hash.ts";
import { levelCount, type TileSource } from "../proof/tiles.ts";
import { Tree, TILE_BYTES, TILE_WIDTH, tileRoots } from "../proof/tree.ts";
import type { Findings } from "./report.ts";

/** A root that the tree must have at a size. */
export type Expected = {
  size: number;
  root: Buffer;
  what: string;
  file: string;
  code: "E_LOG_DAMAGED" | "E_LOG_FORK";
};

export class TreeCheck {
  readonly tree: Tree;
  readonly #hasher: Hasher;
  readonly #tiles: TileSource;
  readonly #findings: Findings;
  readonly #expected: Expected[];
  /** Hashes on disk by level, at the start: a log that grows meanwhile is not ours to judge. */
  readonly #counts: number[] = [];
  /** The largest size at which the tree was known to be right. */
  #good = 0;
  #wrongLevels = new Set<number>();

  /** @param expected by size, ascending */
  constructor(hasher: Hasher, tiles: TileSource, findings: Findings, expected: readonly Expected[]) {
    this.tree = new Tree(hasher);
    this.#hasher = hasher;
    this.#tiles = tiles;
    this.#findings = findings;
    this.#expected = [...expected];
    for (let level = 0; level < 8; level++) this.#counts.push(tiles.count(level));
    this.#reach();
  }

  /** Hashes on disk of level 0. */
  get hashes(): number {
    return this.#counts[0]!;
  }

  /** What is not there of the hashes of closed segments. */
  missing(closed: number): { level: number; from: number; to: number }[] {
    return this.#counts.flatMap((count, level) => {
      const wanted = levelCount(level, closed);
      const width = TILE_WIDTH ** level;
      return count < wanted ? [{ level, from: count * width, to: wanted * width }] : [];
    });
  }

  /** Records as they are, by their hashes. @param file they are in */
  add(leaves: Buffer, file: string): void {
    this.#split(leaves, (some) => this.#hold(some, file));
  }

  /** Records that are gone: their hashes stand for them. @returns false when those are not there either */
  addGone(to: number): boolean {
    while (this.tree.size < to) {
      const count = Math.min(to - this.tree.size, 64 * TILE_WIDTH);
      if (this.tree.size + count > this.hashes) return false;
      const leaves = Buffer.from(this.#tiles.read(0, this.tree.size, count));
      this.#split(leaves, (some) => this.#grow(some));
    }
    return true;
  }

  /** Roots that were expected at sizes that were never reached. */
  get unreached(): readonly Expected[] {
    return this.#expected;
  }

  /** Cuts at each size at which a root is expected. */
  #split(leaves: Buffer, take: (some: Buffer) => void): void {
    let rest = leaves;
    while (rest.length > 0) {
      const room = ((this.#expected[0]?.size ?? Infinity) - this.tree.size) * HASH_BYTES;
      const some = rest.subarray(0, Math.min(rest.length, room));
      take(some);
      this.#reach();
      rest = rest.subarray(some.length);
    }
  }

  #reach(): void {
    for (;;) {
      const [next] = this.#expected;
      if (next === undefined || next.size !== this.tree.size) return;
      this.#expected.shift();
      if (this.tree.root().equals(next.root)) {
        this.#good = next.size;
        continue;
      }
      // a fault that was named already explains it
      const known = this.#findings.list.some(
        ({ record }) => record !== null && record >= this.#good && record < next.size,
      );
      if (known && next.code === "E_LOG_DAMAGED") continue;
      const where = next.size === 0 ? "" : `, somewhere in records ${this.#good} to ${next.size - 1}`;
      this.#findings.add(
        next.code,
        this.#good,
        next.file,
        `the tree of ${next.size} records is not the one that ${next.what} states${where}`,
      );
    }
  }

  /** Holds hashes made of records against the tiles. */
  #hold(leaves: Buffer, file: string): void {
    const first = this.tree.size;
    const stored = Math.min(leaves.length / HASH_BYTES, Math.max(0, this.hashes - first));
    if (stored === 0) return this.#grow(leaves);
    const tiles = Buffer.from(this.#tiles.read(0, first, stored));
    if (leaves.subarray(0, tiles.length).equals(tiles)) return this.#grow(leaves);
    const kept = Buffer.from(leaves);
    for (let i = 0; i < stored; i++) {
      const at = i * HASH_BYTES;
      if (leaves.compare(tiles, at, at + HASH_BYTES, at, at + HASH_BYTES) === 0) continue;
      if (this.#tileStands(first + i)) {
        tiles.copy(kept, at, at, at + HASH_BYTES);
        this.#findings.add("E_LOG_DAMAGED", first + i, file, `record ${first + i} is not as it was written`);
      } else
        this.#findings.add(
          "E_LOG_DAMAGED",
          first + i,
          "tiles/0",
          `the hash of record ${first + i} is not as it was written, or the record and its hash were changed together`,
        );
    }
    this.#grow(kept);
  }

  /** Does the tile that holds this leaf's hash lead to what the level above says? */
  #tileStands(leaf: number): boolean {
    const tile = Math.floor(leaf / TILE_WIDTH);
    if (tile >= this.#counts[1]!) return false;
    const hashes = this.#tiles.read(0, tile * TILE_WIDTH, TILE_WIDTH);
    return (
      hashes.length === TILE_BYTES && tileRoots(this.#hasher, hashes).equals(this.#tiles.read(1, tile, 1))
    );
  }

  #grow(leaves: Buffer): void {
    const before = this.tree.size;
    for (const { level, hashes } of this.tree.append(leaves)) {
      if (level === 0) continue;
      const from = Math.floor(before / TILE_WIDTH ** level);
      const count = Math.min(hashes.length / HASH_BYTES, Math.max(0, this.#counts[level]! - from));
      if (count === 0 || hashes.subarray(0, count * HASH_BYTES).equals(this.#tiles.read(level, from, count)))
        continue;
      if (this.#wrongLevels.has(level)) continue;
      this.#wrongLevels.add(level);
      const record = from * TILE_WIDTH ** level;
      const known = this.#findings.list.some(
        (finding) => finding.record !== null && finding.record >= record,
      );
      if (!known)
        this.#findings.add(
          "E_LOG_DAMAGED",
          record,
          `tiles/${level}`,
          `a hash over records from ${record} on is not as it was written`,
        );
    }
  }
}
