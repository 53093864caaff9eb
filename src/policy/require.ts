/**
 * What the rules ask of a statement, each with the error that says what was expected and what was found.
 *
 * Guarantee: nothing here changes the state.
 */
import { MAX_TAGS, parseTagName } from "../label/index.ts";
import { conflictFor } from "./conflict.ts";
import { PolicyError } from "./error.ts";
import { covers, ownerOf, type Pattern, parsePattern } from "./pattern.ts";
import { endOf, isLive } from "./privilege.ts";
import type { Grant, State } from "./state.ts";
import { type Body, type LabelText, PLATFORM, type Privilege, PRIVILEGES } from "./statement.ts";

/** Who says it, when, and its number. */
export type Said = { readonly seq: number; readonly at: string; readonly by: string };

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
/** Longest purpose, path or argument, in characters. */
export const MAX_TEXT = 4096;
/** `(uid_t) -1`: the kernel's word for nobody. */
export const NO_USER = 0xffffffff;

export function requireFreeUser(state: State, uid: number): void {
  must(uid !== 0 && uid !== NO_USER, "a user other than root, who is the platform");
  const taken = state.byUid.get(uid);
  if (taken !== undefined)
    throw new PolicyError(
      "E_PRINCIPAL_EXISTS",
      `user ${uid} is \`${taken.name}\` already`,
      "a user is one principal",
    );
}

export function must(condition: boolean, expected: string): void {
  if (!condition)
    throw new PolicyError("E_STATEMENT", `expected ${expected}, found otherwise`, "nothing was changed");
}

export function onlyPlatform(said: Said, what: string): void {
  if (said.by === PLATFORM) return;
  throw new PolicyError(
    "E_PRIVILEGE",
    `expected the platform to ${what}, found ${said.by}`,
    "its administrator may",
  );
}

export function onlyOwner(said: Said, owner: string, what: string): void {
  if (said.by === owner) return;
  throw new PolicyError(
    "E_PRIVILEGE",
    `[TAG-1] expected ${owner} to ${what}, found ${said.by}`,
    `only \`${owner}\` may`,
  );
}

export function requireName(name: string, what: string): void {
  if (NAME.test(name) && name !== PLATFORM && name !== "*") return;
  throw new PolicyError(
    "E_NAME",
    `expected ${what} named with a-z, 0-9, \`.\`, \`_\` and \`-\`, at most 63, found ${quote(name)}`,
    "such as `registry`",
  );
}

/** `owner/name`; gives the owner. */
export function requireOwned(name: string, what: string): string {
  const parsed = parseTagName(name);
  if (parsed.ok && !parsed.local.includes(":")) return parsed.owner;
  throw new PolicyError(
    "E_NAME",
    `expected ${what} named \`owner/name\`, found ${quote(name)}`,
    "such as `registry/anonymise`",
  );
}

export function requirePattern(state: State, text: string): Pattern {
  const pattern = parsePattern(text);
  if (pattern.endsWith(":*") ? state.principals.has(ownerOf(pattern)) : state.tags.has(pattern))
    return pattern;
  throw unknownTag(text);
}

export function requireLabel(state: State, label: LabelText): void {
  must(label.length <= MAX_TAGS, `at most ${MAX_TAGS} tags [CTX-1]`);
  must(
    label.every((tag, i) => i === 0 || label[i - 1]! < tag),
    "tags sorted, each once",
  );
  for (const tag of label) if (!state.tags.has(tag)) throw unknownTag(tag);
}

export function requirePrivileges(privileges: readonly Privilege[]): void {
  must(privileges.length > 0 && new Set(privileges).size === privileges.length, "one to four privileges");
  must(
    privileges.every((privilege) => PRIVILEGES.includes(privilege)),
    "`s+`, `s-`, `i+` or `i-`",
  );
}

export function requireText(text: string): void {
  must(text.length <= MAX_TEXT && !text.includes("\0"), `a text of at most ${MAX_TEXT} characters`);
}

/** A principal there is, or a gate as it is defined now. */
export function requireHolder(state: State, holder: string): void {
  if (!holder.startsWith("gate:")) {
    if (state.principals.has(holder)) return;
    throw unknownPrincipal(holder);
  }
  const gate = state.gates.get(holder.slice(5, holder.lastIndexOf("@")));
  if (gate?.holder === holder) return;
  throw new PolicyError(
    "E_GATE_UNKNOWN",
    `expected a gate as it is defined now, found ${quote(holder)}`,
    "`csn gate list` shows them",
  );
}

/** The grant that this one derives from: its maker's own, with the grant option, and no smaller. [PRIV-1] */
export function viaOf(state: State, body: Extract<Body, { kind: "grant" }>, said: Said): Grant {
  const via = state.grants.get(body.via!);
  const enough =
    via !== undefined &&
    via.to === said.by &&
    via.delegate &&
    isLive(via, Date.parse(said.at)) &&
    covers(via.tag, body.tag) &&
    body.privileges.every((privilege) => via.privileges.includes(privilege)) &&
    conflictFor(state, said.by, body.tag) === null;
  if (!enough)
    throw new PolicyError(
      "E_PRIVILEGE",
      `[PRIV-1] expected a privilege of ${said.by} on \`${body.tag}\` with the grant option, found none`,
      "only who holds it with the grant option may pass it on: ask the tag's owner for `--delegate`",
    );
  must(
    (body.until === null ? Infinity : Date.parse(body.until)) <= endOf(via),
    "a term no longer than one's own",
  );
  return via;
}

export function unknownTag(name: string): PolicyError {
  return new PolicyError(
    "E_TAG_UNKNOWN",
    `expected the name of a tag that you may use, found ${quote(name)}`,
    "`csn tag list` shows them; `csn tag create OWNER/NAME` makes one",
  );
}

export function unknownPrincipal(name: string): PolicyError {
  return new PolicyError(
    "E_PRINCIPAL_UNKNOWN",
    `expected the name of a principal, found ${quote(name)}`,
    name.includes("/")
      ? `a gate is written \`gate:OWNER/NAME\`; \`csn gate list\` shows them`
      : "`csn principal list` shows all",
  );
}

export function collides(
  who: string,
  { conflict, wanted, other }: { conflict: { name: string }; wanted: string; other: string },
): PolicyError {
  return new PolicyError(
    "E_CONFLICT",
    `[COI-1] ${who} may not have \`${wanted}\`: it has held \`${other}\`, and \`${conflict.name}\` allows only one of them`,
    "history counts: dropping the one does not free the other; somebody else has to do it",
  );
}

/** For somebody else: what the holder has held is none of his business. */
export function collidesUnnamed(
  who: string,
  { conflict, wanted }: { conflict: { name: string }; wanted: string },
) {
  return new PolicyError(
    "E_CONFLICT",
    `[COI-1] ${who} may not have \`${wanted}\`: it has held another member of \`${conflict.name}\`, which allows only one`,
    "history counts: dropping the one does not free the other; somebody else has to do it",
  );
}

/** Untrusted text on one line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}...` : text);
}
