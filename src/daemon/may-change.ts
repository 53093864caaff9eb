/**
 * Who may change a program's context? [CHG-1]
 *
 * Adding t to secrecy needs s+ on t, removing it s-; likewise i+ and i- for integrity. For now the owner of a tag
 * holds all four, and nobody else one.
 */
import { type Context, isAll, type TagId } from "../label/index.ts";
import { type Caller, requireTags } from "./identity.ts";
import type { Store, StoredTag } from "./store.ts";

/** @throws CsnError E_NOT_PERMITTED */
export function mayChange(store: Store, caller: Caller, from: Context, to: Context): void {
  const tags: StoredTag[] = [];
  for (const label of ["secrecy", "integrity"] as const)
    for (const id of difference(from[label], to[label])) {
      const tag = store.tag(id);
      if (tag !== undefined) tags.push(tag);
    }
  requireTags(caller, tags, "change a context by it");
}

/** The tags that only one of both has. No program's label is ⊤. */
function difference(a: Context["secrecy" | "integrity"], b: Context["secrecy" | "integrity"]): TagId[] {
  if (isAll(a) || isAll(b)) throw new Error("expected labels of programs, found one of the platform's");
  return [...a.filter((id) => !b.includes(id)), ...b.filter((id) => !a.includes(id))];
}
