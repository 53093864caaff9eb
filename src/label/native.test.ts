/**
 * The kernel's routine (bpf/label.bpf.h), compiled for this machine, against src/label and the reference.
 *
 * Guarantee: all three give the same verdict and rule on every case of flow.json, every pair of contexts over
 * 3 tags with ⊤ besides, and 30,000 random pairs of up to 64 tags; and what is no label is refused.
 * Not covered: that a kernel accepts the program (the conformance suites load it).
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chanceFrom, contextsOver, randomPair } from "../../model/fixtures.ts";
import { flow } from "../../model/reference.ts";
import { contextFrom, readCases } from "../../model/vectors.ts";
import type { ContextText, LabelText } from "../../model/vectors.ts";
import { checkFlow, MAX_TAGS } from "./index.ts";
import { contextFromText } from "./testing.ts";

type Pair = { readonly from: ContextText; readonly to: ContextText };
/** Length of struct csn_label in words of 32 bits. */
const WORDS = 2 + MAX_TAGS;

/** A label as the kernel has it, which may also be none: too long, unsorted. */
type Raw = { readonly count: number; readonly all: number; readonly tags: readonly number[] };

const source = fileURLToPath(new URL("../../native/label_test.c", import.meta.url));
const flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"];
const isInstalled = (command: string) => spawnSync(command, ["--version"]).status === 0;

const folder = mkdtempSync(join(tmpdir(), "csn-label-"));
after(() => rmSync(folder, { recursive: true }));

for (const compiler of ["cc", "clang"]) {
  const skip = isInstalled(compiler) ? false : `no ${compiler} on the PATH`;
  describe(`the kernel's routine, compiled natively by ${compiler}`, { skip }, () => {
    // A describe that is skipped still runs its body, and there is nothing to compile with.
    if (skip) return;
    const program = join(folder, compiler);
    // Trapping needs no runtime library: undefined behaviour or a wrong index ends the program by a signal.
    const sanitize = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"];
    const built = spawnSync(compiler, [...flags, ...sanitize, source, "-o", program], { encoding: "utf8" });

    test("compiles without a warning", () => assert.equal(built.status, 0, built.stderr));

    test("agrees on every case of flow.json", () => void assertAgree(program, readCases("flow")));

    test("agrees on every pair of contexts over 3 tags and ⊤", () => {
      const contexts: ContextText[] = contextsOver(["a", "b", "c"]);
      for (const label of [[], ["a"], ["a", "b"]])
        contexts.push({ secrecy: "ALL", integrity: label }, { secrecy: label, integrity: "ALL" });
      contexts.push({ secrecy: "ALL", integrity: "ALL" });
      assertAgree(
        program,
        contexts.flatMap((from) => contexts.map((to) => ({ from, to }))),
      );
    });

    test("agrees on 30,000 random pairs of up to 64 tags", () => {
      const chance = chanceFrom(2);
      const pairs = Array.from({ length: 30_000 }, () => randomPair(chance));
      const verdicts = assertAgree(program, pairs);
      // Pairs that are all refused would prove little.
      for (const verdict of "012") assert.ok(verdicts.split(verdict).length > 3000, `${verdict} is common`);
    });

    test("what is no label flows nowhere, and nothing flows to it [CTX-1]", () => {
      const none: Raw = { count: 0, all: 0, tags: [] };
      const all: Raw = { count: 0, all: 1, tags: [] };
      const sequence = Array.from({ length: 64 }, (_, n) => n + 1);
      for (const count of [65, 128, 0x7fffffff, 0xffffffff])
        for (const bad of [
          { count, all: 0, tags: sequence },
          { count, all: 1, tags: sequence },
        ])
          for (const other of [none, all, { count: 64, all: 0, tags: sequence }, bad]) {
            assert.equal(run(program, [encode([bad, none, other, none])]), "1");
            assert.equal(run(program, [encode([other, none, bad, none])]), "1");
            assert.equal(run(program, [encode([none, bad, none, other])]), "2");
            assert.equal(run(program, [encode([none, other, none, bad])]), "2");
          }
    });

    test("an unsorted or repeated label may be refused, never wrongly allowed", () => {
      const chance = chanceFrom(3);
      const raw = (): Raw => {
        const tags = Array.from({ length: Math.floor(chance() * 7) }, () => Math.floor(chance() * 6));
        return { count: tags.length, all: 0, tags };
      };
      const pairs = Array.from({ length: 20_000 }, () => [raw(), raw()] as const);
      const none: Raw = { count: 0, all: 0, tags: [] };
      const verdicts = run(
        program,
        pairs.map(([a, b]) => encode([a, none, b, none])),
      );
      pairs.forEach(([a, b], n) => {
        if (verdicts[n] === "0")
          assert.ok(
            a.tags.every((tag) => b.tags.includes(tag)),
            JSON.stringify([a, b]),
          );
      });
    });
  });
}

test(
  "the kernel's routine compiles for BPF",
  { skip: isInstalled("clang") ? false : "no clang on the PATH" },
  () => {
    const types =
      "typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned __u32; typedef int __s32;";
    const program = `${types} typedef unsigned long long __u64; typedef long long __s64;
    #include "abi.h"
    #include "label.bpf.h"
    int flows(const struct csn_context *from, const struct csn_context *to) { return csn_context_flows(from, to); }`;
    const bpf = fileURLToPath(new URL("../../bpf", import.meta.url));
    const built = spawnSync(
      "clang",
      [...flags, "-g", "-target", "bpf", "-I", bpf, "-x", "c", "-c", "-", "-o", join(folder, "label.o")],
      { input: program, encoding: "utf8" },
    );
    assert.equal(built.status, 0, built.stderr);
  },
);

/** Asks all three about each pair; gives the verdicts as the program writes them. */
function assertAgree(program: string, pairs: readonly Pair[]): string {
  const verdicts = run(
    program,
    pairs.map(({ from, to }) => encodePair(from, to)),
  );
  assert.equal(verdicts.length, pairs.length);
  const written = { allow: "0", "FLOW-1": "1", "FLOW-2": "2" };
  pairs.forEach(({ from, to }, n) => {
    const mine = checkFlow(contextFromText(from), contextFromText(to))?.rule ?? "allow";
    const reference = flow(contextFrom(from), contextFrom(to));
    if (mine !== reference || verdicts[n] !== written[reference])
      assert.fail(
        `${JSON.stringify({ from, to })}: native ${verdicts[n]}, src/label ${mine}, reference ${reference}`,
      );
  });
  return verdicts;
}

function run(program: string, pairs: readonly Uint8Array[]): string {
  const ran = spawnSync(program, { input: Buffer.concat(pairs), maxBuffer: 2 ** 24 });
  assert.equal(ran.status, 0, ran.stderr.toString());
  return ran.stdout.toString();
}

// The kernel knows a tag by a number of its own; these are given in order of appearance, which is no order of ids.
const numbers = new Map<string, number>();
function numberOf(tag: string): number {
  let number = numbers.get(tag);
  if (number === undefined) {
    // Neighbours differ in the highest bit alone, to catch comparisons that are signed or lose bits.
    number =
      (Math.imul((numbers.size >>> 1) + 1, 0x9e3779b1) ^ (numbers.size % 2 === 0 ? 0 : 0x80000000)) >>> 0;
    numbers.set(tag, number);
  }
  return number;
}

function encodePair(from: ContextText, to: ContextText): Uint8Array {
  return encode([from.secrecy, from.integrity, to.secrecy, to.integrity].map(rawOf));
}

function rawOf(label: LabelText): Raw {
  if (label === "ALL") return { count: 0, all: 1, tags: [] };
  const tags = label.map(numberOf).sort((a, b) => a - b);
  return { count: tags.length, all: 0, tags };
}

/**
 * The format of native/label_test.c. Behind a label's last tag stand the tags of the label that it is compared
 * with: a routine that looks beyond the count finds there exactly what misleads it.
 */
function encode(labels: readonly Raw[]): Uint8Array {
  const words = new Uint32Array(labels.length * WORDS);
  labels.forEach(({ count, all, tags }, n) => {
    const opposite = labels[(n + 2) % 4]?.tags ?? [];
    const behind = opposite.filter((tag) => !tags.includes(tag));
    words.set([count, all, ...[...tags, ...behind].slice(0, MAX_TAGS)], n * WORDS);
  });
  return new Uint8Array(words.buffer);
}
