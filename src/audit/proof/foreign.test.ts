/**
 * What the log proves, held against programs that others wrote: `@transmute/rfc9162` (trees, inclusion and consistency),
 * `@noble/post-quantum` (ML-DSA-44). The notes and inclusion against `@sigstore/verify`: src/audit/keep/keep.test.ts.
 *
 * For the layout of tiles (c2sp.org/tlog-tiles) nobody's reader could be had from the npm registry: here it is read by the
 * specification's words alone, and every hash in it is held against the foreign tree over the entries.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert";
import { hash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import fc from "fast-check";
import { exportLog, parseCheckpoint, parseVkey, RECORD_BYTES, Writer } from "../index.ts";
import { hasher as makeHasher } from "./hash.ts";
import { consistencyPath, inclusionPath, isConsistent, rangeRoot, rootFromInclusion } from "./merkle.ts";
import { parseNote, TYPE } from "./note.ts";
import { TileSource } from "./tiles.ts";

type Proof = { log_id: string; leaf_index?: number; inclusion_path?: Uint8Array[] };
type Consistency = { log_id: string; tree_size_1: number; tree_size_2: number; consistency_path: Uint8Array[] }; // prettier-ignore
type Foreign = {
  treeHead(entries: Uint8Array[]): Promise<Uint8Array>;
  leaf(entry: Uint8Array): Promise<Uint8Array>;
  inclusionProof(entry: Uint8Array, entries: Uint8Array[]): Promise<Proof & { tree_size: number }>;
  consistencyProof(before: { tree_size: number }, entries: Uint8Array[]): Promise<Consistency>;
  verifyInclusionProof(root: Uint8Array, leaf: Uint8Array, proof: object): Promise<boolean>;
  verifyConsistencyProof(first: Uint8Array, second: Uint8Array, proof: Consistency): Promise<boolean>;
};
const { RFC9162: foreign } = createRequire(import.meta.url)("@transmute/rfc9162") as { RFC9162: Foreign };

let base: string;
const log = () => join(base, "log");
beforeEach(() => (base = mkdtempSync(join(tmpdir(), "csn-foreign-"))));
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** @returns keys */
function write(count: number): readonly string[] {
  const writer = new Writer({
    folder: log(),
    keyFile: join(base, "log-key.pem"),
    bootId: "01234567-89ab-cdef-0123-456789abcdef",
    wallOffset: () => 0n,
  });
  const records = Buffer.alloc(count * RECORD_BYTES);
  for (let i = 0; i < count; i++) {
    records[i * RECORD_BYTES] = 1;
    records[i * RECORD_BYTES + 1] = 1;
    records.writeUInt32LE(i, i * RECORD_BYTES + 16);
  }
  writer.append(records, true);
  writer.close();
  return writer.vkeys;
}

/** As tlog-tiles says: hashes of level L at `tile/L/N`, entries with their length in two bytes before them. */
function readLayout(folder: string, level: string, size: number): Buffer[] {
  const found: Buffer[] = [];
  for (let n = 0; n * 256 < size; n++) {
    const width = Math.min(256, size - n * 256);
    const name = width === 256 ? String(n).padStart(3, "0") : `${String(n).padStart(3, "0")}.p/${width}`;
    ok(n < 1000, "larger numbers have more elements");
    const bytes = readFileSync(join(folder, "tile", level, name));
    if (level === "entries")
      for (let at = 0; at < bytes.length; at += 2 + bytes.readUInt16BE(at))
        found.push(bytes.subarray(at + 2, at + 2 + bytes.readUInt16BE(at)));
    else for (let at = 0; at < bytes.length; at += 32) found.push(bytes.subarray(at, at + 32));
  }
  return found;
}

describe("what others wrote", () => {
  it("finds the checkpoint's root, and every hash of every tile, in the exported entries", async () => {
    write(700);
    const target = join(base, "store");
    exportLog(log(), target);
    const { size, root } = parseCheckpoint(readFileSync(join(target, "checkpoint"), "utf8"));
    const entries = readLayout(target, "entries", size);
    strictEqual(entries.length, size);
    deepStrictEqual(Buffer.from(await foreign.treeHead(entries)), root);
    const levels = readdirSync(join(target, "tile")).filter((name) => name !== "entries").sort(); // prettier-ignore
    deepStrictEqual(levels, ["0", "1"]);
    for (const level of levels) {
      const width = 256 ** Number(level);
      const hashes = readLayout(target, level, Math.floor(size / width));
      strictEqual(hashes.length, Math.floor(size / width));
      for (const [i, one] of hashes.entries()) {
        const below = entries.slice(i * width, (i + 1) * width);
        deepStrictEqual(one, Buffer.from(await foreign.treeHead(below)));
      }
    }
  });

  it("accepts our proofs, makes the same ones, and refuses those that were bent", async () => {
    write(300);
    const target = join(base, "store");
    exportLog(log(), target);
    const { size: all } = parseCheckpoint(readFileSync(join(target, "checkpoint"), "utf8"));
    const entries = readLayout(target, "entries", all);
    const tiles = new TileSource(log());
    const hasher = makeHasher();
    const root = (size: number) => rangeRoot(tiles.read, hasher, 0, size);
    const before = fc.integer({ min: 1, max: all - 1 });
    const sizes = fc.tuple(before, before, fc.nat(7));
    await fc.assert(
      fc.asyncProperty(sizes, async ([one, two, bit]) => {
        // of a tree with itself RFC 9162 has no proof
        const [from, size] = [Math.min(one, two), Math.max(one, two) + 1];
        const some = entries.slice(0, size);
        deepStrictEqual(root(size), Buffer.from(await foreign.treeHead(some)));
        const path = consistencyPath(tiles.read, hasher, from, size);
        const theirs = await foreign.consistencyProof({ tree_size: from }, some);
        // theirs begins with the old root also where the RFC leaves it out, of a tree that is a power of two
        const first = Number.isInteger(Math.log2(from)) ? [root(from)] : [];
        const withFirst = (steps: Buffer[]) => ({ ...theirs, consistency_path: [...first, ...steps] });
        deepStrictEqual(
          [...first, ...path],
          theirs.consistency_path.map((step) => Buffer.from(step)),
        );
        strictEqual(await foreign.verifyConsistencyProof(root(from), root(size), withFirst(path)), true);
        ok(isConsistent(from, root(from), size, root(size), path));
        const bent = path.map((step) => Buffer.from(step));
        bent[bit % bent.length]![bit]! ^= 1 << bit;
        strictEqual(isConsistent(from, root(from), size, root(size), bent), false);
        strictEqual(await foreign.verifyConsistencyProof(root(from), root(size), withFirst(bent)), false);
        const index = from - 1;
        const inclusion = inclusionPath(tiles.read, hasher, index, size);
        const included = { log_id: "", tree_size: size, leaf_index: index, inclusion_path: inclusion };
        const leaf = await foreign.leaf(entries[index]!);
        strictEqual(await foreign.verifyInclusionProof(root(size), leaf, included), true);
        deepStrictEqual(rootFromInclusion(Buffer.from(leaf), index, size, inclusion), root(size));
      }),
      { numRuns: 25 },
    );
    tiles.close();
  });

  it("accepts the ML-DSA-44 signature of a checkpoint, of this text and no other", () => {
    const vkeys = write(10);
    const key = vkeys.map(parseVkey).find(({ type }) => type === TYPE.mldsa44)!;
    const note = parseNote(readFileSync(join(log(), "checkpoint"), "utf8"));
    const { bytes } = note.signatures.find(({ id }) => id.equals(key.id))!;
    // key's name and id: signed-note; what is signed: tlog-cosignature, a subtree from 0
    const id = hash("sha256", Buffer.concat([Buffer.from(`${key.name}\n`), Buffer.of(6), key.raw]), "buffer");
    deepStrictEqual(id.subarray(0, 4), key.id);
    const [origin, size, root] = note.text.split("\n") as [string, string, string];
    const message = (count: number) => {
      const head = Buffer.from("subtree/v1\n\0");
      const numbers = Buffer.alloc(16);
      numbers.writeBigUInt64BE(BigInt(count), 8);
      const text = (value: string) => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
      return Buffer.concat([head, text(key.name), bytes.subarray(0, 8), text(origin), numbers, Buffer.from(root, "base64")]); // prettier-ignore
    };
    const signature = bytes.subarray(8);
    strictEqual(ml_dsa44.verify(signature, message(Number(size)), key.raw), true);
    strictEqual(ml_dsa44.verify(signature, message(Number(size) + 1), key.raw), false);
    const bent = Buffer.from(signature);
    bent[100]! ^= 1;
    strictEqual(ml_dsa44.verify(bent, message(Number(size)), key.raw), false);
  });
});
