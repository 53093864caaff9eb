/**
 * Proofs against trying everything out: all contexts, all steps one tag at a time, and all delegations that the rules
 * take, over small worlds.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chainFor } from "../privilege.ts";
import type { State } from "../state.ts";
import type { ContextText, Privilege } from "../statement.ts";
import { TestWorld } from "../testing.ts";
import { parseProperty } from "./property.ts";
import { prove } from "./prove.ts";

const TAGS = ["a/x", "b/y", "b/z"];
const PEOPLE = ["p", "q", "r"];
const SETS = [[], ...[1, 2, 3, 4, 5, 6, 7].map((mask) => TAGS.filter((_, i) => (mask >> i) & 1))];
const CONTEXTS: ContextText[] = SETS.flatMap((secrecy) => SETS.map((integrity) => ({ secrecy, integrity })));
const key = (c: ContextText) => `${c.secrecy.join()};${c.integrity.join()}`;
const flows = (a: ContextText, b: ContextText) =>
  a.secrecy.every((t) => b.secrecy.includes(t)) && b.integrity.every((t) => a.integrity.includes(t));
const without = (tags: readonly string[], tag: string) => tags.filter((t) => t !== tag);
const withTag = (tags: readonly string[], tag: string) => [...without(tags, tag), tag].sort();

type Options = { owners: boolean; except: ReadonlySet<string> };

/** Everything that data at a context can come to. */
function bruteReach(state: State, now: number, start: ContextText, { owners, except }: Options): Set<string> {
  const seen = new Map([[key(start), start]]);
  const people = [...state.principals.keys()].filter((name) => name !== "platform" && !except.has(name));
  const holds = (who: string, privilege: Privilege, tag: string) => {
    const chain = chainFor(state, who, privilege, tag as never, now);
    return chain !== null && (owners || chain.by !== "owner");
  };
  for (const here of seen.values()) {
    const go = (to: ContextText) => void (seen.has(key(to)) || seen.set(key(to), to));
    for (const above of CONTEXTS) if (flows(here, above)) go(above);
    for (const tag of TAGS)
      for (const who of people) {
        if (holds(who, "s-", tag)) go({ ...here, secrecy: without(here.secrecy, tag) });
        if (holds(who, "i+", tag)) go({ ...here, integrity: withTag(here.integrity, tag) });
      }
    for (const gate of state.gates.values()) {
      if (except.has(gate.name)) continue;
      const has = (privilege: Privilege, tag: string) =>
        chainFor(state, gate.holder, privilege, tag as never, now) !== null;
      const { in: from, out: to, consent } = gate.gate;
      const granted =
        from.secrecy.every((t) => to.secrecy.includes(t) || has("s-", t)) &&
        to.secrecy.every((t) => from.secrecy.includes(t) || has("s+", t)) &&
        to.integrity.every((t) => from.integrity.includes(t) || has("i+", t)) &&
        from.integrity.every((t) => to.integrity.includes(t) || has("i-", t));
      const extra = TAGS.filter((t) => consent.includes(t) && has("s-", t));
      const enlarged = { ...from, secrecy: [...new Set([...from.secrecy, ...extra])] };
      if (granted && flows(here, enlarged)) go(to);
    }
  }
  return new Set(seen.keys());
}

/** All delegations that anybody may make, made: to everybody and every gate, until there are no more. */
function delegateAll(t: TestWorld, owners: boolean): void {
  const { state } = t.world;
  const holders = () => [
    ...state.principals.keys(),
    ...Array.from(state.gates.values(), (gate) => gate.holder),
  ];
  const made = new Set<string>();
  const attempt = (by: string, to: string, tag: string, privileges: Privilege[], via: string | null) => {
    const what = [to, tag, ...privileges].join();
    if (to === by || to === "platform" || made.has(what)) return false;
    made.add(what);
    try {
      t.grant(by, to, tag, privileges, { via, delegate: true });
      return true;
    } catch {
      return false;
    }
  };
  for (let more = true; more;) {
    more = false;
    if (owners)
      for (const tag of TAGS)
        for (const to of holders())
          more = attempt(tag.split("/")[0]!, to, tag, ["s+", "s-", "i+", "i-"], null) || more;
    for (const grant of state.grants.values())
      if (grant.delegate && !grant.to.startsWith("gate:"))
        for (const to of holders())
          more = attempt(grant.to, to, grant.tag, [...grant.privileges], grant.id) || more;
  }
}

const label = fc.subarray(TAGS);
const context = fc.record({ secrecy: label, integrity: label });
const privileges = fc.subarray(["s+", "s-", "i+", "i-"] as const, { minLength: 1 });
const world = fc.record({
  gates: fc.array(fc.record({ in: context, out: context, consent: label }), { maxLength: 3 }),
  grants: fc.array(
    fc.record({
      tag: fc.constantFrom(...TAGS),
      to: fc.oneof(
        { weight: 1, arbitrary: fc.constantFrom(...PEOPLE, "a", "b") },
        { weight: 3, arbitrary: fc.constantFrom("gate0", "gate1", "gate2") },
      ),
      privileges,
      delegate: fc.boolean(),
    }),
    { maxLength: 8 },
  ),
  opened: fc.option(fc.constantFrom(...TAGS), { freq: 6 }),
});
type Drawn = typeof world extends fc.Arbitrary<infer T> ? T : never;

function build(drawn: Drawn): TestWorld {
  const t = new TestWorld("a", "b", ...PEOPLE);
  t.tags(...TAGS);
  const holders = drawn.gates.map((gate, i) => t.gate(`a/gate${i}`, gate));
  for (const { tag, to, privileges: given, delegate } of drawn.grants) {
    const holder = to.startsWith("gate") ? holders[Number(to.slice(4))] : to;
    const owner = tag.split("/")[0]!;
    if (holder !== undefined && holder !== owner) t.grant(owner, holder, tag, [...given], { delegate });
  }
  if (drawn.opened !== null)
    t.say(drawn.opened.split("/")[0]!, {
      kind: "open",
      tag: drawn.opened as never,
      privilege: "s-",
      open: true,
    });
  return t;
}

const text = ({ secrecy, integrity }: ContextText) => `S=${secrecy.join()};I=${integrity.join()}`;

test("from context to context: the same answer as trying all steps and all delegations", () => {
  let broken = 0;
  const excepts = [[], ["a/gate0"], ["p"]];
  fc.assert(
    fc.property(
      world,
      context,
      context,
      fc.boolean(),
      fc.constantFrom(...excepts),
      (drawn, from, to, owners, except) => {
        const t = build(drawn);
        const known = except.filter((name) => name === "p" || t.world.state.gates.has(name));
        const line = `${text(from)} never reaches ${text(to)}${known.length > 0 ? ` except through ${known.join()}` : ""}`;
        const proof = prove(t.world.state, parseProperty(line, t.world.state), t.now, { owners });
        delegateAll(t, owners);
        const reached = bruteReach(t.world.state, t.now.getTime(), from, { owners, except: new Set(known) });
        assert.equal(proof.holds, !reached.has(key(to)), line + JSON.stringify(proof.path));
        if (!proof.holds) broken++;
      },
    ),
    { numRuns: 150 },
  );
  assert.ok(broken > 5, "both answers occur");
});

test("nothing reaches a tag without its gate: as trying all", () => {
  fc.assert(
    fc.property(world, fc.constantFrom(...TAGS), (drawn, tag) => {
      const t = build({
        ...drawn,
        gates: [
          ...drawn.gates,
          { in: { secrecy: [], integrity: [] }, out: { secrecy: [], integrity: [] }, consent: [] },
        ],
      });
      const { state } = t.world;
      const line = `nothing reaches ${tag} without passing a/gate0`;
      const proof = prove(state, parseProperty(line, state), t.now);
      delegateAll(t, false);
      const start = { secrecy: [], integrity: [] };
      const reached = bruteReach(state, t.now.getTime(), start, {
        owners: false,
        except: new Set(["a/gate0"]),
      });
      const broken = CONTEXTS.some((c) => c.integrity.includes(tag) && reached.has(key(c)));
      assert.equal(proof.holds, !broken, JSON.stringify(proof.path));
    }),
    { numRuns: 80 },
  );
});

test("never meet: a principal, a gate, a delegation; a conflict set keeps them apart", () => {
  const t = new TestWorld("acme", "bayer", "carol", "dave");
  t.tags("acme/secret", "bayer/secret");
  const ask = (line: string) => prove(t.world.state, parseProperty(line, t.world.state), t.now);
  const line = "tenant acme and tenant bayer never meet";
  assert.ok(ask(line).holds);
  const grant = t.grant("acme", "carol", "acme/secret", ["s+"]);
  assert.ok(ask(line).holds);
  t.grant("bayer", "carol", "bayer/secret", ["s+"]);
  assert.deepEqual(ask(line).path, ["carol may have acme/secret and bayer/secret together"]);
  t.say("acme", { kind: "revoke", grant });
  assert.ok(ask("acme/secret and bayer/secret never meet").holds);
  t.grant("acme", "dave", "acme/secret", ["s+"], { delegate: true });
  assert.ok(!ask(line).holds, "dave could let carol have it");
  t.say("platform", {
    kind: "conflict",
    name: "platform/drugs",
    tags: ["acme/secret", "bayer/secret"] as never,
  });
  assert.ok(ask(line).holds, "nobody may have both now");
});

test("instances to come count: a pattern is every instance", () => {
  const t = new TestWorld("registry", "eve");
  const line = "registry/patient:* never reaches unlabelled";
  const ask = () => prove(t.world.state, parseProperty(line, t.world.state), t.now);
  assert.ok(ask().holds);
  t.tags("registry/patient:1", "registry/patient:2");
  const id = t.grant("registry", "eve", "registry/patient:2", ["s-"]);
  assert.match(
    ask().path.join("\n"),
    new RegExp(`data with registry/patient:2\neve lets out .*grant ${id} `),
  );
  t.say("registry", { kind: "revoke", grant: id });
  assert.ok(ask().holds);
  t.grant("registry", "eve", "registry/patient:*", ["s-"]);
  assert.ok(!ask().holds);
});

test("what is no property is refused with its reason", () => {
  const t = new TestWorld("a");
  t.tags("a/x");
  for (const line of [
    "",
    "a/x reaches b",
    "a/y never reaches unlabelled",
    "a/x never reaches nowhere/at-all",
    "a/x never reaches unlabelled except through a/none",
    "a/х never reaches unlabelled",
    "S=a/x;S=a/x never reaches unlabelled",
  ])
    assert.throws(() => parseProperty(line, t.world.state), { code: "E_PROPERTY" }, line);
});
