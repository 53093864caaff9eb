/**
 * What can go wrong on the client's side, and how any error is shown: `csn: CODE: message`, then `Hint: ...`,
 * on standard error.
 *
 * Guarantee: whatever an error's text holds (a path with control characters, say), it can't act on the
 * terminal, and can't look like a hint or another error: further lines are indented.
 */
import type { PolicyErrorCode } from "../policy/index.ts";
import { safeLines } from "./text.ts";

export type CliErrorCode =
  | "E_USAGE" // the command line is not understood
  | "E_TAG_NAME"
  | "E_LABEL_TOO_LONG"
  | "E_NETWORK_ADDRESS"
  | "E_SCOPE"
  | "E_VOLUME"
  | "E_USER"
  | "E_KEY_FILE"
  | "E_SQL" // a query, or a file that it is asked of
  | "E_DAEMON_DOWN" // nobody answers
  | "E_DAEMON_START" // it was started and does not come up
  | "E_DAEMON_LOST" // it answered, and then no more
  | "E_DAEMON_ANSWER" // it answered something else
  | "E_INTERNAL"
  | PolicyErrorCode; // found here, without a daemon

export class CliError extends Error {
  readonly code: CliErrorCode;
  readonly hint: string;

  constructor(code: CliErrorCode, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = "CliError";
    this.code = code;
    this.hint = hint;
  }
}

/** The daemon's own words. */
export class Refusal extends Error {
  /** As in docs/errors.md. */
  readonly code: string;
  readonly hint: string;

  constructor(failure: { code: string; message: string; hint: string }) {
    super(failure.message);
    this.name = "Refusal";
    this.code = failure.code;
    this.hint = failure.hint;
  }
}

/** What has a code of docs/errors.md: also the errors of machine, setup and label. */
export type Coded = { code: string; message: string; hint: string };

export function codedOf(error: unknown): Coded {
  if (error instanceof Error && "code" in error && /^E_[A-Z0-9_]+$/.test(String(error.code))) {
    const hint = "hint" in error ? String(error.hint) : "";
    return { code: String(error.code), message: error.message, hint };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "E_INTERNAL", message, hint: "set CSN_DEBUG=1 to see where, and report it" };
}

/** One or more lines, each ended. */
export function describe({ code, message, hint }: Coded): string {
  const lines = safeLines(message.trimEnd()).replaceAll("\n", "\n  ");
  const advice = hint === "" ? "" : `Hint: ${safeLines(hint.trimEnd()).replaceAll("\n", "\n  ")}\n`;
  return `csn: ${code}: ${lines}\n${advice}`;
}

/** Shows an error on standard error. */
export function showError(error: unknown): void {
  process.stderr.write(describe(codedOf(error)));
  if (process.env.CSN_DEBUG && error instanceof Error)
    process.stderr.write(`${safeLines(error.stack ?? "")}\n`);
}
