/**
 * Contexts in the kernel: from sets of tags to the 32-bit ids of one boot, and back. [CTX-4]
 *
 * Guarantee: an id's meaning never changes within a boot, and it is stored (by `Interning`) before the
 * kernel knows it, so a daemon that takes over reads the same meanings.
 * Not covered: one user can use up the contexts of a boot; the others then keep those that they have.
 */
import {
  ALL_INTEGRITY,
  ALL_SECRECY,
  BASE,
  type Context,
  contextKey,
  type IntegrityLabel,
  parseContextKey,
  PLATFORM_IN,
  SEALED,
  type SecrecyLabel,
  type TagId,
  UNLABELLED,
} from "../label/index.ts";
import { CONTEXT_ID, LIMITS, SHAPE } from "./abi.ts";
import { KernelError } from "./errors.ts";
import { type Fd, native } from "./native.ts";

/** Where the meanings of this boot are kept. */
export interface Interning {
  /** All contexts interned in this boot, by id. */
  contexts(): Iterable<readonly [id: number, key: string]>;
  /** Durable before it returns. */
  add(id: number, key: string): void;
  /** A number for a tag, the same for the whole boot. */
  tagNumber(tag: TagId): number;
}

const FIXED: readonly (readonly [number, Context])[] = [
  [CONTEXT_ID.UNLABELLED, UNLABELLED],
  [CONTEXT_ID.BASE, BASE],
  [CONTEXT_ID.PLATFORM_IN, PLATFORM_IN],
  [CONTEXT_ID.SEALED, SEALED],
];

export class Contexts {
  readonly #map: Fd;
  readonly #interning: Interning;
  readonly #ids = new Map<string, number>();
  readonly #byId = new Map<number, Context>();
  #next: number = CONTEXT_ID.FIRST;

  constructor(map: Fd, interning: Interning) {
    this.#map = map;
    this.#interning = interning;
    for (const [id, context] of FIXED) this.#put(id, context);
    for (const [id, key] of interning.contexts()) {
      this.#put(id, parseContextKey(key));
      this.#next = Math.max(this.#next, id + 1);
    }
  }

  /** The context's id; made known to the kernel when it is new. */
  idOf(context: Context): number {
    const key = contextKey(context);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    // before anything is stored: what the kernel can't hold would stop the next daemon, too
    if (this.#byId.size >= LIMITS.MAX_CONTEXTS)
      throw new KernelError(
        "E_CONTEXTS",
        `expected at most ${LIMITS.MAX_CONTEXTS} different contexts in one boot, found another`,
        "use contexts that are in use already; a reboot forgets those that nothing stored needs",
      );
    const id = this.#next;
    this.#interning.add(id, key);
    this.#put(id, context);
    this.#next++;
    return id;
  }

  /** What an id means; undefined for one that this boot did not give out. */
  meaning(id: number): Context | undefined {
    return this.#byId.get(id);
  }

  #put(id: number, context: Context): void {
    const { size, secrecy, integrity } = SHAPE.csn_context;
    const value = Buffer.alloc(size);
    this.#writeLabel(value, secrecy, context.secrecy, ALL_SECRECY);
    this.#writeLabel(value, integrity, context.integrity, ALL_INTEGRITY);
    native().mapSet(this.#map, u32(id), value, 0);
    this.#ids.set(contextKey(context), id);
    this.#byId.set(id, context);
  }

  #writeLabel<L extends SecrecyLabel | IntegrityLabel>(value: Buffer, at: number, label: L, all: L): void {
    const { count, all: allAt, tags } = SHAPE.csn_label;
    if (label === all || typeof label === "string") {
      value.writeUInt32LE(1, at + allAt);
      return;
    }
    const numbers = label.map((tag) => this.#interning.tagNumber(tag)).sort((a, b) => a - b);
    value.writeUInt32LE(numbers.length, at + count);
    numbers.forEach((number, i) => value.writeUInt32LE(number, at + tags + 4 * i));
  }
}

export function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}
