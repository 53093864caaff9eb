/**
 * Runs a program of the system and collects what it prints. Never through a shell,
 * so no argument is ever interpreted.
 */

import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Where system tools live even when the user's PATH lacks the sbin folders (Debian's default for users). */
const EXTRA_PATH = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The environment for system tools: PATH with the sbin folders, and messages in English. */
export function systemEnv(): NodeJS.ProcessEnv {
  const path = [process.env.PATH ?? "/usr/bin:/bin", ...EXTRA_PATH].join(":");
  return { ...process.env, PATH: path, LC_ALL: "C" };
}

/** Absolute path of a program, or null. Looks in PATH and the sbin folders. */
export function findCommand(name: string): string | null {
  for (const folder of (systemEnv().PATH ?? "").split(":")) {
    if (folder === "") continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder; the next one may have it
    }
  }
  return null;
}

export interface CommandResult {
  /** Exit code; -1 when a signal ended the program or it could not be started. */
  code: number;
  stdout: Buffer;
  /** Standard error as text, or why the program could not be started. */
  stderr: string;
}

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** Runs one program to its end. Never throws: a program that can't start has code -1. */
export function run(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...systemEnv(), ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", (error) => resolve({ code: -1, stdout: Buffer.concat(out), stderr: error.message }));
    child.on("close", (code) =>
      resolve({ code: code ?? -1, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() }),
    );
  });
}
