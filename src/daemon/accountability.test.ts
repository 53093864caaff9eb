/**
 * Property 3 of docs/model.md over random histories: what the daemon allows, written down as it is recorded, is held
 * against the reference, which knows nothing of src/policy. And the reference finds it when nobody answers.
 */
import { deepStrictEqual, ok } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { type Recorded, unaccounted } from "../../model/accountability.ts";
import { holds, type Said } from "../../model/owners.ts";
import type { Context as PlainContext } from "../../model/reference.ts";
import { checkFlow } from "../label/index.ts";
import { type Body, type ContextText, gateHolder, gateNow, type Privilege } from "../policy/index.ts";
import { Authority } from "./authority.ts";
import type { Caller } from "./identity.ts";
import { requireChange } from "./privileges.ts";
import { Store } from "./store.ts";
import { readContext } from "./views.ts";

const WHO = ["ann", "ben", "cat"];
const TAGS = ["ann/a", "ann/b", "ben/c"];
const PRIVILEGES: readonly Privilege[] = ["s+", "s-", "i+", "i-"];
const ENTITIES = ["e0", "e1", "e2", "e3", "e4"];
const ROOT: Caller = { uid: 0, gid: 0, groups: [], name: "root" };
const caller = (name: string): Caller => ({ uid: 70_000 + WHO.indexOf(name), gid: 1, groups: [], name });

const label = fc.subarray(TAGS);
const context = fc.record({ secrecy: label, integrity: label });
const who = fc.constantFrom(...WHO);
const entity = fc.constantFrom(...ENTITIES);
const move = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("grant" as const),
      to: fc.oneof(who, fc.constant("gate")),
      tag: fc.constantFrom(...TAGS),
      privileges: fc.subarray([...PRIVILEGES], { minLength: 1 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("revoke" as const), grant: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("gate" as const), in: context, out: context }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constant("flow" as const), from: entity, to: entity }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("change" as const), who, what: entity, to: context }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("run" as const), who, from: entity, to: entity }) },
);
type Move = typeof move extends fc.Arbitrary<infer T> ? T : never;

let home: string;
before(() => {
  home = mkdtempSync(join(tmpdir(), "csn-accountability-"));
});
after(() => rmSync(home, { recursive: true, force: true }));
let runs = 0;

const plain = ({ secrecy, integrity }: ContextText): PlainContext => ({
  secrecy: new Set(secrecy),
  integrity: new Set(integrity),
});

/** Plays it against the daemon's own decisions. @param careless everything is allowed: what a broken daemon would record */
function play(moves: readonly Move[], careless: boolean): { faults: string[]; used: number } {
  const store = new Store(join(home, String(runs++)));
  const authority = new Authority(store);
  for (const name of WHO) authority.createPrincipal(name, "person", caller(name).uid, null);
  authority.createTags(ROOT, TAGS);
  const said: { at: number; said: Said }[] = [];
  const grants: { id: string; tag: string }[] = [];
  const contexts = new Map<string, ContextText>();
  const at = (name: string): ContextText => contexts.get(name) ?? { secrecy: [], integrity: [] };
  const read = (text: ContextText) =>
    readContext({ secrecy: [...text.secrecy], integrity: [...text.integrity] }, authority);
  const records: Recorded[] = [];
  const record = (from: string, to: string, source: ContextText, sink: ContextText, by: string | null) =>
    records.push({ id: records.length, from, to, source: plain(source), sink: plain(sink), by });
  let used = 0;
  const allowed = (work: () => void): boolean => {
    try {
      work();
      return true;
    } catch {
      return careless;
    }
  };

  for (const [step, one] of moves.entries()) {
    if (one.do === "gate") {
      const gate = {
        ...{
          program: "/x",
          digest: "0".repeat(64),
          args: [String(step)],
          files: [],
          consent: [],
          purpose: "",
        },
        in: one.in,
        out: one.out,
      };
      authority.say(ROOT, "cat", { kind: "gate", name: "cat/g", gate, users: ["*"] });
    } else if (one.do === "grant") {
      const gate = authority.world.state.gates.get("cat/g");
      const to = one.to === "gate" ? gate && gateHolder(gate.name, gate.gate) : one.to;
      const by = one.tag.split("/")[0]!;
      if (to === undefined || to === by) continue;
      const id = step.toString(16).padStart(32, "0");
      const body = { kind: "grant", id, to, tag: one.tag, privileges: one.privileges, delegate: false };
      authority.say(ROOT, by, { ...body, until: null, purpose: "", via: null } as unknown as Body);
      const more = { by, delegate: false, until: Infinity, via: null };
      said.push({
        at: records.length,
        said: { say: "grant", id: step, to, tag: one.tag, privileges: one.privileges, ...more },
      });
      grants.push({ id, tag: one.tag });
    } else if (one.do === "revoke") {
      const grant = grants.splice(one.grant, 1)[0];
      if (grant === undefined) continue;
      authority.say(ROOT, grant.tag.split("/")[0]!, { kind: "revoke", grant: grant.id });
      said.push({ at: records.length, said: { say: "revoke", id: Number.parseInt(grant.id, 16) } });
    } else if (one.do === "flow") {
      const [source, sink] = [at(one.from), at(one.to)];
      if (one.from !== one.to && (careless || checkFlow(read(source), read(sink)) === null))
        record(one.from, one.to, source, sink, null);
    } else if (one.do === "change") {
      const from = at(one.what);
      if (!allowed(() => requireChange(authority, caller(one.who), read(from), read(one.to), "change")))
        continue;
      contexts.set(one.what, one.to);
      record(one.what, one.what, from, one.to, one.who);
      used++;
    } else {
      const gate = authority.world.state.gates.get("cat/g");
      if (gate === undefined || one.from === one.to) continue;
      const now = gateNow(authority.world.state, gate, one.who, Date.now());
      if (!careless && (now.conflict !== null || now.tags.some(({ by }) => by === null))) continue;
      if (!careless && checkFlow(read(at(one.from)), read(now.in)) !== null) continue;
      if (!careless && checkFlow(read(now.out), read(at(one.to))) !== null) continue;
      const run = `run${step}`;
      record(one.from, `${run}.in`, at(one.from), now.in, null);
      record(`${run}.in`, `${run}.out`, now.in, now.out, gate.holder);
      record(`${run}.out`, one.to, now.out, at(one.to), null);
      used++;
    }
  }
  store.close();
  const faults = unaccounted(records, (name, privilege, tag, id) =>
    holds(
      said.filter((each) => each.at <= id).map((each) => each.said),
      name,
      privilege,
      tag,
      0,
    ),
  );
  return { faults, used };
}

test("[GATE-2, CHG-1, TAG-1, PRIV-2] property 3: somebody who held the privilege answers for each drop and each vouching", () => {
  let used = 0;
  fc.assert(
    fc.property(fc.array(move, { minLength: 15, maxLength: 40, size: "max" }), (moves) => {
      const played = play(moves, false);
      used += played.used;
      deepStrictEqual(played.faults, []);
    }),
    { numRuns: 60 },
  );
  ok(used > 20, `only ${used} changes and gate runs were allowed`);
});

test("the reference finds it when somebody did not hold the privilege, and when a change was not recorded", () => {
  let found = 0;
  fc.assert(
    fc.property(fc.array(move, { minLength: 20, maxLength: 40, size: "max" }), (moves) => {
      if (play(moves, true).faults.length > 0) found++;
    }),
    { numRuns: 10 },
  );
  ok(found >= 8, `${found} of 10`);
  const secret: PlainContext = { secrecy: new Set(["ann/a"]), integrity: new Set() };
  const none: PlainContext = { secrecy: new Set(), integrity: new Set() };
  const flow = (id: number, from: string, to: string, source = none, sink = none): Recorded => ({
    ...{ id, from, to, source, sink },
    by: null,
  });
  const silent = [flow(0, "file", "p", secret, secret), flow(1, "p", "net")];
  deepStrictEqual(
    unaccounted(silent, () => true),
    ["#1 p -> net: p has data of ann/a since #0 and shows no such tag"],
  );
  const run = (since: number): Recorded => ({
    ...flow(2, "in", "out", secret, none),
    ...{ by: "gate:x", since },
  });
  deepStrictEqual(
    unaccounted([...silent, run(1)], () => true),
    [],
    "a gate that was under way",
  );
  ok(unaccounted([...silent, run(2)], () => true).length === 1, "one that began later");
  ok(unaccounted([...silent, run(1)], () => false).length === 2, "one that nobody let");
});
