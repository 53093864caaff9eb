/**
 * Contexts as clients see them: tags by name. [CTX-4]
 */
import type { ContextInput, ContextView } from "../api/index.ts";
import { type Context, contextOf, integrityOf, isAll, secrecyOf, type TagId } from "../label/index.ts";
import { unknownTag } from "../policy/index.ts";
import type { Authority, KnownTag, TagBook } from "./authority.ts";
import type { Caller } from "./identity.ts";
import { knows } from "./privileges.ts";

export function viewContext(context: Context, book: TagBook): ContextView {
  const names = (tags: readonly TagId[]) => tags.map((id) => nameOf(id, book)).sort();
  return {
    secrecy: isAll(context.secrecy) ? "ALL" : names(context.secrecy),
    integrity: isAll(context.integrity) ? "ALL" : names(context.integrity),
  };
}

/** Of what a person gives or gets: as secret as that, vouched for by nobody. */
export function unvouched(context: Context): Context {
  return contextOf(context.secrecy, integrityOf([]));
}

export function nameOf(id: TagId, book: TagBook): string {
  return book.tag(id)?.name ?? `#${id}`;
}

/** The names that a caller may know: another's tag that he has nothing to do with has none for him. */
export function bookFor(authority: Authority, caller: Caller): TagBook {
  const only = (tag: KnownTag | undefined) =>
    tag !== undefined && knows(authority, caller, tag.name) ? tag : undefined;
  return {
    tag: (id) => only(authority.tag(id)),
    tagNamed: (name) => only(authority.tagNamed(name)),
  };
}

/** The tag of that name, for who may know of it; null: there is none, or he may not, which he does not learn. */
export function tagNamed(authority: Authority, caller: Caller, name: string): TagId | null {
  return bookFor(authority, caller).tagNamed(name)?.id ?? null;
}

/** Names to a context. @throws PolicyError E_TAG_UNKNOWN; LabelError E_LABEL_TOO_LONG */
export function readContext(input: ContextInput, book: TagBook): Context {
  const find = (name: string) => {
    const tag = book.tagNamed(name);
    if (tag !== undefined) return tag.id;
    throw unknownTag(name);
  };
  return contextOf(secrecyOf(input.secrecy.map(find)), integrityOf(input.integrity.map(find)));
}
