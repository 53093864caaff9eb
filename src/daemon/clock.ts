/**
 * Time as the kernel's records have it: ns since boot, the time asleep included (CLOCK_BOOTTIME).
 *
 * Guarantee: on a host that has not slept since boot, events of the daemon stand among the kernel's records where they happened.
 * On one that has, as exactly as /proc/uptime tells (10 ms), and never ahead of the truth.
 */
import { readFileSync } from "node:fs";

/** Of /proc/uptime. */
const RESOLUTION_NS = 10_000_000n;
/** How often to look whether the host has slept. */
const LOOK_NS = 1_000_000_000n;

let asleep = 0n;
let looked = -LOOK_NS;

/** In ns. */
export function sinceBoot(): bigint {
  const awake = process.hrtime.bigint();
  if (awake - looked >= LOOK_NS) {
    looked = awake;
    const more = uptime() - process.hrtime.bigint();
    if (more > RESOLUTION_NS && more > asleep) asleep = more;
  }
  return awake + asleep;
}

/** Wall clock minus time since boot, in ns. Resolution 10 ms. */
export function wallOffset(): bigint {
  return BigInt(Date.now()) * 1_000_000n - uptime();
}

function uptime(): bigint {
  const [whole = "0", part = "0"] = readFileSync("/proc/uptime", "utf8").split(" ")[0]!.split(".");
  return BigInt(whole) * 1_000_000_000n + BigInt(part.padEnd(9, "0"));
}
