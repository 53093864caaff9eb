/**
 * The world and the reference (model/owners.ts) side by side, over random histories. [TAG, PRIV, COI]
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { holds, inConflict, mayGrant, mayRevoke, type Said } from "../../model/owners.ts";
import type { Pattern } from "./index.ts";
import type { Privilege } from "./statement.ts";
import { PRIVILEGES } from "./statement.ts";
import { TestWorld } from "./testing.ts";

const WHO = ["ann", "bob", "cat", "dan"];
const TAGS = ["ann/a", "ann/k:1", "ann/k:2", "bob/b", "bob/c"];
const PATTERNS = [...TAGS, "ann/k:*"];
const START = Date.parse("2026-01-01T00:00:00.000Z");
const STEP = 60_000;
const FOREVER = 8.64e15;

const move = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("grant" as const),
      by: fc.constantFrom(...WHO),
      to: fc.constantFrom(...WHO),
      tag: fc.constantFrom(...PATTERNS),
      privileges: fc.subarray([...PRIVILEGES], { minLength: 1 }),
      delegate: fc.constantFrom(true, true, false),
      // minutes from the beginning; 0: without end
      until: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 })),
      // which earlier grant it claims to derive from; -1: none
      via: fc.integer({ min: -1, max: 12 }),
      // it passes on what its maker was granted last, with or without the grant option
      passesOn: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("revoke" as const),
      by: fc.constantFrom(...WHO),
      grant: fc.integer({ min: 0, max: 15 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("open" as const),
      tag: fc.constantFrom(...PATTERNS),
      privilege: fc.constantFrom(...PRIVILEGES),
      open: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("conflict" as const),
      tags: fc.subarray(["ann/a", "ann/k:*", "bob/b", "bob/c"], { minLength: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("held" as const),
      who: fc.constantFrom(...WHO),
      tag: fc.constantFrom(...TAGS),
    }),
  },
);

test("[PRIV-1..3, TAG-2, COI-1] over random histories the world accepts and answers as the reference does", () => {
  fc.assert(
    fc.property(fc.array(move, { minLength: 10, maxLength: 40, size: "max" }), (moves) => {
      const t = new TestWorld(...WHO);
      t.tags(...TAGS);
      const said: Said[] = [];
      const ids: string[] = [];
      for (const [at, step] of moves.entries()) {
        t.now = new Date(START + at * STEP);
        play(t, said, ids, step, at);
      }
      compare(t, said);
      // and later, when terms have ended
      t.now = new Date(START + 30 * STEP);
      compare(t, said);
    }),
    { numRuns: 200 },
  );
});

type Move = typeof move extends fc.Arbitrary<infer T> ? T : never;

function play(t: TestWorld, said: Said[], ids: string[], step: Move, at: number): void {
  if (step.do === "grant") {
    const until = step.until === 0 ? FOREVER : START + step.until * STEP;
    const via = step.via >= 0 && step.via < ids.length ? step.via : null;
    const { by, to, tag, privileges, delegate } = step;
    const own: Grant = { say: "grant", id: ids.length, by, to, tag, privileges, delegate, until, via };
    const grant = step.passesOn ? passedOn(said, own) : own;
    const expected = mayGrant(said, grant, START + at * STEP);
    const options = {
      delegate,
      until: grant.until === FOREVER ? null : new Date(grant.until).toISOString(),
      via: grant.via === null ? null : ids[grant.via]!,
    };
    const id = attempt(t, expected, () =>
      t.grant(by, to, grant.tag, grant.privileges as Privilege[], options),
    );
    if (id === null) return;
    ids.push(id);
    said.push(grant);
  } else if (step.do === "revoke") {
    if (step.grant >= ids.length) return;
    const expected = mayRevoke(said, step.by, step.grant);
    attempt(t, expected, () => t.say(step.by, { kind: "revoke", grant: ids[step.grant]! }));
    if (expected) said.push({ say: "revoke", id: step.grant });
  } else if (step.do === "open") {
    const tag = step.tag as Pattern;
    t.say(tag.split("/")[0]!, { kind: "open", tag, privilege: step.privilege, open: step.open });
    said.push({ say: "open", tag: step.tag, privilege: step.privilege, open: step.open });
  } else if (step.do === "conflict") {
    t.say("platform", { kind: "conflict", name: `platform/c${at}`, tags: step.tags as Pattern[] });
    said.push({ say: "conflict", tags: step.tags });
  } else {
    t.say("platform", { kind: "held", holder: step.who, tags: [step.tag] as never });
    said.push({ say: "held", who: step.who, tag: step.tag });
  }
}

type Grant = Extract<Said, { say: "grant" }>;

function passedOn(said: readonly Said[], own: Grant): Grant {
  const last = said.findLast((one) => one.say === "grant" && one.to === own.by) as Grant | undefined;
  if (last === undefined) return { ...own, via: null };
  return { ...own, via: last.id, tag: last.tag, privileges: last.privileges, until: last.until };
}

/** Accepted exactly when the reference says so; refused whole. */
function attempt<T>(t: TestWorld, expected: boolean, work: () => T): T | null {
  const before = t.world.head;
  try {
    const result = work();
    assert.ok(expected, "the world accepted what the reference refuses");
    return result;
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    assert.ok(!expected, `the reference accepts what the world refuses: ${(error as Error).message}`);
    assert.equal(t.world.head, before);
    return null;
  }
}

function compare(t: TestWorld, said: readonly Said[]): void {
  for (const who of WHO)
    for (const tag of TAGS) {
      assert.equal(
        t.world.conflict(who, tag as Pattern) !== null,
        inConflict(said, who, tag),
        `${who} ${tag}`,
      );
      for (const privilege of PRIVILEGES) {
        const chain = t.world.chain(who, privilege, tag as Pattern, t.now);
        const expected = holds(said, who, privilege, tag, t.now.getTime());
        assert.equal(chain !== null, expected, `${who} ${privilege} ${tag}`);
        // [PRIV-3] no privilege from nowhere: each chain begins with the owner, and each link has what it gives
        if (chain?.by !== "grant") continue;
        assert.equal(chain.grants[0]!.by, tag.split("/")[0]);
        assert.equal(chain.grants.at(-1)!.to, who);
        for (const [i, link] of chain.grants.entries()) {
          assert.ok(link.privileges.includes(privilege) && link.revoked === null);
          if (i > 0) assert.ok(chain.grants[i - 1]!.delegate && chain.grants[i - 1]!.to === link.by);
        }
      }
    }
}

test("a signature has one way to be written", () => {
  const t = new TestWorld("ann");
  t.tags("ann/a");
  const last = t.log.at(-1)!;
  const others = [
    last.signature.replace(/=$/, " "),
    last.signature.replace(/=+$/, ""),
    ` ${last.signature}`,
    `${last.signature}\n`,
    `${last.signature.slice(0, 40)} ${last.signature.slice(40)}`,
    last.signature.replaceAll("+", "-").replaceAll("/", "_").concat("="),
  ];
  for (const signature of others) {
    const world = t.world.constructor as new () => typeof t.world;
    const copy = new world();
    for (const one of t.log.slice(0, -1)) copy.apply(one);
    assert.throws(() => copy.apply({ ...last, signature }), JSON.stringify(signature));
    copy.apply(last);
  }
});

test("the same statements give the same world, and a random change in one of them is noticed", () => {
  const t = new TestWorld("ann", "bob");
  t.tags("ann/a");
  t.grant("ann", "bob", "ann/a", ["s+"], { delegate: true });
  t.say("ann", { kind: "context", name: "ann/c", context: { secrecy: ["ann/a"], integrity: [] } });
  const text = t.log.map((statement) => JSON.stringify(statement));
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.nat(), fc.nat(255), (line, place, byte) => {
      const bytes = Buffer.from(text[line]!);
      const at = place % bytes.length;
      if (bytes[at] === byte) return;
      bytes[at] = byte;
      const changed = text.with(line, bytes.toString());
      assert.throws(() => {
        const world = new TestWorld().world.constructor as new () => typeof t.world;
        const copy = new world();
        for (const one of changed) copy.apply(JSON.parse(one));
        // whatever still parses and verifies has to be the very same text
        assert.notEqual(copy.head, t.world.head);
      });
    }),
    { numRuns: 300 },
  );
});
