/**
 * Conflict of interest over history. [COI-1]
 *
 * Guarantee: who has ever held one member of a set, as a privilege of its own or in the label of a program that
 * ran for it, holds no other member, whatever was granted, dropped or revoked since. What is open to everybody counts when a
 * program carries it. Nobody is exempt but the platform.
 * If somebody held two members before the set was made, then both are lost to him.
 */
import type { TagName } from "../label/index.ts";
import { covering, covers, ownerOf, type Pattern } from "./pattern.ts";
import type { Conflict, State } from "./state.ts";
import { type Holder, PLATFORM } from "./statement.ts";

export type Collision = { readonly conflict: Conflict; readonly wanted: Pattern; readonly other: Pattern };

/** Why the holder may not have this tag: another member that it has held; or null. */
export function conflictFor(state: State, holder: Holder, tag: Pattern | TagName): Collision | null {
  if (state.conflictsOf.size === 0 || holder === PLATFORM) return null;
  for (const conflict of conflictsWith(state, tag)) {
    const wanted = memberOf(conflict, tag);
    if (wanted === undefined) continue;
    for (const other of conflict.tags)
      if (other !== wanted && hasHeld(state, holder, other)) return { conflict, wanted, other };
  }
  return null;
}

/** Two of these tags in one set: nobody may have them together. */
export function conflictWithin(state: State, tags: readonly TagName[]): Collision | null {
  for (const tag of tags) {
    for (const conflict of conflictsWith(state, tag)) {
      const wanted = memberOf(conflict, tag);
      const other = tags.map((t) => memberOf(conflict, t)).find((m) => m !== undefined && m !== wanted);
      if (wanted !== undefined && other !== undefined) return { conflict, wanted, other };
    }
  }
  return null;
}

function memberOf(conflict: Conflict, tag: Pattern | TagName): Pattern | undefined {
  return conflict.tags.find((member) => touches(member, tag));
}

/** The sets with a member in common with this tag or pattern. */
function conflictsWith(state: State, tag: Pattern | TagName): readonly Conflict[] {
  if (tag.endsWith(":*")) return [...state.conflicts.values()].filter((c) => memberOf(c, tag) !== undefined);
  return covering(tag).flatMap((pattern) => state.conflictsOf.get(pattern) ?? []);
}

function touches(a: Pattern, b: Pattern | TagName): boolean {
  return covers(a, b) || covers(b as Pattern, a);
}

function hasHeld(state: State, holder: Holder, member: Pattern): boolean {
  if (ownerOf(member) === holder) return true;
  for (const pattern of state.grantsTo.get(holder)?.keys() ?? []) if (touches(member, pattern)) return true;
  const held = state.held.get(holder);
  if (held === undefined) return false;
  if (!member.endsWith(":*")) return held.has(member as string as TagName);
  for (const tag of held) if (covers(member, tag)) return true;
  return false;
}
