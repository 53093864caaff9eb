/**
 * Programs with the data that share memory of which records do not say who holds it: what goes through it is not followed,
 * so a "no" says who they are. That is so in logs of versions before 7, and of what is recorded because the scope was
 * widened. What records say is held is followed (graph/memory.ts), but for the platform alone: for others it is as before.
 *
 * Guarantee: whoever mapped something shared that can be written, or attached a segment, and whoever came from such a one by
 * fork, is named if data reached it, in records that the reader may see. Memory that was let go again, or lost by starting
 * another program, counts as held.
 * Not covered, in such logs: who only reads through a mapping; POSIX queues.
 */
import { type Graph, isImplied, isRefused, lastPart } from "../graph/index.ts";
import { ENTITY, OP, RECORD_FLAG } from "../record.ts";
import type { Reached } from "./coverage.ts";
import { entityText } from "./entity.ts";
import { eachOfKind } from "./flows.ts";
import type { Sight } from "./reader.ts";

const MOST_NAMES = 5;

/** Null: none. */
export function sharingText(sight: Sight, reached: readonly Reached[]): string | null {
  const sharers = sharersOf(sight);
  if (sharers === null) return null;
  const names = new Set<string>();
  for (const { entity, count } of reached)
    for (let n = 0; n < count; n++)
      if (sharers[entity[n]!] === 1) names.add(lastPart(entityText(sight, entity[n]!).name));
  if (names.size === 0) return null;
  const shown = [...names].sort().slice(0, MOST_NAMES).join(", ");
  const more = names.size > MOST_NAMES ? ` and ${names.size - MOST_NAMES} more` : "";
  return `programs that had data share memory, and what went through that is not followed: ${shown}${more}`;
}

/** By entity: 1, a process with such memory. Null when nobody has. */
function sharersOf({ graph, sees, isPlatform }: Sight): Uint8Array | null {
  const what = Array.from({ length: graph.metas.size }, (_, n) =>
    sees[n] === 1 ? roleOf(graph, n, isPlatform) : 0,
  );
  if (!what.includes(SHARES)) return null;
  const sharers = new Uint8Array(graph.entities.size);
  eachOfKind(graph.flows, Uint8Array.from(what), (_, source, sink, kind) => {
    const { sinkKind } = graph.metas.of(kind);
    // attaching a segment asks twice, and says so the second time
    if (what[kind] === SAYS) sharers[source] = sharers[sink] = 0;
    else if (what[kind] === SHARES && (sinkKind !== ENTITY.ipc || graph.entities.key(sink).third === SEGMENT))
      sharers[source] = 1;
    else if (what[kind] === FORKS && sharers[source] === 1) sharers[sink] = 1;
  });
  return sharers;
}

const SHARES = 1;
const FORKS = 2;
/** Who holds something is on the record, and followed. */
const SAYS = 3;
/** In the third number of a System V object: its sort (made_sort of bpf/maps.bpf.h). */
const SEGMENT = 1;

function roleOf({ metas }: Graph, number: number, isPlatform: boolean): number {
  const meta = metas.of(number);
  const { op, flags, sourceKind, sinkKind, isEvent } = meta;
  if (isRefused(meta) || isEvent) return 0;
  if (isImplied(meta)) return 0;
  if (isPlatform && (flags & RECORD_FLAG.HOLDS) !== 0) return SAYS;
  if (sourceKind !== ENTITY.process) return 0;
  if (op === OP.fork) return FORKS;
  const isBoth = (flags & RECORD_FLAG.BOTH) !== 0;
  const isMemory = op === OP.mmap || op === OP.mprotect || (op === OP.sysv && sinkKind === ENTITY.ipc);
  return isBoth && isMemory ? SHARES : 0;
}
