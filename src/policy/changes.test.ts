/**
 * What gates may do and which are on offer, over random worlds, against model/changes.ts. [GATE]
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Gate as PlainGate, helps, mayRun } from "../../model/changes.ts";
import type { Said } from "../../model/owners.ts";
import { gateNow, gatesFor, mayUse } from "./index.ts";
import { PRIVILEGES } from "./statement.ts";
import { TestWorld } from "./testing.ts";

const WHO = ["ann", "bob", "cat"];
const TAGS = ["ann/a", "ann/b", "bob/c"];
const label = fc.subarray(TAGS, { maxLength: 2 });
const context = fc.record({ secrecy: label, integrity: label });
const world = fc.record({
  gates: fc.array(fc.record({ in: context, out: context, users: fc.subarray(["bob", "cat", "*"]) }), {
    minLength: 1,
    maxLength: 3,
  }),
  grants: fc.array(
    fc.record({
      to: fc.constantFrom("g0", "g0", "g1", "g2", "bob", "cat"),
      tag: fc.constantFrom(...TAGS),
      privileges: fc.subarray([...PRIVILEGES], { minLength: 3 }),
      revoked: fc.constantFrom(false, false, false, false, true),
    }),
    { maxLength: 12, size: "max" },
  ),
  open: fc.option(fc.record({ tag: fc.constantFrom(...TAGS), privilege: fc.constantFrom(...PRIVILEGES) })),
  apart: fc.option(fc.subarray(TAGS, { minLength: 2 }), { freq: 3 }),
});

test("[GATE-1, GATE-4, COI-1] what a gate may do, for whom, and where it is offered, is what the reference says", () => {
  let ran = 0;
  let offered = 0;
  fc.assert(
    fc.property(world, context, context, fc.boolean(), (drawn, x, y, isMeant) => {
      // half of the flows are what the first gate is made for: few others have one
      const { in: from, out: to } = isMeant ? drawn.gates[0]! : { in: x, out: y };
      const t = new TestWorld(...WHO);
      t.tags(...TAGS);
      const said: Said[] = [];
      const gates = drawn.gates.map((gate, i): PlainGate => ({
        ...gate,
        owner: "cat",
        holder: t.gate(`cat/g${i}`, { in: gate.in, out: gate.out }, gate.users),
      }));
      for (const [id, { to: name, tag, privileges, revoked }] of drawn.grants.entries()) {
        const by = tag.split("/")[0]!;
        const holder = name.startsWith("g") ? gates[Number(name.slice(1))]?.holder : name;
        if (holder === undefined || holder === by) continue;
        const grant = t.grant(by, holder, tag, privileges);
        said.push({
          say: "grant",
          id,
          by,
          to: holder,
          tag,
          privileges,
          delegate: false,
          until: Infinity,
          via: null,
        });
        if (!revoked) continue;
        t.say(by, { kind: "revoke", grant });
        said.push({ say: "revoke", id });
      }
      if (drawn.open !== null) {
        const { tag, privilege } = drawn.open;
        t.say(tag.split("/")[0]!, { kind: "open", tag: tag as never, privilege, open: true });
        said.push({ say: "open", tag, privilege, open: true });
      }
      if (drawn.apart !== null) {
        t.say("platform", { kind: "conflict", name: "platform/c", tags: drawn.apart as never });
        said.push({ say: "conflict", tags: drawn.apart });
      }
      const { state } = t.world;
      const now = t.now.getTime();
      for (const user of WHO) {
        const can = gates.filter((plain, i) => {
          const gate = state.gates.get(`cat/g${i}`)!;
          const { tags, conflict } = gateNow(state, gate, user, now);
          const may = mayUse(gate, user) && conflict === null && tags.every(({ by }) => by !== null);
          assert.equal(may, mayRun(said, plain, user, now), `${user} ${JSON.stringify(plain)}`);
          if (may) ran++;
          return may;
        });
        const names = gatesFor(state, from, to, user, now).map(({ name }) => name);
        const expected = can
          .filter((plain) => helps(plain, from, to))
          .map((plain) => `cat/g${gates.indexOf(plain)}`);
        // whoever may not have what goes in is offered nothing [COI-1]
        assert.ok(names.every((name) => expected.includes(name)));
        if (drawn.apart === null) assert.deepEqual(names, expected);
        offered += names.length;
      }
    }),
    { numRuns: 200 },
  );
  assert.ok(ran > 10 && offered > 2, `${ran} could be run, ${offered} were offered`);
});
