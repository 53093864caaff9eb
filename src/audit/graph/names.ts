/**
 * What entities are called, as the records tell it: the end of a path, a program. For people; identity is the number.
 */
import { NAME_BYTES, NAME_FIELD, PROCESS_FIELD, PROCESS_PARTS_SINCE } from "../record.ts";

export class EntityNames {
  readonly #names = new Map<number, string>();

  get size(): number {
    return this.#names.size;
  }

  of(entity: number): string | undefined {
    return this.#names.get(entity);
  }

  set(entity: number, name: string): void {
    if (name !== "") this.#names.set(entity, name);
  }

  entries(): IterableIterator<[number, string]> {
    return this.#names.entries();
  }
}

/** The path of a name record, as far as it is told: `/a/b` from the root, `…/a/b/c` otherwise. */
export function pathIn(record: Buffer, parts: number, at: number = NAME_FIELD.name): string {
  const names: string[] = [];
  for (let i = 0; i < Math.min(parts, 3); i++) {
    const part = textAt(record, at + i * NAME_BYTES, NAME_BYTES);
    if (part !== "") names.unshift(part);
  }
  const path = names.join("/").replace(/^\/\/?/, "/");
  return names.length === 0 ? "" : names[0] === "/" ? path : `…/${path}`;
}

/** A process's program; "" when this part of the description does not tell. */
export function programIn(record: Buffer): string {
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
