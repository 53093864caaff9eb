/**
 * What can happen to data under the privileges and gates in force, and under all that could be delegated:
 * for each tag who may let it out or vouch for it, and for each gate what it takes and gives.
 *
 * A principal counts with what it holds, whether it runs a program or relabels a file of its own (which needs no `s+`).
 * A privilege with the grant option counts for everybody, since its holder can give it to anybody, gates included.
 * What a tag's owner may do with it is not counted as a way, unless asked: that the owner decides is the point.
 *
 * Not covered: owners' future grants and new gates (they are decisions, prove again after them); that one person, by a
 * conflict set, may not do two steps that two persons may.
 */
import type { TagName } from "../../label/index.ts";
import { conflictFor } from "../conflict.ts";
import { consents } from "../gate.ts";
import { differenceOf } from "../offers.ts";
import { ownerOf, type Pattern } from "../pattern.ts";
import { chainFor, isLive, linksOf } from "../privilege.ts";
import type { Gate, Grant, State } from "../state.ts";
import type { ContextText, Privilege } from "../statement.ts";
import { add, all, type Bits, none } from "./bits.ts";

/** Who may drop or add a tag, and why. */
export type Way = { readonly who: string; readonly grants: readonly Grant[]; readonly delegable: boolean };
export type Place = { readonly secrecy: Bits; readonly integrity: Bits };
export type Passage = {
  readonly gate: Gate;
  readonly in: Place;
  readonly out: Place;
  /** What its grants rest on, and which of them it could only be given. */
  readonly grants: readonly Grant[];
  readonly couldBe: readonly string[];
};

export type Model = {
  readonly size: number;
  readonly tags: readonly string[];
  readonly indexOf: ReadonlyMap<string, number>;
  /** By tag: those who let it out; who vouch for it. */
  readonly out: ReadonlyMap<number, readonly Way[]>;
  readonly vouch: ReadonlyMap<number, readonly Way[]>;
  readonly passages: readonly Passage[];
  place(context: ContextText): Place;
};

export type ModelOptions = {
  /** Count what owners may do with their own tags. */
  readonly owners?: boolean;
  /** Gates and principals that are taken out. */
  readonly except?: ReadonlySet<string>;
  /** Tags and patterns that a property names. */
  readonly named?: readonly string[];
};

export function modelOf(state: State, now: Date, options: ModelOptions = {}): Model {
  const at = now.getTime();
  const except = options.except ?? new Set<string>();
  const tags = [...namesOf(state, options.named ?? [])];
  const indexOf = new Map(tags.map((name, i) => [name, i]));
  const size = tags.length;
  const kinds = byKind(tags);
  const covered = (pattern: Pattern): readonly string[] =>
    pattern.endsWith(":*") ? (kinds.get(pattern) ?? []) : indexOf.has(pattern) ? [pattern] : [];

  const ways: Record<Privilege, Map<number, Way[]>> = {
    "s+": new Map(),
    "s-": new Map(),
    "i+": new Map(),
    "i-": new Map(),
  };
  const give = (privilege: Privilege, pattern: Pattern, way: Way) => {
    for (const tag of covered(pattern)) {
      const index = indexOf.get(tag)!;
      const known = ways[privilege].get(index);
      if (known === undefined) ways[privilege].set(index, [way]);
      else known.push(way);
    }
  };
  for (const [pattern, directions] of state.opened)
    for (const privilege of directions.keys())
      give(privilege, pattern, { who: "*", grants: [], delegable: true });
  for (const grant of state.grants.values()) {
    if (grant.to.startsWith("gate:") || !isLive(grant, at)) continue;
    if (conflictFor(state, grant.to, grant.tag) !== null) continue;
    // who is taken out does nothing itself, but may still give to others what it can delegate
    const who = except.has(grant.to) ? (grant.delegate ? "anybody" : null) : grant.to;
    if (who === null) continue;
    const way: Way = { who, grants: linksOf(grant), delegable: grant.delegate };
    for (const privilege of grant.privileges) give(privilege, grant.tag, way);
  }
  if (options.owners === true)
    for (const tag of tags)
      for (const privilege of ["s+", "s-", "i+", "i-"] as const)
        give(privilege, tag as Pattern, { who: ownerOf(tag as TagName), grants: [], delegable: true });

  const place = (context: ContextText): Place => {
    const [secrecy, integrity] = [none(size), none(size)];
    for (const tag of context.secrecy) add(secrecy, indexOf.get(tag)!);
    for (const tag of context.integrity) add(integrity, indexOf.get(tag)!);
    return { secrecy, integrity };
  };
  const could = (privilege: Privilege, tag: string): boolean =>
    ways[privilege].get(indexOf.get(tag)!)?.some(({ delegable }) => delegable) === true;
  const passages: Passage[] = [];
  for (const gate of state.gates.values()) {
    if (except.has(gate.name)) continue;
    const passage = passageOf(state, gate, at, could, place, covered, tags);
    if (passage !== null) passages.push(passage);
  }
  return { size, tags, indexOf, out: ways["s-"], vouch: ways["i+"], passages, place };
}

/** A gate that has, or could be given, a privilege for every tag of its difference; else null. [GATE-1] */
function passageOf(
  state: State,
  gate: Gate,
  now: number,
  could: (privilege: Privilege, tag: string) => boolean,
  place: (context: ContextText) => Place,
  covered: (pattern: Pattern) => readonly string[],
  tags: readonly string[],
): Passage | null {
  const grants = new Set<Grant>();
  const couldBe: string[] = [];
  const holds = (privilege: Privilege, tag: string): boolean => {
    const chain = chainFor(state, gate.holder, privilege, tag as Pattern, now);
    if (chain !== null) {
      for (const grant of chain.grants) grants.add(grant);
      return true;
    }
    // a gate gets nothing that it is in conflict with
    if (!could(privilege, tag) || conflictFor(state, gate.holder, tag as Pattern) !== null) return false;
    couldBe.push(`${privilege} on ${tag}`);
    return true;
  };
  const { in: from, out: to, consent } = gate.gate;
  for (const [privilege, tag] of differenceOf(from, to)) if (!holds(privilege, tag)) return null;
  const whole = place(from);
  for (const pattern of consent) {
    const candidates = pattern.startsWith("*/")
      ? tags.filter((tag) => consents(pattern, tag))
      : covered(pattern as Pattern);
    for (const tag of candidates) if (holds("s-", tag)) addTo(whole.secrecy, tag);
  }
  return { gate, in: whole, out: place(to), grants: [...grants], couldBe };

  function addTo(bits: Bits, tag: string): void {
    const index = place({ secrecy: [tag], integrity: [] }).secrecy;
    for (let i = 0; i < bits.length; i++) bits[i]! |= index[i]!;
  }
}

/** The least context with this secrecy: whoever vouches for it, in whatever respect. */
export function vouchedFor(model: Model, secrecy: readonly string[]): Place {
  return { secrecy: model.place({ secrecy, integrity: [] }).secrecy, integrity: all(model.size) };
}

/** All tags, and a stand-in for each kind whose instances are to come: `owner/name:*`. */
function namesOf(state: State, named: readonly string[]): Set<string> {
  const names = new Set<string>(state.tags.keys());
  for (const name of named) names.add(name);
  for (const pattern of state.opened.keys()) names.add(pattern);
  for (const grant of state.grants.values()) names.add(grant.tag);
  return names;
}

/** For `owner/name:*`, what it covers, itself included. */
function byKind(tags: readonly string[]): Map<string, string[]> {
  const kinds = new Map<string, string[]>();
  for (const tag of tags) {
    const colon = tag.indexOf(":");
    if (colon === -1) continue;
    const kind = `${tag.slice(0, colon)}:*`;
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, [tag]);
    else known.push(tag);
  }
  return kinds;
}
