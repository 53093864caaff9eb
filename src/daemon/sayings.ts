/**
 * What callers want said becomes statements: by whom, by which grant, to which gate as it is now.
 *
 * Guarantee: a caller names only tags that he knows; a grant is no larger and no longer than what it derives from.
 */
import { randomBytes } from "node:crypto";
import { type Intent, Say, type Said } from "../api/index.ts";
import {
  type Body,
  type ContextText,
  endOf,
  type Gate,
  type Grant,
  grantFor,
  isLive,
  linksOf,
  ownerOf,
  type Pattern,
  parsePattern,
  PLATFORM,
  PolicyError,
  type Privilege,
  requireTagName,
  unknownTag,
} from "../policy/index.ts";
import type { Authority, Saying } from "./authority.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import { type Caller, requireRoot } from "./identity.ts";
import { tagIdFromBytes } from "../label/index.ts";
import { parse } from "./parse.ts";
import { holderKnows, knows } from "./privileges.ts";
import { recordStatements } from "./run-events.ts";
import { tokenSayings } from "./tokens.ts";

export function say(csn: Csn, caller: Caller, body: unknown): Said {
  const request = parse(Say, body);
  const { authority } = csn;
  // before anything is looked up: what another could say is not his to find out
  if (request.as === PLATFORM) requireRoot(caller, "speak for the platform");
  else if (request.as !== undefined) authority.speaker(caller, request.as);
  if (!request.draft && request.say.some(({ kind }) => kind === "rotate"))
    throw new CsnError(
      "E_BAD_REQUEST",
      "expected a draft of a new key, found one to be signed by the daemon",
      "POST /v1/principals/rotate is for keys that the daemon keeps",
      400,
    );
  const said = request.say.flatMap((intent) => sayingsOf(authority, caller, intent, request.as));
  if (request.draft) {
    if (said.length !== 1)
      throw new CsnError(
        "E_BAD_REQUEST",
        `expected one statement to sign, found ${said.length}`,
        "name one privilege or one grant at a time",
        400,
      );
    return { statements: [], draft: authority.draft(said[0]!.by, said[0]!.body) };
  }
  for (const { by } of said) if (by !== PLATFORM) authority.speaker(caller, by);
  const taken = authority.sayAll(caller, said);
  recordStatements(csn, caller, taken.length);
  return { statements: taken, draft: null };
}

export function submit(csn: Csn, caller: Caller, body: unknown): Said {
  const { authority } = csn;
  const statement = authority.submit(body, (signed) => {
    for (const tag of tagsIn(signed.body))
      if (signed.by !== PLATFORM && !holderKnows(authority, signed.by, tag)) throw unknownTag(tag);
  });
  recordStatements(csn, caller, 1);
  return { statements: [statement], draft: null };
}

/** Tags that a statement is about: to who has nothing to do with one, it is as if it did not exist. */
function tagsIn(body: Body): readonly string[] {
  const labels = (...contexts: ContextText[]) => contexts.flatMap((c) => c.secrecy.concat(c.integrity));
  if (body.kind === "grant" || body.kind === "open") return [body.tag];
  if (body.kind === "conflict") return body.tags;
  if (body.kind === "context") return labels(body.context);
  return body.kind === "gate" ? labels(body.gate.in, body.gate.out) : [];
}

/** What an intent says, and who says it. */
function sayingsOf(authority: Authority, caller: Caller, intent: Intent, as: string | undefined): Saying[] {
  const by = (owner: string) => as ?? speakerOf(authority, caller, owner);
  if (intent.kind === "grant") return grantsOf(authority, caller, intent, by);
  if (intent.kind === "revoke")
    return grantsToRevoke(authority, caller, intent, as).map((grant) => ({
      by: by(grant.by),
      body: { kind: "revoke", grant: grant.id },
    }));
  if (intent.kind === "tag") {
    const tags = intent.names.map((name) => ({
      name: requireTagName(name),
      id: tagIdFromBytes(randomBytes(16)),
    }));
    return [{ by: by(ownerOf(tags[0]!.name)), body: { kind: "tag", tags } }];
  }
  if (intent.kind === "open") {
    const tag = tagFor(authority, caller, intent.tag);
    return [{ by: by(ownerOf(tag)), body: { ...intent, tag } }];
  }
  if (intent.kind === "token" || intent.kind === "untoken")
    return tokenSayings(authority, caller, intent, as);
  if (intent.kind === "rotate") {
    const name = by("");
    return [{ by: name, body: { kind: "rotate", name, key: intent.key, custody: "own" } }];
  }
  const speaker = by(ownerOf(intent.name as Pattern));
  if (intent.kind === "conflict") {
    const tags = intent.tags.map((tag) => tagFor(authority, caller, tag));
    return [{ by: speaker, body: { ...intent, tags } }];
  }
  if (intent.kind === "context") {
    const { secrecy = [], integrity = [] } = intent.context;
    for (const tag of [...secrecy, ...integrity]) tagFor(authority, caller, tag);
    const context = { secrecy: sorted(secrecy), integrity: sorted(integrity) };
    return [{ by: speaker, body: { kind: "context", name: intent.name, context } }];
  }
  return [{ by: speaker, body: intent }];
}

/** Unless somebody is named: root speaks for whoever owns the thing, others for themselves. */
function speakerOf(authority: Authority, caller: Caller, owner: string): string {
  if (caller.uid === 0) return owner;
  const me = authority.holderOf(caller);
  return authority.world.state.principals.has(me) ? me : caller.name;
}

/** One grant for each that they derive from. */
function grantsOf(
  authority: Authority,
  caller: Caller,
  intent: Extract<Intent, { kind: "grant" }>,
  speaker: (owner: string) => string,
): Saying[] {
  const { state } = authority.world;
  const tag = tagFor(authority, caller, intent.tag);
  const by = speaker(ownerOf(tag));
  const to = holderNamed(state.gates, intent.to);
  const parents = new Map<Grant | null, Privilege[]>();
  for (const privilege of new Set(intent.privileges)) {
    const now = authority.now().getTime();
    const via = ownerOf(tag) === by ? null : grantFor(state, by, privilege, tag, now, true);
    if (via === null && ownerOf(tag) !== by)
      throw new PolicyError(
        "E_PRIVILEGE",
        `[PRIV-1] expected ${by} to hold \`${privilege}\` on \`${tag}\` with the grant option, found that it does not`,
        "only who holds it with the grant option may pass it on: ask the tag's owner for `--delegate`",
      );
    parents.set(via, [...(parents.get(via) ?? []), privilege]);
  }
  const { delegate = false, purpose = "" } = intent;
  return [...parents].map(([via, privileges]): Saying => {
    const until = endText(intent.until ?? null, via);
    const id = randomBytes(16).toString("hex");
    return {
      by,
      body: { kind: "grant", id, to, tag, privileges, delegate, until, purpose, via: via?.id ?? null },
    };
  });
}

/** The grants in force that a revocation means. @throws PolicyError E_GRANT_UNKNOWN */
function grantsToRevoke(
  authority: Authority,
  caller: Caller,
  intent: Extract<Intent, { kind: "revoke" }>,
  as: string | undefined,
): Grant[] {
  const me = as ?? authority.holderOf(caller);
  const at = authority.now().getTime();
  const from =
    intent.from === undefined ? undefined : holderNamed(authority.world.state.gates, intent.from, false);
  const found = [...authority.world.state.grants.values()].filter(
    (grant) =>
      isLive(grant, at) &&
      (me === PLATFORM ||
        grant.by === me ||
        ownerOf(grant.tag) === me ||
        linksOf(grant).some((l) => l.by === me)) &&
      (intent.grant === undefined || (intent.grant.length >= 4 && grant.id.startsWith(intent.grant))) &&
      (intent.tag === undefined || grant.tag === intent.tag) &&
      (from === undefined || grant.to === from || grant.to.startsWith(`${from}@`)) &&
      (intent.privileges === undefined || intent.privileges.some((p) => grant.privileges.includes(p))) &&
      // one that hangs below another that goes anyway falls with it
      (intent.grant !== undefined || grant.by === me || me === PLATFORM || ownerOf(grant.tag) === me),
  );
  const isOne = intent.grant === undefined || found.length === 1;
  if (found.length > 0 && isOne) return found;
  throw new PolicyError(
    "E_GRANT_UNKNOWN",
    `expected ${intent.grant === undefined ? "grants" : "one grant"} in force that ${me} made or stands above, found ${found.length === 0 ? "none" : `${found.length}`}`,
    "`csn mine` shows them with their numbers",
  );
}

/** A principal or, for `gate:NAME`, the gate as it is now. */
export function holderNamed(gates: ReadonlyMap<string, Gate>, text: string, now = true): string {
  if (!text.startsWith("gate:") || text.includes("@")) return text;
  const gate = gates.get(text.slice(5));
  if (!now) return text;
  if (gate !== undefined) return gate.holder;
  throw new PolicyError(
    "E_GATE_UNKNOWN",
    `expected a gate, found ${JSON.stringify(text.slice(5))}`,
    "`csn gate list` shows them",
  );
}

export function tagFor(authority: Authority, caller: Caller, text: string): Pattern {
  const pattern = parsePattern(text);
  const isThere = pattern.endsWith(":*") || authority.tagNamed(pattern) !== undefined;
  if (isThere && knows(authority, caller, pattern)) return pattern;
  throw unknownTag(text);
}

/** A grant ends with what it derives from, at the latest. */
function endText(until: string | null, via: Grant | null): string | null {
  const end = Math.min(until === null ? Infinity : Date.parse(until), via === null ? Infinity : endOf(via));
  return end === Infinity ? null : new Date(end).toISOString();
}

function sorted(tags: readonly string[]): string[] {
  return [...new Set(tags)].sort();
}
