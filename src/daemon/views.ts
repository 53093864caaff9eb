/**
 * Contexts as clients see them: tags by name. [CTX-4]
 */
import type { ContextInput, ContextView } from "../api/index.ts";
import { type Context, contextOf, integrityOf, isAll, secrecyOf, type TagId } from "../label/index.ts";
import { CsnError } from "./errors.ts";
import type { Store, StoredTag } from "./store.ts";

export function viewContext(context: Context, store: Store): ContextView {
  const names = (tags: readonly TagId[]) => tags.map((id) => nameOf(id, store)).sort();
  return {
    secrecy: isAll(context.secrecy) ? "ALL" : names(context.secrecy),
    integrity: isAll(context.integrity) ? "ALL" : names(context.integrity),
  };
}

export function nameOf(id: TagId, store: Store): string {
  return store.tag(id)?.name ?? `#${id}`;
}

/** Names to a context, and the tags it has. @throws CsnError E_TAG_UNKNOWN; LabelError E_LABEL_TOO_LONG */
export function readContext(input: ContextInput, store: Store): { context: Context; tags: StoredTag[] } {
  const find = (name: string) => {
    const tag = store.tagNamed(name);
    if (tag !== undefined) return tag;
    throw new CsnError(
      "E_TAG_UNKNOWN",
      `expected the name of a tag, found ${JSON.stringify(name)}, which nobody has made`,
      `\`csn tag create ${/^[\w./-]+$/.test(name) ? name : "OWNER/NAME"}\` makes it; \`csn tag list\` shows all`,
      404,
    );
  };
  const secrecy = input.secrecy.map(find);
  const integrity = input.integrity.map(find);
  return {
    context: contextOf(secrecyOf(secrecy.map((t) => t.id)), integrityOf(integrity.map((t) => t.id))),
    tags: [...secrecy, ...integrity],
  };
}

/** All tags of a context; none for one that is not known. */
export function tagsOf(store: Store, context: Context | null): StoredTag[] {
  if (context === null) return [];
  const ids: TagId[] = [];
  if (!isAll(context.secrecy)) ids.push(...context.secrecy);
  if (!isAll(context.integrity)) ids.push(...context.integrity);
  return ids.map((id) => store.tag(id)).filter((tag) => tag !== undefined);
}
