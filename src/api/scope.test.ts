import { deepStrictEqual, strictEqual } from "node:assert";
import { test } from "node:test";
import { parseScope, scopeText } from "./scope.ts";

test("what is recorded besides is read as it is written", () => {
  const good = ["all", "repeats", "user:0", "user:4294967294", "cgroup:/", "cgroup:/a.slice/b:c.service", "path:/srv/a b", "opaque:/usr/bin/x"]; // prettier-ignore
  for (const text of good) strictEqual(scopeText(parseScope(text)!), text);
});

test("what is none is not taken for one", () => {
  const bad = ["", "ALL", "all:", "all:1", "repeats:", "repeats:x", "user", "user:", "user:root", "user:-1", "user:4294967295", "user:1e3", "path:a", "path:", "path:/a/../b", "path:/a\0b", "cgroup:a", "opaque", "file:/a", `path:/${"a".repeat(5000)}`]; // prettier-ignore
  deepStrictEqual(bad.filter((text) => parseScope(text) !== null), []); // prettier-ignore
});
