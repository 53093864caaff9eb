/**
 * Who may speak for whom, that statements survive and are taken whole, and what a caller may do to a context.
 */
import { deepStrictEqual, notStrictEqual, ok, strictEqual, throws } from "node:assert";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import { UNLABELLED } from "../label/index.ts";
import {
  NO_USER,
  type Pattern,
  PLATFORM,
  publicText,
  signStatement,
  type Statement,
  World,
} from "../policy/index.ts";
import { Authority } from "./authority.ts";
import type { Caller } from "./identity.ts";
import { isCleared, requireChange } from "./privileges.ts";
import { Store } from "./store.ts";
import { bookFor, readContext, tagNamed, viewContext } from "./views.ts";

const ROOT: Caller = { uid: 0, gid: 0, groups: [], name: "root" };
const ALICE: Caller = { uid: 70001, gid: 7, groups: [], name: "alice" };
const BOB: Caller = { uid: 70002, gid: 8, groups: [], name: "bob" };

let home: string;
let store: Store;
let authority: Authority;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "csn-authority-"));
  store = new Store(home);
  authority = new Authority(store);
});
afterEach(() => {
  store.close();
  rmSync(home, { recursive: true, force: true });
});
const reopen = () => {
  store.close();
  store = new Store(home);
  authority = new Authority(store);
};
const fails = (code: string, work: () => unknown) => {
  const before = authority.world.head;
  throws(work, (error: { code?: string }) => error.code === code);
  strictEqual(authority.world.head, before, "nothing was said");
};
const secret = (...secrecy: string[]) => readContext({ secrecy, integrity: [] }, authority);
const grant = (tag: string, privileges: ("s+" | "s-")[], to: string) => ({
  kind: "grant" as const,
  id: Buffer.from(tag + to)
    .toString("hex")
    .padEnd(32, "0")
    .slice(-32),
  to,
  tag: tag as Pattern,
  privileges,
  delegate: false,
  until: null,
  purpose: "",
  via: null,
});

describe("authority", () => {
  it("keeps what was said over a restart, and it verifies elsewhere, signature by signature", () => {
    authority.createTags(ALICE, ["alice/a", "alice/b"]);
    authority.createTags(BOB, ["bob/b"]);
    const { head } = authority.world;
    reopen();
    strictEqual(authority.world.head, head);
    deepStrictEqual(
      authority.tags().map(({ name, owner }) => [name, owner]),
      [
        ["alice/a", "alice"],
        ["alice/b", "alice"],
        ["bob/b", "bob"],
      ],
    );
    const elsewhere = new World();
    for (const statement of authority.statements(0, 1000)) elsewhere.apply(statement);
    strictEqual(elsewhere.head, head);
  });

  it("forged, replayed, reordered, shortened and foreign statements are refused", () => {
    authority.createTags(ALICE, ["alice/a"]);
    authority.createTags(BOB, ["bob/b"]);
    const log = authority.statements(0, 1000);
    const refuses = (statements: readonly unknown[], why: RegExp) => {
      const world = new World();
      throws(() => statements.forEach((statement) => world.apply(statement)), why);
    };
    const last = log.at(-1)!;
    const forged = { ...last, body: { ...last.body, tags: [{ name: "bob/c", id: "0".repeat(32) }] } };
    refuses([...log.slice(0, -1), forged], /signature/);
    refuses([...log.slice(0, -1), { ...last, by: "alice" }], /signature|owner/);
    refuses([...log, last], /expected statement/);
    refuses([log[0], log[2], log[1]], /expected statement/);
    refuses(log.slice(1), /expected statement/);
    refuses([log[0], ...log.slice(2)], /expected statement/);
    const other = new Authority(new Store(mkdtempSync(join(home, "other-"))));
    refuses([...log.slice(0, 1), other.statements(0, 1)[0]], /expected statement/);
  });

  it("a database that somebody changed stops the daemon", () => {
    authority.createTags(ALICE, ["alice/a"]);
    authority.createTags(BOB, ["bob/b"]);
    store.close();
    const db = new DatabaseSync(join(home, "csn.db"));
    db.exec("UPDATE statement SET text = replace(text, 'alice/a', 'alice/x')");
    db.close();
    store = new Store(home);
    throws(() => new Authority(store), { code: "E_STATEMENT_ORDER" });
  });

  it("a user speaks for himself alone, root for all whose key is here", () => {
    fails("E_NOT_PERMITTED", () => authority.createTags(ALICE, ["bob/x"]));
    authority.createTags(ALICE, ["alice/a"]);
    fails("E_NOT_PERMITTED", () => authority.createTags(BOB, ["alice/b"]));
    fails("E_TAG_EXISTS", () => authority.createTags(ALICE, ["alice/a"]));
    fails("E_TAG_NAME", () => authority.createTags(ALICE, ["Alice/a"]));
    authority.createTags(ROOT, ["alice/b", "registry/patient"]);
    fails("E_NOT_PERMITTED", () => authority.say(BOB, "alice", grant("alice/a", ["s+"], "bob")));
    fails("E_NOT_PERMITTED", () => authority.say(BOB, PLATFORM, { kind: "held", holder: "alice", tags: [] }));
  });

  it("a list is taken whole or not at all", () => {
    authority.createTags(ALICE, ["alice/a"]);
    authority.createTags(BOB, ["bob/b"]);
    fails("E_TAG_UNKNOWN", () =>
      authority.sayAll(ROOT, [
        { by: "alice", body: grant("alice/a", ["s+"], "bob") },
        { by: "alice", body: grant("alice/none", ["s+"], "bob") },
      ]),
    );
    strictEqual(authority.world.state.grants.size, 0);
    authority.say(ALICE, "alice", grant("alice/a", ["s+"], "bob"));
    strictEqual(authority.world.state.grants.size, 1);
  });

  it("who keeps his key signs himself, and a rotated key signs no more", () => {
    const first = generateKeyPairSync("ed25519");
    authority.createPrincipal("carol", "person", null, publicText(first.publicKey));
    fails("E_OWN_KEY", () => authority.createTags(ROOT, ["carol/a"]));
    const body = { kind: "tag" as const, tags: [{ name: "carol/a" as never, id: "1".repeat(32) as never }] };
    const signed = (key = first.privateKey, what = body): Statement =>
      signStatement(authority.draft("carol", what), key);
    const stranger = generateKeyPairSync("ed25519");
    fails("E_STATEMENT_SIGNATURE", () => authority.submit(signed(stranger.privateKey)));
    const once = signed();
    authority.submit(once);
    fails("E_STATEMENT_ORDER", () => authority.submit(once));
    const second = generateKeyPairSync("ed25519");
    const rotate = {
      kind: "rotate" as const,
      name: "carol",
      key: publicText(second.publicKey),
      custody: "own" as const,
    };
    authority.submit(signStatement(authority.draft("carol", rotate), first.privateKey));
    const more = { ...body, tags: [{ name: "carol/b" as never, id: "2".repeat(32) as never }] };
    fails("E_STATEMENT_SIGNATURE", () => authority.submit(signed(first.privateKey, more)));
    authority.submit(signed(second.privateKey, more));
  });

  it("a key that the daemon keeps is rotated in one step with the statement", () => {
    authority.createTags(ALICE, ["alice/a"]);
    const before = authority.world.state.principals.get("alice")!.key;
    authority.rotate(ALICE, "alice", null);
    reopen();
    notStrictEqual(authority.world.state.principals.get("alice")!.key, before);
    authority.createTags(ALICE, ["alice/b"]);
    fails("E_PRINCIPAL_EXISTS", () => authority.createPrincipal("alice", "person", null, null));
    authority.createTags(ALICE, ["alice/c"]);
  });
});

describe("privileges", () => {
  it("each tag of a change needs its own, and nobody learns of tags that are none of his business", () => {
    authority.createTags(ALICE, ["alice/a"]);
    authority.createTags(BOB, ["bob/b"]);
    const run = (who: Caller) => () =>
      requireChange(authority, who, UNLABELLED, secret("alice/a"), "run a program with it");
    run(ALICE)();
    run(ROOT)();
    fails("E_NOT_PERMITTED", run(BOB));
    throws(run(BOB), (error: Error) => !error.message.includes("alice"));
    throws(() => readContext({ secrecy: ["alice/a"], integrity: [] }, bookFor(authority, BOB)), {
      code: "E_TAG_UNKNOWN",
      message: authorityMessage(() =>
        readContext({ secrecy: ["alice/x"], integrity: [] }, bookFor(authority, BOB)),
      ).replace("alice/x", "alice/a"),
    });
    const a = authority.tagNamed("alice/a")!.id;
    const names = (who: Caller) => ["alice/a", "alice/x", "", "/", "__proto__"].map((name) => tagNamed(authority, who, name)); // prettier-ignore
    deepStrictEqual(names(BOB), [null, null, null, null, null], "on the bus, too");
    deepStrictEqual(
      names({ uid: NO_USER, gid: NO_USER, groups: [], name: "bob", principal: "bob" }),
      names(BOB),
    );
    deepStrictEqual(names(ALICE), [a, null, null, null, null]);
    authority.say(ALICE, "alice", grant("alice/a", ["s+"], "bob"));
    run(BOB)();
    deepStrictEqual(names({ uid: NO_USER, gid: NO_USER, groups: [], name: "bob", principal: "bob" })[0], a);
    ok(!isCleared(authority, BOB, secret("alice/a")), "on board is not on his screen");
    fails("E_NOT_PERMITTED", () =>
      requireChange(authority, BOB, secret("alice/a"), UNLABELLED, "take it off"),
    );
    authority.say(ALICE, "alice", { ...grant("alice/a", ["s-"], "bob"), id: "f".repeat(32) });
    ok(isCleared(authority, BOB, secret("alice/a")));
    requireChange(authority, BOB, secret("alice/a"), UNLABELLED, "take it off");
  });

  it("[COI-1] what programs of somebody carried counts, over a restart", () => {
    authority.createTags(ROOT, ["acme/secret", "bayer/secret"]);
    authority.speaker(ALICE, "alice");
    for (const tag of ["acme/secret", "bayer/secret"])
      authority.say(ROOT, tag.split("/")[0]!, {
        kind: "open",
        tag: tag as Pattern,
        privilege: "s+",
        open: true,
      });
    authority.say(ROOT, PLATFORM, {
      kind: "conflict",
      name: "platform/drugs",
      tags: ["acme/secret", "bayer/secret"] as Pattern[],
    });
    const change = (tag: string) => requireChange(authority, ALICE, UNLABELLED, secret(tag), "run");
    change("acme/secret");
    authority.noteHeld("alice", ["acme/secret" as never]);
    reopen();
    change("acme/secret");
    fails("E_CONFLICT", () => change("bayer/secret"));
  });

  it("names to contexts and back", () => {
    authority.createTags(ROOT, ["b/two", "a/one"]);
    const input = { secrecy: ["b/two", "a/one", "a/one"], integrity: ["a/one"] };
    deepStrictEqual(viewContext(readContext(input, authority), authority), {
      secrecy: ["a/one", "b/two"],
      integrity: ["a/one"],
    });
  });
});

function authorityMessage(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("expected it to fail");
}
