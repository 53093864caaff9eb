/**
 * Who holds which privilege on which tag, and by which chain from the tag's owner. [TAG-1, TAG-2, PRIV-1..3]
 *
 * Guarantee: a chain is the proof: its first link is the owner, each grant derives from the one before, and none
 * is revoked or past its time. Who is in conflict of interest holds nothing of the set [COI-1].
 * Cost: a look-up is two hash look-ups (the tag, all of its kind) and the length of the chain, however many grants
 * there are.
 */
import type { TagName } from "../label/index.ts";
import { conflictFor } from "./conflict.ts";
import { covering, ownerOf, type Pattern } from "./pattern.ts";
import type { Grant, State } from "./state.ts";
import type { Holder, Privilege } from "./statement.ts";

export type Chain = {
  readonly holder: Holder;
  readonly privilege: Privilege;
  readonly tag: Pattern | TagName;
  /** How the holder has it. */
  readonly by: "owner" | "open" | "grant";
  /** From the owner's own grant to the holder's; empty for the owner and for what is open. */
  readonly grants: readonly Grant[];
};

/** The chain by which a holder has a privilege now, or null. */
export function chainFor(
  state: State,
  holder: Holder,
  privilege: Privilege,
  tag: Pattern | TagName,
  now: number,
): Chain | null {
  if (conflictFor(state, holder, tag) !== null) return null;
  const chain = (by: Chain["by"], grants: readonly Grant[]): Chain => ({
    holder,
    privilege,
    tag,
    by,
    grants,
  });
  if (ownerOf(tag) === holder) return chain("owner", []);
  for (const pattern of covering(tag))
    if (state.opened.get(pattern)?.has(privilege)) return chain("open", []);
  const grant = grantFor(state, holder, privilege, tag, now);
  return grant === null ? null : chain("grant", linksOf(grant));
}

/** The holder's own grant that gives it, one with the grant option if `delegate`; the one that lasts longest. */
export function grantFor(
  state: State,
  holder: Holder,
  privilege: Privilege,
  tag: Pattern | TagName,
  now: number,
  delegate = false,
): Grant | null {
  let best: Grant | null = null;
  const mine = state.grantsTo.get(holder);
  if (mine === undefined) return null;
  for (const pattern of covering(tag)) {
    for (const grant of mine.get(pattern) ?? []) {
      if (!grant.privileges.includes(privilege) || (delegate && !grant.delegate) || !isLive(grant, now))
        continue;
      if (best === null || endOf(grant) > endOf(best)) best = grant;
    }
  }
  return best;
}

/** Is it in force: neither it nor what it derives from is revoked or past its time? [PRIV-2] */
export function isLive(grant: Grant, now: number): boolean {
  for (let link: Grant | null = grant; link !== null; link = link.via)
    if (link.revoked !== null || (link.until !== null && link.until <= now)) return false;
  return true;
}

/** When it ends, by its own term or by what it derives from. */
export function endOf(grant: Grant): number {
  let end = Infinity;
  for (let link: Grant | null = grant; link !== null; link = link.via)
    end = Math.min(end, link.until ?? Infinity);
  return end;
}

/** From the owner's grant down to this one. */
export function linksOf(grant: Grant): Grant[] {
  const links: Grant[] = [];
  for (let link: Grant | null = grant; link !== null; link = link.via) links.unshift(link);
  return links;
}
