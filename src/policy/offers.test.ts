import assert from "node:assert/strict";
import { test } from "node:test";
import { gatesFor } from "./offers.ts";
import { TestWorld } from "./testing.ts";

test("[GATE-4] a gate is offered that is in force, takes the data, leads to the target and may be run", () => {
  const t = new TestWorld("alice", "registry", "carol");
  t.tags("alice/medical", "alice/other", "registry/ok");
  const raw = { secrecy: ["alice/medical"], integrity: [] };
  const none: { secrecy: string[]; integrity: string[] } = { secrecy: [], integrity: [] };
  const offered = (from = raw, to = none, user: string | null = "carol") =>
    gatesFor(t.world.state, from, to, user, t.now.getTime()).map(({ name }) => name);
  const holder = t.gate("registry/anonymise", { in: raw, out: none }, ["carol"]);
  assert.deepEqual(offered(), [], "nobody has granted it anything");
  t.grant("alice", holder, "alice/medical", ["s-"], { until: "2026-06-01T00:00:00.000Z" });
  assert.deepEqual(offered(), ["registry/anonymise"]);
  assert.deepEqual(offered(raw, none, "alice"), [], "she may not run it");
  assert.deepEqual(offered(raw, none, null), []);
  assert.deepEqual(
    offered({ secrecy: ["alice/medical", "alice/other"], integrity: [] }),
    [],
    "more than it takes",
  );
  assert.deepEqual(offered(raw, { secrecy: [], integrity: ["registry/ok"] }), [], "it does not vouch");
  t.now = new Date("2026-06-01T00:00:00.000Z");
  assert.deepEqual(offered(), [], "its grant has ended");
  const open = t.gate("registry/consent", { in: none, out: none, consent: ["*/medical"] });
  assert.deepEqual(offered(), [], "its owner does not consent");
  t.grant("alice", open, "alice/medical", ["s-"]);
  assert.deepEqual(offered(raw, none, null), ["registry/consent"]);
});
