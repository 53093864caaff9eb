/**
 * The ways between two: every flow before which data of the one had arrived, and after which there is a way to the other.
 *
 * Guarantee: exactly those, and each entity at their ends, or how many more there are. An entity is on a way if data came to it before it
 * last goes on from it, so that entities are counted without looking at flows again.
 *
 * Not covered: with a depth, each entity is so far from both at most, and the whole way may be longer; where data stops at gates, it is
 * asked of the way to the flow and of the way on, not of the two together.
 */
import { BLOCK, type Block, type InTime, type Pass, type Reach, pathTo, reach } from "../graph/index.ts";
import { entityText } from "./entity.ts";
import type { Sight } from "./reader.ts";
import { stepOf } from "./steps.ts";
import type { TraceAnswer, TraceEdge, TraceNode } from "./trace.ts";

const BEFORE_ALL = -1;
const AFTER_ALL = 0x7fffffff;
/** Of an entity on the way: a flow leads to it or on from it; it is known only that data begins and ends there. */
const SURE = 1;
const BOTH_ENDS = 2;

/** @param limit of entities; how many more there are is told */
export function between(sight: Sight, there: Reach, back: Reach, limit: number): TraceAnswer {
  const { graph } = sight;
  // nothing is on a way after its last flow to where they end, nor before the first from where they begin
  const forward = reach(graph, { ...there, until: firstOf(back) });
  const backward = reach(graph, { ...back, until: firstOf(there) });
  const ways = new Ways(placesOf(forward, there, graph.entities.size), placesOf(backward, back, graph.entities.size)); // prettier-ignore
  const { follows, inTime } = there;
  const place = new Map<number, number>();
  const nodes: TraceNode[] = [];
  const edges: TraceEdge[] = [];
  const pairs = new Set<number>();
  const node = (entity: number, context: number): number => {
    const known = place.get(entity);
    if (known !== undefined) return known;
    const hops = pathTo(forward, forward.label(entity)).length;
    const at = nodes.push({ ...entityText(sight, entity), context: sight.contextText(context), hops }) - 1;
    place.set(entity, at);
    return at;
  };
  const found = new Int32Array(BLOCK);
  for (const [b, block] of graph.flows.blocks.entries()) {
    if (nodes.length >= limit && ways.unsure === 0) break;
    const { source, sink, meta } = block;
    const base = b * BLOCK;
    const count = ways.find(block, base, follows, inTime, found);
    for (let n = 0; n < count; n++) {
      const i = found[n]!;
      const [s, d] = [source[i]!, sink[i]!];
      ways.touch(s);
      ways.touch(d);
      const pair = s * 0x8000000 + d;
      if (nodes.length >= limit || pairs.has(pair)) continue;
      pairs.add(pair);
      const ends = graph.metas.of(meta[i]!);
      const step = stepOf(sight, base + i, ways.flowTo(s));
      edges.push({ from: node(s, ends.source), to: node(d, ends.sink), step });
    }
  }
  return {
    direction: "between",
    nodes,
    edges,
    roots: nodes.flatMap(({ hops }, at) => (hops === 0 ? [at] : [])),
    refused: [],
    leftOut: { entities: ways.entities - ways.unsure - nodes.length, refused: 0 },
  };
}

/** Where a pass begins; undefined: anywhere. */
function firstOf({ direction, roots, begins }: Reach): number | undefined {
  if (begins !== undefined || roots.length === 0) return undefined;
  const first = direction === "from" ? Math.min : Math.max;
  // not all at once: a program's name stands for more processes than a call takes arguments
  return roots.reduce((place, { at }) => first(place, at), roots[0]!.at);
}

/** By entity: the flow after which data that a pass reached goes on from there (forward), before which it came (backward). */
type Places = { at: Int32Array; isEnd: Uint8Array };

class Ways {
  readonly came: Places;
  readonly goes: Places;
  /** How many there are, and of how many it is not known yet whether a flow of the way is at them. */
  entities = 0;
  unsure = 0;
  /** By entity: not 0, it is on a way. */
  readonly #marks: Uint8Array;

  constructor(came: Places, goes: Places) {
    [this.came, this.goes] = [came, goes];
    this.#marks = new Uint8Array(came.at.length);
    this.entities = markWays(came, goes, this.#marks);
    for (
      let entity = this.#marks.indexOf(BOTH_ENDS);
      entity !== -1;
      entity = this.#marks.indexOf(BOTH_ENDS, entity + 1)
    )
      this.unsure++;
  }

  /** By which data came to an entity; -1: it begins there. */
  flowTo(entity: number): number {
    return this.came.isEnd[entity] === 0 ? this.came.at[entity]! : -1;
  }

  touch(entity: number): void {
    if (this.#marks[entity] !== BOTH_ENDS) return;
    this.#marks[entity] = SURE;
    this.unsure--;
  }

  /** @param found gets the places of those flows of a block that are on a way @returns how many there are */
  find(
    block: Block,
    base: number,
    follows: Uint8Array,
    inTime: InTime | undefined,
    found: Int32Array,
  ): number {
    const isIn = inTime === undefined ? true : inTime.block(base / BLOCK);
    if (isIn === false) return 0;
    const count = onTheWay(block, base, this.#marks, this.came.at, this.goes.at, follows, found);
    if (isIn === true) return count;
    let left = 0;
    for (let n = 0; n < count; n++) if (inTime!.flow(base + found[n]!)) found[left++] = found[n]!;
    return left;
  }
}

/** @returns how many */
function markWays(came: Places, goes: Places, marks: Uint8Array): number {
  const [from, to] = [came.at, goes.at];
  let count = 0;
  for (let entity = 0; entity < marks.length; entity++) {
    if (from[entity]! >= to[entity]!) continue;
    marks[entity] = (came.isEnd[entity]! & goes.isEnd[entity]!) !== 0 ? BOTH_ENDS : SURE;
    count++;
  }
  return count;
}

function onTheWay(
  { n, source, sink, meta }: Block, base: number, marks: Uint8Array,
  came: Int32Array, goes: Int32Array, follows: Uint8Array, found: Int32Array,
): number {
  let count = 0;
  for (let i = 0; i < n; i++) {
    const s = source[i]!;
    const d = sink[i]!;
    if (marks[s] === 0 || marks[d] === 0) continue;
    if (came[s]! < base + i && goes[d]! > base + i && follows[meta[i]!] !== 0) found[count++] = i;
  }
  return count;
} // prettier-ignore

function placesOf(pass: Pass, { direction, roots }: Reach, size: number): Places {
  const isForward = direction === "from";
  const aside = isForward ? -1 : 1;
  const at = new Int32Array(size).fill(isForward ? AFTER_ALL : BEFORE_ALL);
  const isEnd = new Uint8Array(size);
  const begins = new Map<number, number>();
  for (const root of roots) {
    const known = begins.get(root.entity) ?? root.at;
    begins.set(root.entity, isForward ? Math.min(known, root.at) : Math.max(known, root.at));
  }
  const { entity: owners, flow: flows } = pass;
  // the first label of an entity counts: it comes last
  for (let label = pass.count - 1; label >= 0; label--) {
    const entity = owners[label]!;
    const flow = flows[label]!;
    if (flow !== -1) {
      at[entity] = flow;
      if (isEnd[entity] !== 0) isEnd[entity] = 0;
      continue;
    }
    const began = pass.began(label);
    // a beginning goes on by the flow that made it one, too
    at[entity] = aside + (began === -1 ? begins.get(entity)! : began);
    isEnd[entity] = 1;
  }
  return { at, isEnd };
}
