/**
 * The caller's terminal and signals while a program runs elsewhere for them.
 *
 * Guarantee: raw mode is left on every way out of csn, except SIGKILL.
 * Not covered: stopping (Ctrl-Z without --tty stops csn, and the program goes on).
 */
import { readFileSync } from "node:fs";
import type { Relay } from "./relay.ts";

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;

/** Passes signals and window sizes to the program, from now on. @returns what ends that */
export function forward(relay: () => Relay, withSizes: boolean): () => void {
  const onSignal = (name: NodeJS.Signals) => relay().signal(name);
  const onResize = () => relay().resize(windowSize());
  for (const name of FORWARDED) process.on(name, onSignal);
  if (withSizes) process.stdout.on("resize", onResize);
  return () => {
    for (const name of FORWARDED) process.off(name, onSignal);
    process.stdout.off("resize", onResize);
  };
}

export function windowSize(): { rows: number; columns: number } {
  const { rows, columns } = process.stdout;
  return { rows: rows || 24, columns: columns || 80 };
}

/** Passes every key on as it is. @returns what ends that; it is also done when csn exits */
export function enterRawMode(): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => {};
  stdin.setRawMode(true);
  // The shell has set the terminal its own way while csn was stopped.
  const onContinue = () => stdin.setRawMode(true);
  const leave = () => {
    process.off("SIGCONT", onContinue);
    process.off("exit", leave);
    stdin.setRawMode(false);
  };
  process.on("SIGCONT", onContinue);
  process.on("exit", leave);
  return leave;
}

/** Whether reading from standard input would stop us: the terminal belongs to another job (`csn run ... &`). */
export function isInBackground(): boolean {
  if (!process.stdin.isTTY) return false;
  // man 5 proc: field 5 is the process group, field 8 the terminal's foreground group. Field 2 may hold blanks.
  const stat = readFileSync("/proc/self/stat", "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[2] !== fields[5];
}
