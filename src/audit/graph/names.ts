/**
 * What entities are called, as the records tell it: the end of a path, a program. For people; identity is the number.
 *
 * Kept as the records have it, 80 bytes for each entity with a name, and read when somebody asks.
 */
import { NAME_BYTES, NAME_FIELD, PROCESS_FIELD, PROCESS_PARTS_SINCE, RECORD_KIND } from "../record.ts";
import { RECORD_BYTES } from "../format.ts";

/** Names that there is room for at first. */
const START = 1 << 10;
/** Of what is kept: the record's version, kind and part; the entity; what the record has from NAME_FIELD.name on. */
const KEPT = 80;
const KIND = 1;
const ENTITY_AT = 4;
const TEXT = 8;
const TEXT_BYTES = RECORD_BYTES - NAME_FIELD.name;
const NOT_ASCII = 0x80;

export class EntityNames {
  /** By entity: its place + 1; 0: it has no name. */
  #places = new Uint32Array(START);
  #kept = Buffer.alloc(START * KEPT);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#kept.length + this.#places.byteLength;
  }

  of(entity: number): string | undefined {
    const place = (this.#places[entity] ?? 0) - 1;
    return place === -1 ? undefined : this.#text(place);
  }

  /** @param at of a record that describes the entity, in its chunk; one that says nothing changes nothing */
  set(entity: number, chunk: Buffer, at: number): void {
    if (!isName(chunk, at)) return;
    if (entity >= this.#places.length) this.#places = longer(this.#places, entity);
    let place = this.#places[entity]! - 1;
    if (place === -1) {
      place = this.#count++;
      this.#places[entity] = place + 1;
      if (this.#count * KEPT > this.#kept.length)
        this.#kept = Buffer.concat([this.#kept], this.#kept.length * 2);
    }
    const to = place * KEPT;
    this.#kept.set(chunk.subarray(at, at + ENTITY_AT), to);
    this.#kept.writeUInt32LE(entity, to + ENTITY_AT);
    this.#kept.set(chunk.subarray(at + NAME_FIELD.name, at + RECORD_BYTES), to + TEXT);
  }

  /** All whose name may have this as its last part, and some more. */
  *endingIn(part: string): Generator<[entity: number, name: string]> {
    const wanted = Buffer.from(part);
    const odd = wanted.findIndex((byte) => byte >= NOT_ASCII);
    // what is no text is told with other bytes than it has; a long name is cut
    const known = wanted.subarray(0, Math.min(odd === -1 ? wanted.length : odd, NAME_BYTES - 1));
    for (let place = 0; place < this.#count; place++)
      if (this.#mayEndIn(place * KEPT, known))
        yield [this.#kept.readUInt32LE(place * KEPT + ENTITY_AT), this.#text(place)];
  }

  #mayEndIn(at: number, known: Buffer): boolean {
    const kept = this.#kept;
    const isProgram = kept[at + KIND] === RECORD_KIND.PROCESS;
    const isWord = isProgram && (kept[at]! < PROCESS_PARTS_SINCE || kept[at + PROCESS_FIELD.part] === 0);
    // a program's own word may have several parts
    if (isWord) return this.#has(at + TEXT, at + KEPT - known.length, known);
    const from = at + TEXT;
    if (kept[from] === 0) return true;
    return this.#has(from, from, known);
  }

  /** Somewhere between two places. */
  #has(from: number, to: number, known: Buffer): boolean {
    const kept = this.#kept;
    for (let at = from; at <= to; at++) {
      let same = 0;
      while (same < known.length && kept[at + same] === known[same]) same++;
      if (same === known.length) return true;
    }
    return false;
  }

  #text(place: number): string {
    const record = Buffer.alloc(RECORD_BYTES);
    const at = place * KEPT;
    this.#kept.copy(record, 0, at, at + ENTITY_AT);
    this.#kept.copy(record, NAME_FIELD.name, at + TEXT, at + TEXT + TEXT_BYTES);
    return textIn(record);
  }
}

function textIn(record: Buffer): string {
  return record[KIND] === RECORD_KIND.PROCESS ? programIn(record) : pathIn(record, record[NAME_FIELD.parts]!);
}

/** Does the record tell a name? */
function isName(chunk: Buffer, at: number): boolean {
  const isPart = (n: number) => chunk[at + NAME_FIELD.name + n * NAME_BYTES] !== 0;
  const parts = chunk[at + NAME_FIELD.parts]!;
  if (chunk[at + KIND] !== RECORD_KIND.PROCESS)
    return (parts > 0 && isPart(0)) || (parts > 1 && isPart(1)) || (parts > 2 && isPart(2));
  if (chunk[at]! < PROCESS_PARTS_SINCE) return isPart(1) || isPart(0);
  if (parts === 0) return chunk[at + PROCESS_FIELD.comm] !== 0;
  return parts === 1 && (isPart(0) || isPart(1) || isPart(2));
}

function longer(old: Uint32Array<ArrayBuffer>, index: number): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(Math.max(old.length * 2, index + 1));
  grown.set(old);
  return grown;
}

/** The path of a name record, as far as it is told: `/a/b` from the root, `…/a/b/c` otherwise. */
function pathIn(record: Buffer, parts: number, at: number = NAME_FIELD.name): string {
  const names: string[] = [];
  for (let i = 0; i < Math.min(parts, 3); i++) {
    const part = textAt(record, at + i * NAME_BYTES, NAME_BYTES);
    if (part !== "") names.unshift(part);
  }
  const path = names.join("/").replace(/^\/\/?/, "/");
  return names.length === 0 ? "" : names[0] === "/" ? path : `…/${path}`;
}

/** A process's program; "" when this part of the description does not tell. */
function programIn(record: Buffer): string {
  if (record[0]! < PROCESS_PARTS_SINCE)
    return (
      textAt(record, NAME_FIELD.name + NAME_BYTES, 2 * NAME_BYTES) || textAt(record, NAME_FIELD.name, 16)
    );
  const part = record[PROCESS_FIELD.part];
  if (part === 0) return textAt(record, PROCESS_FIELD.comm, 16);
  return part === 1 ? pathIn(record, 3, PROCESS_FIELD.path) : "";
}

function textAt(record: Buffer, at: number, length: number): string {
  const end = record.indexOf(0, at);
  const raw = record.toString("utf8", at, end === -1 || end > at + length ? at + length : end);
  // the kernel cuts a long name and ends it with a zero byte
  return end === at + length - 1 ? `${raw}…` : raw;
}
