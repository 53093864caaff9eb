import assert from "node:assert/strict";
import { test } from "node:test";
import { TestWorld } from "./testing.ts";

test("[TAG-1] the owner holds all four, nobody else any", () => {
  const t = new TestWorld("alice", "bob");
  t.tags("alice/medical");
  for (const privilege of ["s+", "s-", "i+", "i-"] as const) {
    assert.ok(t.holds("alice", privilege, "alice/medical"));
    assert.ok(!t.holds("bob", privilege, "alice/medical"));
  }
});

test("[TAG-2] an open direction is everybody's, until it is closed", () => {
  const t = new TestWorld("alice", "bob");
  t.tags("alice/medical");
  t.say("alice", { kind: "open", tag: "alice/medical" as never, privilege: "s+", open: true });
  assert.ok(t.holds("bob", "s+", "alice/medical"));
  assert.ok(!t.holds("bob", "s-", "alice/medical"));
  t.say("alice", { kind: "open", tag: "alice/medical" as never, privilege: "s+", open: false });
  assert.ok(!t.holds("bob", "s+", "alice/medical"));
});

test("[PRIV-1] only with the grant option is a privilege passed on, and no more than one has", () => {
  const t = new TestWorld("alice", "bob", "carol");
  t.tags("alice/medical");
  const plain = t.grant("alice", "bob", "alice/medical", ["s+"]);
  assert.throws(() => t.grant("bob", "carol", "alice/medical", ["s+"], { via: plain }), {
    code: "E_PRIVILEGE",
  });
  const option = t.grant("alice", "bob", "alice/medical", ["s+"], { delegate: true });
  assert.throws(() => t.grant("bob", "carol", "alice/medical", ["s-"], { via: option }), {
    code: "E_PRIVILEGE",
  });
  t.grant("bob", "carol", "alice/medical", ["s+"], { via: option });
  assert.ok(t.holds("carol", "s+", "alice/medical"));
});

test("[PRIV-2] revoking in the middle ends what was derived from it, for good", () => {
  const t = new TestWorld("alice", "bob", "carol", "dave");
  t.tags("alice/medical");
  const one = t.grant("alice", "bob", "alice/medical", ["s+"], { delegate: true });
  const two = t.grant("bob", "carol", "alice/medical", ["s+"], { delegate: true, via: one });
  t.grant("carol", "dave", "alice/medical", ["s+"], { via: two });
  assert.ok(t.holds("dave", "s+", "alice/medical"));
  t.say("bob", { kind: "revoke", grant: two });
  assert.deepEqual(
    ["bob", "carol", "dave"].map((who) => t.holds(who, "s+", "alice/medical")),
    [true, false, false],
  );
  t.grant("bob", "carol", "alice/medical", ["s+"], { delegate: true, via: one });
  assert.ok(!t.holds("dave", "s+", "alice/medical"), "a new grant to carol does not bring dave's back");
});

test("grants in a circle hold nobody up", () => {
  const t = new TestWorld("alice", "bob", "carol");
  t.tags("alice/medical");
  const one = t.grant("alice", "bob", "alice/medical", ["s+"], { delegate: true });
  const two = t.grant("bob", "carol", "alice/medical", ["s+"], { delegate: true, via: one });
  t.grant("carol", "bob", "alice/medical", ["s+"], { delegate: true, via: two });
  t.say("alice", { kind: "revoke", grant: one });
  assert.ok(!t.holds("bob", "s+", "alice/medical") && !t.holds("carol", "s+", "alice/medical"));
});

test("all instances of a kind by one grant", () => {
  const t = new TestWorld("registry", "clinic");
  t.tags("registry/patient:1", "registry/patient:2", "registry/patient", "registry/other");
  t.grant("registry", "clinic", "registry/patient:*", ["s+"]);
  assert.deepEqual(
    ["registry/patient:1", "registry/patient:2", "registry/patient", "registry/other"].map((tag) =>
      t.holds("clinic", "s+", tag),
    ),
    [true, true, false, false],
  );
});

test("a term ends, and what is derived ends with it", () => {
  const t = new TestWorld("alice", "bob", "carol");
  t.tags("alice/medical");
  const until = "2026-06-01T00:00:00.000Z";
  const one = t.grant("alice", "bob", "alice/medical", ["s+"], { delegate: true, until });
  assert.throws(() => t.grant("bob", "carol", "alice/medical", ["s+"], { via: one }), {
    code: "E_STATEMENT",
  });
  t.grant("bob", "carol", "alice/medical", ["s+"], { via: one, until });
  assert.ok(t.holds("carol", "s+", "alice/medical"));
  t.now = new Date(until);
  assert.ok(!t.holds("carol", "s+", "alice/medical") && !t.holds("bob", "s+", "alice/medical"));
});

test("[GATE-1] a grant to a gate ends when the gate is defined anew", () => {
  const t = new TestWorld("alice", "registry");
  t.tags("alice/medical");
  const gate = t.gate("registry/anonymise", { in: { secrecy: ["alice/medical"], integrity: [] } });
  t.grant("alice", gate, "alice/medical", ["s-"]);
  assert.ok(t.holds(gate, "s-", "alice/medical"));
  const changed = t.gate("registry/anonymise", { digest: "1".repeat(64) });
  assert.notEqual(changed, gate);
  assert.ok(!t.holds(changed, "s-", "alice/medical"));
});

test("[COI-1] history counts, for privileges and for what programs carried, and nobody is freed by dropping", () => {
  const t = new TestWorld("acme", "bayer", "carol", "dave");
  t.tags("acme/secret", "bayer/secret");
  t.say("platform", {
    kind: "conflict",
    name: "platform/drugs",
    tags: ["acme/secret", "bayer/secret"] as never,
  });
  const grant = t.grant("acme", "carol", "acme/secret", ["s+"]);
  t.say("acme", { kind: "revoke", grant });
  assert.throws(() => t.grant("bayer", "carol", "bayer/secret", ["s+"]), { code: "E_CONFLICT" });
  t.say("platform", { kind: "held", holder: "dave", tags: ["acme/secret"] as never });
  assert.throws(() => t.grant("bayer", "dave", "bayer/secret", ["s+"]), { code: "E_CONFLICT" });
  t.say("bayer", { kind: "open", tag: "bayer/secret" as never, privilege: "s+", open: true });
  assert.ok(!t.holds("dave", "s+", "bayer/secret"), "what is open to all is not open to him");
  assert.ok(!t.holds("acme", "s+", "bayer/secret"), "nor to the owner of the other");
});
