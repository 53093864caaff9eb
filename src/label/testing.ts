/**
 * For tests and conformance runners: cases as text (spec/vectors) to labels, contexts and subjects.
 *
 * Guarantee: one symbolic tag is always one id, different tags have different ids, and ids do not sort
 * as the tags' names do, so no test leans on an order. Not part of the product, not in index.ts.
 */
import { ALL_INTEGRITY, ALL_SECRECY, contextOf, integrityOf, parseTagId, secrecyOf } from "./index.ts";
import type { Context, IntegrityLabel, SecrecyLabel, Subject, TagId, Targets } from "./index.ts";

type LabelText = "ALL" | readonly string[];
type ContextText = { readonly secrecy: LabelText; readonly integrity: LabelText };
type SubjectText = { readonly in: ContextText; readonly out: ContextText };

/** The fields that a case's target may have; each operation reads its own. */
export type AnyTarget = { [Op in keyof Targets]: Targets[Op] }[keyof Targets];

/**
 * The id of a symbolic tag: its at most 12 characters, as bytes, after 8 digits mixed from them.
 *
 * @throws RangeError when the name is longer, which would make two tags one
 */
export function idOf(tag: string): TagId {
  const known = ids.get(tag);
  if (known !== undefined) return known;
  const id = makeId(tag);
  ids.set(tag, id);
  return id;
}

const ids = new Map<string, TagId>();

function makeId(tag: string): TagId {
  const bytes = Array.from(tag, (character) => character.charCodeAt(0).toString(16).padStart(2, "0")).join(
    "",
  );
  if (bytes.length > 24)
    throw new RangeError(`expected a symbolic tag of at most 12 characters, found ${tag}`);
  let mixed = 0;
  for (const character of tag)
    mixed = Math.imul(mixed ^ character.charCodeAt(0), 0x9e3779b1) ^ (mixed >>> 15);
  return parseTagId((mixed >>> 0).toString(16).padStart(8, "0") + bytes.padStart(24, "0"));
}

/** @throws LabelError E_LABEL_TOO_LONG */
export function secrecyFrom(text: LabelText): SecrecyLabel {
  return text === "ALL" ? ALL_SECRECY : secrecyOf(text.map(idOf));
}

/** @throws LabelError E_LABEL_TOO_LONG */
export function integrityFrom(text: LabelText): IntegrityLabel {
  return text === "ALL" ? ALL_INTEGRITY : integrityOf(text.map(idOf));
}

/** @throws LabelError E_LABEL_TOO_LONG */
export function contextFromText(text: ContextText): Context {
  return contextOf(secrecyFrom(text.secrecy), integrityFrom(text.integrity));
}

/** @throws LabelError E_LABEL_TOO_LONG */
export function subjectFromText(text: SubjectText): Subject {
  return { in: contextFromText(text.in), out: contextFromText(text.out) };
}

/** A case's target, every context in it made; fields that are no context stay. */
export function targetFromText(text: object): AnyTarget {
  const made = Object.entries(text).map(([field, value]: [string, unknown]) => [
    field,
    valueFrom(field, value),
  ]);
  return Object.fromEntries(made) as AnyTarget;
}

function valueFrom(field: string, value: unknown): unknown {
  if (field === "other") return subjectFromText(value as SubjectText);
  if (field === "directories") return (value as ContextText[]).map(contextFromText);
  if (field === "object" || field === "directory") return value && contextFromText(value as ContextText);
  return value;
}
