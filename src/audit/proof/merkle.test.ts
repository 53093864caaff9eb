import { deepStrictEqual, ok, strictEqual } from "node:assert";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compiledHasher, HASH_BYTES, hasher, plainHasher } from "./hash.ts";
import {
  consistencyPath,
  inclusionPath,
  isConsistent,
  leafHash,
  nodeHash,
  rangeRoot,
  rootFromInclusion,
  type TileReader,
} from "./merkle.ts";
import { EMPTY_ROOT, Tree } from "./tree.ts";

/** Certificate Transparency's well-known test tree, and its roots at each size (RFC 6962 implementations share it). */
const INPUTS = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
];
const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
/** Of the same source: [leaf (from 1), size, path]. */
const PATHS: readonly (readonly [number, number, readonly string[]])[] = [
  [1, 1, []],
  [1, 8, [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
  ]],
  [6, 8, [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  ]],
  [3, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]],
  [2, 5, [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
  ]],
]; // prettier-ignore
const CONSISTENCY: readonly (readonly [number, number, readonly string[]])[] = [
  [1, 1, []],
  [1, 8, [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
  ]],
  [6, 8, [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  ]],
  [2, 5, [
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
  ]],
]; // prettier-ignore

/** MTH as RFC 6962 writes it: the oracle. */
function mth(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return EMPTY_ROOT;
  if (leaves.length === 1) return leaves[0]!;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}

function grown(leaves: readonly Buffer[], batches: readonly number[] = []): { tree: Tree; read: TileReader } {
  const tree = new Tree(hasher());
  const levels: Buffer[][] = [];
  let at = 0;
  const add = (some: readonly Buffer[]) => {
    for (const { level, hashes } of tree.append(Buffer.concat(some))) (levels[level] ??= []).push(hashes);
  };
  for (const batch of batches) add(leaves.slice(at, (at += batch)));
  add(leaves.slice(at));
  const flat = levels.map((parts) => Buffer.concat(parts));
  return {
    tree,
    read: (level, from, count) => flat[level]!.subarray(from * HASH_BYTES, (from + count) * HASH_BYTES),
  };
}

const numbered = (count: number) =>
  Array.from({ length: count }, (_, i) => hash("sha256", String(i), "buffer"));

describe("RFC 6962", () => {
  const leaves = INPUTS.map((hex) => leafHash(Buffer.from(hex, "hex")));

  it("gives the well-known roots", () => {
    strictEqual(
      EMPTY_ROOT.toString("hex"),
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    deepStrictEqual(
      leaves.map((_, i) =>
        grown(leaves.slice(0, i + 1))
          .tree.root()
          .toString("hex"),
      ),
      ROOTS,
    );
  });

  it("gives the well-known proofs, and accepts them", () => {
    for (const [leaf, size, expected] of PATHS) {
      const { read } = grown(leaves.slice(0, size));
      const path = inclusionPath(read, hasher(), leaf - 1, size);
      deepStrictEqual(
        path.map((h) => h.toString("hex")),
        expected,
      );
      strictEqual(
        rootFromInclusion(leaves[leaf - 1]!, leaf - 1, size, path)?.toString("hex"),
        ROOTS[size - 1],
      );
    }
    for (const [from, size, expected] of CONSISTENCY) {
      const { read } = grown(leaves);
      const path = consistencyPath(read, hasher(), from, size);
      deepStrictEqual(
        path.map((h) => h.toString("hex")),
        expected,
      );
      const [old, now] = [from, size].map((n) => Buffer.from(ROOTS[n - 1]!, "hex"));
      ok(isConsistent(from, old!, size, now!, path));
    }
  });
});

describe("the tree in tiles", () => {
  it("has the root that the definition gives, however it was appended to", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1500 }),
        fc.array(fc.integer({ min: 0, max: 600 })),
        (n, batches) => {
          const leaves = numbered(n);
          strictEqual(grown(leaves, batches).tree.root().toString("hex"), mth(leaves).toString("hex"));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("proves each leaf, and each older size, to the check and to nothing else", () => {
    const leaves = numbered(70_000);
    const { tree, read } = grown(leaves);
    strictEqual(tree.root().toString("hex"), mth(leaves).toString("hex"));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70_000 }),
        fc.nat(69_999),
        fc.nat(),
        fc.nat(255),
        (size, any, where, flip) => {
          const index = any % size;
          const root = rangeRoot(read, hasher(), 0, size);
          const path = inclusionPath(read, hasher(), index, size);
          deepStrictEqual(rootFromInclusion(leaves[index]!, index, size, path), root);
          const other = path.map((h) => Buffer.from(h));
          if (other.length > 0) {
            other[where % other.length]![where % HASH_BYTES]! ^= flip || 1;
            ok(rootFromInclusion(leaves[index]!, index, size, other)?.equals(root) !== true);
            ok(rootFromInclusion(leaves[index]!, index, size, path.slice(1))?.equals(root) !== true);
          }
          ok(rootFromInclusion(leaves[index]!, index, size, [...path, root])?.equals(root) !== true);
          ok(rootFromInclusion(leaves[index]!, index + 1, size, path)?.equals(root) !== true);

          const from = index + 1;
          const old = rangeRoot(read, hasher(), 0, from);
          const steps = consistencyPath(read, hasher(), from, size);
          ok(isConsistent(from, old, size, root, steps));
          ok(!isConsistent(from, leaves[0]!, size, root, steps) || from === 1);
          ok(from === size || !isConsistent(from, old, size, old, steps));
          const bent = steps.map((h) => Buffer.from(h));
          if (bent.length > 0) {
            bent[where % bent.length]![where % HASH_BYTES]! ^= flip || 1;
            ok(!isConsistent(from, old, size, root, bent));
            ok(!isConsistent(from, old, size, root, steps.slice(1)));
          }
          ok(!isConsistent(from, old, size, root, [...steps, root]));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("hashes", () => {
  it("are the same from the compiled code and from node:crypto", (t) => {
    const compiled = compiledHasher();
    if (compiled === null) return t.skip("build/hash.node was not compiled here");
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        // of many, a second thread makes some
        fc.oneof({ weight: 9, arbitrary: fc.nat(20) }, fc.constantFrom(1023, 1024, 1025, 1153)),
        fc.nat(255),
        (size, count, first) => {
          const filled = (length: number) =>
            Buffer.from(Uint8Array.from({ length }, (_, at) => first + at * 7 + (at >> 8)));
          const records = filled(size * count);
          deepStrictEqual(compiled.leaves(records, size), plainHasher.leaves(records, size));
          const pairs = filled(64 * count);
          deepStrictEqual(compiled.nodes(pairs), plainHasher.nodes(pairs));
        },
      ),
    );
  });
});
