/**
 * The page of the bus against the program.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { LIMITS } from "./index.ts";

test("docs/bus.md shows each limit with its default, and no other", () => {
  const page = readFileSync(new URL("../../docs/bus.md", import.meta.url), "utf8");
  const rows = page.matchAll(/^\| `(\w+)` \| (\d+) \|$/gm);
  assert.deepEqual(Object.fromEntries(Array.from(rows, ([, name, value]) => [name, Number(value)])), LIMITS);
});
