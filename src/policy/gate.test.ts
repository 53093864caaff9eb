import assert from "node:assert/strict";
import { test } from "node:test";
import { gateNow, mayUse } from "./gate.ts";
import type { GateText, Privilege } from "./statement.ts";
import { TestWorld } from "./testing.ts";

const S = (...secrecy: string[]) => ({ secrecy, integrity: [] });
const I = (...integrity: string[]) => ({ secrecy: [], integrity });

function world(gate: Partial<GateText>, users?: string[]) {
  const t = new TestWorld("lab", "clinic", "alice", "bob");
  t.tags(
    "lab/patient",
    "lab/trial",
    "clinic/validated",
    "alice/medical",
    "bob/medical",
    "lab/case:1",
    "lab/case:2",
  );
  const holder = t.gate("lab/anonymise", gate, users);
  const now = (user = "bob") =>
    gateNow(t.world.state, t.world.state.gates.get("lab/anonymise")!, user, t.now.getTime());
  const missing = (user?: string) =>
    now(user)
      .tags.filter(({ by }) => by === null)
      .map(({ privilege, tag }) => `${privilege} ${tag}`);
  return { t, holder, now, missing };
}

test("[GATE-1] what it drops or adds needs its own grant, one for each tag", () => {
  const { t, holder, missing } = world({ in: S("lab/patient", "lab/trial"), out: I("clinic/validated") });
  assert.deepEqual(missing(), ["s- lab/patient", "s- lab/trial", "i+ clinic/validated"]);
  t.grant("lab", holder, "lab/patient", ["s-"]);
  assert.deepEqual(missing(), ["s- lab/trial", "i+ clinic/validated"]);
  t.grant("lab", holder, "lab/trial", ["s-"]);
  t.grant("clinic", holder, "clinic/validated", ["i+"]);
  assert.deepEqual(missing(), []);
});

test("[GATE-1] neither its owner's privileges nor its user's are the gate's", () => {
  assert.deepEqual(world({ in: S("lab/patient"), out: S() }).missing("lab"), ["s- lab/patient"]);
});

test("each direction has its own privilege", () => {
  const cases: [Partial<GateText>, Privilege][] = [
    [{ in: S("lab/patient") }, "s-"],
    [{ out: S("lab/patient") }, "s+"],
    [{ out: I("lab/patient") }, "i+"],
    [{ in: I("lab/patient") }, "i-"],
  ];
  for (const [gate, needed] of cases) {
    const { t, holder, missing } = world(gate);
    for (const other of (["s+", "s-", "i+", "i-"] as const).filter((p) => p !== needed))
      t.grant("lab", holder, "lab/patient", [other]);
    assert.deepEqual(missing(), [`${needed} lab/patient`]);
    t.grant("lab", holder, "lab/patient", [needed]);
    assert.deepEqual(missing(), []);
  }
});

test("a gate that only carries a tag gives nobody what he has not", () => {
  const { t, missing } = world({ in: S("alice/medical"), out: S("alice/medical") });
  assert.deepEqual(missing("bob"), ["s+ alice/medical"]);
  assert.deepEqual(missing("alice"), []);
  t.grant("alice", "bob", "alice/medical", ["s+"]);
  assert.deepEqual(missing("bob"), []);
  const mint = world({ in: I("clinic/validated"), out: I("clinic/validated") });
  assert.deepEqual(mint.missing("bob"), ["i+ clinic/validated"]);
});

test("[PRIV-2] a grant that is revoked, or at its end, is none", () => {
  const { t, holder, missing } = world({ in: S("lab/patient") });
  const grant = t.grant("lab", holder, "lab/patient", ["s-"], { until: "2026-02-01T00:00:00.000Z" });
  assert.deepEqual(missing(), []);
  t.now = new Date("2026-02-01T00:00:00.000Z");
  assert.deepEqual(missing(), ["s- lab/patient"]);
  t.now = new Date("2026-01-02T00:00:00.000Z");
  t.say("lab", { kind: "revoke", grant });
  assert.deepEqual(missing(), ["s- lab/patient"]);
});

test("[GATE-1] a gate that was changed is another: its grants are gone", () => {
  const { t, holder, missing } = world({ in: S("lab/patient") });
  t.grant("lab", holder, "lab/patient", ["s-"]);
  assert.deepEqual(missing(), []);
  for (const change of [
    { digest: "1".repeat(64) },
    { args: ["-x"] },
    { purpose: "other" },
    { files: [{ path: "/x", digest: "2".repeat(64) }] },
  ]) {
    t.gate("lab/anonymise", { in: S("lab/patient"), ...change });
    assert.deepEqual(missing(), ["s- lab/patient"]);
  }
});

test("consent: its input has the tags whose owners let it drop them, as long as they do", () => {
  const { t, holder, now, missing } = world({ consent: ["*/medical", "lab/case:*"] });
  assert.deepEqual(now().in.secrecy, []);
  const grant = t.grant("alice", holder, "alice/medical", ["s-"]);
  t.grant("lab", holder, "lab/case:*", ["s-"]);
  t.grant("lab", holder, "lab/patient", ["s-"]); // granted, but not asked for
  assert.deepEqual(now().in.secrecy, ["alice/medical", "lab/case:1", "lab/case:2"]);
  assert.deepEqual(missing(), []);
  t.say("alice", { kind: "revoke", grant });
  assert.deepEqual(now().in.secrecy, ["lab/case:1", "lab/case:2"]);
});

test("[COI-1] a gate has no two members, and its user gets none whose other he has held", () => {
  const { t, holder, now } = world({ in: S("alice/medical"), out: S("bob/medical") });
  t.say("platform", {
    kind: "conflict",
    name: "platform/doctors",
    tags: ["lab/patient", "bob/medical"] as never,
  });
  assert.equal(now("clinic").conflict, null);
  t.say("platform", { kind: "held", holder: "clinic", tags: ["lab/patient"] as never });
  assert.equal(now("clinic").conflict?.wanted, "bob/medical");
  t.say("platform", {
    kind: "conflict",
    name: "platform/two",
    tags: ["alice/medical", "bob/medical"] as never,
  });
  assert.notEqual(now("alice").conflict, null);
  assert.ok(holder.startsWith("gate:lab/anonymise@"));
});

test("only who is named may run it, and its owner", () => {
  const { t } = world({}, ["bob"]);
  const gate = t.world.state.gates.get("lab/anonymise")!;
  assert.deepEqual(
    ["bob", "lab", "alice"].map((user) => mayUse(gate, user)),
    [true, true, false],
  );
});
