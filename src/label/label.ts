/**
 * Labels: finite sets of tags, and ⊤, the set of all tags.
 *
 * Guarantee: a label is sorted, free of duplicates, frozen and at most MAX_TAGS long [CTX-1], because
 * only the functions here make one. Secrecy and integrity labels are two types: a secrecy label
 * cannot be passed where an integrity label is meant (label.test.ts holds that against the compiler).
 * Not covered: what the labels mean, which is flow.ts.
 */
import { LabelError } from "./error.ts";
import type { TagId } from "./tag.ts";

declare const kindBrand: unique symbol;

type Kind = "secrecy" | "integrity";
type Brand<K extends Kind> = { readonly [kindBrand]: K };

/** ⊤ or a sorted, frozen list of tag ids without duplicates. */
export type Label<K extends Kind> = All<K> | Tags<K>;
/** ⊤: every tag there is or will be. Written "ALL", so a label survives JSON. */
export type All<K extends Kind> = "ALL" & Brand<K>;
/** A finite label. */
export type Tags<K extends Kind> = readonly TagId[] & Brand<K>;

/** Whom the data concerns: it may only move to where all of these are known. */
export type SecrecyLabel = Label<"secrecy">;
/** Who vouches for the data: it may only claim what its sources had. */
export type IntegrityLabel = Label<"integrity">;

/**
 * Most tags in one label. [CTX-1] The same number as CSN_MAX_TAGS in bpf/abi.h: the kernel keeps a
 * label in an array of this length.
 */
export const MAX_TAGS = 64;

/** Secrecy ⊤: data that concerns everybody's tags at once. */
export const ALL_SECRECY = "ALL" as All<"secrecy">;
/** Integrity ⊤: vouched for in every respect. */
export const ALL_INTEGRITY = "ALL" as All<"integrity">;

/** Makes a secrecy label; order and repetition do not matter. @throws LabelError E_LABEL_TOO_LONG */
export function secrecyOf(tags: Iterable<TagId>): Tags<"secrecy"> {
  return make<"secrecy">(tags);
}

/** Makes an integrity label; order and repetition do not matter. @throws LabelError E_LABEL_TOO_LONG */
export function integrityOf(tags: Iterable<TagId>): Tags<"integrity"> {
  return make<"integrity">(tags);
}

/** Whether a label is ⊤. */
export function isAll<K extends Kind>(label: Label<K>): label is All<K> {
  return typeof label === "string";
}

/**
 * The tags of `a` that `b` lacks, or null when there are none, which is `a ⊆ b`.
 *
 * ⊤ lacks nothing; what ⊤ has beyond a finite label is answered as ⊤, for it cannot be listed.
 * One merge over both sorted lists; allocates only when something is missing.
 */
export function tagsMissing<K extends Kind>(a: Label<K>, b: Label<K>): Label<K> | null {
  if (isAll(b)) return null;
  if (isAll(a)) return a;

  let missing: TagId[] | null = null;
  let at = 0;
  for (const tag of a) {
    while (at < b.length && (b[at] as TagId) < tag) at++;
    if (b[at] !== tag) (missing ??= []).push(tag);
  }
  return missing && make<K>(missing);
}

/** `a ∪ b`. @throws LabelError E_LABEL_TOO_LONG when that has more than MAX_TAGS */
export function union<K extends Kind>(a: Label<K>, b: Label<K>): Label<K> {
  if (isAll(a)) return a;
  if (isAll(b)) return b;
  return make<K>([...a, ...b]);
}

/** `a ∩ b`. */
export function intersection<K extends Kind>(a: Label<K>, b: Label<K>): Label<K> {
  if (isAll(a)) return b;
  if (isAll(b)) return a;
  const inB = new Set(b);
  return make<K>(a.filter((tag) => inB.has(tag)));
}

/** Whether both have the same tags. */
export function labelEquals<K extends Kind>(a: Label<K>, b: Label<K>): boolean {
  if (isAll(a) || isAll(b)) return isAll(a) && isAll(b);
  return a.length === b.length && a.every((tag, index) => tag === b[index]);
}

function make<K extends Kind>(tags: Iterable<TagId>): Tags<K> {
  const distinct = new Set(tags);
  if (distinct.size > MAX_TAGS)
    throw new LabelError(
      "E_LABEL_TOO_LONG",
      `expected at most ${MAX_TAGS} tags in a label, found ${distinct.size}`,
    );
  // Ids are lowercase hexadecimal, so the default order of strings is the order of their bytes.
  return Object.freeze([...distinct].sort()) as unknown as Tags<K>;
}
