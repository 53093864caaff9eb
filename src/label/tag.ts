/**
 * Tags: one concern of one owner, such as `alice/medical`.
 *
 * Guarantee: a `TagId` is 32 lowercase hexadecimal digits (128 bits) and a `TagName` follows the
 * grammar below, because only the functions here make them.
 * Not covered: which name belongs to which id (the daemon's tag store), and who owns a tag.
 */
import { LabelError } from "./error.ts";

declare const tagIdBrand: unique symbol;
declare const tagNameBrand: unique symbol;

/**
 * What a tag is inside: 128 random bits as 32 lowercase hexadecimal digits. Random rather than
 * counted, because a counter tells how many tags there are and in which order they were made.
 */
export type TagId = string & { readonly [tagIdBrand]: true };

/**
 * What a tag is called: `owner/name`, or `owner/name:instance` for one of many of a kind, such as
 * `registry/patient:4711`; all parts match {@link PART}.
 */
export type TagName = string & { readonly [tagNameBrand]: true };

/** Longest owner, name and instance, in characters (which are bytes: the grammar is ASCII). */
export const MAX_PART_LENGTH = 63;

/** What each of the parts looks like. ASCII only, so that no two names look alike. */
export const PART = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** Why a text is no tag name. */
export type TagNameProblem = {
  readonly kind: "NO_SLASH" | "TWO_SLASHES" | "EMPTY_PART" | "BAD_START" | "BAD_CHARACTER" | "TOO_LONG";
  /** Which part is at fault; null where the division into parts is. */
  readonly part: "owner" | "name" | "instance" | null;
  /** In words, for a message: `expected ..., found ...`. */
  readonly expected: string;
  readonly found: string;
};

/** A tag name taken apart, or why the text is none. */
export type ParsedTagName =
  | { readonly ok: true; readonly name: TagName; readonly owner: string; readonly local: string } // local: with its instance
  | { readonly ok: false; readonly problem: TagNameProblem };

/**
 * Reads `owner/name`. Never throws: what a user typed is an ordinary answer.
 *
 * Nothing is trimmed, lowercased or normalised, since a name that was repaired could be another's.
 */
export function parseTagName(text: string): ParsedTagName {
  const parts = text.split("/");
  const [owner, local] = parts;
  if (owner === undefined || local === undefined)
    return refuse("NO_SLASH", null, "`owner/name`", `${quote(text)} without a slash`);
  if (parts.length > 2)
    return refuse("TWO_SLASHES", null, "`owner/name` with one slash", `${parts.length - 1} slashes`);

  const colon = local.indexOf(":");
  const problem =
    problemOf(owner, "owner") ??
    problemOf(colon === -1 ? local : local.slice(0, colon), "name") ??
    (colon === -1 ? null : problemOf(local.slice(colon + 1), "instance"));
  if (problem) return { ok: false, problem };
  return { ok: true, name: text as TagName, owner, local };
}

/** Reads a tag id as it is stored or sent. @throws LabelError E_TAG_ID when it is none */
export function parseTagId(text: string): TagId {
  if (!isTagId(text))
    throw new LabelError("E_TAG_ID", `expected 32 lowercase hexadecimal digits, found ${quote(text)}`);
  return text;
}

/** Whether a text is a tag id. */
export function isTagId(text: string): text is TagId {
  return /^[0-9a-f]{32}$/.test(text);
}

/**
 * Makes a tag id from 16 random bytes, which the caller draws: nothing here has a source of chance.
 *
 * @throws LabelError E_TAG_ID when there are not 16
 */
export function tagIdFromBytes(bytes: Uint8Array): TagId {
  if (bytes.length !== 16)
    throw new LabelError("E_TAG_ID", `expected 16 random bytes, found ${bytes.length}`);
  return parseTagId(Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""));
}

function problemOf(text: string, part: "owner" | "name" | "instance"): TagNameProblem | null {
  if (PART.test(text)) return null;
  if (text === "")
    return refuse("EMPTY_PART", part, `the ${part} of \`owner/name\` or \`owner/name:instance\``, "nothing")
      .problem;

  const wrong = Array.from(text).find((character) => !/^[a-z0-9._-]$/.test(character));
  if (wrong !== undefined)
    return refuse("BAD_CHARACTER", part, "a-z, 0-9, `.`, `_` and `-`", quote(wrong)).problem;
  if (text.length > MAX_PART_LENGTH)
    return refuse("TOO_LONG", part, `at most ${MAX_PART_LENGTH} characters`, `${text.length}`).problem;
  return refuse("BAD_START", part, "a letter or digit first", quote(text.charAt(0))).problem;
}

function refuse(
  kind: TagNameProblem["kind"],
  part: TagNameProblem["part"],
  expected: string,
  found: string,
): { readonly ok: false; readonly problem: TagNameProblem } {
  return { ok: false, problem: { kind, part, expected, found } };
}

/** Quotes untrusted text for one line: control and non-ASCII characters become escapes. */
function quote(text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 80)}...` : text;
  const escape = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `\`${shown.replace(/[^ -~]/g, escape)}\``;
}
