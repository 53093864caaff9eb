/**
 * Reads CBOR (RFC 8949) strictly, for where its attributes are and for its value.
 *
 * Guarantee: no two readers can take different values for a name. Refused: names that repeat or are no text, tags, lengths that are
 * not said beforehand, heads longer than needed, text that is no UTF-8, `undefined` and other simple values, and what follows.
 * Floats of each width are taken as they are. The depth of calls is bounded by MAX_DEPTH, the time by the length.
 */
import { isUtf8 } from "node:buffer";
import { BYTES, type Head, headAt, LIST, MAP, NEGATIVE, TAG, TEXT, UNSIGNED } from "./cbor-head.ts";
import { type Found, opened } from "./found.ts";
import { MAX_DEPTH, MAX_ITEMS } from "./limits.ts";
import type { Position } from "./position.ts";
import { requirePlainName, Unfit } from "./unfit.ts";

/** `value`: as RFC 8949, section 6.1, has it in JSON, numbers as doubles. */
export interface CborReading {
  readonly found: Found[];
  readonly value: unknown;
  /** No infinity, and nothing that is no number: JSON has neither. */
  readonly isFinite: boolean;
}

/** The attributes of a data item, offsets in bytes. @throws Unfit */
export function readCbor(bytes: Buffer, start: Position): CborReading {
  return new Reader(bytes).read(start);
}

class Reader {
  readonly #bytes: Buffer;
  readonly #found: Found[] = [];
  #at = 0;
  #items = 0;
  #isFinite = true;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  read(start: Position): CborReading {
    const value = this.#value(start, 0);
    if (this.#at < this.#bytes.length) throw new Unfit("something after the value");
    return { found: this.#found, value, isFinite: this.#isFinite };
  }

  #value(here: Position, depth: number): unknown {
    const head = this.#head();
    switch (head.major) {
      case UNSIGNED:
        return Number(head.number);
      case NEGATIVE:
        return Number(-1n - head.number);
      case BYTES:
        return this.#take(head).toString("base64url");
      case TEXT:
        return this.#text(head);
      case LIST:
        return this.#list(this.#count(head), here, depth + 1);
      case MAP:
        return this.#map(this.#count(head), here, depth + 1);
      case TAG:
        throw new Unfit("a tag of CBOR");
      default:
        return this.#simple(head);
    }
  }

  #map(count: number, here: Position, depth: number): unknown {
    requireDepth(depth);
    const value: Record<string, unknown> = {};
    const names = new Set<string>();
    for (let i = 0; i < count; i++) {
      const start = this.#at;
      const head = this.#head();
      if (head.major !== TEXT) throw new Unfit("a name that is no text");
      const name = this.#text(head);
      requirePlainName(name);
      if (names.has(name)) throw new Unfit("a name twice in one map");
      names.add(name);
      value[name] = this.#part(here, here.member(name), start, depth);
    }
    return value;
  }

  #list(count: number, here: Position, depth: number): unknown {
    requireDepth(depth);
    const inner = here.element();
    const value: unknown[] = [];
    for (let i = 0; i < count; i++) value.push(this.#part(here, inner, this.#at, depth));
    return value;
  }

  #part(outer: Position, inner: Position, start: number, depth: number): unknown {
    const found = opened(this.#found, outer, inner, start);
    const value = this.#value(inner, depth);
    if (found !== null) found.end = this.#at;
    return value;
  }

  #head(): Head {
    const head = headAt(this.#bytes, this.#at);
    this.#at = head.end;
    return head;
  }

  /** Members or elements; said beforehand, so it is held against the limit before there is room for them. */
  #count({ number }: Head): number {
    const count = number > BigInt(MAX_ITEMS) ? MAX_ITEMS + 1 : Number(number);
    this.#items += count;
    if (this.#items > MAX_ITEMS) throw new Unfit(`more than ${MAX_ITEMS} members and elements`);
    return count;
  }

  #text(head: Head): string {
    const bytes = this.#take(head);
    if (!isUtf8(bytes)) throw new Unfit("text that is no UTF-8");
    return bytes.toString("utf8");
  }

  #take({ number, end }: Head): Buffer {
    if (number > BigInt(this.#bytes.length - end)) throw new Unfit("no CBOR: it is cut off");
    this.#at = end + Number(number);
    return this.#bytes.subarray(end, this.#at);
  }

  #simple({ info, end }: Head): unknown {
    if (info === 20 || info === 21) return info === 21;
    if (info === 22) return null;
    const float = this.#float(info, end);
    if (!Number.isFinite(float)) this.#isFinite = false;
    return float;
  }

  #float(info: number, end: number): number {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, end);
    if (info === 25) return view.getFloat16(end - 2);
    if (info === 26) return view.getFloat32(end - 4);
    if (info === 27) return view.getFloat64(end - 8);
    throw new Unfit("`undefined` or another simple value of CBOR");
  }
}

function requireDepth(depth: number): void {
  if (depth > MAX_DEPTH) throw new Unfit(`more than ${MAX_DEPTH} levels`);
}
