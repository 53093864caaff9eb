/**
 * The checks find what they are for: each with a planted fault, and without it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { codesIn, faultsBetween } from "./check-errors.ts";
import { faultsOf, mayUse, tableFaults } from "./check-layers.ts";
import { blocksOf, isListed, subcommandsOf } from "./check-readme.ts";
import { citedIn, missing, rulesOf, titlesOf } from "./check-rules.ts";

const importing = (path: string) => `import { x } from "${path}";\n`;

for (const [file, path, fault] of [
  ["src/cli/a.ts", "../label/index.ts", null],
  ["src/cli/a.ts", "../label/flow.ts", "entered by"],
  ["src/cli/deep/a.ts", "../../label/index.ts", null],
  ["src/cli/a.ts", "../kernel/index.ts", "may not use `kernel`"],
  ["src/cli/a.ts", "../daemon/main.ts", "nobody imports the daemon"],
  ["src/daemon/main.ts", "../kernel/index.ts", null],
  ["src/label/a.ts", "../api/index.ts", "may not use `api`"],
  ["src/label/a.ts", "node:fs", "is pure"],
  ["src/label/a.ts", "zod", "is pure"],
  ["src/label/a.test.ts", "node:fs", null],
  ["src/label/a.test.ts", "fast-check", null],
  ["src/label/a.test.ts", "../../model/reference.ts", null],
  ["src/label/a.ts", "../../model/reference.ts", "only tests may use model"],
  ["src/label/a.ts", "./testing.ts", "only tests"],
  ["src/label/a.test.ts", "./testing.ts", null],
  ["src/kernel/a.test.ts", "../label/testing.ts", null],
  ["src/kernel/a.ts", "../label/testing.ts", "entered by"],
  ["src/cli/a.ts", "../../package.json", null],
  ["src/cli/a.ts", "../../tools/files.ts", "outside src"],
  ["src/other/a.ts", "node:fs", "not in the table"],
] as const) {
  test(`layers: ${file} imports ${path}: ${fault ?? "fine"}`, () => {
    const faults = faultsOf(file, `\n${importing(path)}`);
    if (fault === null) assert.deepEqual(faults, []);
    else assert.match(faults.join("\n"), new RegExp(fault));
  });
}

test("layers: every form of import is seen, with its line", () => {
  const text = [
    'export * from "../daemon/x.ts";',
    'import "../daemon/x.ts";',
    'await import("../daemon/x.ts");',
  ];
  const faults = faultsOf("src/cli/a.ts", text.join("\n"));
  assert.deepEqual(
    faults.map((fault) => fault.split(":")[1]),
    ["1", "2", "3"],
  );
  assert.equal(faultsOf("src/cli/a.ts", 'import type {\n  X,\n} from "../daemon/x.ts";').length, 1);
});

test("layers: ARCHITECTURE.md's table is compared row by row", () => {
  const row = ([module, uses]: [string, readonly string[]]) =>
    `| \`${module}\` | what | ${uses.join(", ") || "nothing"} |`;
  const table = (rows: string[]) =>
    `<!-- layers:begin -->\n| a | b |\n|---|---|\n${rows.join("\n")}\n<!-- layers:end -->`;
  const rows = Object.entries(mayUse).map(row);
  assert.deepEqual(tableFaults(table(rows)), []);
  assert.equal(tableFaults(table(rows.slice(1))).length, 1);
  assert.equal(tableFaults(table([...rows, "| `other` | what | nothing |"])).length, 1);
  assert.equal(
    tableFaults(table(rows.map((each) => each.replace("setup |", "setup, daemon |")))).length > 0,
    true,
  );
  assert.equal(tableFaults("no table").length, 1);
});

test("errors: codes are found in strings and definitions, not in comments", () => {
  const source = `
    // E_IN_COMMENT
    /* E_IN_BLOCK */
    throw new Error("E_ONE: x"); // E_TRAILING
    const globs = ["src/**", "E_TWO"];
  `;
  assert.deepEqual([...codesIn(source)], ["E_ONE", "E_TWO"]);
  assert.deepEqual(
    [...codesIn("# E_SHELL_COMMENT\necho 'csn: E_SHELL: x'\n#define E_MACRO 1")],
    ["E_SHELL", "E_MACRO"],
  );
});

test("errors: a missing, an incomplete and a leftover explanation are reported", () => {
  const full = (code: string) => `### ${code}\n\n**Meaning** m\n\n**Cause** c\n\n**What to do** w\n\n`;
  const codes = new Map([
    ["E_A", "a.ts"],
    ["E_B", "b.ts"],
  ]);
  assert.deepEqual(faultsBetween(codes, full("E_A") + full("E_B")), []);
  assert.match(faultsBetween(codes, full("E_A")).join(), /b\.ts: E_B has no heading/);
  assert.match(faultsBetween(codes, full("E_A") + full("E_B") + full("E_C")).join(), /E_C is nowhere/);
  assert.match(
    faultsBetween(codes, `${full("E_A")}### E_B\n\n**Meaning** m\n\n## Next\nCause What to do`).join(),
    /E_B lacks the part Cause/,
  );
  assert.match(faultsBetween(codes, full("E_A") + full("E_B") + full("E_B")).join(), /two headings/);
});

test("readme: blocks are read with their words", () => {
  const fence = "```";
  const text = `a\n${fence}sh run exit=2 timeout=5\n./csn x\n${fence}\n${fence}sh check\nb\n${fence}\n${fence}sh\nc\n${fence}\n${fence}text\nd\n${fence}\n`;
  assert.deepEqual(blocksOf(text), [
    { line: 2, mode: "run", exit: 2, timeoutSeconds: 5, script: "./csn x\n" },
    { line: 5, mode: "check", exit: 0, timeoutSeconds: 600, script: "b\n" },
    { line: 8, mode: "syntax", exit: 0, timeoutSeconds: 600, script: "c\n" },
  ]);
});

test("readme: subcommands are found and looked up", () => {
  assert.deepEqual(subcommandsOf("./csn up\necho x | ./csn check --a\nsudo ./csn run -- ls; ./csn --help"), [
    "up",
    "check",
    "run",
  ]);
  const help = "Usage: csn\n\nCommands:\n  up [options]  start\n  run PROGRAM\n";
  assert.ok(isListed("up", help) && isListed("run", help));
  assert.ok(!isListed("start", help) && !isListed("ru", help));
});

test("rules: one in force without a case that names it is found, ranges and several count", () => {
  const model = "| **TAG-1** | a | enforced |\n| **TAG-2** | b | enforced |\n| **FLT-1** | c | later |\n";
  const known = rulesOf(model);
  assert.deepEqual([...known], [["TAG-1", true], ["TAG-2", true], ["FLT-1", false]]); // prettier-ignore
  assert.equal(missing(known, ["x [TAG-1..2]"], "case").length, 0);
  assert.match(missing(known, ["x [TAG-1]"], "case").join(), /TAG-2 is in force and has no case/);
  assert.deepEqual(titlesOf('test("a [TAG-1]", f); const c = { name: "b [TAG-2]" }; it(`c`, f)'), ["a [TAG-1]", "b [TAG-2]", "c"]); // prettier-ignore
  assert.deepEqual(citedIn("[PRIV-1..3, COI-1]"), ["PRIV-1", "PRIV-2", "PRIV-3", "COI-1"]);
});
