/**
 * How far an answer reaches: a "no" is only as good as what was looked at. [AUD-5]
 *
 * Gaps are everybody's, since what is missing might have been the reader's own. [AUD-3]
 */
import type { Pass } from "../graph/index.ts";
import { isoTime, type Sight } from "./reader.ts";
import { sharingText } from "./sharing.ts";

export type Coverage = {
  host: string;
  /** Who asked may see records of these tags; null: all. */
  clearance: string[] | null;
  boots: { boot: string; from: string; to: string }[];
  /** Records that were lost, each time with how many and which; null: how many is the platform's to know. */
  gaps: { near: string; lost: number | null; what: string }[];
  /** What else a "no" does not speak of. */
  limits: string[];
};

/** Entities to which data came. */
export type Reached = Pick<Pass, "entity" | "count">;

export function coverageOf(sight: Sight, reached: readonly Reached[], damaged: readonly string[]): Coverage {
  const { graph, reader } = sight;
  const boots = graph.boots.map(({ id, firstFlow }, at) => {
    const end = (graph.boots[at + 1]?.firstFlow ?? graph.flows.length) - 1;
    // times of records that may not be seen are not told: for others than the platform, of those that may be
    const [first, last] = sight.isPlatform ? [firstFlow, end] : seenWithin(sight, firstFlow, end);
    const time = (flow: number) => (flow < 0 || last < first ? "nothing seen" : sight.timeText(flow));
    return { boot: id, from: time(first), to: time(last) };
  });
  const gaps = graph.gaps.map(({ boot, time, lost, what }) => ({
    near: isoTime(BigInt(Math.round(time)) + (graph.boots[boot]?.wallOffset ?? 0n)),
    lost: sight.isPlatform ? lost : null,
    what,
  }));
  return {
    host: reader.host,
    clearance: reader.clearance?.map((id) => reader.tags[id] ?? `#${id}`).sort() ?? null,
    boots,
    gaps,
    limits: limitsOf(sight, reached, damaged),
  };
}

function hasUnstable({ graph }: Sight, reached: readonly Reached[]): boolean {
  for (const { entity, count } of reached)
    for (let n = 0; n < count; n++) if (graph.entities.isUnstable(entity[n]!)) return true;
  return false;
}

function limitsOf(sight: Sight, reached: readonly Reached[], damaged: readonly string[]): string[] {
  const { graph } = sight;
  const limits = damaged.map((name) => `segment ${name} can't be read`);
  if (graph.strange > 0) limits.push("some records are of a kind that this version of csn does not know");
  if (graph.boots.length > 1 && hasUnstable(sight, reached))
    limits.push("data reached files of a file system that has another number after a boot: what became of them there is not followed"); // prettier-ignore
  const sharing = sharingText(sight, reached);
  if (sharing !== null) limits.push(sharing);
  if (!sight.isPlatform) limits.push("only records that the asker may read were looked at");
  limits.push("only what this host records: labelled parties, and channels that csn mediates (docs/channels.md); a person who saw data may have told it"); // prettier-ignore
  return limits;
}

function seenWithin({ graph, sees }: Sight, from: number, to: number): [number, number] {
  let [first, last] = [from, to];
  while (first <= to && sees[graph.flows.meta(first)] === 0) first++;
  while (last >= first && sees[graph.flows.meta(last)] === 0) last--;
  return [first, last];
}
