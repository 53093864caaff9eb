/**
 * Questions about owners: what is in force, as callers see it; and principals.
 *
 * Guarantee: a caller is shown what concerns him: his principal, tags that he knows (privileges.ts), grants that he
 * made, holds or stands above. Root of the host is shown everything.
 */
import { createHash } from "node:crypto";
import {
  type ContextView,
  type GateRunView,
  type GrantView,
  type LogEntry,
  type Mine,
  PrincipalBind,
  PrincipalCreate,
  PrincipalRotate,
  type PrincipalView,
  type PrivilegeView,
} from "../api/index.ts";
import { KIND, SHAPE } from "../kernel/index.ts";
import {
  chainFor,
  endOf,
  type Grant,
  isLive,
  linksOf,
  ownerOf,
  type Pattern,
  PLATFORM,
  type Principal,
  PRIVILEGES,
  type Statement,
  unknownPrincipal,
} from "../policy/index.ts";
import type { Csn } from "./csn.ts";
import { gateOf, logEntry, mayRead } from "./entries.ts";
import { isRun } from "./run-events.ts";
import { CsnError } from "./errors.ts";
import { type Caller, requireRoot, userIdOf } from "./identity.ts";
import { parse } from "./parse.ts";
import { knows } from "./privileges.ts";
import { RecordNames } from "./record-names.ts";
import type { Entry } from "./records.ts";
import { holderNamed, tagFor } from "./sayings.ts";
import { recordStatements } from "./run-events.ts";
import { bookFor } from "./views.ts";

/** How many of the newest records `mine` looks through. */
const LOOK_BACK = 50_000;
const SHOWN = 20;

/** How many tags somebody has is his own business, and root's. */
export function listPrincipals(csn: Csn, caller: Caller): PrincipalView[] {
  const me = csn.authority.holderOf(caller);
  const { principals, tags } = csn.authority.world.state;
  const counts = new Map<string, number>();
  for (const name of tags.keys()) {
    const owner = ownerOf(name as Pattern);
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  return [...principals.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((principal) =>
      viewPrincipal(
        principal,
        caller.uid === 0 || principal.name === me ? (counts.get(principal.name) ?? 0) : null,
      ),
    );
}

/** Root makes any; a user who is none yet makes himself. */
export function createPrincipal(csn: Csn, caller: Caller, body: unknown): PrincipalView {
  const { name, type, user, key } = parse(PrincipalCreate, body);
  const uid = user === null ? null : userOf(user);
  if (caller.uid !== 0 && (name !== caller.name || (uid ?? caller.uid) !== caller.uid || type !== "person"))
    requireRoot(caller, "make another principal than yourself");
  const { authority } = csn;
  const made = authority.createPrincipal(name, type, caller.uid === 0 ? uid : caller.uid, key);
  recordStatements(csn, caller, 1);
  return viewPrincipal(made, 0);
}

export function rotatePrincipal(csn: Csn, caller: Caller, body: unknown): PrincipalView {
  const { name, key } = parse(PrincipalRotate, body);
  if (!csn.authority.world.state.principals.has(name)) throw unknownPrincipal(name);
  csn.authority.rotate(caller, name, key);
  recordStatements(csn, caller, 1);
  return listPrincipals(csn, caller).find((principal) => principal.name === name)!;
}

export function bindPrincipal(csn: Csn, caller: Caller, body: unknown): PrincipalView {
  requireRoot(caller, "say which user a principal is");
  const { name, user } = parse(PrincipalBind, body);
  csn.authority.say(caller, PLATFORM, { kind: "bind", name, uid: userOf(user) });
  recordStatements(csn, caller, 1);
  return listPrincipals(csn, caller).find((principal) => principal.name === name)!;
}

export function statements(csn: Csn, caller: Caller, from: number, limit: number): Statement[] {
  requireRoot(caller, "read what all principals stated");
  return csn.authority.statements(from, limit);
}

export function privileges(csn: Csn, caller: Caller, tag: string, holder: string | undefined): PrivilegeView {
  const { authority } = csn;
  const { state } = authority.world;
  const pattern = tagFor(authority, caller, tag);
  const me = authority.holderOf(caller);
  const who = holder === undefined ? me : holderNamed(state.gates, holder);
  if (who !== me && !who.startsWith("gate:") && !state.principals.has(who)) throw unknownPrincipal(who);
  if (
    caller.uid !== 0 &&
    who !== me &&
    ownerOf(pattern) !== me &&
    !state.gates.has(who.slice(5).split("@")[0]!)
  )
    throw new CsnError(
      "E_NOT_PERMITTED",
      `expected ${who} or the owner of \`${tag}\` to ask what ${who} holds, found ${caller.name}`,
      "ask for your own",
      403,
    );
  const at = authority.now().getTime();
  return {
    tag: pattern,
    holder: who,
    privileges: PRIVILEGES.map((privilege) => {
      const chain = chainFor(state, who, privilege, pattern, at);
      return {
        privilege,
        by: chain?.by ?? null,
        chain: (chain?.grants ?? []).map((grant) => viewGrant(grant, at)),
      };
    }),
    conflict: authority.world.conflict(who, pattern)?.conflict.name ?? null,
  };
}

/** Named contexts: the caller's own, and those all of whose tags he knows. */
export function listContexts(csn: Csn, caller: Caller): { name: string; context: ContextView }[] {
  const { authority } = csn;
  const me = authority.holderOf(caller);
  return [...authority.world.state.contexts.values()]
    .filter(
      ({ name, context }) =>
        ownerOf(name as Pattern) === me ||
        [...context.secrecy, ...context.integrity].every((tag) => knows(authority, caller, tag)),
    )
    .map(({ name, context }) => ({
      name,
      context: { secrecy: [...context.secrecy], integrity: [...context.integrity] },
    }));
}

/** Sets that concern the caller: he made them, or knows all members. */
export function listConflicts(csn: Csn, caller: Caller): { name: string; tags: string[]; by: string }[] {
  const { authority } = csn;
  const me = authority.holderOf(caller);
  return [...authority.world.state.conflicts.values()]
    .filter(({ by, tags }) => by === me || tags.every((tag) => knows(authority, caller, tag)))
    .map(({ name, tags, by }) => ({ name, tags: [...tags], by }));
}

export function mine(csn: Csn, caller: Caller, as: string | undefined): Mine {
  const { authority } = csn;
  const { state } = authority.world;
  if (as !== undefined) requireRoot(caller, "see what another principal sees");
  const me = as ?? authority.holderOf(caller);
  const at = authority.now().getTime();
  const live = [...state.grants.values()].filter((grant) => isLive(grant, at));
  const owned = [...state.tags.keys()].filter((name) => ownerOf(name as Pattern) === me).sort();
  // all instances of a kind have no tag of their own
  const kinds = new Set(
    [...live.map((g) => g.tag), ...state.opened.keys()].filter((p) => p.endsWith(":*") && ownerOf(p) === me),
  );
  return {
    principal: state.principals.has(me) ? me : null,
    tags: [...owned, ...kinds].map((name) => ({
      name,
      open: [...(state.opened.get(name as Pattern)?.keys() ?? [])],
      grants: live.filter((grant) => grant.tag === name).map((grant) => viewGrant(grant, at)),
    })),
    holds: live.filter((grant) => grant.to === me).map((grant) => viewGrant(grant, at)),
    ...doneWith(csn, caller, owned),
  };
}

/**
 * What the daemon did with these tags, newest first. A run of a gate whose record also tells of others' data [AUD-4] is told
 * by what everybody knew before it began: gate, purpose, user, grant, and only the day, since how many runs there are
 * may depend on what is in a labelled folder.
 */
function doneWith(csn: Csn, caller: Caller, tags: readonly string[]): Pick<Mine, "done" | "uses"> {
  const wanted = new Set(tags);
  const book = bookFor(csn.authority, caller);
  const called = new RecordNames(csn, caller);
  const done: LogEntry[] = [];
  const begun = new Map<string, LogEntry>();
  const uses = new Map<string, Mine["uses"][number]>();
  for (const entry of csn.records.read(Math.max(0, csn.records.last() - LOOK_BACK))) {
    if (entry.record[SHAPE.csn_record.kind] !== KIND.EVENT) continue;
    if (!mayRead(entry, caller, csn.authority)) {
      for (const use of usesOf(entry, wanted)) {
        const key = JSON.stringify(use);
        uses.delete(key); // the last one counts
        uses.set(key, use);
      }
      continue;
    }
    const shown = logEntry(entry, called.of(entry), book, csn.records.names);
    const carried = [shown.source.context, shown.sink.context].flatMap((context) =>
      context === null
        ? []
        : [context.secrecy, context.integrity].flatMap((label) => (label === "ALL" ? [] : label)),
    );
    if (!carried.some((tag) => wanted.has(tag))) continue;
    const run = gateOf(entry);
    // its end says all that its beginning did
    if (run !== undefined) begun.delete(runKey(run));
    if (run?.ended === "") begun.set(runKey(run), shown);
    else done.push(shown);
  }
  done.push(...begun.values());
  done.sort((a, b) => a.time.localeCompare(b.time));
  return { done: done.slice(-SHOWN).reverse(), uses: [...uses.values()].slice(-SHOWN).reverse() };
}

/** The same for the beginning and the end of a run. */
function runKey({ gate, definition, started, input }: GateRunView): string {
  return `${gate} ${definition} ${started} ${input.streams.at(-1)}`;
}

function usesOf(entry: Entry, wanted: ReadonlySet<string>): Mine["uses"] {
  const run = gateOf(entry);
  if (run === undefined || !isRun(run)) return [];
  const { gate, purpose, user, started } = run;
  return run.tags.flatMap(({ change, tag, grants }) =>
    change === "carries" || !wanted.has(tag)
      ? []
      : [{ day: started.slice(0, 10), gate, purpose, user, change, tag, grants: grants.map(({ id }) => id) }],
  );
}

export function viewGrant(grant: Grant, now: number): GrantView {
  const end = endOf(grant);
  const { id, by, to, tag, delegate, purpose, at } = grant;
  const isRevoked = linksOf(grant).some((link) => link.revoked !== null);
  return {
    id,
    by,
    to,
    tag,
    privileges: [...grant.privileges],
    delegate,
    until: end === Infinity ? null : new Date(end).toISOString(),
    purpose,
    via: grant.via?.id ?? null,
    at,
    state: isRevoked ? "revoked" : end <= now ? "ended" : "live",
  };
}

function viewPrincipal({ name, type, uid, custody, key }: Principal, tags: number | null): PrincipalView {
  const digest = createHash("sha256").update(Buffer.from(key, "base64")).digest("base64").replace(/=+$/, "");
  return { name, type, uid, custody, fingerprint: `SHA256:${digest}`, tags };
}

function userOf(text: string): number {
  const uid = /^\d+$/.test(text) ? Number(text) : userIdOf(text);
  if (uid !== null) return uid;
  throw new CsnError(
    "E_BAD_REQUEST",
    `expected a user of this host, found ${JSON.stringify(text)}`,
    "`getent passwd` lists them",
    400,
  );
}
