/**
 * What entities are called, as the records tell it: the end of a path, a program. For people; identity is the number.
 *
 * Kept as the records have it, 80 bytes for each entity with a name, and read when somebody asks.
 */
import { endsText } from "../channel.ts";
import { grown } from "./grown.ts";
import {
  ENTITY,
  NAME_BYTES,
  NAME_FIELD,
  PROCESS_FIELD,
  PROCESS_PARTS_SINCE,
  RECORD_KIND,
} from "../record.ts";
import { RECORD_BYTES } from "../format.ts";

/** Names that there is room for at first. */
const START = 1 << 10;
/** Of what is kept: the record's version, kind and part; the entity; what the record has from NAME_FIELD.name on. */
const KEPT = 80;
const KIND = 1;
const ENTITY_AT = 4;
const TEXT = 8;
const COMM_BYTES = 16;
const COMM_AT = TEXT + PROCESS_FIELD.comm - NAME_FIELD.name;
const NOT_ASCII = 0x80;
const SLASH = 0x2f;
/** Of a last part that may be told with other bytes than the record has, since it was cut or is no plain text: it may be anything. */
const ANY = 0;

export class EntityNames {
  /** By entity: its place + 1; 0: it has no name. */
  #places = new Uint32Array(START);
  #kept = Buffer.alloc(START * KEPT);
  /** By place: a hash of the last part, or ANY: so that a name is found without reading all of them. */
  #lasts = new Uint32Array(START);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#kept.length + this.#places.byteLength + this.#lasts.byteLength;
  }

  of(entity: number): string | undefined {
    const place = (this.#places[entity] ?? 0) - 1;
    return place === -1 ? undefined : this.#text(place);
  }

  /** @param at of a record that describes the entity, in its chunk; one that says nothing changes nothing */
  set(entity: number, chunk: Buffer, at: number): void {
    if (!isName(chunk, at)) return;
    if (entity >= this.#places.length) this.#places = grown(this.#places, entity);
    let place = this.#places[entity]! - 1;
    if (place === -1) {
      place = this.#count++;
      this.#places[entity] = place + 1;
      if (this.#count * KEPT > this.#kept.length) {
        this.#kept = Buffer.concat([this.#kept], this.#kept.length * 2);
        this.#lasts = grown(this.#lasts, place);
      }
    }
    const to = place * KEPT;
    this.#kept.set(chunk.subarray(at, at + ENTITY_AT), to);
    this.#kept.writeUInt32LE(entity, to + ENTITY_AT);
    this.#kept.set(chunk.subarray(at + NAME_FIELD.name, at + RECORD_BYTES), to + TEXT);
    this.#lasts[place] = lastOf(this.#kept, to);
  }

  /** All whose name may have this as its last part, and some more. */
  *endingIn(part: string): Generator<[entity: number, name: string]> {
    const wanted = Buffer.from(part);
    const hash = hashOf(wanted, 0, wanted.length);
    const lasts = this.#lasts;
    for (let place = 0; place < this.#count; place++) {
      const last = lasts[place]!;
      if (last === hash || last === ANY || hash === ANY)
        yield [this.#kept.readUInt32LE(place * KEPT + ENTITY_AT), this.#text(place)];
    }
  }

  /** All whose name has just this as its last part. */
  called(part: string): number[] {
    const wanted = Buffer.from(part);
    const hash = hashOf(wanted, 0, wanted.length);
    const [lasts, kept, found] = [this.#lasts, this.#kept, [] as number[]];
    for (let place = 0; place < this.#count; place++) {
      const last = lasts[place]!;
      if (last !== hash && last !== ANY && hash !== ANY) continue;
      const isSure = last !== ANY && last === hash;
      if (isSure ? isLast(kept, place * KEPT, wanted) : lastPart(this.#text(place)) === part)
        found.push(kept.readUInt32LE(place * KEPT + ENTITY_AT));
    }
    return found;
  }

  #text(place: number): string {
    const at = place * KEPT;
    const isProcess = this.#kept[at + KIND] === RECORD_KIND.PROCESS;
    if (isProcess) return programIn(this.#kept, at);
    const path = pathIn(this.#kept, this.#kept[at + NAME_FIELD.parts]!, at + TEXT);
    const isSocket = this.#kept[at + NAME_FIELD.entity_kind] === ENTITY.socket;
    const ends = isSocket ? endsText(this.#kept, at + TEXT + NAME_BYTES) : null;
    return ends === null ? path : `${path} ${ends}`;
  }
}

/** A hash of the last part of what is kept at a place. */
function lastOf(kept: Buffer, at: number): number {
  const [from, most] = roomOf(kept, at);
  let [begin, end] = [from, from];
  for (; end < most && kept[end] !== 0; end++) if (kept[end] === SLASH) begin = end + 1;
  // a name that fills its room was cut
  return end === most ? ANY : hashOf(kept, begin, end);
}

/** Where the name at a place has its end, and where at most that ends. */
function roomOf(kept: Buffer, at: number): [from: number, most: number] {
  const isProcess = kept[at + KIND] === RECORD_KIND.PROCESS;
  const text = at + TEXT;
  if (isProcess && kept[at]! < PROCESS_PARTS_SINCE)
    return kept[text + NAME_BYTES] === 0
      ? [text, text + COMM_BYTES - 1]
      : [text + NAME_BYTES, text + 3 * NAME_BYTES - 1];
  const isWord = isProcess && kept[at + PROCESS_FIELD.part] === 0;
  return isWord ? [at + COMM_AT, at + COMM_AT + COMM_BYTES - 1] : [text, text + NAME_BYTES - 1];
}

/** Of a name whose last part is told as it is: is it this one? */
function isLast(kept: Buffer, at: number, part: Buffer): boolean {
  const [from] = roomOf(kept, at);
  let [begin, end] = [from, from];
  for (; kept[end] !== 0; end++) if (kept[end] === SLASH) begin = end + 1;
  if (end - begin !== part.length) return false;
  for (let n = 0; n < part.length; n++) if (kept[begin + n] !== part[n]) return false;
  return true;
}

export function lastPart(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** FNV-1a; ANY for nothing, and for what is no ASCII. */
function hashOf(bytes: Buffer, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    if (byte >= NOT_ASCII) return ANY;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return from === to ? ANY : (hash | 1) >>> 0;
}

/** Does a record tell a name? */
function isName(chunk: Buffer, at: number): boolean {
  const isPart = (n: number) => chunk[at + NAME_FIELD.name + n * NAME_BYTES] !== 0;
  const parts = chunk[at + NAME_FIELD.parts]!;
  if (chunk[at + KIND] !== RECORD_KIND.PROCESS)
    return (parts > 0 && isPart(0)) || (parts > 1 && isPart(1)) || (parts > 2 && isPart(2));
  if (chunk[at]! < PROCESS_PARTS_SINCE) return isPart(1) || isPart(0);
  if (parts === 0) return chunk[at + PROCESS_FIELD.comm] !== 0;
  return parts === 1 && (isPart(0) || isPart(1) || isPart(2));
}

/** The path at a place, as far as it is told: `/a/b` from the root, `…/a/b/c` otherwise. */
function pathIn(kept: Buffer, parts: number, at: number): string {
  const names: string[] = [];
  for (let i = 0; i < Math.min(parts, 3); i++) {
    const part = textAt(kept, at + i * NAME_BYTES, NAME_BYTES);
    if (part !== "") names.unshift(part);
  }
  const path = names.join("/").replace(/^\/\/?/, "/");
  return names.length === 0 ? "" : names[0] === "/" ? path : `…/${path}`;
}

/** The program of a process that is kept at a place; "" when this part of the description does not tell. */
function programIn(kept: Buffer, at: number): string {
  const text = at + TEXT;
  if (kept[at]! < PROCESS_PARTS_SINCE)
    return textAt(kept, text + NAME_BYTES, 2 * NAME_BYTES) || textAt(kept, text, COMM_BYTES);
  const part = kept[at + PROCESS_FIELD.part];
  if (part === 0) return textAt(kept, at + COMM_AT, COMM_BYTES);
  return part === 1 ? pathIn(kept, 3, text) : "";
}

function textAt(bytes: Buffer, at: number, length: number): string {
  const end = bytes.indexOf(0, at);
  const raw = bytes.toString("utf8", at, end === -1 || end > at + length ? at + length : end);
  // the kernel cuts a long name and ends it with a zero byte
  return end === at + length - 1 ? `${raw}…` : raw;
}
