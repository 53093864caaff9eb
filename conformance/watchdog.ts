/**
 * A thread that ends every process which this one started when nothing has happened for too long, and opens
 * the FIFOs that this one waits for: a mutant may leave a party waiting for ever, or keep it from starting,
 * and the reading of its answer is synchronous.
 */
import { closeSync, constants, openSync, readdirSync, readFileSync } from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { FIFOS } from "./party.ts";

const SECONDS = 30;

/** @returns a function to call whenever something has happened */
export function startWatchdog(): () => void {
  const beats = new Int32Array(new SharedArrayBuffer(4));
  new Worker(new URL(import.meta.url), { workerData: beats }).unref();
  return () => void Atomics.add(beats, 0, 1);
}

/** It may be gone. */
function attempt(step: () => void): void {
  try {
    step();
  } catch {
    return;
  }
}

/** What descends from this process. */
function descendants(): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {
      continue; // it has ended
    }
  }
  const isOurs = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === process.pid || isOurs(parent));
  };
  return Array.from(parents.keys()).filter(isOurs);
}

if (!isMainThread && workerData instanceof Int32Array) {
  const beats = workerData as Int32Array<SharedArrayBuffer>;
  let last = -1;
  let quiet = 0;
  setInterval(() => {
    const now = Atomics.load(beats, 0);
    quiet = now === last ? quiet + 1 : 0;
    last = now;
    if (quiet < SECONDS) return;
    quiet = 0;
    for (const pid of descendants()) attempt(() => process.kill(pid, "SIGKILL"));
    for (const name of readdirSync(FIFOS))
      attempt(() => closeSync(openSync(`${FIFOS}/${name}`, constants.O_WRONLY | constants.O_NONBLOCK)));
  }, 1000);
}
