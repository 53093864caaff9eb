/**
 * Shadows: what data is besides what the context says of where it lies, because an observed program took it there. [SUBJ-5]
 *
 * A flow that happened against the rules gives its sink what the sink's context lacks: secrecy tags that it should carry, and
 * integrity tags that it claims and that the data does not have. From there it goes on with each flow on the record. All
 * programs of one compartment are one end: they share what they know in ways that are not recorded.
 *
 * Guarantee: it follows the records in their order, and what a flow carried is itself on the record, so it outlives the
 * daemon. It refuses nobody. It may say too much (a file that was emptied keeps its shadow), never less than the records tell.
 * Not covered: flows that are not recorded, as those between two unlabelled programs that are not observed [FLOW-4];
 * what is on no disk after the next boot.
 */
import { ENTITY_KINDS, SHAPE } from "../kernel/index.ts";
import { type Context, isAll, parseTagId, type TagId } from "../label/index.ts";

/** Sorted; both may be empty. */
export type Shadow = { readonly secrecy: readonly TagId[]; readonly integrity: readonly TagId[] };

/** Of one recorded flow that happened. */
export type Moved = {
  readonly record: Buffer;
  readonly source: Context;
  readonly sink: Context;
  /** What moved the other way as well [OP-3]. */
  readonly both: boolean;
};

const R = SHAPE.csn_record;
const PROCESS = ENTITY_KINDS.indexOf("process");
/** Ends that keep what they are given: not addresses, nor people. */
const KEEPING = ["process", "file", "directory", "symlink", "pipe", "socket", "device", "anon", "ipc", "key"];
const ON_DISK = ["file", "directory", "symlink"];
const MINOR_BITS = 20;

export class Shadows {
  readonly #of = new Map<string, Shadow>();
  /** Those whose inodes are on a disk. */
  readonly #lasting = new Set<string>();

  /** What the flow carries; null: nothing. Both ends have it from now on. */
  follow({ record, source, sink, both }: Moved): Shadow | null {
    const [from, to] = [
      keyOf(record, R.source, record[R.source_kind]!),
      keyOf(record, R.sink, record[R.sink_kind]!),
    ];
    if (this.#of.size === 0 && flows(source, sink) && (!both || flows(sink, source))) return null;
    const there = carried(source, this.at(from), sink);
    const back = both ? carried(sink, this.at(to), source) : null;
    this.#add(to, record, R.sink, record[R.sink_kind]!, there);
    this.#add(from, record, R.source, record[R.source_kind]!, back);
    return there === null ? back : back === null ? there : merge(there, back);
  }

  /** A flow that is on the record with what it carried. */
  learn({ record, source, sink, both }: Moved, shadow: Shadow): void {
    const [from, to] = [record[R.source_kind]!, record[R.sink_kind]!];
    this.#add(keyOf(record, R.sink, to), record, R.sink, to, unsaid(shadow, sink));
    // what went one way was at that end before: to have it told again adds nothing
    if (both) this.#add(keyOf(record, R.source, from), record, R.source, from, unsaid(shadow, source));
  }

  ofCompartment(compartment: number): Shadow | null {
    return compartment === 0 ? null : (this.#of.get(`c${compartment}`) ?? null);
  }

  /** After a boot: what was in memory is gone, and its numbers are given out again. */
  forgetMemory(): void {
    for (const key of this.#of.keys()) if (!this.#lasting.has(key)) this.#of.delete(key);
  }

  /** The compartment has ended; its number may be given out again. */
  forgetCompartment(compartment: number): void {
    this.#of.delete(`c${compartment}`);
  }

  at(key: string | null): Shadow | null {
    return key === null ? null : (this.#of.get(key) ?? null);
  }

  #add(key: string | null, record: Buffer, at: number, kind: number, shadow: Shadow | null): void {
    if (key === null || shadow === null) return;
    const before = this.#of.get(key);
    this.#of.set(key, before === undefined ? shadow : merge(before, shadow));
    if (ON_DISK.includes(ENTITY_KINDS[kind]!) && record.readUInt32LE(at + 8) >>> MINOR_BITS !== 0)
      this.#lasting.add(key);
  }
}

/** What arrives at the sink and is not said by its context. */
function carried(source: Context, shadow: Shadow | null, sink: Context): Shadow | null {
  const has = isAll(sink.secrecy) ? null : new Set(sink.secrecy);
  const secret = [...(isAll(source.secrecy) ? [] : source.secrecy), ...(shadow?.secrecy ?? [])];
  const lost = new Set(shadow?.integrity);
  const vouched = isAll(source.integrity) ? null : new Set(source.integrity);
  const secrecy = has === null ? [] : secret.filter((tag) => !has.has(tag));
  const integrity = isAll(sink.integrity)
    ? []
    : sink.integrity.filter((tag) => lost.has(tag) || !(vouched === null || vouched.has(tag)));
  return secrecy.length + integrity.length === 0
    ? null
    : { secrecy: sorted(secrecy), integrity: sorted(integrity) };
}

/** The part of it that an end of this context does not have by its context. */
function unsaid(shadow: Shadow, { secrecy, integrity }: Context): Shadow | null {
  const left: Shadow = {
    secrecy: isAll(secrecy) ? [] : shadow.secrecy.filter((tag) => !secrecy.includes(tag)),
    integrity: isAll(integrity) ? [] : shadow.integrity.filter((tag) => integrity.includes(tag)),
  };
  return left.secrecy.length + left.integrity.length === 0 ? null : left;
}

/** Nothing arrives that the sink's context does not say; of the ends' contexts alone. */
function flows(source: Context, sink: Context): boolean {
  return carried(source, null, sink) === null;
}

function merge(a: Shadow, b: Shadow): Shadow {
  return {
    secrecy: sorted([...a.secrecy, ...b.secrecy]),
    integrity: sorted([...a.integrity, ...b.integrity]),
  };
}

function sorted(tags: readonly TagId[]): readonly TagId[] {
  return [...new Set(tags)].sort();
}

function keyOf(record: Buffer, at: number, kind: number): string | null {
  const compartment = kind === PROCESS ? record.readUInt32LE(at + 12) : 0;
  if (compartment !== 0) return `c${compartment}`;
  const name = ENTITY_KINDS[kind] ?? "";
  if (!KEEPING.includes(name)) return null;
  // an inode is one whatever kind it is called
  const group = ["process", "ipc", "key"].includes(name) ? name : "inode";
  return `${group}:${record.toString("latin1", at, at + SHAPE.csn_entity.size)}`;
}

/** As it is kept. */
export function shadowText({ secrecy, integrity }: Shadow): string {
  return `S=${secrecy.join(",")};I=${integrity.join(",")}`;
}

/** @throws when it is none */
export function parseShadow(text: string): Shadow {
  const [, secrecy, integrity] = /^S=([^;]*);I=([^;]*)$/.exec(text)!;
  const read = (list: string) => (list === "" ? [] : list.split(",").map(parseTagId));
  return { secrecy: read(secrecy!), integrity: read(integrity!) };
}
