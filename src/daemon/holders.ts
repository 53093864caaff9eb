/**
 * Who already holds what is about to be labelled? [CHG-3 for objects]
 *
 * An open file is judged at each use, so descriptors need no look. But a mapping that was made before
 * the label is never judged again, and a watch goes on telling names and times: with one of these in the
 * wrong hands the label would not hold, so it is refused, naming the holder. The kernel must already
 * enforce the new label when this looks, so that nobody can add a holder behind its back.
 *
 * Not covered: pages of the file that wait in a pipe (splice before the label), see docs/threats.md.
 */
import { readdirSync, readlinkSync } from "node:fs";
import type { Monitor } from "../kernel/index.ts";
import { type Context, flowsTo, UNLABELLED } from "../label/index.ts";
import { readText } from "./read-text.ts";

export type Holder = { pid: number; program: string; how: string };

/** Device as `major:minor` in hex and inode number: what /proc/PID/maps shows. */
export function inodeKey(dev: number, ino: bigint): string {
  return `${dev.toString(16)}:${ino}`;
}

/**
 * The first process that may not have what it has, or null.
 *
 * @param inodes keys of everything that gets the label
 */
export function findHolder(monitor: Monitor, inodes: ReadonlySet<string>, context: Context): Holder | null {
  const devices = new Set([...inodes].map((key) => key.slice(0, key.indexOf(":"))));
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const subject = monitor.subject(pid);
    if (subject?.platform) continue;
    const reads = flowsTo(context, subject?.in ?? UNLABELLED);
    const writes = flowsTo(subject?.out ?? UNLABELLED, context);
    if (reads && writes) continue;
    const how = mapping(pid, inodes, devices, reads, writes) ?? (reads ? null : watch(pid, inodes, devices));
    if (how !== null) return { pid, program: programOf(pid), how };
  }
  return null;
}

function mapping(
  pid: number,
  inodes: ReadonlySet<string>,
  devices: ReadonlySet<string>,
  reads: boolean,
  writes: boolean,
): string | null {
  for (const line of readText(`/proc/${pid}/maps`).split("\n")) {
    // 7f5c3a600000-7f5c3a628000 r--p 00000000 08:01 1234 /path
    const [, mode = "", , device = "", ino = "0"] = line.split(/ +/);
    if (ino === "0") continue;
    const [major = "0", minor = "0"] = device.split(":");
    const dev = ((Number.parseInt(major, 16) << 20) | Number.parseInt(minor, 16)) >>> 0;
    if (!devices.has(dev.toString(16)) || !inodes.has(inodeKey(dev, BigInt(ino)))) continue;
    const sharedWrite = mode[1] === "w" && mode[3] === "s";
    if (!reads || (sharedWrite && !writes)) return "has it mapped into memory";
  }
  return null;
}

function watch(pid: number, inodes: ReadonlySet<string>, devices: ReadonlySet<string>): string | null {
  let fds: string[];
  try {
    fds = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return null;
  }
  for (const fd of fds) {
    if (!/anon_inode:(inotify|\[fanotify\])/.test(link(`/proc/${pid}/fd/${fd}`))) continue;
    for (const line of readText(`/proc/${pid}/fdinfo/${fd}`).split("\n")) {
      if (!/^(inotify|fanotify) /.test(line)) continue;
      const ino = / ino:([0-9a-f]+)/.exec(line)?.[1];
      const device = / sdev:([0-9a-f]+)/.exec(line)?.[1];
      if (device !== undefined && ino === undefined && devices.has(device))
        return "watches the whole file system";
      if (ino === undefined && / mnt_id:/.test(line)) return "watches a whole mount";
      if (device && ino && inodes.has(inodeKey(Number.parseInt(device, 16), BigInt(`0x${ino}`))))
        return "watches it (inotify or fanotify)";
    }
  }
  return null;
}

export function programOf(pid: number): string {
  return readText(`/proc/${pid}/comm`).trimEnd() || `process ${pid}`;
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
