/**
 * Tokens: how a principal is known that is no user of this host, or speaks from elsewhere.
 *
 * Guarantee: who shows a token speaks as its principal until the token ends, is revoked, or the principal's key is
 * rotated; it is no user, so it has no files and runs no programs (which routes it may call: `token` in src/api). A
 * token makes no further tokens. The daemon never keeps one, only SHA-256 of it: 256 random bits, so that no salt is
 * needed.
 * Not covered: what carries it (the unix socket, the machine's port on this computer) is not encrypted.
 */
import type { Intent, TokenView } from "../api/index.ts";
import { PLATFORM, PolicyError, type Token } from "../policy/index.ts";
import type { Authority, Saying } from "./authority.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import type { Caller } from "./identity.ts";

/** So many digits of a hash name a token. */
const SHORTEST = 4;

/** The caller's own; root's view has all. Oldest first. */
export function listTokens(csn: Csn, caller: Caller): TokenView[] {
  const { authority } = csn;
  const now = authority.now().getTime();
  return tokensOf(authority, caller).map(({ hash, principal, note, at, until, revoked }) => ({
    id: hash,
    principal,
    note,
    created: at,
    until: until === null ? null : new Date(until).toISOString(),
    state: revoked ? "revoked" : until !== null && until <= now ? "ended" : "live",
  }));
}

/** @throws CsnError E_NOT_PERMITTED, E_BAD_REQUEST; PolicyError E_TOKEN_UNKNOWN */
export function tokenSayings(
  authority: Authority,
  caller: Caller,
  intent: Extract<Intent, { kind: "token" | "untoken" }>,
  as: string | undefined,
): Saying[] {
  const by = as ?? authority.holderOf(caller);
  if (intent.kind === "token") {
    if (caller.principal !== undefined)
      throw new CsnError(
        "E_NOT_PERMITTED",
        "expected a local user to make a token, found a caller by token",
        "one that was stolen must not outlive its end",
        403,
      );
    if (by === PLATFORM)
      throw new CsnError(
        "E_BAD_REQUEST",
        "expected the principal who the token is for, found none",
        "`--as NAME` says who",
        400,
      );
    const { hash, until = null, note = "" } = intent;
    return [{ by, body: { kind: "token", hash, until, note } }];
  }
  const found = tokensOf(authority, caller).filter(
    (token) => !token.revoked && intent.id.length >= SHORTEST && token.hash.startsWith(intent.id),
  );
  if (found.length === 1)
    return [{ by: caller.uid === 0 ? PLATFORM : by, body: { kind: "untoken", hash: found[0]!.hash } }];
  throw new PolicyError(
    "E_TOKEN_UNKNOWN",
    `expected the number of a token in force of yours, found ${JSON.stringify(intent.id)}`,
    "`csn token list` shows them",
  );
}

function tokensOf(authority: Authority, caller: Caller): Token[] {
  const me = authority.holderOf(caller);
  return [...authority.world.state.tokens.values()].filter(
    ({ principal }) => caller.uid === 0 || principal === me,
  );
}
