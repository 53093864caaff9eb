import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { filterCovers, filterFault, filterMatches, filtersOverlap, isNarrower } from "./topic-filter.ts";

test("what is a filter of a type, and what is not", () => {
  for (const filter of ["#", "+", "+/#", "a", "a/#", "/", "a//b", "/a", "a/+/b", "a b/\u00e9"])
    assert.equal(filterFault(filter), null, filter);
  const faults = { "": /bytes/, "a#": /alone/, "a+/b": /alone/, "a/#/b": /at the end/, "#/a": /at the end/, $SYS: /the bus's own/, "$share/g/a": /the bus's own/, "a\0b": /control/, "a\nb": /control/, "\ud800": /control/ }; // prettier-ignore
  for (const [filter, fault] of Object.entries(faults))
    assert.match(filterFault(filter) ?? "", fault, filter);
  assert.equal(filterFault(Array.from({ length: 64 }, () => "a").join("/")), null);
  assert.match(filterFault(Array.from({ length: 65 }, () => "a").join("/")) ?? "", /64 levels/);
  assert.match(filterFault("a".repeat(65_536)) ?? "", /bytes/);
});

/** MQTT 5, section 4.7, as an expression. */
function expressionFor(filter: string): RegExp {
  const levels = filter.split("/").map((level) => (level === "+" ? "[^/]*" : level));
  if (levels.at(-1) !== "#") return new RegExp(`^${levels.join("/")}$`);
  const above = levels.slice(0, -1).join("/");
  return levels.length === 1 ? /^/ : new RegExp(`^${above}(/.*)?$`);
}

/** All topics of up to four levels, each empty, `a`, `b`, or `x`, which no filter below names. The empty one no broker accepts; here it counts. */
const LEVELS = ["", "a", "b", "x"];
const below = (topics: readonly string[]) =>
  topics.flatMap((topic) => LEVELS.map((level) => `${topic}/${level}`));
const TOPICS = [LEVELS, below(LEVELS), below(below(LEVELS)), below(below(below(LEVELS)))].flat();

const filterArbitrary = fc
  .tuple(fc.array(fc.constantFrom("", "a", "b", "+"), { maxLength: 3 }), fc.boolean())
  .map(([levels, rest]) => [...levels, ...(rest ? ["#"] : [])].join("/"))
  .filter((filter) => filterFault(filter) === null);

test("matching, overlap and what is narrower are what the sets of topics say", () => {
  const topicsOf = (filter: string) => new Set(TOPICS.filter((topic) => expressionFor(filter).test(topic)));
  fc.assert(
    fc.property(filterArbitrary, filterArbitrary, (a, b) => {
      const [left, right] = [topicsOf(a), topicsOf(b)];
      assert.deepEqual(new Set(TOPICS.filter((topic) => filterMatches(a, topic))), left);
      assert.equal(filtersOverlap(a, b), !left.isDisjointFrom(right));
      assert.equal(filterCovers(a, b), right.isSubsetOf(left));
      assert.equal(isNarrower(a, b), left.isSubsetOf(right) && !right.isSubsetOf(left));
    }),
    { numRuns: 2000 },
  );
});

test("no filter matches the bus's own topics", () => {
  for (const filter of ["#", "+", "+/#", "+/a"]) assert.ok(!filterMatches(filter, "$SYS/a") && !filterMatches(filter, "$SYS"));
}); // prettier-ignore
