/**
 * `npm run check`: everything about the sources that can be judged without running them.
 *
 * Guarantee: each check is run, however the others end; exit code 0 only if all passed.
 * Usage: sh tools/node.sh tools/check.ts [--json]
 */
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { checkErrors } from "./check-errors.ts";
import { checkLayers } from "./check-layers.ts";
import { checkReadme } from "./check-readme.ts";
import { checkRules } from "./check-rules.ts";
import { root } from "./files.ts";

/** One check. */
export type Check = {
  readonly name: string;
  /** What is wrong, in lines for people; "" when nothing is. */
  readonly run: () => Promise<string>;
};

/** How a check ended. */
export type Outcome = {
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
  readonly output: string;
};

const abi = join(root, "tools/check-abi.ts");

/** All checks, in the order in which they are shown. */
export const checks: readonly Check[] = [
  { name: "types", run: () => tool("tsc", []) },
  { name: "lint", run: () => tool("oxlint", ["--deny-warnings"]) },
  { name: "format", run: () => tool("oxfmt", ["--check"]) },
  { name: "layers", run: async () => checkLayers().join("\n") },
  ...(existsSync(abi) ? [{ name: "abi", run: () => node([abi]) }] : []),
  { name: "channels", run: () => node([join(root, "tools/gen-channels.ts"), "--check"]) },
  { name: "schema", run: () => node([join(root, "tools/gen-policy-schema.ts"), "--check"]) },
  { name: "errors", run: async () => checkErrors().join("\n") },
  { name: "rules", run: async () => checkRules().join("\n") },
  { name: "readme", run: async () => checkReadme().join("\n") },
];

/** Runs one check. Never throws: a check that cannot run has failed. */
export async function runCheck({ name, run }: Check): Promise<Outcome> {
  const start = performance.now();
  const output = await run().catch((error: unknown) => `could not run: ${String(error)}`);
  return { name, ok: output === "", seconds: (performance.now() - start) / 1000, output };
}

/** The line that is shown for a check, and below it what is wrong. */
export function lineOf({ name, ok, seconds, output }: Outcome): string {
  const line = `${ok ? "ok    " : "FAILED"} ${name.padEnd(8)} ${seconds.toFixed(1)} s`;
  return ok ? line : `${line}\n${output.replace(/^/gm, "       ")}`;
}

/** Runs a package's command with this Node.js: the one on the PATH may be too old, or not there. */
function tool(name: string, args: readonly string[]): Promise<string> {
  return node([realpathSync(join(root, "node_modules/.bin", name)), ...args]);
}

/** Runs a script. Gives "" when it ends with 0, else what it printed. */
function node(args: readonly string[]): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    child.on("error", fail);
    child.on("close", (code, signal) =>
      done(code === 0 ? "" : printed.trim() || `ended by ${signal ?? code}`),
    );
  });
}

async function main(): Promise<void> {
  const json = process.argv.includes("--json");
  const outcomes: Outcome[] = [];
  // One after another: they share the processors, and their times mean something this way.
  for (const check of checks) {
    const outcome = await runCheck(check);
    outcomes.push(outcome);
    if (!json) console.log(lineOf(outcome));
  }
  if (json) console.log(JSON.stringify(outcomes, null, 2));
  process.exitCode = outcomes.every(({ ok }) => ok) ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
