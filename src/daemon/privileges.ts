/**
 * May a caller make this change of context? [CHG-1, TAG-1, PRIV-1, COI-1]
 *
 * Guarantee: each tag that is added or removed needs its own privilege, by a chain that holds now: `s+` to take
 * secrecy on, `s-` to take it off, `i+` to vouch, `i-` to stop. Who holds nothing on a tag gets the same answer as
 * if it did not exist. Root of the host is the platform and is not asked; the record says who it was.
 */
import { type Context, contextOf, integrityOf, isAll, secrecyOf, type TagId } from "../label/index.ts";
import {
  chainFor,
  collides,
  conflictWithin,
  covering,
  type Holder,
  ownerOf,
  PLATFORM,
  type Privilege,
} from "../policy/index.ts";
import type { Authority, KnownTag } from "./authority.ts";
import { CsnError } from "./errors.ts";
import type { Caller } from "./identity.ts";

export type Need = { readonly privilege: Privilege; readonly tag: KnownTag };

/** The privileges that a change needs. ⊤ is the platform's own and nobody's to give. */
export function needsOf(authority: Authority, from: Context, to: Context): Need[] {
  const needs: Need[] = [];
  const add = (privilege: Privilege, tags: readonly TagId[], besides: readonly TagId[]) => {
    for (const id of tags) {
      const tag = authority.tag(id);
      if (!besides.includes(id) && tag !== undefined) needs.push({ privilege, tag });
    }
  };
  const list = (label: Context["secrecy"] | Context["integrity"]) => (isAll(label) ? [] : label);
  add("s+", list(to.secrecy), list(from.secrecy));
  add("s-", list(from.secrecy), list(to.secrecy));
  add("i+", list(to.integrity), list(from.integrity));
  add("i-", list(from.integrity), list(to.integrity));
  return needs;
}

/** @throws CsnError E_NOT_PERMITTED; PolicyError E_TAG_UNKNOWN, E_CONFLICT */
export function requireChange(
  authority: Authority,
  caller: Caller,
  from: Context,
  to: Context,
  what: string,
): void {
  requireAll(authority, caller, needsOf(authority, from, to), what);
  requireApart(authority, to);
}

/**
 * May one lineage of programs have had all of these, root's as well? [COI-1]
 *
 * @throws PolicyError E_CONFLICT
 */
export function requireApart(authority: Authority, ...contexts: readonly Context[]): void {
  const ids = new Set(contexts.flatMap(({ secrecy }) => (isAll(secrecy) ? [] : secrecy)));
  const tags = [...ids].map((id) => authority.tag(id)!.name);
  const collision = conflictWithin(authority.world.state, tags);
  if (collision !== null) throw collides("one program", collision);
}

/** May data of this context leave to where nobody asks any more? [NET-1] Secrecy is let out, integrity vouched for. */
export function requireRelease(authority: Authority, caller: Caller, context: Context, what: string): void {
  const at = (label: Context["secrecy"] | Context["integrity"], privilege: Privilege): Need[] =>
    isAll(label) ? [] : label.map((id) => ({ privilege, tag: authority.tag(id)! }));
  requireAll(authority, caller, [...at(context.secrecy, "s-"), ...at(context.integrity, "i+")], what);
}

/** May the caller see what has this secrecy? A person on whose screen it stands has it without a label. [TERM-1, AUD-4] */
export function isCleared(authority: Authority, caller: Caller, context: Context): boolean {
  if (caller.uid === 0) return true;
  return !isAll(context.secrecy) && isClearedFor(authority, caller, context.secrecy);
}

export function isClearedFor(authority: Authority, caller: Caller, tags: readonly TagId[]): boolean {
  if (caller.uid === 0) return true;
  return tags.every((id) => {
    const tag = authority.tag(id);
    return tag !== undefined && holds(authority, caller, { privilege: "s-", tag });
  });
}

/** Does the caller know of this tag: has it, or had it ever, or is it open to all? */
export function knows(authority: Authority, caller: Caller, tag: string): boolean {
  return caller.uid === 0 || holderKnows(authority, authority.holderOf(caller), tag);
}

export function holderKnows({ world: { state } }: Authority, holder: Holder, tag: string): boolean {
  if (ownerOf(tag as KnownTag["name"]) === holder) return true;
  return covering(tag as KnownTag["name"]).some(
    (pattern) => state.opened.has(pattern) || state.grantsTo.get(holder)?.has(pattern),
  );
}

/**
 * The tags that an observed program of the caller's may cross: those that he may take off, and those that he may vouch for,
 * so that he could let it all through himself. [SUBJ-5] @throws CsnError E_NOT_PERMITTED
 */
export function crossable(authority: Authority, caller: Caller, tags: readonly TagId[]): Context {
  const known = tags.map((id) => authority.tag(id)!);
  const held = (privilege: Privilege) => known.filter((tag) => holds(authority, caller, { privilege, tag }));
  const [off, on] = [held("s-"), held("i+")];
  const without = known.filter((tag) => !off.includes(tag) && !on.includes(tag));
  requireAll(
    authority,
    caller,
    without.map((tag) => ({ privilege: "s-", tag })),
    "observe what crosses them",
  );
  return contextOf(secrecyOf(off.map(({ id }) => id)), integrityOf(on.map(({ id }) => id)));
}

function requireAll(authority: Authority, caller: Caller, needs: readonly Need[], what: string): void {
  const missing = needs.filter((need) => !holds(authority, caller, need));
  if (missing.length === 0) return;
  if (missing.some(({ tag }) => !knows(authority, caller, tag.name)))
    throw new CsnError(
      "E_NOT_PERMITTED",
      `expected somebody who has a say in all tags that are there to ${what}, found ${caller.name}`,
      "some of them belong to others, who are not named here",
      403,
    );
  const holder = authority.holderOf(caller);
  for (const { tag } of missing) {
    const collision = authority.world.conflict(holder, tag.name);
    if (collision !== null) throw collides(holder, collision);
  }
  const list = missing.map(({ privilege, tag }) => `\`${privilege}\` on \`${tag.name}\``).join(", ");
  const owners = [...new Set(missing.map(({ tag }) => tag.owner))].join(", ");
  const { privilege, tag } = missing[0]!;
  throw new CsnError(
    "E_NOT_PERMITTED",
    `expected the privilege ${list} to ${what}, found that ${caller.name} lacks it`,
    `its owner (${owners}) may grant it: \`csn tag grant ${tag.name} ${privilege} --to ${holder}\``,
    403,
  );
}

function holds(authority: Authority, caller: Caller, { privilege, tag }: Need): boolean {
  const holder = authority.holderOf(caller);
  if (holder === PLATFORM) return true;
  return chainFor(authority.world.state, holder, privilege, tag.name, authority.now().getTime()) !== null;
}

/** A program of the caller's is about to have these: the history of conflicts must never lack one. [COI-1] */
export function noteHeld(authority: Authority, caller: Caller, { secrecy }: Context): void {
  if (isAll(secrecy) || secrecy.length === 0) return;
  authority.noteHeld(
    authority.holderOf(caller),
    secrecy.map((tag) => authority.tag(tag)!.name),
  );
}
