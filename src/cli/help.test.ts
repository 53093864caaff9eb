import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import type { Command } from "commander";
import { bashScript, fishScript, wordsOf, zshScript } from "./completion.ts";
import { makeProgram } from "./program.ts";

function everyCommand(command: Command, path: string[] = []): { path: string[]; command: Command }[] {
  return [{ path, command }, ...command.commands.flatMap((sub) => everyCommand(sub, [...path, sub.name()]))];
}

const commands = everyCommand(makeProgram());

for (const { path, command } of commands) {
  test(`help of csn ${path.join(" ")}: a description and an example that parses`, () => {
    let text = "";
    command.configureOutput({ writeOut: (part) => (text += part) });
    command.outputHelp();
    assert.notEqual(command.description(), "");
    const example = /^ {2}\$ (?:source <\()?(csn .*)$/m.exec(text)?.[1] ?? "";
    assert.notEqual(example, "", "no example");
    const words = example.split(/[\s)]+/).slice(1);
    const isOwn = path.every((name, at) => words[at] === name) || path[0] === "explain";
    assert.ok(isOwn, `the example is of another command: ${example}`);
  });
}

test("every command that prints has --json", () => {
  const others = new Set([
    "",
    "help",
    "run",
    "completion",
    "tag",
    "label",
    "network",
    "principal",
    "token",
    "context",
    "context change",
    "conflict",
    "statement",
    "statement export", // is JSON
    "policy",
    "gate",
    "gate run",
    "machine",
    "machine exec",
    "machine console",
    "report",
    "audit",
    "audit checkpoint", // is a signed note
    "audit prove", // is JSON
    "audit key", // are lines, as others take them
    "audit key rotate",
    "audit scope",
    "audit witness",
    "audit witness serve",
    "bus",
    "bus client",
    "bus gate",
    "bus metrics", // is Prometheus' text
  ]);
  const without = commands.filter(({ command }) => !command.options.some(({ long }) => long === "--json"));
  assert.deepEqual(new Set(without.map(({ path }) => path.join(" "))), others);
});

test("completion scripts have every command and every long option", () => {
  const tree = wordsOf(makeProgram());
  for (const script of [bashScript(tree), zshScript(tree), fishScript(tree)]) {
    for (const { path, command } of commands) {
      for (const name of path) assert.ok(script.includes(name), name);
      for (const { long } of command.options) assert.ok(script.includes((long ?? "").slice(2)), long);
    }
  }
});

test("completion in bash", () => {
  const script = bashScript(wordsOf(makeProgram()));
  const complete = (...words: string[]) => {
    const call = `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _csn; printf '%s\n' "\${COMPREPLY[@]}"`;
    const ended = spawnSync("bash", ["--norc", "-euc", `${script}\n${call}`, "bash", ...words], {
      encoding: "utf8",
    });
    assert.equal(ended.stderr, "");
    return ended.stdout.trim().split("\n");
  };
  assert.deepEqual(complete("csn", "stat"), ["status", "statement"]);
  assert.deepEqual(complete("csn", "machine", "st"), ["start", "stop", "status"]);
  assert.deepEqual(complete("csn", "machine", "start", "--ker"), ["--kernel"]);
  assert.deepEqual(complete("csn", "label", "set", "--sec"), ["--secrecy"]);
  assert.ok(complete("csn", "run", "ech").includes("echo"));
  assert.deepEqual(complete("csn", "run", "--sec"), ["--secrecy"]);
});
