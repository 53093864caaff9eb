/**
 * Reads JSON (RFC 8259) strictly, for where its attributes are.
 *
 * Guarantee: what is accepted, JSON.parse accepts too, and no reader can take another value for a name than was judged here: names
 * that repeat (also when written with escapes), lone surrogates, a mark of byte order, numbers that are infinite to some, and what
 * follows the value are refused.
 * The depth of calls is bounded by MAX_DEPTH, the time by the length.
 * Not covered: readers that take `Name` for `name`, or names that only look alike; a schema with `additionalProperties: false`
 * refuses those.
 */
import { type Found, opened } from "./found.ts";
import { MAX_DEPTH, MAX_ITEMS } from "./limits.ts";
import type { Position } from "./position.ts";
import { requirePlainName, Unfit } from "./unfit.ts";

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const HEX4 = /[0-9a-fA-F]{4}/y;
/** What makes the end of a string more than the next quote. */
const SPECIAL = /[\u0000-\u001f\\]/;

/** The attributes of a text, offsets in characters. @throws Unfit */
export function readJson(text: string, start: Position): Found[] {
  return new Reader(text).read(start);
}

/** Space outside of strings. */
export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

class Reader {
  readonly #text: string;
  readonly #found: Found[] = [];
  readonly #isPlain: boolean;
  #at = 0;
  #items = 0;

  constructor(text: string) {
    this.#text = text;
    this.#isPlain = !SPECIAL.test(text);
  }

  read(start: Position): Found[] {
    this.#space();
    this.#value(start, 0);
    this.#space();
    if (this.#at < this.#text.length) throw new Unfit("something after the value");
    return this.#found;
  }

  #value(here: Position, depth: number): void {
    const first = this.#text[this.#at];
    if (first === '"') this.#string();
    else if (first === "{") this.#map(here, depth + 1);
    else if (first === "[") this.#list(here, depth + 1);
    else this.#scalar();
  }

  #map(here: Position, depth: number): void {
    if (!this.#opens(depth, "}")) return;
    const names = new Set<string>();
    do {
      this.#space();
      const start = this.#at;
      const name = this.#name();
      if (names.has(name)) throw new Unfit("a name twice in one map");
      names.add(name);
      this.#space();
      if (!this.#take(":")) throw new Unfit("no JSON: expected `:`");
      this.#space();
      this.#part(here, here.member(name), start, depth);
    } while (this.#take(","));
    if (!this.#take("}")) throw new Unfit("no JSON: expected `,` or `}`");
  }

  #list(here: Position, depth: number): void {
    if (!this.#opens(depth, "]")) return;
    const inner = here.element();
    do {
      this.#space();
      this.#part(here, inner, this.#at, depth);
    } while (this.#take(","));
    if (!this.#take("]")) throw new Unfit("no JSON: expected `,` or `]`");
  }

  /** Is there anything before the closing bracket? */
  #opens(depth: number, close: string): boolean {
    if (depth > MAX_DEPTH) throw new Unfit(`more than ${MAX_DEPTH} levels`);
    this.#at++;
    this.#space();
    return !this.#take(close);
  }

  #part(outer: Position, inner: Position, start: number, depth: number): void {
    if (++this.#items > MAX_ITEMS) throw new Unfit(`more than ${MAX_ITEMS} members and elements`);
    const found = opened(this.#found, outer, inner, start);
    this.#value(inner, depth);
    if (found !== null) found.end = this.#at;
    this.#space();
  }

  #name(): string {
    if (this.#text[this.#at] !== '"') throw new Unfit("no JSON: expected a name");
    const start = this.#at;
    const hasEscapes = this.#string();
    const written = this.#text.slice(start, this.#at);
    const name = hasEscapes ? (JSON.parse(written) as string) : written.slice(1, -1);
    requirePlainName(name);
    return name;
  }

  /** Says whether there were escapes. */
  #string(): boolean {
    const text = this.#text;
    if (this.#isPlain) {
      const end = text.indexOf('"', this.#at + 1);
      if (end === -1) throw new Unfit("no JSON: a string without an end");
      this.#at = end + 1;
      return false;
    }
    let hasEscapes = false;
    for (let at = this.#at + 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === 0x22) {
        this.#at = at + 1;
        return hasEscapes;
      }
      if (code < 0x20) throw new Unfit("no JSON: a control character in a string");
      if (code === 0x5c) {
        at = this.#escape(at + 1);
        hasEscapes = true;
      }
    }
    throw new Unfit("no JSON: a string without an end");
  }

  /** @param at of what follows the backslash; gives where its last character is */
  #escape(at: number): number {
    const kind = this.#text[at] ?? "";
    if (kind !== "u") {
      if (kind === "" || !'"\\/bfnrt'.includes(kind)) throw new Unfit("no JSON: an escape that there is not");
      return at;
    }
    const unit = this.#unit(at + 1);
    if (unit < 0xd800 || unit > 0xdfff) return at + 4;
    const isPair = unit < 0xdc00 && this.#text.startsWith("\\u", at + 5);
    const low = isPair ? this.#unit(at + 7) : 0;
    if (low < 0xdc00 || low > 0xdfff) throw new Unfit("half of a surrogate pair");
    return at + 10;
  }

  #unit(at: number): number {
    HEX4.lastIndex = at;
    const digits = HEX4.exec(this.#text)?.[0];
    if (digits === undefined) throw new Unfit("no JSON: an escape that there is not");
    return Number.parseInt(digits, 16);
  }

  #scalar(): void {
    for (const word of ["true", "false", "null"])
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return;
      }
    NUMBER.lastIndex = this.#at;
    const number = NUMBER.exec(this.#text)?.[0];
    if (number === undefined) throw new Unfit("no JSON: expected a value");
    if (!Number.isFinite(Number(number))) throw new Unfit("a number beyond all doubles");
    this.#at = NUMBER.lastIndex;
  }

  #space(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }
}
