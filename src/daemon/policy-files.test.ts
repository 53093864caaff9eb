/**
 * Policy files against a daemon's world: all or nothing, who may, what is told to whom.
 */
import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Authority } from "./authority.ts";
import type { Csn } from "./csn.ts";
import type { Caller } from "./identity.ts";
import { apply, diff, exportFiles, plan, proveAll } from "./policy-files.ts";
import { Store } from "./store.ts";

const ROOT: Caller = { uid: 0, gid: 0, groups: [], name: "root" };
const ALICE: Caller = { uid: 70001, gid: 7, groups: [], name: "alice" };

let home: string;
let store: Store;
let csn: Csn;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "csn-policy-"));
  store = new Store(home);
  const authority = new Authority(store);
  // what a change writes to the record needs no kernel here
  csn = { store, authority, records: { event: () => undefined } } as unknown as Csn;
  authority.createPrincipal("alice", "person", ALICE.uid, null);
  authority.createPrincipal("bob", "person", null, null);
});
afterEach(() => {
  store.close();
  rmSync(home, { recursive: true, force: true });
});

const doc = (kind: string, name: string, spec: string) =>
  `apiVersion: csn/v1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const files = (...texts: string[]) => ({ files: [{ name: "p.yaml", text: texts.join("---\n") }] });
const head = () => csn.authority.world.head;

describe("policy files and the world", () => {
  it("a user applies what is his: signed, kept, and nothing to do after it", () => {
    const mine = files(
      doc("Tag", "alice/x", "{open: [s+]}"),
      doc("Grant", "alice/b", "{to: bob, tags: [alice/x], privileges: [s-]}"),
    );
    const before = head();
    deepStrictEqual(
      plan(csn, ALICE, mine).steps.map(({ by }) => by),
      ["alice", "alice", "alice"],
    );
    strictEqual(head(), before, "a plan says nothing");
    const applied = apply(csn, ALICE, mine);
    strictEqual(applied.head, head());
    deepStrictEqual(plan(csn, ALICE, mine).steps, []);
    const again = new Authority(store);
    strictEqual(again.world.head, applied.head, "it is on disk");
    deepStrictEqual(plan(csn, ALICE, exportFiles(csn, ALICE)).steps, []);
    deepStrictEqual(diff(csn, ROOT, exportFiles(csn, ROOT)).differences, []);
  });

  it("all or nothing: one statement that is not the caller's, and none is made", () => {
    const before = head();
    throws(() => apply(csn, ALICE, files(doc("Tag", "alice/x", "{}"), doc("Context", "bob/c", "{}"))), {
      code: "E_NOT_PERMITTED",
    });
    strictEqual(head(), before);
    ok(csn.authority.tagNamed("alice/x") === undefined);
    throws(
      () =>
        apply(
          csn,
          ALICE,
          files(
            doc("Tag", "alice/x", "{}"),
            doc("Grant", "alice/b", "{to: zoe, tags: [alice/x], privileges: [s-]}"),
          ),
        ),
      { code: "E_POLICY" },
    );
    strictEqual(head(), before);
    ok(
      apply(csn, ROOT, files(doc("Tag", "alice/x", "{}"), doc("Context", "bob/c", "{}"))).steps.length === 2,
      "root speaks for both",
    );
  });

  it("another's tag is the same to a stranger whether it exists or not", () => {
    apply(csn, ROOT, files(doc("Tag", "bob/secret", "{}")));
    const told = (tag: string) => {
      try {
        plan(csn, ALICE, files(doc("Context", "alice/c", `{secrecy: [${tag}]}`), doc("Tag", tag, "{}")));
        return "planned";
      } catch (error) {
        return (error as Error).message.replaceAll(tag, "TAG");
      }
    };
    match(told("bob/secret"), /tags that you may use/);
    strictEqual(told("bob/secret"), told("bob/none"));
  });

  it("`digest: auto` is the file's, which the caller could read himself", () => {
    const program = join(home, "gate.sh");
    writeFileSync(program, "#!/bin/sh\ncat\n", { mode: 0o700 });
    const gate = files(
      doc(
        "Gate",
        "alice/g",
        `{program: ${program}, digest: auto, in: unlabelled, out: unlabelled, users: [alice]}`,
      ),
    );
    throws(() => plan(csn, ALICE, gate), { code: "E_POLICY" });
    apply(csn, ROOT, gate);
    deepStrictEqual(plan(csn, ROOT, gate).steps, []);
    writeFileSync(program, "#!/bin/sh\ncat -\n");
    match(plan(csn, ROOT, gate).steps[0]!.words, /define the gate alice\/g anew/);
  });

  it("proofs over all that is in force are root's; an unknown name is no proof", () => {
    apply(
      csn,
      ROOT,
      files(
        doc("Tag", "alice/x", "{}"),
        doc("Grant", "alice/b", "{to: bob, tags: [alice/x], privileges: [s-]}"),
      ),
    );
    const properties = ["alice/x never reaches unlabelled"];
    throws(() => proveAll(csn, ALICE, { properties }), { code: "E_NOT_PERMITTED" });
    const [proof] = proveAll(csn, ROOT, { properties });
    ok(proof!.holds === false && /bob lets out alice\/x/.test(proof!.path[1]!));
    throws(() => proveAll(csn, ROOT, { properties: ["alice/y never reaches unlabelled"] }), {
      code: "E_PROPERTY",
    });
  });

  it("addresses are checked before anything is said", () => {
    const before = head();
    const net = files(doc("Network", "alice/n", "{addresses: ['10.0.0.0/33'], context: unlabelled}"));
    throws(
      () => apply(csn, ROOT, net),
      (error: Error) => /p\.yaml:4:20: E_POLICY: expected 0 to 32 bits/.test(error.message),
    );
    strictEqual(head(), before);
  });
});
