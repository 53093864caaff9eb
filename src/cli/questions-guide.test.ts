/** docs/questions.md: its commands are ones that csn has, with those options. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { makeProgram } from "./program.ts";

const text = readFileSync(new URL("../../docs/questions.md", import.meta.url), "utf8");

test("each command of the guide parses, and each option of its table is there", () => {
  const block = /```sh\n([^]*?)```/.exec(text)![1]!;
  const commands = block.trim().split("\n").map((line) => line.replace(/\s+(#|>).*$/, "").split(" ").slice(1)); // prettier-ignore
  assert.equal(commands.length, 6);
  for (const words of commands) {
    const found = words.reduce(
      (at, word) => at.commands.find((sub) => sub.name() === word) ?? at,
      makeProgram(),
    );
    const options = new Set(found.options.map(({ long }) => long));
    for (const word of words) if (word.startsWith("--")) assert.ok(options.has(word), words.join(" "));
  }
  const trace = makeProgram().commands.find((command) => command.name() === "trace")!;
  const known = new Set(trace.options.map(({ long }) => long));
  for (const [, option] of /## trace\n([^]*?)## leak/.exec(text)![1]!.matchAll(/`(--[a-z-]+)/g))
    assert.ok(known.has(option), option);
});
