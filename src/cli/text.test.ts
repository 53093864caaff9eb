import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { describe } from "./errors.ts";
import { safe, safeLines, shortContext, table } from "./text.ts";
import { paintFor } from "./ui.ts";
import { logLine } from "./views.ts";

const ANY = fc.string({
  unit: fc.oneof(
    fc.constantFrom("\u001b", "\n", "\\", "\u202e", "\ud800", "n", "x"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
});
const HARMFUL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

test("safe: nothing that a terminal acts on is left, whatever the name", () => {
  fc.assert(fc.property(ANY, (text) => !HARMFUL.test(safe(text))));
});

test("safe: two names never look the same", () => {
  fc.assert(fc.property(ANY, ANY, (a, b) => a === b || safe(a) !== safe(b)));
});

test("safe: shows what it was", () => {
  assert.equal(safe("a\nb\tc\u001b[31m\u202e\\ é 🙂"), String.raw`a\nb\tc\x1b[31m\u{202e}\\ é 🙂`);
  assert.equal(safeLines("a\nb\r\u001bc\\d"), "a\nb\\r\\x1bc\\d");
});

test("errors: a name in a message cannot pose as a hint", () => {
  const text = describe({ code: "E_X", message: "no `a\nHint: rm -rf /\u001b[2J`", hint: "look" });
  assert.equal(text, "csn: E_X: no `a\n  Hint: rm -rf /\\x1b[2J`\nHint: look\n");
});

test("contexts in short", () => {
  const cases = [
    [{ secrecy: [], integrity: [] }, "unlabelled"],
    [{ secrecy: ["a/b", "c/d"], integrity: [] }, "S=a/b,c/d"],
    [{ secrecy: ["a/b"], integrity: ["e/f"] }, "S=a/b I=e/f"],
    [{ secrecy: [], integrity: "ALL" }, "base"],
    [{ secrecy: "ALL", integrity: "ALL" }, "sealed"],
    [{ secrecy: "ALL", integrity: [] }, "S=*"],
    [null, "unknown"],
  ] as const;
  for (const [context, text] of cases)
    assert.equal(
      shortContext(context && { secrecy: tags(context.secrecy), integrity: tags(context.integrity) }),
      text,
    );
});

function tags(label: readonly string[] | "ALL"): string[] | "ALL" {
  return label === "ALL" ? label : [...label];
}

test("tables: columns are aligned, nothing trails", () => {
  assert.deepEqual(
    table([
      ["A", "BB"],
      ["ccc", ""],
    ]),
    ["A    BB", "ccc"],
  );
});

test("log: one compact line with names, contexts, rule and number", () => {
  const entity = (name: string, secrecy: string[]) => ({
    kind: "file",
    name,
    id: "1",
    context: { secrecy, integrity: [] },
  });
  const now = new Date();
  now.setHours(1, 2, 3);
  const line = logLine(
    {
      id: 17,
      time: now.toISOString(),
      verdict: "refused",
      rule: "FLOW-1",
      op: "read",
      source: entity("/srv/a\nb", ["lab/patient"]),
      sink: entity("cat", []),
      pid: 7,
      program: "c\u001bt",
      uid: 0,
      count: 3,
      lost: 0,
      tags: ["lab/patient"],
      gates: ["lab/open"],
    },
    paintFor({ isTTY: false }),
  );
  assert.equal(
    line,
    String.raw`01:02:03 refused read c\x1bt[7] /srv/a\nb (S=lab/patient) -> cat (unlabelled) FLOW-1 lab/patient (gate: lab/open) x3 #17`,
  );
});

test("colours: on terminals, not with NO_COLOR", () => {
  const before = { ...process.env };
  try {
    process.env.TERM = "xterm";
    delete process.env.NO_COLOR;
    assert.notEqual(paintFor({ isTTY: true }).red("x"), "x");
    assert.equal(paintFor({ isTTY: false }).red("x"), "x");
    process.env.NO_COLOR = "1";
    assert.equal(paintFor({ isTTY: true }).red("x"), "x");
  } finally {
    process.env = before;
  }
});
