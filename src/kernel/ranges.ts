/**
 * Policy for addresses in the kernel: the map `ranges`, which bpf/socket.bpf.c asks. [NET-1]
 *
 * Guarantee: while it changes, each address and port has the context of the old policy or of the new one at any
 * moment, never a third: `steps` has the order, and the kernel replaces one entry at a time, whole.
 */
import type { Context } from "../label/index.ts";
import { LIMITS, SHAPE } from "./abi.ts";
import type { Contexts } from "./contexts.ts";
import { KernelError } from "./errors.ts";
import { type Fd, native } from "./native.ts";

/** The addresses below one prefix: `bits` of 128, IPv4 as ::ffff:a.b.c.d. What no port range has is unlabelled. */
export type RangeEntry = {
  bytes: Uint8Array;
  bits: number;
  ports: readonly { first: number; last: number; context: Context }[];
};

/** Bytes as latin1 text: keys that compare as they are. */
type Table = ReadonlyMap<string, Buffer>;
type Step = { key: string; value: Buffer | null };

const KEY_BYTES = 20;

export class Ranges {
  readonly #map: Fd;
  readonly #contexts: Contexts;

  constructor(map: Fd, contexts: Contexts) {
    this.#map = map;
    this.#contexts = contexts;
  }

  /**
   * Makes these the policy, all of them and no other, from whatever is in the kernel. A failure leaves a mixture
   * of both, which the next call finds and ends.
   *
   * @throws KernelError E_NO_MEMORY
   */
  replace(entries: readonly RangeEntry[]): void {
    const wanted = new Map(entries.map((entry) => [keyOf(entry), this.#valueOf(entry)]));
    try {
      for (const { key, value } of steps(this.#read(), wanted)) {
        if (value === null) native().mapDelete(this.#map, Buffer.from(key, "latin1"));
        else native().mapSet(this.#map, Buffer.from(key, "latin1"), value, 0);
      }
    } catch (error) {
      throw new KernelError(
        "E_NO_MEMORY",
        `the kernel could not keep the policy for addresses (${error instanceof Error ? error.message : String(error)})`,
        `at most ${LIMITS.MAX_RANGES} prefixes can have one; give wider ones`,
        error,
      );
    }
  }

  #read(): Map<string, Buffer> {
    const found = new Map<string, Buffer>();
    for (
      let key = native().mapNext(this.#map, null, KEY_BYTES);
      key;
      key = native().mapNext(this.#map, key, KEY_BYTES)
    ) {
      const value = native().mapGet(this.#map, key, SHAPE.csn_range.size);
      // the kernel finds the entry of the longest prefix, which for a key that is there is its own
      if (value !== null) found.set(key.toString("latin1"), value);
    }
    return found;
  }

  #valueOf({ ports }: RangeEntry): Buffer {
    const value = Buffer.alloc(SHAPE.csn_range.size);
    value.writeUInt32LE(ports.length, SHAPE.csn_range.count);
    for (const [n, { first, last, context }] of ports.entries()) {
      const at = SHAPE.csn_range.ports + n * SHAPE.csn_ports.size;
      value.writeUInt16LE(first, at + SHAPE.csn_ports.first);
      value.writeUInt16LE(last, at + SHAPE.csn_ports.last);
      value.writeUInt32LE(this.#contexts.idOf(context), at + SHAPE.csn_ports.context);
    }
    return value;
  }
}

/** struct range_key of bpf/socket.bpf.c. */
export function keyOf({ bytes, bits }: Pick<RangeEntry, "bytes" | "bits">): string {
  const key = Buffer.alloc(KEY_BYTES);
  key.writeUInt32LE(bits);
  key.set(bytes, 4);
  return key.toString("latin1");
}

/**
 * From one table to another without a moment of its own.
 *
 * New prefixes come first, the longest before the others: until its own entry is there, an address keeps the old
 * entry that is its nearest. Then entries change in place. Prefixes that end go last, the shortest before the
 * others: as long as an address has an old nearest one it keeps that, and what it falls to then is new.
 */
export function steps(old: Table, wanted: Table): Step[] {
  const bits = (key: string) => Buffer.from(key, "latin1").readUInt32LE();
  const added = [...wanted.keys()].filter((key) => !old.has(key)).sort((a, b) => bits(b) - bits(a));
  const changed = [...wanted.keys()].filter((key) => old.has(key) && !old.get(key)!.equals(wanted.get(key)!));
  const ended = [...old.keys()].filter((key) => !wanted.has(key)).sort((a, b) => bits(a) - bits(b));
  return [...added, ...changed, ...ended].map((key) => ({ key, value: wanted.get(key) ?? null }));
}
