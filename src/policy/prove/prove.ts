/**
 * Does a property hold, over all sequences of the grants and gates in force? If not, the path that breaks it.
 *
 * Guarantee: exact for the steps that reach.ts names (held against trying out all contexts and delegations in
 * prove.test.ts). Nothing is executed, and the answer counts for the moment that it was asked for.
 */
import type { TagName } from "../../label/index.ts";
import { conflictFor, conflictWithin } from "../conflict.ts";
import { chainFor, isLive } from "../privilege.ts";
import { covering, ownerOf, type Pattern } from "../pattern.ts";
import type { State } from "../state.ts";
import type { ContextText } from "../statement.ts";
import { all, has } from "./bits.ts";
import { type Model, modelOf, vouchedFor } from "./model.ts";
import type { Property, Subject } from "./property.ts";
import { type Hop, reach } from "./reach.ts";
import { meetingWords, witnessWords } from "./witness.ts";

export type Proof = {
  readonly property: string;
  readonly holds: boolean;
  /** When it does not: the steps, in words. */
  readonly path: readonly string[];
};
export type ProveOptions = { readonly owners?: boolean };

export function prove(state: State, property: Property, now: Date, options: ProveOptions = {}): Proof {
  const path = counterexample(state, property, now, options.owners === true);
  return { property: property.text, holds: path === null, path: path ?? [] };
}

function counterexample(state: State, property: Property, now: Date, owners: boolean): string[] | null {
  if (property.kind === "never meet") return meeting(state, property.a, property.b, now, owners);
  if (property.kind === "without passing") {
    const model = modelOf(state, now, { owners, except: new Set(property.gates), named: [property.tag] });
    return firstOf(instancesOf(model, property.tag), (tag) => {
      // what nobody has vouched for: all its integrity is gained on the way
      const start = model.place(NOWHERE);
      const target: ContextText = { secrecy: [], integrity: [tag] };
      const top = { secrecy: all(model.size), integrity: model.place(target).integrity };
      return words("what nobody has vouched for", reach(model, start, top));
    });
  }
  const { source, target, except } = property;
  const named = "tag" in source ? [source.tag] : [];
  const model = modelOf(state, now, { owners, except: new Set(except), named });
  const end = model.place(target);
  if ("context" in source) return words("data as given", reach(model, model.place(source.context), end));
  return firstOf(instancesOf(model, source.tag), (tag) =>
    words(`data with ${tag}`, reach(model, vouchedFor(model, [tag]), end)),
  );
}

const NOWHERE: ContextText = { secrecy: [], integrity: [] };

function words(start: string, hops: Hop[] | null): string[] | null {
  return hops === null ? null : witnessWords(start, hops);
}

/** A tag, or all there are of its kind and one that is still to come. */
function instancesOf(model: Model, tag: string): string[] {
  if (!tag.endsWith(":*")) return [tag];
  return model.tags.filter((name) => covering(name as TagName).includes(tag as Pattern));
}

function firstOf<T, R>(items: readonly T[], find: (item: T) => R | null): R | null {
  for (const item of items) {
    const found = find(item);
    if (found !== null) return found;
  }
  return null;
}

/**
 * Two tags meet in a program that carries both: of a principal that may take both, now or by what may be delegated, or
 * of a gate whose `in` has both. Not what has lost a tag on the way: that is "never reaches".
 */
function meeting(state: State, a: Subject, b: Subject, now: Date, owners: boolean): string[] | null {
  const named = [a, b].flatMap((subject) => ("tag" in subject ? [subject.tag] : []));
  const model = modelOf(state, now, { owners, named });
  const [ours, theirs] = [tagsOf(model, a), tagsOf(model, b)];
  for (const { gate, in: place } of model.passages) {
    const [one, other] = [ours, theirs].map((tags) =>
      tags.find((tag) => has(place.secrecy, model.indexOf.get(tag)!)),
    );
    if (one !== undefined && other !== undefined && apart(state, one, other))
      return meetingWords(`gate ${gate.name}`, one, other);
  }
  const takers = takersOf(state, now);
  const both = [ours, theirs].map((tags) => tags.map((tag) => ({ tag, who: whoTakes(takers, tag, owners) })));
  for (const first of both[0]!)
    for (const second of both[1]!) {
      const [one, other] = [first.tag, second.tag];
      const common = bothTake(state, first, second, now);
      if (common === null || !apart(state, one, other)) continue;
      return meetingWords(common, one, other);
    }
  return null;
}

/** Two tags, which no conflict set keeps from each other. */
function apart(state: State, one: string, other: string): boolean {
  return one !== other && conflictWithin(state, [one, other] as TagName[]) === null;
}

function tagsOf(model: Model, subject: Subject): string[] {
  if ("tag" in subject) return instancesOf(model, subject.tag);
  return model.tags.filter((tag) => ownerOf(tag as TagName) === subject.tenant);
}

/** By tag pattern: who holds `s+`; `anybody` where it could be delegated. */
function takersOf(state: State, now: Date): ReadonlyMap<Pattern, ReadonlySet<string>> {
  const takers = new Map<Pattern, Set<string>>();
  for (const grant of state.grants.values()) {
    if (!grant.privileges.includes("s+") || grant.to.startsWith("gate:") || !isLive(grant, now.getTime()))
      continue;
    const known = takers.get(grant.tag) ?? new Set<string>();
    takers.set(grant.tag, known.add(grant.to));
    if (grant.delegate) known.add(ANYBODY);
  }
  for (const [pattern, directions] of state.opened)
    if (directions.has("s+")) takers.set(pattern, (takers.get(pattern) ?? new Set<string>()).add(ANYBODY));
  return takers;
}

const ANYBODY = "anybody";

type Taken = { readonly tag: string; readonly who: ReadonlySet<string> };

function whoTakes(
  takers: ReadonlyMap<Pattern, ReadonlySet<string>>,
  tag: string,
  owners: boolean,
): ReadonlySet<string> {
  const who = new Set([ownerOf(tag as TagName)]);
  for (const pattern of covering(tag as Pattern))
    for (const taker of takers.get(pattern) ?? []) who.add(taker);
  return owners ? who.add(ANYBODY) : who;
}

/** Who may take both on: in force, or after a delegation that may be made. */
function bothTake(state: State, first: Taken, second: Taken, now: Date): string | null {
  const may = (who: string, { tag, who: by }: Taken) =>
    by.has(ANYBODY)
      ? conflictFor(state, who, tag as Pattern) === null
      : by.has(who) && chainFor(state, who, "s+", tag as Pattern, now.getTime()) !== null;
  for (const taken of [first, second])
    for (const who of taken.who) if (who !== ANYBODY && may(who, first) && may(who, second)) return who;
  return first.who.has(ANYBODY) && second.who.has(ANYBODY) ? ANYBODY : null;
}
