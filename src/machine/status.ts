/**
 * Follows files that a running machine appends to: what it printed, and what its init says.
 *
 * Polled, since a file's end is the only sign; a few milliseconds late and nothing lost.
 */

import { closeSync, openSync, readFileSync, readSync } from "node:fs";

export interface MachineReport {
  ready: boolean;
  /** The command's exit code, once it has one. */
  exitCode: number | null;
}

/** What init has said so far. Only whole lines count. */
export function readStatus(path: string): MachineReport {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // QEMU has not made it yet
  }
  return parseStatus(text);
}

export function parseStatus(text: string): MachineReport {
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  const exit = lines.map((line) => /^exit (\d{1,3})$/.exec(line)?.[1]).find((code) => code !== undefined);
  return { ready: lines.includes("ready"), exitCode: exit === undefined ? null : Number(exit) };
}

/** Reads what a file has gained since the last call. */
export class Tail {
  readonly #path: string;
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** @returns null when there is nothing new */
  next(): Buffer | null {
    let fd: number;
    try {
      fd = openSync(this.#path, "r");
    } catch {
      return null;
    }
    try {
      const chunk = Buffer.allocUnsafe(64 * 1024);
      const length = readSync(fd, chunk, 0, chunk.length, this.#offset);
      this.#offset += length;
      return length === 0 ? null : chunk.subarray(0, length);
    } finally {
      closeSync(fd);
    }
  }
}

/** The last lines of a text file, and before them the kernel's reason for ending when there is one; for error messages. */
export function lastLines(path: string, count: number): string {
  try {
    return excerpt(readFileSync(path, "utf8"), count);
  } catch {
    return "";
  }
}

export function excerpt(text: string, count: number): string {
  const lines = text.replace(TERMINAL_CODES, "").trimEnd().split("\n");
  const tail = lines.slice(-count);
  // A panic prints its reason first and a page of registers after it.
  const reasons = lines
    .slice(0, -count)
    .filter((line) => /Kernel panic|\bBUG:|Oops|Out of memory/.test(line));
  return [...reasons.slice(-3), ...tail].join("\n");
}

// oxlint-disable-next-line no-control-regex -- terminal codes are control characters
const TERMINAL_CODES = /\x1b\[[0-9;?]*[A-Za-z]|\x1bc|\r/g;
