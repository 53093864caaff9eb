import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encloses, parseAttributePath, type PathStep } from "./attribute-path.ts";

const member = (name: string): PathStep => ({ kind: "member", name });
const [anyMember, anyElement] = [{ kind: "anyMember" }, { kind: "anyElement" }] as const;

const PATHS: Readonly<Record<string, readonly PathStep[]>> = {
  a: [member("a")],
  "a.b": [member("a"), member("b")],
  "a[*].b": [member("a"), anyElement, member("b")],
  "[*].a": [anyElement, member("a")],
  "[*][*]": [anyElement, anyElement],
  "a.*": [member("a"), anyMember],
  "*[*]": [anyMember, anyElement],
  "air-temp.$x._y.@z": [member("air-temp"), member("$x"), member("_y"), member("@z")],
  "/a/b": [member("a"), member("b")],
  "/a.b/c d": [member("a.b"), member("c d")],
  "/a~1b/~0/~01": [member("a/b"), member("~"), member("~1")],
  "/": [member("")],
  "/*/[*]": [member("*"), member("[*]")],
  "/1a": [member("1a")],
};

test("paths that are read, and as what", () => {
  for (const [text, steps] of Object.entries(PATHS)) assert.deepEqual(parseAttributePath(text), { steps }, text);
}); // prettier-ignore

test("paths that could be read in two ways, or in none", () => {
  const none = ["", ".", "a.", ".a", "a..b", "a b", "a[0]", "a[", "a[*", "a[*]b", "**", "a.1", "1", "a[*].[*]", "a/b", "$.a b", "a.**"];
  for (const text of none) assert.ok("expected" in parseAttributePath(text), text);
  for (const text of ["/a/0", "/12", "/a/-", "/~", "/a~2"]) assert.ok("expected" in parseAttributePath(text), text);
  const deep = (steps: number) => Array.from({ length: steps }, () => "a").join(".");
  assert.ok("steps" in parseAttributePath(deep(64)));
  assert.ok("expected" in parseAttributePath(deep(65)));
  assert.ok("expected" in parseAttributePath("a".repeat(1001)));
}); // prettier-ignore

test("any text gets an answer, and a pointer to any name is read back", () => {
  fc.assert(fc.property(fc.string(), (text) => void parseAttributePath(text)));
  fc.assert(
    fc.property(fc.array(fc.string().filter((name) => !/^(\d+|-)$/.test(name)), { minLength: 1, maxLength: 5 }), (names) => {
      const pointer = names.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
      assert.deepEqual(parseAttributePath(pointer), { steps: names.map(member) });
    }),
  );
}); // prettier-ignore

test("what is within what", () => {
  const within = (outer: string, inner: string) => encloses(PATHS[outer]!, PATHS[inner]!);
  assert.ok(within("a", "a.b") && within("a", "a") && within("a", "a[*].b") && within("*[*]", "a[*].b"));
  assert.ok(within("a.*", "a.b") && !within("a.b", "a.*") && !within("a.b", "a") && !within("[*].a", "a.b"));
  assert.ok(!within("*[*]", "a.b"));
});
