/**
 * Tokens, and what may not be found out by saying things: who speaks, and what is told to whom.
 */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert";
import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type Body, NO_USER, publicText, signStatement } from "../policy/index.ts";
import { Authority } from "./authority.ts";
import type { Csn } from "./csn.ts";
import type { Caller } from "./identity.ts";
import { listPrincipals } from "./policy.ts";
import { say, submit } from "./sayings.ts";
import { Store } from "./store.ts";
import { listTokens } from "./tokens.ts";

const ROOT: Caller = { uid: 0, gid: 0, groups: [], name: "root" };
const ALICE: Caller = { uid: 70001, gid: 7, groups: [], name: "alice" };
const EVE: Caller = { uid: 70003, gid: 7, groups: [], name: "eve" };
const byToken = (principal: string): Caller => ({
  uid: NO_USER,
  gid: NO_USER,
  groups: [],
  name: principal,
  principal,
});

let home: string;
let store: Store;
let now: Date;
let csn: Csn;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "csn-tokens-"));
  store = new Store(home);
  now = new Date("2026-01-01T00:00:00.000Z");
  const authority = new Authority(store, () => now);
  csn = { store, authority, records: { event: () => undefined } } as unknown as Csn;
  authority.createPrincipal("alice", "person", ALICE.uid, null);
  authority.createPrincipal("eve", "person", EVE.uid, null);
  authority.createPrincipal("tenant", "tenant", null, null);
  authority.createTags(ALICE, ["alice/a"]);
});
afterEach(() => {
  store.close();
  rmSync(home, { recursive: true, force: true });
});

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");
const make = (who: Caller, text: string, rest: { as?: string; until?: string } = {}) => {
  const { as, until = null } = rest;
  return say(csn, who, {
    ...(as === undefined ? {} : { as }),
    say: [{ kind: "token", hash: hashOf(text), until }],
  });
};
const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
  return "done";
};

describe("tokens", () => {
  it("speak as their principal, until they end or are revoked, and only their hash is kept", () => {
    make(ROOT, "csn_one", { as: "tenant" });
    make(ALICE, "csn_two", { until: "2026-02-01T00:00:00.000Z" });
    const { authority } = csn;
    deepStrictEqual(["csn_one", "csn_two", "csn_none", ""].map((text) => authority.principalBy(text)), [
      "tenant",
      "alice",
      null,
      null,
    ]); // prettier-ignore
    authority.createTags(byToken("tenant"), ["tenant/a"]);
    strictEqual(authority.world.state.tags.has("tenant/a"), true);
    now = new Date("2026-02-01T00:00:00.000Z");
    strictEqual(authority.principalBy("csn_two"), null);
    say(csn, byToken("tenant"), { say: [{ kind: "untoken", id: hashOf("csn_one").slice(0, 8) }] });
    strictEqual(authority.principalBy("csn_one"), null);
    throws(() => make(ROOT, "csn_one", { as: "tenant" }), { code: "E_STATEMENT" });
    ok(![...store.allStatements()].some((text) => text.includes("csn_one")));
    const again = new Authority(store, () => now);
    deepStrictEqual([again.principalBy("csn_one"), again.principalBy("csn_two")], [null, null]);
  });

  it("make no further ones, are nobody else's, none is the platform's, and a new key ends all", () => {
    make(ALICE, "csn_alice");
    throws(() => make(byToken("alice"), "csn_more"), { code: "E_NOT_PERMITTED" });
    throws(() => make(ROOT, "csn_root"), { code: "E_BAD_REQUEST" });
    throws(() => make(EVE, "csn_eve", { as: "alice" }), { code: "E_NOT_PERMITTED" });
    throws(() => make(EVE, "csn_eve", { as: "platform" }), { code: "E_NOT_PERMITTED" });
    throws(() => say(csn, EVE, { say: [{ kind: "untoken", id: hashOf("csn_alice") }] }), {
      code: "E_TOKEN_UNKNOWN",
    });
    deepStrictEqual(listTokens(csn, EVE), []);
    deepStrictEqual(listTokens(csn, ALICE).map(({ state }) => state), ["live"]); // prettier-ignore
    csn.authority.rotate(ALICE, "alice", null);
    strictEqual(csn.authority.principalBy("csn_alice"), null);
  });

  it("a user number that stands for nobody is no principal's", () => {
    throws(() => csn.authority.createPrincipal("nobody", "person", NO_USER, null), { code: "E_STATEMENT" });
    strictEqual(csn.authority.holderOf(byToken("alice")), "alice");
    throws(() => csn.authority.createTags(byToken("alice"), ["eve/a"]), { code: "E_NOT_PERMITTED" });
  });
});

describe("what is not told", () => {
  it("[TAG-1] who keeps his key can't find out by signing whether another's tag exists", () => {
    const pair = generateKeyPairSync("ed25519");
    csn.authority.createPrincipal("mallory", "person", null, publicText(pair.publicKey));
    const label = (tag: string) => ({ secrecy: [tag], integrity: [] });
    const grant = { id: "1".repeat(32), to: "eve", delegate: false, until: null, purpose: "", via: null };
    const bodies = (tag: string): unknown[] => [
      { kind: "grant", tag, privileges: ["s+"], ...grant },
      { kind: "open", tag, privilege: "s+", open: true },
      { kind: "context", name: "mallory/c", context: label(tag) },
      { kind: "conflict", name: "mallory/c", tags: [tag, `${tag}x`] },
      {
        kind: "gate",
        name: "mallory/g",
        users: ["*"],
        gate: {
          ...{ program: "/bin/true", digest: "0".repeat(64), args: [], files: [], consent: [], purpose: "" },
          ...{ in: label(tag), out: label(tag) },
        },
      },
    ];
    const told = (body: unknown, key = pair.privateKey) =>
      refusal(() => submit(csn, EVE, signStatement(csn.authority.draft("mallory", body as Body), key)));
    const [there, absent] = [bodies("alice/a"), bodies("alice/0")];
    for (const [at, body] of there.entries()) {
      const answer = told(body);
      ok(answer.startsWith("E_TAG_UNKNOWN"), answer);
      strictEqual(answer.replaceAll("alice/a", "alice/0"), told(absent[at]));
      // and a stranger, who can't sign, is not told what mallory knows
      const stranger = generateKeyPairSync("ed25519").privateKey;
      ok(told(body, stranger).startsWith("E_STATEMENT_SIGNATURE"));
    }
  });

  it("what another holds can't be asked for by speaking as him", () => {
    const { authority } = csn;
    say(csn, ALICE, { say: [{ kind: "open", tag: "alice/a", privilege: "s+", open: true }] });
    const ask = (draft: boolean) =>
      refusal(() =>
        say(csn, EVE, {
          as: "tenant",
          draft,
          say: [{ kind: "grant", tag: "alice/a", privileges: ["s-"], to: "eve" }],
        }),
      );
    const before = [ask(true), ask(false)];
    say(csn, ALICE, {
      say: [{ kind: "grant", tag: "alice/a", privileges: ["s-"], to: "tenant", delegate: true }],
    });
    ok(authority.world.state.grants.size === 1);
    deepStrictEqual([ask(true), ask(false)], before);
    ok(before[0]!.startsWith("E_NOT_PERMITTED"));
    ok(refusal(() => say(csn, EVE, { as: "platform", say: [{ kind: "revoke", tag: "alice/a" }] })).startsWith("E_NOT_PERMITTED")); // prettier-ignore
  });

  it("[COI-1] who is refused a grant is not told what the other has held", () => {
    csn.authority.createTags(EVE, ["eve/x"]);
    say(csn, ROOT, { say: [{ kind: "conflict", name: "platform/c", tags: ["alice/a", "eve/x"] }] });
    csn.authority.noteHeld("tenant", ["alice/a" as never]);
    const told = refusal(() =>
      say(csn, EVE, { say: [{ kind: "grant", tag: "eve/x", privileges: ["s+"], to: "tenant" }] }),
    );
    ok(told.startsWith("E_CONFLICT") && !told.includes("alice"), told);
  });

  it("how many tags somebody else has", () => {
    const counts = (who: Caller) => listPrincipals(csn, who).map(({ name, tags }) => [name, tags]);
    deepStrictEqual(Object.fromEntries(counts(EVE)), { alice: null, eve: 0, platform: null, tenant: null });
    strictEqual(new Map(counts(ROOT) as [string, number][]).get("alice"), 1);
  });

  it("keys: what holds them is readable by its user alone", () => {
    for (const name of ["csn.db", "csn.db-wal"])
      strictEqual(statSync(join(home, name)).mode & 0o777, 0o600, name);
  });
});
