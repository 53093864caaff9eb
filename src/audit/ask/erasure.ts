/**
 * What became of an owner's data: everything that the record says was derived from it, for who has to erase it.
 *
 * Guarantee: each file, person and address to which a path leads from what had one of the tags, flows following each other in
 * time, among the records that the reader may see; and each way in which data left a tag (gate, person, change of label)
 * on such a path. What is not shown is counted. [AUD-4, AUD-5]
 *
 * Not covered: whether what is in a file is still that data: flows are judged, not contents.
 */
import type { TagId } from "../../label/index.ts";
import { type Block, BLOCK, Interner, isRefused } from "../graph/index.ts";
import { ENTITY } from "../record.ts";
import { type Coverage, coverageOf } from "./coverage.ts";
import { type EntityText, entityText } from "./entity.ts";
import { AskError } from "./error.ts";
import type { ContextText, Sight } from "./reader.ts";
import { crossesAlone, endsOf, type Ends, type Step, stepOf } from "./steps.ts";

export type ErasureAsk = {
  /** `alice`, `user:alice`, or a tag `alice/medical`. */
  of: string;
  limit?: number | undefined;
};

export type Trail = {
  thing: EntityText;
  /** When data first reached it, or it was first seen to have it. */
  since: string;
  /** As the last record of it tells. */
  context: ContextText | null;
  /** Does it still have one of the tags, by that? */
  labelled: boolean;
};
export type ErasureAnswer = {
  asked: string;
  tags: string[];
  files: Trail[];
  /** How data left the tags, each with how often the record has it. */
  left: (Ends & { step: Step; times: number })[];
  people: Trail[];
  addresses: Trail[];
  leftOut: number;
  coverage: Coverage;
};

const LIMIT = 1000;
const MOST = 100_000;

/** @throws AskError E_ASK_NOTHING when the reader knows no such tag */
export function erasure(sight: Sight, ask: ErasureAsk, damaged: readonly string[] = []): ErasureAnswer {
  const tags = tagsOf(sight, ask.of);
  const { holdings, left } = follow(sight, tags);
  const limit = Math.min(ask.limit ?? LIMIT, MOST);
  const { files, people, addresses, leftOut } = trails(sight, tags, holdings, limit);
  const ways = left
    .slice(0, limit)
    .map(({ flow, before, times }) =>
      Object.assign(endsOf(sight, flow), { step: stepOf(sight, flow, before), times }),
    );
  const coverage = coverageOf(sight, [holdings], damaged);
  coverage.limits.unshift("which files got data is told, not whether it is still in them; copies outside this host, in backups and in snapshots are not known"); // prettier-ignore
  const more = leftOut + Math.max(0, left.length - limit);
  return { asked: ask.of, tags: tags.map((tag) => sight.tagText(tag)), files, left: ways, people, addresses, leftOut: more, coverage }; // prettier-ignore
}

/** What is told of those that hold data, by kind of entity; 0: nothing. */
const FILE = 1;
const PERSON = 2;
const ADDRESS = 3;
const TOLD_AS = new Uint8Array(256);
for (const kind of ["file", "directory", "symlink"] as const) TOLD_AS[ENTITY[kind]] = FILE;
TOLD_AS[ENTITY.principal] = PERSON;
TOLD_AS[ENTITY.address] = ADDRESS;

/** @param limit of each kind; how many more there are is counted */
function trails(sight: Sight, tags: readonly TagId[], holdings: Holdings, limit: number) {
  const told: Trail[][] = [[], [], [], []];
  const { entities } = sight.graph;
  let leftOut = 0;
  for (let n = 0; n < holdings.count; n++) {
    const entity = holdings.entity[n]!;
    const as = TOLD_AS[entities.kind(entity)]!;
    if (as === 0) continue;
    if (told[as]!.length < limit) told[as]!.push(trailOf(sight, tags, holdings, n));
    else leftOut++;
  }
  return { files: told[FILE]!, people: told[PERSON]!, addresses: told[ADDRESS]!, leftOut };
}

/** @param n of the holders */
function trailOf(sight: Sight, tags: readonly TagId[], holdings: Holdings, n: number): Trail {
  const entity = holdings.entity[n]!;
  const context = holdings.context(entity);
  return {
    thing: entityText(sight, entity),
    since: sight.timeText(holdings.since[n]!),
    context: sight.contextText(context),
    labelled: tags.some((tag) => sight.graph.contexts.has(context, tag)),
  };
}

function tagsOf(sight: Sight, of: string): TagId[] {
  const one = sight.tagNamed(of);
  const found = one === null ? ownedBy(of.replace(/^user:/, ""), sight.reader.tags) : [one];
  if (found.length > 0) return found;
  throw new AskError(
    "E_ASK_NOTHING",
    `expected a tag, or an owner of tags, that you may know of, found nothing for ${JSON.stringify(of)}`,
    "`alice`, `user:alice` or `alice/medical`; `csn tag list` shows tags",
  );
}

function ownedBy(owner: string, names: Readonly<Record<string, string>>): TagId[] {
  const mine = Object.entries(names).filter(([, name]) => name.startsWith(`${owner}/`));
  return mine.map(([id]) => id as TagId).sort();
}

type Left = { flow: number; before: number; times: number };

/** One pass over all flows: what has the data, and where it went on without a tag that it came with. */
function follow(sight: Sight, tags: readonly TagId[]): { holdings: Holdings; left: Left[] } {
  const { graph, sees } = sight;
  const { contexts, flows } = graph;
  const metas = Array.from({ length: graph.metas.size }, (_, n) => graph.metas.of(n));
  const follows = sees.map((seen, n) => (seen === 1 && !isRefused(metas[n]!) ? 1 : 0));
  const lost = (from: number, to: number) =>
    tags.some((tag) => contexts.hasSecret(from, tag) && !contexts.hasSecret(to, tag));
  const begins = metas.map(({ source }) => tags.some((tag) => contexts.has(source, tag)));
  const leaves = metas.map(({ source, sink }) => lost(source, sink));
  const alone = metas.map((_, n) => crossesAlone(graph, n));
  /** By context under which data came: the kinds of flows that go on without a tag of it. */
  const rows = new Map<number, readonly boolean[]>();
  const leavesAfter = (context: number): readonly boolean[] => {
    const row = rows.get(context) ?? metas.map(({ source }, n) => !alone[n]! && lost(context, source));
    rows.set(context, row);
    return row;
  };
  const holdings = new Holdings(graph.entities.size);
  const left: Left[] = [];
  // source, sink, kind and that of the flow before, to tell which are alike
  const ways = new Interner();
  const leave = (flow: number, before: number, source: number, sink: number, n: number) => {
    const number = ways.intern(source, sink, n, before === -1 ? 0 : flows.meta(before) + 1, 0);
    if (number === left.length) left.push({ flow, before, times: 1 });
    else left[number]!.times++;
  };
  const visit = (at: number, source: number, sink: number, n: number) => {
    const meta = metas[n]!;
    if (begins[n]!) holdings.hold(source, meta.source, -1, at);
    // nothing of it is there: but this may be how the record last tells of the sink
    if (!holdings.has(source)) {
      holdings.tell(sink, meta.sink);
      return;
    }
    if (leaves[n]!) leave(at, -1, source, sink, n);
    else if (!holdings.hasOnly(source, meta.source))
      holdings.eachWay(source, (context, flow) => {
        if (leavesAfter(context)[n]!) leave(at, flow, source, sink, n);
      });
    holdings.hold(sink, meta.sink, at, at);
  };
  const kinds = tablesOf(
    follows,
    Uint8Array.from(metas, (_, n) => (leaves[n]! ? LOOK : 0) | (begins[n]! ? BEGINS : 0)),
    Int32Array.from(metas, ({ source }) => (source > MOST_CONTEXTS ? NONE : held(source, false) >> 1)),
    Int32Array.from(metas, ({ sink }) => (sink > MOST_CONTEXTS ? NONE : held(sink, true))),
  );
  for (const [b, block] of flows.blocks.entries()) eachNews(block, b * BLOCK, kinds, holdings, visit);
  return { holdings, left };
}

/** By kind of flow: its contexts, as `held` has them without and with what says that it came by a flow. */
type Kinds = {
  looks: Uint8Array;
  sources: Int32Array;
  sinks: Int32Array;
  /** By kind and what an end holds: a flow does nothing of which no bit is in both. */
  near: Uint8Array;
  far: Uint8Array;
};
/** Of a kind of flow: it leaves a tag; its source has one. */
const LOOK = 1;
const BEGINS = 2;
/** What the source holds: just what the flow takes on; nothing, and nothing begins; else. The sink: not yet just that; else than that. */
const SAME = 1;
const EMPTY = 2;
const ELSE = 4;

function tablesOf(follows: Uint8Array, looks: Uint8Array, sources: Int32Array, sinks: Int32Array): Kinds {
  const table = (what: (only: number, kind: number) => number) => {
    const made = new Uint8Array(follows.length << 8);
    for (let n = 0; n < made.length; n++) made[n] = what(n & 0xff, n >> 8);
    return made;
  };
  const near = table((only, kind) => {
    if (follows[kind] === 0) return 0;
    if ((looks[kind]! & LOOK) === 0 && only >> 1 === sources[kind]) return SAME;
    return only === NOT_HELD && looks[kind] === 0 ? EMPTY : ELSE;
  });
  const far = table((only, kind) => {
    const isElse = only !== NOT_HELD && only >> 1 !== sinks[kind]! >> 1;
    return ELSE | (only === sinks[kind] ? 0 : SAME) | (isElse ? EMPTY : 0);
  });
  return { looks, sources, sinks, near, far };
}

/** Flows of a block that do more than bring data to one that holds it under one context then, as nearly all do. */
function eachNews(
  { n, source, sink, meta }: Block, base: number, { looks, sources, sinks, near, far }: Kinds, holdings: Holdings,
  visit: (at: number, source: number, sink: number, kind: number) => void,
): void {
  const { only, entity, since, flow, place } = holdings;
  for (let i = 0; i < n; i++) {
    place[0] = i;
    holdings.count = holdOn(source, sink, meta, base, n, only, near, far, looks, sources, sinks, entity, since, flow, holdings.count, place);
    i = place[0]!;
    if (i < n) visit(base + i, source[i]!, sink[i]!, meta[i]!);
  }
} // prettier-ignore

/**
 * @param place from which on; gets that of the first flow that does more, or `n` @returns how many hold data then. It calls nothing, since a
 * loop that does is half as fast.
 */
function holdOn(
  source: Uint32Array, sink: Uint32Array, meta: Uint32Array, base: number, n: number, only: Uint8Array,
  near: Uint8Array, far: Uint8Array, looks: Uint8Array, sources: Int32Array, sinks: Int32Array,
  entity: Int32Array, since: Int32Array, flow: Int32Array, count: number, place: Int32Array,
): number {
  let i = place[0]!;
  for (; i < n; i++) {
    const kind = meta[i]!;
    const s = only[source[i]!]!;
    const d = only[sink[i]!]!;
    if ((near[(kind << 8) | s]! & far[(kind << 8) | d]!) === 0) continue;
    const [from, to] = [sources[kind]!, sinks[kind]!];
    const isBegun = s === NOT_HELD && looks[kind] === BEGINS;
    const isPlain = (looks[kind]! & LOOK) === 0 && from !== NONE && to !== NONE && source[i] !== sink[i];
    if (!isPlain || (!isBegun && s >> 1 !== from) || (d !== NOT_HELD && d >> 1 !== to >> 1)) break;
    if (isBegun) {
      only[source[i]!] = from << 1;
      entity[count] = source[i]!;
      since[count++] = base + i;
    }
    if (d === to) continue;
    only[sink[i]!] = to;
    flow[sink[i]!] = base + i + 1;
    if (d !== NOT_HELD) continue;
    entity[count] = sink[i]!;
    since[count++] = base + i;
  }
  place[0] = i;
  return count;
} // prettier-ignore

/** Of an entity that holds the data under one context: its number and 1, twice, and 1 more if it came by a flow. Others: */
const NOT_HELD = 0;
const OTHERWISE = 1;
/** What has no room in a byte is OTHERWISE: looked at flow by flow. */
const MOST_CONTEXTS = 126;
const held = (context: number, byFlow: boolean): number =>
  context > MOST_CONTEXTS ? OTHERWISE : (context + 1) * 2 + (byFlow ? 1 : 0);
/** Equal to nothing that is held, in place of a context that has no room. */
const NONE = 0xffff;

/** What is told of an entity that holds data otherwise than under one context. */
type Ways = { told: number; list: { context: number; flow: number }[] };

/**
 * Who holds the data, and under which contexts: in the order in which they came to it. Of nearly all entities `only` says all but the
 * flow, so that little memory is touched.
 */
class Holdings {
  /** By entity: NOT_HELD, OTHERWISE, or the one context. */
  readonly only: Uint8Array;
  count = 0;
  /** In their order, with the flow by which they came to hold some. */
  readonly entity: Int32Array;
  readonly since: Int32Array;
  /** By entity: the flow of its first way + 1; 0: none. */
  readonly flow: Int32Array;
  /** Of a block: where `holdOn` is. */
  readonly place = new Int32Array(1);
  readonly #ways = new Map<number, Ways>();

  /** Pages that are not touched cost nothing. */
  constructor(size: number) {
    this.only = new Uint8Array(size);
    this.entity = new Int32Array(size);
    this.since = new Int32Array(size);
    this.flow = new Int32Array(size);
  }

  has(entity: number): boolean {
    return this.only[entity] !== NOT_HELD;
  }

  hasOnly(entity: number, context: number): boolean {
    return this.only[entity]! >> 1 === context + 1;
  }

  /** That the record last told of. */
  context(entity: number): number {
    return this.#ways.get(entity)?.told ?? (this.only[entity]! >> 1) - 1;
  }

  /** In the order in which data came. */
  eachWay(entity: number, visit: (context: number, flow: number) => void): void {
    for (const { context, flow } of this.#waysOf(entity).list) visit(context, flow);
  }

  tell(entity: number, context: number): void {
    if (!this.has(entity) || this.hasOnly(entity, context)) return;
    this.#keep(entity, { told: context, list: this.#waysOf(entity).list });
  }

  /** @param flow by which it came, or -1: it has it itself */
  hold(entity: number, context: number, flow: number, at: number): void {
    const only = this.only[entity]!;
    if (only === NOT_HELD) {
      this.entity[this.count] = entity;
      this.since[this.count++] = at;
    }
    const isOne = only === NOT_HELD || only >> 1 === context + 1;
    if (!isOne || context > MOST_CONTEXTS) this.#holdMore(entity, context, flow);
    else if (only === NOT_HELD || (flow !== -1 && (only & 1) === 0)) {
      this.flow[entity] = flow + 1;
      this.only[entity] = held(context, flow !== -1);
    }
  }

  #holdMore(entity: number, context: number, flow: number): void {
    const { list } = this.#waysOf(entity);
    const known = list.find((way) => way.context === context);
    if (known === undefined) list.push({ context, flow });
    else if (known.flow === -1) known.flow = flow;
    this.#keep(entity, { told: context, list });
  }

  #waysOf(entity: number): Ways {
    const known = this.#ways.get(entity);
    if (known !== undefined) return known;
    const told = this.context(entity);
    return { told, list: told === -1 ? [] : [{ context: told, flow: this.flow[entity]! - 1 }] };
  }

  /** In `only`, if there is room for all that there is to say. */
  #keep(entity: number, ways: Ways): void {
    const [first, ...more] = ways.list;
    const isOne = more.length === 0 && first!.context === ways.told && ways.told <= MOST_CONTEXTS;
    if (isOne) {
      this.#ways.delete(entity);
      this.flow[entity] = first!.flow + 1;
      this.only[entity] = held(ways.told, first!.flow !== -1);
      return;
    }
    this.#ways.set(entity, ways);
    this.only[entity] = OTHERWISE;
  }
}
