/** Contexts that a client asks for: by ids and by names, and what must be refused, all alike. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contextKey, contextOf, integrityOf, parseTagId, secrecyOf } from "../label/index.ts";
import type { TagId } from "../label/index.ts";
import { KEYS, stripped } from "./labels.ts";

const ids = ["1", "2", "3"].map((digit) => parseTagId(digit.repeat(32)));
const [one, two, hidden] = ids as [TagId, TagId, TagId];
/** There is a third, `b/hidden`, that this sender does not know of. */
const sender = { tagNamed: (name: string): TagId | null => ({ "a/one": one, "a/two:7": two })[name] ?? null };
const key = (secrecy: TagId[], integrity: TagId[] = []): string => contextKey(contextOf(secrecyOf(secrecy), integrityOf(integrity))); // prettier-ignore

const READ: readonly (readonly [text: string, key: string])[] = [
  ["S=;I=", key([])],
  [`S=${one},${two};I=`, key([one, two])],
  ["S=a/one;I=", key([one])],
  ["S=a/two:7,a/one;I=a/one", key([one, two], [one])],
  [`S=a/two:7,${hidden};I=`, key([two, hidden])],
  ["S=a/one,a/one;I=", key([one])],
  ["S=;I=a/two:7", key([], [two])],
];

const REFUSED: readonly string[] = [
  "",
  "a/one",
  "S=a/one",
  "S=a/one;I=;",
  "S=a/one;I=\n",
  "S=a/one,;I=",
  "S= a/one;I=",
  "S=A/one;I=",
  "S=a/one/;I=",
  "S=b/hidden;I=",
  "S=b/nothing;I=",
  "S=a/one;I=b/hidden",
  "S=__proto__/x;I=",
  "S=*;I=a/one",
  `S=${two},${one};I=`,
  `S=a/one,${"1".repeat(31)};I=`,
  `S=${Array.from({ length: 65 }, (_, n) => n.toString(16).padStart(32, "0")).join(",")},a/one;I=`,
];

for (const [text, expected] of READ)
  test(`read: ${text.slice(0, 40)}`, () => {
    const supplied = stripped([["IfcContext", text]], KEYS, sender);
    assert.equal(supplied?.as && contextKey(supplied.as), expected);
  });

for (const text of REFUSED)
  test(`refused: ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.equal(stripped([["ifccontext", text]], KEYS, sender), null);
  });

test("a tag that there is not and one that the sender may not know of are refused with the same words", () => {
  const said = (name: string): string => {
    try {
      return contextKey(KEYS.read(`S=${name};I=`, sender));
    } catch (error) {
      return String(error);
    }
  };
  assert.equal(said("b/hidden"), said("b/nothing"));
  assert.ok(!said("b/hidden").includes("hidden"));
});

test("who knows no names is asked for none, and no text throws or names more than it says", () => {
  const word = fc.constantFrom("a/one", "a/two:7", "b/hidden", one, two, "*", "", "/", "S=", ";", "I=");
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), fc.array(word, { maxLength: 5 }), (secrecy, integrity) => {
      const text = `S=${secrecy.join(",")};I=${integrity.join(",")}`;
      const as = stripped([["ifccontext", text]], KEYS, sender)?.as;
      if (as !== undefined && as.secrecy !== "ALL" && as.integrity !== "ALL")
        for (const tag of [...as.secrecy, ...as.integrity]) assert.ok(tag === one || tag === two);
      if (text.includes("/")) assert.equal(stripped([["ifccontext", text]], KEYS, {}), null);
      if (text.includes("hidden")) assert.equal(as, undefined);
    }),
  );
});
