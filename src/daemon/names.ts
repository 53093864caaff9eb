/**
 * What entities are called, learned from the records themselves (and, for an unlabelled process that was
 * refused, from /proc while it lives). For people; identity is the number.
 */
import { readFileSync } from "node:fs";
import { endsText } from "../audit/index.ts";
import { ENTITY_KINDS, FLAG, KIND, LIMITS, PROCESS_PART, SHAPE } from "../kernel/index.ts";

const N = SHAPE.csn_name_record;
const P = SHAPE.csn_process_record;
const D = SHAPE.csn_process;
const R = SHAPE.csn_record;
const SOCKET = ENTITY_KINDS.indexOf("socket");
/** Names kept in memory; the oldest are forgotten first. */
const MOST = 200_000;

export type ProcessText = {
  /** Process number of its parent. */
  parent: number;
  uid: number;
  cgroup: bigint;
  program: string;
  /** Of all arguments; `arguments` holds the first of them, each ended by a zero byte. */
  argumentBytes: number;
  arguments: Buffer;
};

export class Names {
  readonly #names = new Map<string, string>();
  readonly #processes = new Map<string, ProcessText>();

  /** Looks at one record, of any kind. */
  learn(record: Buffer): void {
    const kind = record[N.kind];
    if (kind === KIND.NAME) {
      const path = pathOf(record, N.name, Math.min(record[N.parts]!, 3));
      const ends = record[N.entity_kind] === SOCKET ? endsText(record, N.name + LIMITS.NAME_BYTES) : null;
      this.#put(key(record, N.entity), ends === null ? path : `${path} ${ends}`);
    } else if (kind === KIND.PROCESS) this.#learnProcess(record);
  }

  /** What a process runs, as far as its records told. */
  process(record: Buffer, at: number): ProcessText | undefined {
    return this.#processes.get(key(record, at));
  }

  #learnProcess(record: Buffer): void {
    const entity = key(record, P.entity);
    const part = record[P.part]!;
    const told = this.#processes.get(entity);
    const at = PROCESS_PART.AT;
    if (part === 0) {
      const process = record.subarray(at);
      keep(this.#processes, entity, {
        parent: process.readUInt32LE(D.parent + 8),
        uid: process.readUInt32LE(D.uid),
        cgroup: process.readBigUInt64LE(D.cgroup),
        program: text(process, D.comm, 16),
        argumentBytes: process.readUInt32LE(D.argument_bytes),
        arguments: Buffer.alloc(0),
      });
      this.#put(entity, text(process, D.comm, 16));
    } else if (told !== undefined && part === 1) {
      told.program = pathOf(record, at, 3);
      this.#put(entity, told.program);
    } else if (told !== undefined)
      told.arguments = Buffer.concat([told.arguments, record.subarray(at)]).subarray(0, told.argumentBytes);
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
    keep(this.#names, entity, name);
  }
}

/** The newest is the last that is forgotten. */
function keep<T>(map: Map<string, T>, entity: string, value: T): void {
  map.delete(entity);
  map.set(entity, value);
  if (map.size > MOST) map.delete(map.keys().next().value!);
}

/** Up to three components, the last one first. */
function pathOf(record: Buffer, at: number, most: number): string {
  const parts: string[] = [];
  for (let i = 0; i < most; i++) {
    const part = text(record, at + i * LIMITS.NAME_BYTES, LIMITS.NAME_BYTES);
    if (part !== "") parts.unshift(part);
  }
  // a root's own name is `/`
  const path = parts.join("/").replace(/^\/\/?/, "/");
  return parts[0] === "/" ? path : `…/${path}`;
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
