/**
 * The suite "unit": every *.test.ts of src, model, tools and conformance, through Node's own test runner.
 *
 * Prints each failure with its place and cause, and each skip with its reason.
 */
import { join } from "node:path";
import { run } from "node:test";
import { inspect } from "node:util";
import { filesMatching, root } from "./files.ts";
import { sayFailed } from "./failures.ts";
import type { Count, Suite } from "./suite.ts";

/** A test that takes longer than this hangs. */
const TIMEOUT_SECONDS = 300;

export const unitSuite: Suite = { name: "unit", run: runUnitTests };

async function runUnitTests(): Promise<Count> {
  const files = filesMatching(
    "src/**/*.test.ts",
    "model/**/*.test.ts",
    "tools/**/*.test.ts",
    "conformance/**/*.test.ts",
  );
  const count = { passed: 0, failed: 0, skipped: 0 };
  const events = run({
    files: files.map((file) => join(root, file)),
    concurrency: true,
    timeout: TIMEOUT_SECONDS * 1000,
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  events.on("test:pass", ({ name, skip, details }) => {
    if (skip === undefined || skip === false) {
      if (details.type !== "suite") count.passed++;
      return;
    }
    count.skipped++;
    console.log(`  skipped: ${name}${typeof skip === "string" && skip !== "" ? `: ${skip}` : ""}`);
  });
  events.on("test:fail", ({ name, file, line, details }) => {
    // A describe fails because a test in it did, and that was counted.
    if ("failureType" in details.error && details.error.failureType === "subtestsFailed") return;
    count.failed++;
    const place = file === undefined ? "" : ` (${file.replace(root, "")}:${line ?? 0})`;
    sayFailed(`${name}${place}`, inspect(details.error.cause ?? details.error));
  });
  events.on("test:stderr", ({ message }) => process.stderr.write(message));
  await new Promise<void>((done, fail) => {
    events.on("end", done);
    events.on("error", fail);
    events.resume();
  });
  return count;
}
