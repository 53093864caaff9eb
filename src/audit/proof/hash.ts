/**
 * The hashes of RFC 6962, many in one call.
 *
 * Guarantee: `leaves` and `nodes` give the same whether native/hash.c could be loaded or not; only speed differs.
 */
import { hash } from "node:crypto";
import { createRequire } from "node:module";
import { ROOT } from "../../setup/index.ts";

export const HASH_BYTES = 32;

export type Hasher = {
  /** SHA-256(0x00 || record) of each record of `size` bytes. */
  leaves(records: Buffer, size: number): Buffer;
  /** SHA-256(0x01 || left || right) of each pair. */
  nodes(pairs: Buffer): Buffer;
};

/** With node:crypto: the reference, and what is used where nothing was compiled. */
export const plainHasher: Hasher = {
  leaves: (records, size) => each(records, size, 0),
  nodes: (pairs) => each(pairs, 2 * HASH_BYTES, 1),
};

function each(data: Buffer, size: number, prefix: number): Buffer {
  const out = Buffer.alloc((data.length / size) * HASH_BYTES);
  const input = Buffer.alloc(1 + size, prefix);
  for (let at = 0, to = 0; at < data.length; at += size, to += HASH_BYTES) {
    data.copy(input, 1, at, at + size);
    hash("sha256", input, "buffer").copy(out, to);
  }
  return out;
}

type Compiled = {
  leaves(records: Buffer, size: number, out: Buffer): void;
  nodes(pairs: Buffer, out: Buffer): void;
};

/** @returns null when it was not compiled, or another Node.js runs */
export function compiledHasher(path = `${ROOT}/build/hash.node`): Hasher | null {
  try {
    const compiled = createRequire(import.meta.url)(path) as Compiled;
    return {
      leaves(records, size) {
        const out = Buffer.allocUnsafe((records.length / size) * HASH_BYTES);
        compiled.leaves(records, size, out);
        return out;
      },
      nodes(pairs) {
        const out = Buffer.allocUnsafe(pairs.length / 2);
        compiled.nodes(pairs, out);
        return out;
      },
    };
  } catch {
    return null;
  }
}

let chosen: Hasher | undefined;

/** The fastest there is here. */
export function hasher(): Hasher {
  chosen ??= compiledHasher() ?? plainHasher;
  return chosen;
}
