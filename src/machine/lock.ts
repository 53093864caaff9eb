/**
 * One start or stop of a machine at a time, among processes.
 *
 * Guarantee: the lock is the kernel's (flock(2)), held by a child that ends with us, so a
 * crash leaves nothing to clean up.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";

/** Waits for the lock, runs `work`, and lets go. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  // cat ends when our end of the pipe closes, which the kernel does however we end.
  const holder = spawn("flock", ["--exclusive", path, "sh", "-c", "echo; exec cat"], {
    stdio: ["pipe", "pipe", "ignore"],
    detached: true, // Ctrl-C goes to us; the lock ends when we do, not before
  });
  await Promise.race([once(holder.stdout, "data"), once(holder, "exit")]);
  if (holder.exitCode !== null) throw new Error(`flock on ${path} exited with ${holder.exitCode}`);
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await once(holder, "exit");
  }
}
