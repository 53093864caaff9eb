/**
 * A daemon that was started and does not come up: what to say.
 */
import { readFileSync } from "node:fs";
import { CliError } from "./errors.ts";

/** How long a daemon may take from its start to its first answer; emulated, four machines on two processors, over 120 s was seen. */
export const DAEMON_SECONDS = 300;

/** @param log file with what the daemon printed */
export function notUp(what: string, log: string): CliError {
  let words = "";
  try {
    words = readFileSync(log, "utf8").trimEnd().split("\n").slice(-10).join("\n");
  } catch {
    // it said nothing
  }
  return new CliError(
    "E_DAEMON_START",
    `the daemon ${what}${words === "" ? "" : `; its last words:\n${words}`}`,
    `all it said is in ${log}; \`csn doctor\` shows what is missing`,
  );
}
