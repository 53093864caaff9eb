/**
 * Tag patterns: one tag, or all instances of a kind, as in FlowK2's two-part tags.
 *
 * `registry/patient` is that tag alone, `registry/patient:4711` one instance, `registry/patient:*` all instances
 * there are and will be. A pattern has one owner, so whoever may speak for one tag of it may speak for all.
 */
import { parseTagName, type TagName } from "../label/index.ts";
import { PolicyError } from "./error.ts";

declare const patternBrand: unique symbol;

/** A tag's name, or `owner/name:*`. */
export type Pattern = string & { readonly [patternBrand]: true };

/** One tag. @throws PolicyError E_TAG_NAME */
export function requireTagName(text: string): TagName {
  const parsed = parseTagName(text);
  if (parsed.ok) return parsed.name;
  throw noTag(parsed.problem.expected, parsed.problem.found);
}

/** One tag, or all of a kind. @throws PolicyError E_TAG_NAME */
export function parsePattern(text: string): Pattern {
  const isKind = text.endsWith(":*");
  if (requireTagName(isKind ? text.slice(0, -2) : text).includes(":") && isKind)
    throw noTag("one `:`", "two");
  return text as Pattern;
}

function noTag(expected: string, found: string): PolicyError {
  return new PolicyError(
    "E_TAG_NAME",
    `expected ${expected}, found ${found}`,
    "a tag is named `owner/name` or `owner/name:instance`; `owner/name:*` stands for all instances",
  );
}

/** Whose tags these are. */
export function ownerOf(pattern: Pattern | TagName): string {
  return pattern.slice(0, pattern.indexOf("/"));
}

/** The patterns that cover a tag or pattern: itself, and all of its kind. */
export function covering(pattern: Pattern | TagName): readonly Pattern[] {
  const colon = pattern.indexOf(":");
  const itself = pattern as string as Pattern;
  if (colon === -1 || pattern.endsWith(":*")) return [itself];
  return [itself, `${pattern.slice(0, colon)}:*` as Pattern];
}

/** Is each tag of `inner` one of `outer`? */
export function covers(outer: Pattern, inner: Pattern | TagName): boolean {
  return covering(inner).includes(outer);
}
