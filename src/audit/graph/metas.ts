/**
 * What kinds of flows there are: contexts of both ends, operation, verdict, flags, kinds of the ends. A log has few, so
 * what a question asks of a flow (may its reader see it? is it noise?) is answered once for each kind.
 */
import { ENTITY, OP, opName, RECORD_FLAG } from "../record.ts";
import type { Contexts } from "./contexts.ts";
import { Interner } from "./interner.ts";

export type Meta = {
  /** Numbers in Contexts. */
  source: number;
  sink: number;
  op: number;
  verdict: number;
  flags: number;
  sourceKind: number;
  sinkKind: number;
  isEvent: boolean;
  /** The other direction of a flow in both: the record has the ends the other way round. */
  isReverse: boolean;
  /** A flow through shared memory, which no record tells (memory.ts). */
  isImplied: boolean;
};

const EVENT = 1;
const REVERSE = 2;
const IMPLIED = 4;

export class Metas {
  readonly #interner = new Interner();

  get size(): number {
    return this.#interner.size;
  }

  intern(source: number, sink: number, what: number, kinds: number, isEvent: boolean, isReverse: boolean) {
    const more = (isEvent ? EVENT : 0) | (isReverse ? REVERSE : 0);
    return this.#interner.intern(source, sink, what, kinds, more);
  }

  /** Of a flow through shared memory. */
  internImplied(source: number, sink: number, sourceKind: number, sinkKind: number) {
    const isSource = sourceKind === ENTITY.process ? RECORD_FLAG.ACTOR_IS_SOURCE : 0;
    const what = OP.mmap | ((RECORD_FLAG.HOLDS | isSource) << 24);
    return this.#interner.intern(source, sink, what, sourceKind | (sinkKind << 8), IMPLIED);
  }

  of(number: number): Meta {
    const [source = 0, sink = 0, what = 0, kinds = 0, more = 0] = this.#interner.key(number);
    return {
      source,
      sink,
      op: what & 0xffff,
      verdict: (what >>> 16) & 0xff,
      flags: what >>> 24,
      sourceKind: kinds & 0xff,
      sinkKind: (kinds >>> 8) & 0xff,
      isEvent: (more & EVENT) !== 0,
      isReverse: (more & REVERSE) !== 0,
      isImplied: (more & IMPLIED) !== 0,
    };
  }
}

/** It did not happen. */
export function isRefused(meta: Meta): boolean {
  return meta.verdict !== 0 && !isObserved(meta);
}

/** observe mode: it happened, and the rules would have refused it. */
export function isObserved(meta: Meta): boolean {
  return (meta.flags & RECORD_FLAG.OBSERVED) !== 0;
}

/** No record tells it: it went through shared memory. */
export function isImplied(meta: Meta): boolean {
  return meta.isImplied;
}

/** What a kind of flow is called. */
export function opOf(meta: Meta): string {
  return isImplied(meta) ? "shared memory" : opName(meta.op);
}

/**
 * What hides the rest in a picture: folders and links that are only gone through, programs and libraries of the host
 * image. By the ends and never by the operation, for of several uses of a file only the first is recorded [AUD-2].
 */
export function isNoise(meta: Meta, contexts: Contexts): boolean {
  const isWay = (kind: number) =>
    kind === ENTITY.directory || kind === ENTITY.symlink || kind === ENTITY.none;
  if (isWay(meta.sourceKind) || isWay(meta.sinkKind)) return true;
  const from = contexts.of(meta.source);
  return from !== null && from.integrity === "ALL" && from.secrecy.length === 0;
}
