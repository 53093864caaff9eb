/**
 * Runs one program through the daemon, as `csn run` and `csn machine exec` do.
 *
 * Exit codes: the program's own, or 125 (csn could not), 126 (not permitted or not executable), 127 (not
 * found), as with docker. In the caller's own error the code is 125.
 */
import type { RunRequest } from "../api/index.ts";
import { environmentOf } from "./arguments.ts";
import type { Client } from "./client.ts";
import { startRelay } from "./relay.ts";
import { enterRawMode, forward, isInBackground, windowSize } from "./terminal.ts";

/** csn itself failed. */
export const CSN_FAILED = 125;

export type RunOptions = { tty?: true; env?: string[] };

/** The part of a request that comes from the caller's own process. */
export function surroundings(options: RunOptions): Pick<RunRequest, "env" | "tty" | "shows"> {
  const env = environmentOf(process.env, options.env ?? []);
  if (options.tty) env.TERM ??= "xterm";
  return {
    env,
    tty: options.tty ? windowSize() : null,
    shows: { output: kind(process.stdout), error: kind(process.stderr) },
  };
}

function kind(stream: { isTTY?: boolean }): "terminal" | "other" {
  return stream.isTTY === true ? "terminal" : "other";
}

/** @returns the exit code. @throws CliError, Refusal */
export async function runProgram(client: Client, request: RunRequest): Promise<number> {
  const { id } = await client.call("createRun", { body: request });
  return streamProgram(client, id, request);
}

/** Starts what was prepared, with the caller's own streams. */
export async function streamProgram(
  client: Client,
  id: string,
  request: Pick<RunRequest, "shows" | "tty">,
): Promise<number> {
  const path = `/v1/runs/${encodeURIComponent(id)}/stream`;
  const { connection, head } = await client.upgrade(path, "csn-stream");

  const leaveRawMode = request.tty === null ? () => {} : enterRawMode();
  // Before anything is shown: a signal that answers the first output must not meet csn unprepared.
  const stopForwarding = forward(() => relay, request.tty !== null);
  const relay = startRelay(connection, head, {
    input: isInBackground() ? null : process.stdin,
    output: process.stdout,
    error: process.stderr,
    terminals: (["output", "error"] as const).filter((name) => request.shows[name] === "terminal"),
    // In raw mode a line feed alone does not go back to the left.
    say: (text) => process.stderr.write(request.tty === null ? text : text.replaceAll("\n", "\r\n")),
  });
  try {
    return await relay.ended;
  } finally {
    stopForwarding();
    leaveRawMode();
  }
}
