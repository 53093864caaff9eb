/**
 * Who may say what: one rule a kind of statement. Each checks everything first and then changes the state, so a
 * statement is taken whole or not at all.
 */
import { MAX_TAGS, parseTagName, type TagName } from "../label/index.ts";
import { conflictFor, conflictWithin } from "./conflict.ts";
import { PolicyError } from "./error.ts";
import { covers, ownerOf, type Pattern, parsePattern, requireTagName } from "./pattern.ts";
import { endOf, isLive, linksOf } from "./privilege.ts";
import type { Grant, State } from "./state.ts";
import { type Body, gateHolder, type LabelText, PLATFORM, type Privilege, PRIVILEGES } from "./statement.ts";

type Said = { readonly seq: number; readonly at: string; readonly by: string };
type Rule<K extends Body["kind"]> = (state: State, body: Extract<Body, { kind: K }>, said: Said) => void;

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
/** Longest purpose, path or argument, in characters; most of them in one statement. */
const MAX_TEXT = 4096;
export const MAX_TAGS_AT_ONCE = 10_000;

export const RULES: { readonly [K in Body["kind"]]: Rule<K> } = {
  genesis: (state, body, said) => {
    must(said.seq === 0 && said.by === PLATFORM, "a log begins with `genesis`, and has one");
    state.principals.set(PLATFORM, {
      name: PLATFORM,
      type: "service",
      key: body.key,
      custody: "daemon",
      uid: null,
      seq: said.seq,
    });
  },

  principal: (state, body, said) => {
    onlyPlatform(said, "make principals");
    requireName(body.name, "a principal");
    if (state.principals.has(body.name))
      throw new PolicyError(
        "E_PRINCIPAL_EXISTS",
        `principal \`${body.name}\` exists already`,
        "`csn principal list` shows all",
      );
    if (body.uid !== null) requireFreeUser(state, body.uid);
    const { name, type, key, custody, uid } = body;
    const principal = { name, type, key, custody, uid, seq: said.seq };
    state.principals.set(name, principal);
    if (uid !== null) state.byUid.set(uid, principal);
  },

  bind: (state, body, said) => {
    onlyPlatform(said, "say which user a principal is");
    const principal = state.principals.get(body.name);
    if (principal === undefined || body.name === PLATFORM) throw unknownPrincipal(body.name);
    must(principal.uid === null, "a principal that is no local user yet");
    requireFreeUser(state, body.uid);
    principal.uid = body.uid;
    state.byUid.set(body.uid, principal);
  },

  rotate: (state, body, said) => {
    const principal = state.principals.get(body.name);
    if (principal === undefined) throw unknownPrincipal(body.name);
    must(said.by === body.name, "who rotates a key signs with the old one");
    principal.key = body.key;
    principal.custody = body.custody;
  },

  tag: (state, body, said) => {
    must(
      body.tags.length > 0 && body.tags.length <= MAX_TAGS_AT_ONCE,
      `1 to ${MAX_TAGS_AT_ONCE} tags at once`,
    );
    const fresh = new Set<string>();
    for (const { name, id } of body.tags) {
      onlyOwner(said, ownerOf(requireTagName(name)), `make the tag \`${name}\``);
      if (state.tags.has(name) || state.tagsById.has(id) || fresh.has(name) || fresh.has(id))
        throw new PolicyError("E_TAG_EXISTS", `tag \`${name}\` exists already`, "`csn tag list` shows all");
      fresh.add(name).add(id);
    }
    for (const { name, id } of body.tags) {
      const tag = { name, id, at: said.at, seq: said.seq };
      state.tags.set(name, tag);
      state.tagsById.set(id, tag);
    }
  },

  open: (state, body, said) => {
    onlyOwner(said, ownerOf(requirePattern(state, body.tag)), `open \`${body.tag}\``);
    requirePrivileges([body.privilege]);
    const directions = state.opened.get(body.tag) ?? new Map<Privilege, { seq: number; at: string }>();
    if (body.open) directions.set(body.privilege, { seq: said.seq, at: said.at });
    else directions.delete(body.privilege);
    if (directions.size > 0) state.opened.set(body.tag, directions);
    else state.opened.delete(body.tag);
  },

  grant: (state, body, said) => {
    requirePattern(state, body.tag);
    requirePrivileges(body.privileges);
    requireText(body.purpose);
    must(/^[0-9a-f]{32}$/.test(body.id) && !state.grants.has(body.id), "a new random id");
    requireHolder(state, body.to);
    const until = body.until === null ? null : Date.parse(body.until);
    must(until === null || until > Date.parse(said.at), "a term that ends later than now");
    const via = body.via === null ? null : viaOf(state, body, said);
    if (via === null)
      onlyOwner(said, ownerOf(body.tag), `grant \`${body.tag}\` without having it from somebody`);
    must(body.to !== said.by, "somebody else to grant to");
    const collision = conflictFor(state, body.to, body.tag);
    if (collision !== null) throw collides(body.to, collision);
    const { id, to, tag, privileges, delegate, purpose } = body;
    const grant: Grant = {
      id,
      by: said.by,
      to,
      tag,
      privileges,
      delegate,
      until,
      purpose,
      via,
      at: said.at,
      seq: said.seq,
      revoked: null,
    };
    state.grants.set(id, grant);
    const mine = state.grantsTo.get(to) ?? new Map<Pattern, Grant[]>();
    state.grantsTo.set(to, mine);
    const list = mine.get(tag);
    if (list) list.push(grant);
    else mine.set(tag, [grant]);
  },

  revoke: (state, body, said) => {
    const grant = state.grants.get(body.grant);
    // whoever may not revoke it is not told that it exists
    const may =
      grant && (said.by === ownerOf(grant.tag) || linksOf(grant).some((link) => link.by === said.by));
    if (!grant || !may || grant.revoked !== null)
      throw new PolicyError(
        "E_GRANT_UNKNOWN",
        `expected a grant in force that ${said.by} made or stands above, found none with id ${quote(body.grant)}`,
        "`csn mine` shows what you granted",
      );
    grant.revoked = { seq: said.seq, by: said.by, at: said.at };
  },

  gate: (state, body, said) => {
    const owner = requireOwned(body.name, "a gate");
    onlyOwner(said, owner, `offer the gate \`${body.name}\``);
    const { gate } = body;
    must(gate.program.startsWith("/") && gate.program.length <= MAX_TEXT, "an absolute path of a program");
    for (const digest of [gate.digest, ...gate.files.map((f) => f.digest)])
      must(/^[0-9a-f]{64}$/.test(digest), "a sha256 digest");
    for (const text of [gate.purpose, ...gate.args, ...gate.files.map((f) => f.path)]) requireText(text);
    for (const label of [gate.in.secrecy, gate.in.integrity, gate.out.secrecy, gate.out.integrity])
      requireLabel(state, label);
    for (const text of gate.consent) parsePattern(text.startsWith("*/") ? `x${text.slice(1)}` : text);
    for (const user of body.users)
      if (user !== "*" && !state.principals.has(user)) throw unknownPrincipal(user);
    const collision = conflictWithin(state, [...gate.in.secrecy, ...gate.out.secrecy] as TagName[]);
    if (collision !== null) throw collides(`gate ${body.name}`, collision);
    state.gates.set(body.name, {
      name: body.name,
      gate,
      holder: gateHolder(body.name, gate),
      users: body.users,
      seq: said.seq,
    });
  },

  ungate: (state, body, said) => {
    remove(state.gates, "gate", "E_GATE_UNKNOWN", body.name, said);
  },

  conflict: (state, body, said) => {
    requireOwned(body.name, "a conflict set");
    must(
      said.by === PLATFORM || ownerOf(body.name as Pattern) === said.by,
      `a name that begins with \`${said.by}/\``,
    );
    must(!state.conflicts.has(body.name), `no conflict set \`${body.name}\` yet`);
    must(body.tags.length >= 2 && body.tags.length <= MAX_TAGS, `2 to ${MAX_TAGS} members`);
    for (const tag of body.tags) {
      requirePattern(state, tag);
      // it takes away from others what they may have, so it needs a say in each member
      if (said.by !== PLATFORM) onlyOwner(said, ownerOf(tag), `set a conflict on \`${tag}\``);
      must(
        body.tags.filter((other) => covers(other, tag) || covers(tag, other)).length === 1,
        "members that do not overlap",
      );
    }
    const conflict = { name: body.name, tags: body.tags, by: said.by, seq: said.seq };
    state.conflicts.set(body.name, conflict);
    for (const tag of body.tags)
      state.conflictsOf.set(tag, [...(state.conflictsOf.get(tag) ?? []), conflict]);
  },

  unconflict: (state, body, said) => {
    const conflict = state.conflicts.get(body.name);
    must(conflict !== undefined && conflict.by === said.by, `a conflict set of ${said.by}`);
    state.conflicts.delete(body.name);
    for (const tag of conflict!.tags) {
      const rest = state.conflictsOf.get(tag)!.filter((other) => other !== conflict);
      if (rest.length > 0) state.conflictsOf.set(tag, rest);
      else state.conflictsOf.delete(tag);
    }
  },

  context: (state, body, said) => {
    onlyOwner(said, requireOwned(body.name, "a context"), `name the context \`${body.name}\``);
    requireLabel(state, body.context.secrecy);
    requireLabel(state, body.context.integrity);
    state.contexts.set(body.name, { name: body.name, context: body.context, seq: said.seq });
  },

  uncontext: (state, body, said) => {
    remove(state.contexts, "context", "E_CONTEXT_UNKNOWN", body.name, said);
  },

  held: (state, body, said) => {
    onlyPlatform(said, "state what programs carried");
    const held = state.held.get(body.holder) ?? new Set<TagName>();
    for (const tag of body.tags) held.add(tag);
    state.held.set(body.holder, held);
  },

  document: (state, body, said) => {
    onlyPlatform(said, `set ${body.type}`);
    const key = `${body.type} ${body.name}`;
    if (body.spec === null) state.documents.delete(key);
    else state.documents.set(key, { type: body.type, name: body.name, spec: body.spec });
  },
};

/** The grant that this one derives from: its maker's own, with the grant option, and no smaller. [PRIV-1] */
function viaOf(state: State, body: Extract<Body, { kind: "grant" }>, said: Said): Grant {
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

/** Only what there is, and only its owner. */
function remove(
  all: Map<string, unknown>,
  what: "gate" | "context",
  code: "E_GATE_UNKNOWN" | "E_CONTEXT_UNKNOWN",
  name: string,
  said: Said,
): void {
  if (!all.has(name) || ownerOf(name as Pattern) !== said.by)
    throw new PolicyError(
      code,
      `expected a ${what} of ${said.by}, found ${quote(name)}`,
      `\`csn ${what} list\` shows them`,
    );
  all.delete(name);
}

function requireFreeUser(state: State, uid: number): void {
  must(uid !== 0, "a user other than root, who is the platform");
  const taken = state.byUid.get(uid);
  if (taken !== undefined)
    throw new PolicyError(
      "E_PRINCIPAL_EXISTS",
      `user ${uid} is \`${taken.name}\` already`,
      "a user is one principal",
    );
}

function must(condition: boolean, expected: string): void {
  if (!condition)
    throw new PolicyError("E_STATEMENT", `expected ${expected}, found otherwise`, "nothing was changed");
}

function onlyPlatform(said: Said, what: string): void {
  if (said.by === PLATFORM) return;
  throw new PolicyError(
    "E_PRIVILEGE",
    `expected the platform to ${what}, found ${said.by}`,
    "its administrator may",
  );
}

function onlyOwner(said: Said, owner: string, what: string): void {
  if (said.by === owner) return;
  throw new PolicyError(
    "E_PRIVILEGE",
    `[TAG-1] expected ${owner} to ${what}, found ${said.by}`,
    `only \`${owner}\` may`,
  );
}

function requireName(name: string, what: string): void {
  if (NAME.test(name) && name !== PLATFORM && name !== "*") return;
  throw new PolicyError(
    "E_NAME",
    `expected ${what} named with a-z, 0-9, \`.\`, \`_\` and \`-\`, at most 63, found ${quote(name)}`,
    "such as `registry`",
  );
}

/** `owner/name`; gives the owner. */
function requireOwned(name: string, what: string): string {
  const parsed = parseTagName(name);
  if (parsed.ok && !parsed.local.includes(":")) return parsed.owner;
  throw new PolicyError(
    "E_NAME",
    `expected ${what} named \`owner/name\`, found ${quote(name)}`,
    "such as `registry/anonymise`",
  );
}

function requirePattern(state: State, text: string): Pattern {
  const pattern = parsePattern(text);
  if (pattern.endsWith(":*") ? state.principals.has(ownerOf(pattern)) : state.tags.has(pattern))
    return pattern;
  throw unknownTag(text);
}

function requireLabel(state: State, label: LabelText): void {
  must(label.length <= MAX_TAGS, `at most ${MAX_TAGS} tags [CTX-1]`);
  must(
    label.every((tag, i) => i === 0 || label[i - 1]! < tag),
    "tags sorted, each once",
  );
  for (const tag of label) if (!state.tags.has(tag)) throw unknownTag(tag);
}

function requirePrivileges(privileges: readonly Privilege[]): void {
  must(privileges.length > 0 && new Set(privileges).size === privileges.length, "one to four privileges");
  must(
    privileges.every((privilege) => PRIVILEGES.includes(privilege)),
    "`s+`, `s-`, `i+` or `i-`",
  );
}

function requireText(text: string): void {
  must(text.length <= MAX_TEXT && !text.includes("\0"), `a text of at most ${MAX_TEXT} characters`);
}

/** A principal there is, or a gate as it is defined now. */
function requireHolder(state: State, holder: string): void {
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
    "`csn principal list` shows all",
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

/** Untrusted text on one line. */
function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}...` : text);
}
