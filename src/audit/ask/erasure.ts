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
  const alone = metas.map((_, n) => crossesAlone(graph, n));
  const has = (context: number) => tags.some((tag) => contexts.has(context, tag));
  const lost = (from: number, to: number) =>
    tags.some((tag) => contexts.hasSecret(from, tag) && !contexts.hasSecret(to, tag));
  const reached = new Map<number, Reached>();
  /** By entity, the contexts that it held the data under, with the flow by which it came so. */
  const held = new Map<number, Map<number, number>>();
  const left = new Map<string, Left>();
  const leave = (flow: number, before: number, source: number, sink: number, n: number) => {
    const key = `${source} ${sink} ${n} ${before === -1 ? "" : flows.meta(before)}`;
    const known = left.get(key);
    if (known === undefined) left.set(key, { flow, before, times: 1 });
    else known.times++;
  };
  const hold = (entity: number, context: number, flow: number, at: number) => {
    const known = reached.get(entity);
    if (known === undefined) reached.set(entity, { since: at, context });
    else known.context = context;
    const by = held.get(entity) ?? new Map<number, number>();
    held.set(entity, by);
    if ((by.get(context) ?? -1) === -1) by.set(context, flow);
  };
  for (const [b, block] of flows.blocks.entries())
    for (let i = 0; i < block.n; i++) {
      const n = block.meta[i]!;
      if (follows[n] === 0) continue;
      const [at, source, sink, meta] = [
        b * block.meta.length + i,
        block.source[i]!,
        block.sink[i]!,
        metas[n]!,
      ];
      if (has(meta.source)) hold(source, meta.source, -1, at);
      const contextsOf = held.get(source);
      if (contextsOf === undefined) {
        // nothing of it is there: but this may be how the record last tells of the sink
        const known = reached.get(sink);
        if (known !== undefined) known.context = meta.sink;
        continue;
      }
      if (lost(meta.source, meta.sink)) leave(at, -1, source, sink, n);
      else if (alone[n] !== true)
        for (const [context, flow] of contextsOf)
          if (lost(context, meta.source)) leave(at, flow, source, sink, n);
      hold(sink, meta.sink, at, at);
    }
  return { reached, left };
}
