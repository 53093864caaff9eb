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
import { isRefused } from "../graph/index.ts";
import { ENTITY } from "../record.ts";
import { type Coverage, coverageOf } from "./coverage.ts";
import { type EntityText, entityText } from "./entity.ts";
import { AskError } from "./error.ts";
import { eachFlow } from "./flows.ts";
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
  const { reached, left } = follow(sight, tags);
  const limit = Math.min(ask.limit ?? LIMIT, MOST);
  let leftOut = 0;
  const some = <T>(list: T[]): T[] => {
    leftOut += Math.max(0, list.length - limit);
    return list.slice(0, limit);
  };
  const trails = (...kinds: number[]) =>
    some([...reached].filter(([entity]) => kinds.includes(sight.graph.entities.kind(entity)))).map(
      ([entity, { since, context }]): Trail => ({
        thing: entityText(sight, entity),
        since: sight.timeText(since),
        context: sight.contextText(context),
        labelled: tags.some((tag) => sight.graph.contexts.has(context, tag)),
      }),
    );
  const files = trails(ENTITY.file, ENTITY.directory, ENTITY.symlink);
  const people = trails(ENTITY.principal);
  const addresses = trails(ENTITY.address);
  const ways = some([...left.values()]).map(({ flow, before, times }) =>
    Object.assign(endsOf(sight, flow), { step: stepOf(sight, flow, before), times }),
  );
  const entity = Int32Array.from(reached.keys());
  const coverage = coverageOf(sight, { entity, count: entity.length }, damaged);
  coverage.limits.unshift("which files got data is told, not whether it is still in them; copies outside this host, in backups and in snapshots are not known"); // prettier-ignore
  return { asked: ask.of, tags: tags.map((tag) => sight.tagText(tag)), files, left: ways, people, addresses, leftOut, coverage }; // prettier-ignore
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

type Reached = { since: number; context: number };
type Left = { flow: number; before: number; times: number };

/** One pass over all flows: what has the data, and where it went on without a tag that it came with. */
function follow(
  sight: Sight,
  tags: readonly TagId[],
): { reached: Map<number, Reached>; left: Map<string, Left> } {
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
  const holdings = new Holdings(graph.entities.size, leavesAfter);
  const left = new Map<string, Left>();
  const leave = (flow: number, before: number, source: number, sink: number, n: number) => {
    const key = `${source} ${sink} ${n} ${before === -1 ? "" : flows.meta(before)}`;
    const known = left.get(key);
    if (known === undefined) left.set(key, { flow, before, times: 1 });
    else known.times++;
  };
  eachFlow(flows, follows, (at, source, sink, n) => {
    const meta = metas[n]!;
    if (begins[n]!) holdings.hold(source, meta.source, -1, at);
    // nothing of it is there: but this may be how the record last tells of the sink
    if (!holdings.has(source)) {
      holdings.tell(sink, meta.sink);
      return false;
    }
    if (leaves[n]!) leave(at, -1, source, sink, n);
    else if (!holdings.hasOnly(source, meta.source))
      for (const way of holdings.ways(source)) if (way.leaves[n]!) leave(at, way.flow, source, sink, n);
    holdings.hold(sink, meta.sink, at, at);
    return false;
  });
  return { reached: holdings.reached, left };
}

/** A context under which an entity holds the data, and the flow by which it came so; -1: none. */
type HeldUnder = { context: number; flow: number; leaves: readonly boolean[] };
type Holding = Reached & { ways: HeldUnder[] };

/** Of what is known of nearly all entities, that nothing has changed is told by two numbers. */
const NOT_HELD = 0;
/** Under one context, and by a flow. */
const SETTLED = 1;
const OTHERWISE = 2;

/** Who holds the data, and how: in the order in which they came to it. */
class Holdings {
  readonly reached = new Map<number, Holding>();
  readonly #state: Uint8Array;
  /** The context that the record last told of. */
  readonly #context: Int32Array;
  readonly #leavesAfter: (context: number) => readonly boolean[];

  /** @param leavesAfter by context, for each kind of flow: does it go on without a tag? */
  constructor(size: number, leavesAfter: (context: number) => readonly boolean[]) {
    this.#state = new Uint8Array(size);
    this.#context = new Int32Array(size);
    this.#leavesAfter = leavesAfter;
  }

  has(entity: number): boolean {
    return this.#state[entity] !== NOT_HELD;
  }

  hasOnly(entity: number, context: number): boolean {
    return this.#state[entity] === SETTLED && this.#context[entity] === context;
  }

  ways(entity: number): readonly HeldUnder[] {
    return this.reached.get(entity)!.ways;
  }

  tell(entity: number, context: number): void {
    if (!this.has(entity) || this.hasOnly(entity, context)) return;
    this.#context[entity] = context;
    this.#state[entity] = OTHERWISE;
    this.reached.get(entity)!.context = context;
  }

  hold(entity: number, context: number, flow: number, at: number): void {
    if (this.hasOnly(entity, context)) return;
    const holding = this.reached.get(entity) ?? { since: at, context, ways: [] };
    holding.context = context;
    this.reached.set(entity, holding);
    const way = holding.ways.find((one) => one.context === context);
    if (way === undefined) holding.ways.push({ context, flow, leaves: this.#leavesAfter(context) });
    else if (way.flow === -1) way.flow = flow;
    const isSettled = holding.ways.length === 1 && holding.ways[0]!.flow !== -1;
    this.#state[entity] = isSettled ? SETTLED : OTHERWISE;
    this.#context[entity] = context;
  }
}
