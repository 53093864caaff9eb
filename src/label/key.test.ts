import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contextsOver } from "../../model/fixtures.ts";
import { BASE, contextEquals, contextKey, formatContext, parseContextKey, PLATFORM_IN } from "./index.ts";
import { SEALED, UNLABELLED } from "./index.ts";
import type { TagId, TagName } from "./index.ts";
import { contextFromText, idOf } from "./testing.ts";

test("the keys of the named contexts are fixed: they are in stored files", () => {
  assert.equal(contextKey(UNLABELLED), "S=;I=");
  assert.equal(contextKey(BASE), "S=;I=*");
  assert.equal(contextKey(PLATFORM_IN), "S=*;I=");
  assert.equal(contextKey(SEALED), "S=*;I=*");
});

test("different contexts have different keys, and each key gives its context back: all 64 over 3 tags", () => {
  const contexts = [...contextsOver(["a", "b", "c"]).map(contextFromText), BASE, PLATFORM_IN, SEALED];
  const keys = new Set(contexts.map(contextKey));
  assert.equal(keys.size, contexts.length);
  for (const context of contexts) assert.ok(contextEquals(parseContextKey(contextKey(context)), context));
});

const label = fc.oneof(
  fc.constant("ALL" as const),
  fc.uniqueArray(fc.string({ maxLength: 4 }).map(ascii), { maxLength: 64 }),
);
const context = fc.record({ secrecy: label, integrity: label }).map(contextFromText);

test("keys are equal exactly when contexts are: random contexts of up to 64 tags", () => {
  fc.assert(
    fc.property(context, context, (a, b) => {
      assert.equal(contextKey(a) === contextKey(b), contextEquals(a, b));
      assert.deepEqual(parseContextKey(contextKey(a)), a);
    }),
  );
});

test("a key that would not have been written is refused", () => {
  const [one, two] = [idOf("a"), idOf("b")].sort() as [TagId, TagId];
  const wrong = ["", "S=;", "S=;I=;", "I=;S=", "S=;I= ", "S=;I=\n", "S=,;I=", "S=**;I=", "S=*,*;I=", "s=;i="];
  const unordered = [`S=${two},${one};I=`, `S=${one},${one};I=`, `S=${one.slice(1)};I=`, `S=${one},;I=`];
  const many = Array.from({ length: 65 }, (_, n) => idOf(`t${n}`)).sort();
  for (const key of [...wrong, ...unordered, `S=${many.join(",")};I=`])
    assert.throws(() => parseContextKey(key), { name: "LabelError", code: "E_CONTEXT_KEY" }, key);
});

test("people see names, sorted; a tag that has none shows its id", () => {
  const names = new Map([
    [idOf("a"), "zoe/a" as TagName],
    [idOf("b"), "amy/b" as TagName],
  ]);
  const nameOf = (id: TagId) => names.get(id);
  assert.equal(formatContext(UNLABELLED, nameOf), "S={} I={}");
  assert.equal(formatContext(SEALED, nameOf), "S=ALL I=ALL");
  const made = contextFromText({ secrecy: ["a", "b"], integrity: ["c"] });
  assert.equal(formatContext(made, nameOf), `S={amy/b,zoe/a} I={#${idOf("c")}}`);
});

function ascii(text: string): string {
  return text.replace(/[^ -~]/g, "_");
}
