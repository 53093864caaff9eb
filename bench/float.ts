/**
 * `sh tools/node.sh bench/float.ts`: what a call that names a file costs in a program that floats, beside the same program in mode
 * `enforce`, in one run of the machine that csn uses. Ratios are the point; seconds are the computer's.
 *
 * Not covered: a raise itself, which stops the compartment and is rare.
 */
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";
import { ROOT } from "../src/setup/index.ts";

const CALLS = 300;
const ROUNDS = 5;
const MODES = {
  "unlabelled, mode enforce": [],
  "unlabelled, mode float": ["--float", "--clearance", "bench/float"],
} as const;
/** The least of several rounds, in microseconds a call. */
const PROGRAM = `
import os, time
def least(call):
    best = 1e9
    for _ in range(${ROUNDS}):
        begun = time.perf_counter()
        for _ in range(${CALLS}):
            call()
        best = min(best, time.perf_counter() - begun)
    return best / ${CALLS} * 1e6
print(least(lambda: os.stat("/usr/bin/env")), least(lambda: os.close(os.open("/usr/bin/env", os.O_RDONLY))), least(os.getppid))
`;

function csn(...args: string[]): string {
  return execFileSync("sh", [join(ROOT, "csn"), ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

if (!csn("tag", "list", "--json").includes('"bench/float"')) csn("tag", "create", "bench/float");
const found = Object.entries(MODES).map(([name, options]) => {
  const out = csn("run", "--release", ...options, "--", "python3", "-c", PROGRAM);
  return { name, cells: out.trim().split(" ").map(Number) };
});
const base = found[0]!.cells;
console.log(
  `${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} processors`,
);
console.log("| microseconds a call | stat | open and close | getppid |\n|---|---:|---:|---:|");
for (const { name, cells } of found)
  console.log(
    `| ${name} | ${cells.map((cell, i) => `${cell.toFixed(1)} (${(cell / base[i]!).toFixed(1)}×)`).join(" | ")} |`,
  );
