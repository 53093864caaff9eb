/**
 * Who already holds what is about to be labelled? [CHG-3 for objects]
 *
 * An open file is judged at each use, so descriptors need no look. But a mapping that was made before
 * the label is never judged again, a watch goes on telling names and times, a call that waits inside the
 * kernel was judged when it began, and what moves between a FIFO and another file no hook sees
 * (splice); and what the kernel itself has the file for (kernel-holders.ts): with one of these in the wrong hands the label would not hold, so it is refused, naming the
 * holder. The kernel must already enforce the new label when this looks, so that nobody can add a holder
 * behind its back.
 *
 * Not covered: pages of the file that wait in a pipe (splice before the label), calls that run just now
 * and do not wait (docs/threats.md).
 */
import { closeSync, existsSync, openSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { type Holder, inodeKey } from "./holder.ts";
import { kernelHolder } from "./kernel-holders.ts";
import type { Monitor } from "../kernel/index.ts";
import { type Context, flowsTo, UNLABELLED } from "../label/index.ts";
import { readText } from "./read-text.ts";

/** include/uapi/asm-generic/fcntl.h: only names the file. Links of /proc are followed, unlike by `Monitor.inode`. */
export const O_PATH = 0o10000000;

/**
 * The first process that may not have what it has, or null.
 *
 * @param inodes keys of everything that gets the label
 */
export function findHolder(monitor: Monitor, inodes: ReadonlySet<string>, context: Context): Holder | null {
  const kernel = kernelHolder((path) => inodes.has(realInode(monitor, path)), inodes);
  if (kernel !== null) return kernel;
  const devices = new Set([...inodes].map((key) => key.slice(0, key.indexOf(":"))));
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const subject = monitor.subject(pid);
    if (subject?.platform) continue;
    const reads = flowsTo(context, subject?.in ?? UNLABELLED);
    const writes = flowsTo(subject?.out ?? UNLABELLED, context);
    if (reads && writes) continue;
    const holds = (path: string) => inodes.has(realInode(monitor, path));
    const how =
      mapping(pid, inodes, devices, reads, writes) ??
      (reads ? null : watch(pid, inodes, devices)) ??
      waitingCall(pid, holds) ??
      openFifo(pid, holds);
    if (how !== null) return { who: `\`${programOf(pid)}\` (pid ${pid})`, how };
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
  for (const { dev, ino, sharedWrite } of mappings(pid)) {
    if (!devices.has(dev.toString(16)) || !inodes.has(inodeKey(dev, ino))) continue;
    if (!reads || (sharedWrite && !writes)) return "has it mapped into memory";
  }
  return null;
}

/** `range`: as /proc/PID/map_files names it. */
export type Mapping = { range: string; dev: number; ino: bigint; sharedWrite: boolean; path: string };

/** What a process has mapped of files; shared memory is a file too. */
export function* mappings(pid: number): Generator<Mapping> {
  for (const line of readText(`/proc/${pid}/maps`).split("\n")) {
    // 7f5c3a600000-7f5c3a628000 r--p 00000000 08:01 1234       /path
    const parts = /^0*(\S+)-0*(\S+) (\S+) \S+ ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)$/.exec(line);
    if (parts === null || parts[6] === "0") continue;
    const [, from, to, mode, major, minor, ino, path] = parts as unknown as string[];
    yield {
      range: `${from}-${to}`,
      dev: ((Number.parseInt(major!, 16) << 20) | Number.parseInt(minor!, 16)) >>> 0,
      ino: BigInt(ino!),
      sharedWrite: mode![1] === "w" && mode![3] === "s",
      path: path!,
    };
  }
}

function watch(pid: number, inodes: ReadonlySet<string>, devices: ReadonlySet<string>): string | null {
  for (const fd of list(`/proc/${pid}/fd`)) {
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

/** The file behind a descriptor of another process, below all layers; "" when there is none. */
function realInode(monitor: Monitor, path: string): string {
  let fd: number;
  try {
    fd = openSync(path, O_PATH);
  } catch {
    return "";
  }
  try {
    const { dev, ino } = monitor.inodeOf(fd);
    return inodeKey(dev, ino);
  } catch {
    return ""; // of no file system that could have a label
  } finally {
    closeSync(fd);
  }
}

/**
 * Calls of x86-64 that move data while they may wait (arch/x86/entry/syscalls/syscall_64.tbl), and which of
 * their arguments are descriptors.
 */
const MOVING = new Map<number, readonly number[]>([
  ...[0, 1, 17, 18, 19, 20, 78, 217, 278, 285, 295, 296, 327, 328].map((call): [number, number[]] => [
    call,
    [0],
  ]),
  [40, [0, 1]], // sendfile
  [276, [0, 1]], // tee
  [275, [0, 2]], // splice
  [326, [0, 2]], // copy_file_range
]);

/** A thread inside such a call on the file; or on a descriptor that was closed meanwhile, whose file is unknown. */
function waitingCall(pid: number, holds: (path: string) => boolean): string | null {
  if (link(`/proc/${pid}/exe`) === "") return null; // the kernel's own, or one that has ended
  for (const tid of list(`/proc/${pid}/task`)) {
    const thread = `/proc/${pid}/task/${tid}`;
    // 0 0x3 0x7ffe… …: number and six arguments; "running" when it does not wait
    const [call = "", ...args] = readText(`${thread}/syscall`).split(" ");
    for (const at of MOVING.get(/^\d+$/.test(call) ? Number(call) : -1) ?? []) {
      const path = `${thread}/fd/${Number.parseInt(args[at] ?? "", 16) & 0xffffffff}`;
      const gone = link(path) === "" && existsSync(thread);
      if (gone || holds(path)) return "is in the middle of reading or writing it";
    }
  }
  return null;
}

/** A named pipe that is open: its descriptor's link is a path, unlike an anonymous pipe's. */
function openFifo(pid: number, holds: (path: string) => boolean): string | null {
  for (const fd of list(`/proc/${pid}/fd`)) {
    const path = `/proc/${pid}/fd/${fd}`;
    if (link(path).startsWith("/") && isFifo(path) && holds(path)) return "has it open, and it is a FIFO";
  }
  return null;
}

function isFifo(path: string): boolean {
  try {
    return statSync(path).isFIFO();
  } catch {
    return false;
  }
}

export function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

export function programOf(pid: number): string {
  return readText(`/proc/${pid}/comm`).trimEnd() || `process ${pid}`;
}

export function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
