/**
 * Documents: what is refused and where, and that plans lead where the documents say.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { State } from "../state.ts";
import { TestWorld } from "../testing.ts";
import { checkDocuments } from "./assume.ts";
import { differences } from "./diff.ts";
import { exportPolicy, writeDocuments } from "./export.ts";
import { type Plan, planPolicy, type PlanOptions } from "./plan.ts";
import { problemLine } from "./problem.ts";
import { type AnyDocument, readDocuments } from "./read.ts";
import { copyState } from "./trial.ts";

const doc = (kind: string, name: string, spec: string) =>
  `apiVersion: csn/v1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const problems = (text: string) => readDocuments([{ name: "p.yaml", text }]).problems.map(problemLine);
const read = (...texts: string[]): AnyDocument[] => {
  const { documents, problems: faults } = readDocuments([{ name: "p.yaml", text: texts.join("---\n") }]);
  assert.deepEqual(faults, []);
  return documents;
};
/** Says all steps, signed. */
const apply = (t: TestWorld, plan: Plan) => {
  assert.deepEqual(plan.problems, []);
  for (const { by, body } of plan.steps) t.say(by, body);
};
const plan = (t: TestWorld, documents: AnyDocument[], options: PlanOptions = {}) =>
  planPolicy(t.world.state, documents, t.now, options);
const words = (p: Plan) => p.steps.map(({ words: text }) => text);

test("each fault has its place, what was expected and what was found; all are told", () => {
  assert.deepEqual(
    problems(
      doc("Tag", "registry/patient", "{opn: [s+]}") +
        "---\n" +
        doc("Tag", "registry/x", "{open: [s]}") +
        "---\nkind: Tga\n",
    ),
    [
      "p.yaml:4:8: E_POLICY: expected no key `opn` in `spec`, found it",
      "p.yaml:9:15: E_POLICY: expected `open` to be one of `s+`, `s-`, `i+`, `i-`, found `s`",
      "p.yaml:11:7: E_POLICY: expected `kind` to be one of Tag, Context, Grant, Gate, Conflict, Network, Host, MessageType, Property, PolicyTest, found `Tga`",
    ],
  );
});

test("one text, one meaning: no anchors, aliases, tags, directives, repeated or strange keys", () => {
  const expects = (text: string, expected: RegExp) => {
    const found = problems(text);
    assert.ok(
      found.some((line) => expected.test(line)),
      `${text}\n${found.join("\n")}`,
    );
  };
  expects("a: &x 1\n", /no anchor/);
  expects("a: &x [1]\nb: *x\n", /no alias/);
  expects("kind: Tag\nkind: Gate\n", /:2:1: .*each key once, found `kind` again/);
  expects("? [a]\n: 1\n", /keys that are strings/);
  expects("a: !!binary aGk=\n", /no tag of YAML/);
  expects("a: !x 1\n", /no tag of YAML/);
  expects("%YAML 1.1\n---\na: yes\n", /no directive/);
  expects("<<: {a: 1}\n", /kind/);
  expects(
    doc("Tag", "a/b", "{}") + "---\n" + doc("Tag", "a/b", "{}"),
    /one Tag named `a\/b`, found another at p.yaml:2/,
  );
  expects("a: x\ny: \u0000", /:2:4: .*visible/);
  expects("# \u202e\n", /:1:3: .*found `.u202e`/);
});

test("names that look alike, control characters and long ones are refused to the character", () => {
  const nameOf = (name: string) => problems(doc("Tag", JSON.stringify(name), "{}"))[0] ?? "";
  assert.match(nameOf("registry/pаtient"), /:3:18: .*found `\\u0430` in/);
  assert.match(nameOf("registry/pat\u200bient"), /found `\\u200b`/);
  assert.match(nameOf("registry/\u001b[2J"), /found `\\u001b`/);
  assert.match(nameOf("Registry/x"), /found `R`/);
  assert.match(nameOf(`registry/${"a".repeat(64)}`), /at most 63 characters.*found 64/);
  assert.equal(nameOf(`registry/${"a".repeat(63)}`), "");
});

test("bombs end before they are parsed", () => {
  const bombs = {
    brackets: "[".repeat(100_000),
    dashes: "- ".repeat(4000),
    line: "a".repeat(9000),
    large: "a: 1\n".repeat(60_000),
    lines: "\n".repeat(20_000),
    many: "---\na: 1\n".repeat(3000),
    deep: Array.from({ length: 600 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
    wide: Array.from({ length: 9000 }, (_, i) => `k${i}: 1`).join("\n"),
    laughs: "a: &a [x,x]\n" + "b: &b [*a,*a,*a]\n" + "c: [*b,*b,*b]\n",
  };
  for (const [name, text] of Object.entries(bombs)) assert.notEqual(problems(text).length, 0, name);
});

test("a plan says in words what changes, and who signs; after it there is nothing left to do", () => {
  const t = new TestWorld("alice", "registry");
  const documents = read(
    doc("Tag", "alice/medical", "{open: [s+]}"),
    doc("Tag", "registry/seen", "{}"),
    doc("Context", "registry/raw", "{secrecy: [alice/medical]}"),
    doc(
      "Gate",
      "registry/anonymise",
      "{program: /usr/bin/awk, digest: auto, in: registry/raw, out: unlabelled, users: ['*']}",
    ),
    doc(
      "Grant",
      "alice/to-anonymise",
      "{to: 'gate:registry/anonymise', tags: [alice/medical], privileges: [s-], until: 2026-06-01}",
    ),
    doc("Conflict", "platform/apart", "{tags: [alice/medical, registry/seen]}"),
    doc("Network", "registry/db", "{addresses: ['10.2.0.0/16:5432'], context: registry/raw}"),
  );
  const digestOf = () => "a".repeat(64);
  const first = plan(t, documents, { digestOf });
  assert.deepEqual(
    first.steps.map(({ by, words: text }) => `${by}: ${text}`),
    [
      "alice: make the tag alice/medical",
      "registry: make the tag registry/seen",
      "registry: name the context registry/raw: S=alice/medical",
      "platform: keep apart, as platform/apart: alice/medical, registry/seen",
      "registry: offer the gate registry/anonymise: S=alice/medical -> unlabelled",
      "alice: open s+ on alice/medical to everybody",
      "alice: grant s- on alice/medical to gate registry/anonymise until 2026-06-01",
      "platform: set Network registry/db",
    ],
  );
  apply(t, first);
  assert.deepEqual(words(plan(t, documents, { digestOf })), []);
  // another program: what was granted to the one before is granted again, by whom it concerns
  assert.deepEqual(words(plan(t, documents, { digestOf: () => "b".repeat(64) })), [
    "define the gate registry/anonymise anew: S=alice/medical -> unlabelled; what was granted to it ends",
    "revoke s- on alice/medical from gate:registry/anonymise: its document says otherwise now",
    "grant s- on alice/medical to gate registry/anonymise until 2026-06-01",
  ]);
});

test("a grant's document that says less takes the rest back; one that is gone only with prune, and only its own set's", () => {
  const t = new TestWorld("alice", "bob", "carol");
  t.tags("alice/x");
  const byHand = t.grant("alice", "carol", "alice/x", ["s+"]);
  const grant = (privileges: string) =>
    read(doc("Grant", "alice/bob", `{to: bob, tags: [alice/x], privileges: ${privileges}}`));
  apply(t, plan(t, grant("[s+, s-]")));
  apply(t, plan(t, grant("[s+]")));
  assert.ok(t.holds("bob", "s+", "alice/x") && !t.holds("bob", "s-", "alice/x"));
  assert.deepEqual(words(plan(t, [])), []);
  assert.deepEqual(words(plan(t, [], { prune: true, set: "other" })), []);
  assert.deepEqual(words(plan(t, [], { prune: true })), [
    "revoke s+ on alice/x from bob: no document grants it any more",
  ]);
  apply(t, plan(t, [], { prune: true }));
  assert.ok(!t.holds("bob", "s+", "alice/x"));
  assert.equal(t.world.state.grants.get(byHand)!.revoked, null);
  // the same again is a new grant
  apply(t, plan(t, grant("[s+]")));
  assert.ok(t.holds("bob", "s+", "alice/x"));
});

test("a delegated grant comes after what it derives from, whatever the order of files", () => {
  const t = new TestWorld("alice", "bob", "carol");
  t.tags("alice/x");
  const documents = read(
    doc("Grant", "bob/carol", "{by: bob, to: carol, tags: [alice/x], privileges: [s+]}"),
    doc("Grant", "alice/bob", "{to: bob, tags: [alice/x], privileges: [s+, s-], delegate: true}"),
  );
  apply(t, plan(t, documents));
  assert.ok(t.holds("carol", "s+", "alice/x"));
  const alone = plan(new TestWorld("alice", "bob", "carol"), documents);
  assert.equal(alone.steps.length, 0, "there is no tag");
  assert.equal(alone.problems.length, 2);
});

test("what may not be is a problem at its line, and the world is as before", () => {
  const t = new TestWorld("alice", "bob");
  t.tags("alice/x", "bob/x");
  const before = JSON.stringify(exportPolicy(t.world.state, t.now));
  const fails = (text: string, expected: RegExp, options: PlanOptions = {}) =>
    assert.match(
      plan(t, read(doc("Tag", "alice/y", "{}"), text), options)
        .problems.map(problemLine)
        .join("\n"),
      expected,
    );
  fails(doc("Tag", "zoe/x", "{}"), /:8:18: .*the name of a principal, found `zoe`/);
  fails(doc("Context", "alice/c", "{secrecy: [bob/y]}"), /:7:7: .*tag that you may use/);
  fails(
    doc("Grant", "alice/g", "{to: 'gate:a/none', tags: [alice/x], privileges: [s-]}"),
    /:9:12: .*a gate in these files/,
  );
  fails(doc("Grant", "bob/g", "{by: bob, to: alice, tags: [alice/x], privileges: [s-]}"), /PRIV-1/);
  fails(
    doc("Grant", "alice/g", "{to: bob, tags: [alice/x], privileges: [s-], until: 2026-02-31T99:00Z}"),
    /a day or a time/,
  );
  fails(doc("Conflict", "alice/c", "{tags: [alice/x, 'alice/x']}"), /overlap|otherwise/);
  const auto = doc(
    "Gate",
    "alice/g",
    "{program: /none, digest: auto, in: unlabelled, out: unlabelled, users: [bob]}",
  );
  fails(auto, /:9:32: .*a readable file `\/none`, found it is gone/, {
    digestOf: () => {
      throw new Error("it is gone");
    },
  });
  fails(doc("Context", "alice/c", "{secrecy: [bob/x]}"), /found `bob\/x`/, {
    mayKnow: (tag) => tag.startsWith("alice/"),
  });
  fails(doc("Context", "alice/c", "{secrecy: [bob/no]}"), /found `bob\/no`/, {
    mayKnow: (tag) => tag.startsWith("alice/"),
  });
  assert.equal(JSON.stringify(exportPolicy(t.world.state, t.now)), before);
});

test("files alone: checked against each other, and what has to exist already is remarked", () => {
  const now = new Date("2026-01-01");
  const { problems: faults, notes } = checkDocuments(
    read(
      doc("Grant", "alice/g", "{to: bob, tags: [alice/x, zoe/secret], privileges: [s-]}"),
      doc("Conflict", "platform/c", "{tags: [alice/x, zoe/secret]}"),
    ),
    now,
  );
  assert.match(faults.map(problemLine).join("\n"), /COI-1|may not have/);
  assert.equal(notes.length, 2);
});

const NAMES = ["alice/x", "alice/y", "bob/x", "bob/y"];
const PRIVILEGES = ["s+", "s-", "i+", "i-"] as const;
const label = fc.subarray(NAMES);
const world = fc.record({
  grants: fc.array(
    fc.record({
      tag: fc.constantFrom(...NAMES, "bob/k:*"),
      to: fc.constantFrom("carol", "dave", "gate"),
      privileges: fc.subarray([...PRIVILEGES], { minLength: 1 }),
      delegate: fc.boolean(),
      until: fc.constantFrom(null, "2026-06-01T00:00:00.000Z"),
      purpose: fc
        .oneof(fc.string({ maxLength: 20 }), fc.constant("a\u200d\u{e0001}\n\u0007b"))
        .filter((text) => !text.includes("\0")),
    }),
    { maxLength: 6 },
  ),
  gate: fc.record({
    in: fc.record({ secrecy: label, integrity: label }),
    out: fc.record({ secrecy: label, integrity: label }),
    args: fc.array(fc.string({ unit: "grapheme", maxLength: 8 }).filter((text) => !text.includes("\0"))),
  }),
  context: fc.record({ secrecy: label, integrity: label }),
  open: fc.subarray([...PRIVILEGES]),
});

test("what is exported plans to nothing, and rebuilds the same world elsewhere", () => {
  fc.assert(
    fc.property(world, ({ grants, gate, context, open }) => {
      const t = new TestWorld("alice", "bob", "carol", "dave");
      t.tags(...NAMES, "bob/k:1");
      const holder = t.gate("alice/g", gate, ["carol"]);
      t.say("alice", { kind: "context", name: "alice/c", context });
      for (const privilege of open)
        t.say("bob", { kind: "open", tag: "bob/k:*" as never, privilege, open: true });
      for (const { tag, to, privileges, ...rest } of grants)
        t.grant(tag.split("/")[0]!, to === "gate" ? holder : to, tag, [...privileges], rest);
      const files = writeDocuments(exportPolicy(t.world.state, t.now), "policy.schema.json");
      const { documents, problems: faults } = readDocuments(files);
      assert.deepEqual(faults, []);
      const again = plan(t, documents, { prune: true });
      assert.deepEqual([words(again), again.problems], [[], []]);
      assert.deepEqual(differences(again, documents, t.now), []);
      const other = new TestWorld("alice", "bob", "carol", "dave");
      apply(other, plan(other, documents));
      assert.deepEqual(words(plan(other, documents, { prune: true })), []);
      assert.deepEqual(specs(other.world.state, t.now), specs(t.world.state, t.now));
    }),
    { numRuns: 60 },
  );
});

/** Without the ids of grants; the same one twice is one. */
function specs(state: State, now: Date): string[] {
  const all = exportPolicy(state, now).map(({ kind, name, spec }) =>
    JSON.stringify([kind, kind === "Grant" ? "" : name, spec]),
  );
  return [...new Set(all)].sort();
}

test("a copy of the world shares nothing with it", () => {
  const t = new TestWorld("alice", "bob", "carol");
  t.tags("alice/x");
  const one = t.grant("alice", "bob", "alice/x", ["s+"], { delegate: true });
  t.grant("bob", "carol", "alice/x", ["s+"], { via: one });
  const copy = copyState(t.world.state);
  copy.grants.get(one)!.revoked = { seq: 1, by: "alice", at: "" };
  assert.equal(t.world.state.grants.get(one)!.revoked, null);
  const derived = [...copy.grants.values()].at(-1)!;
  assert.equal(derived.via, copy.grants.get(one), "links lead to copies");
  assert.equal(copy.grantsTo.get("carol")!.get("alice/x" as never)![0], derived);
});
