/**
 * Names a process so that a later one with the same number is not taken for it: number,
 * start time (clock ticks since boot, /proc/PID/stat field 22) and boot.
 */

import { readFileSync } from "node:fs";

export interface ProcessName {
  pid: number;
  startTicks: number;
  bootId: string;
}

/** @returns null when there is no such process. */
export function nameProcess(pid: number): ProcessName | null {
  try {
    const startTicks = startTicksOf(readFileSync(`/proc/${pid}/stat`, "utf8"));
    return startTicks === null ? null : { pid, startTicks, bootId: currentBoot() };
  } catch {
    return null;
  }
}

export function isAlive(name: ProcessName): boolean {
  const now = nameProcess(name.pid);
  return now !== null && now.startTicks === name.startTicks && now.bootId === name.bootId;
}

/** Ends the process if it is still the one that was named. @returns whether it was */
export function killProcess(name: ProcessName, signal: NodeJS.Signals): boolean {
  if (!isAlive(name)) return false;
  try {
    process.kill(name.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Field 22 of /proc/PID/stat; null for a zombie, which no longer runs. Field 2 may hold blanks and brackets. */
export function startTicksOf(stat: string): number | null {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[19]);
  return fields[0] === "Z" || !Number.isSafeInteger(ticks) ? null : ticks;
}

function currentBoot(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
