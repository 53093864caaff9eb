/**
 * What entities are called, learned from the records themselves (and, for an unlabelled process that was
 * refused, from /proc while it lives). For people; identity is the number.
 */
import { readFileSync } from "node:fs";
import { FLAG, KIND, LIMITS, SHAPE } from "../kernel/index.ts";

const N = SHAPE.csn_name_record;
const R = SHAPE.csn_record;
/** Names kept in memory; the oldest are forgotten first. */
const MOST = 200_000;

export class Names {
  readonly #names = new Map<string, string>();

  /** Looks at one record, of any kind. */
  learn(record: Buffer): void {
    const kind = record[N.kind];
    if (kind === KIND.NAME) {
      const parts: string[] = [];
      for (let i = 0; i < record[N.parts]!; i++)
        parts.unshift(text(record, N.name + i * LIMITS.NAME_BYTES, LIMITS.NAME_BYTES));
      // a root's own name is `/`
      const path = parts.join("/").replace(/^\/\/?/, "/");
      this.#put(key(record, N.entity), parts[0] === "/" ? path : `…/${path}`);
    } else if (kind === KIND.PROCESS) {
      const program = text(record, N.name + LIMITS.NAME_BYTES, 2 * LIMITS.NAME_BYTES);
      this.#put(key(record, N.entity), program || text(record, N.name, 16));
    }
  }

  /** The acting process of a flow, from /proc, if it is still there and not known yet. */
  learnActor(record: Buffer): void {
    const at = record[R.flags]! & FLAG.ACTOR_IS_SOURCE ? R.source : R.sink;
    const entity = key(record, at);
    if (this.#names.has(entity)) return;
    try {
      this.#put(entity, readFileSync(`/proc/${record.readUInt32LE(R.pid)}/comm`, "utf8").trimEnd());
    } catch {
      // it has ended: its pid has to do
    }
  }

  /** @param at offset of the entity in the record */
  of(record: Buffer, at: number): string | undefined {
    return this.#names.get(key(record, at));
  }

  #put(entity: string, name: string): void {
    this.#names.delete(entity);
    this.#names.set(entity, name);
    if (this.#names.size > MOST) this.#names.delete(this.#names.keys().next().value!);
  }
}

function key(record: Buffer, at: number): string {
  return record.toString("latin1", at, at + SHAPE.csn_entity.size);
}

function text(record: Buffer, at: number, length: number): string {
  const end = record.indexOf(0, at);
  const raw = record.toString("utf8", at, end === -1 || end > at + length ? at + length : end);
  // the kernel cuts a long name and ends it with a zero byte
  return end === at + length - 1 ? `${raw}…` : raw;
}
