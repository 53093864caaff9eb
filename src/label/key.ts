/**
 * Contexts as text: the key under which they are interned and stored, and the form that people read.
 *
 * Guarantee: two contexts have the same key exactly when they are equal, and a key that `contextKey`
 * would not have written is refused, so what is kept can be compared as text. [CTX-4] [CTX-5]
 */
import { contextOf } from "./context.ts";
import type { Context } from "./context.ts";
import { LabelError } from "./error.ts";
import { ALL_INTEGRITY, ALL_SECRECY, integrityOf, secrecyOf } from "./label.ts";
import type { IntegrityLabel, SecrecyLabel } from "./label.ts";
import { parseTagId } from "./tag.ts";
import type { TagId, TagName } from "./tag.ts";

/** The canonical text: `S=<ids>;I=<ids>`, ids sorted and joined by commas, `*` for ⊤. */
export function contextKey(context: Context): string {
  return `S=${write(context.secrecy)};I=${write(context.integrity)}`;
}

/**
 * Reads what `contextKey` wrote.
 *
 * @throws LabelError E_CONTEXT_KEY for any other text. Unsorted or repeated ids count as such: they mean
 *   that something else wrote it
 */
export function parseContextKey(key: string): Context {
  const [, secrecy, integrity] = /^S=([^;]*);I=([^;]*)$/.exec(key) ?? [];
  if (secrecy === undefined || integrity === undefined) throw malformed(key);
  let context: Context;
  try {
    context = contextOf(
      secrecy === "*" ? ALL_SECRECY : secrecyOf(readIds(secrecy)),
      integrity === "*" ? ALL_INTEGRITY : integrityOf(readIds(integrity)),
    );
  } catch (error) {
    throw malformed(key, error);
  }
  if (contextKey(context) !== key) throw malformed(key);
  return context;
}

/**
 * For people: `S={alice/medical} I={}`, tags in the order of their names, `ALL` for ⊤.
 *
 * @param nameOf what a tag is called; a tag that it does not know (or must not name) shows as `#` and its id
 */
export function formatContext(context: Context, nameOf: (id: TagId) => TagName | undefined): string {
  return `S=${formatLabel(context.secrecy, nameOf)} I=${formatLabel(context.integrity, nameOf)}`;
}

/** One label of {@link formatContext}: `{alice/medical,bob/x}`, `{}` or `ALL`. */
export function formatLabel(
  label: SecrecyLabel | IntegrityLabel,
  nameOf: (id: TagId) => TagName | undefined,
): string {
  if (typeof label === "string") return "ALL";
  const names = label.map((id) => nameOf(id) ?? `#${id}`);
  return `{${names.sort().join(",")}}`;
}

function write(label: SecrecyLabel | IntegrityLabel): string {
  return typeof label === "string" ? "*" : label.join(",");
}

function readIds(text: string): TagId[] {
  return text === "" ? [] : text.split(",").map(parseTagId);
}

function malformed(key: string, cause?: unknown): LabelError {
  const shown = JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}...` : key);
  const error = new LabelError("E_CONTEXT_KEY", `expected a stored context, \`S=...;I=...\`, found ${shown}`);
  if (cause !== undefined) error.cause = cause;
  return error;
}
