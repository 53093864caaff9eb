/**
 * Who may say what: one rule a kind of statement. Each checks everything first and then changes the state, so a
 * statement is taken whole or not at all.
 */
import { MAX_TAGS, type TagName } from "../label/index.ts";
import { conflictFor, conflictWithin } from "./conflict.ts";
import { PolicyError } from "./error.ts";
import { covers, ownerOf, type Pattern, parsePattern, requireTagName } from "./pattern.ts";
import { linksOf } from "./privilege.ts";
import {
  collides,
  collidesUnnamed,
  MAX_TEXT,
  must,
  onlyOwner,
  onlyPlatform,
  quote,
  requireFreeUser,
  requireHolder,
  requireLabel,
  requireName,
  requireOwned,
  requirePattern,
  requirePrivileges,
  requireText,
  type Said,
  unknownPrincipal,
  viaOf,
} from "./require.ts";
import type { Grant, State } from "./state.ts";
import { type Body, gateHolder, PLATFORM, type Privilege } from "./statement.ts";

type Rule<K extends Body["kind"]> = (state: State, body: Extract<Body, { kind: K }>, said: Said) => void;

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
    // who got hold of the old key may have made some
    for (const token of state.tokens.values()) if (token.principal === body.name) token.revoked = true;
  },

  token: (state, body, said) => {
    must(said.by !== PLATFORM, "a principal other than the platform, for which nobody speaks from afar");
    must(/^[0-9a-f]{64}$/.test(body.hash) && !state.tokens.has(body.hash), "the sha256 of a new random text");
    requireText(body.note);
    const until = body.until === null ? null : Date.parse(body.until);
    must(until === null || until > Date.parse(said.at), "a term that ends later than now");
    const { hash, note } = body;
    state.tokens.set(hash, { hash, principal: said.by, note, until, at: said.at, revoked: false });
  },

  untoken: (state, body, said) => {
    const token = state.tokens.get(body.hash);
    const may = token && (said.by === PLATFORM || said.by === token.principal);
    if (!token || !may || token.revoked)
      throw new PolicyError(
        "E_TOKEN_UNKNOWN",
        `expected a token in force of ${said.by}, found none with the hash ${quote(body.hash)}`,
        "`csn token list` shows them",
      );
    token.revoked = true;
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
    if (collision !== null) throw collidesUnnamed(body.to, collision);
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
