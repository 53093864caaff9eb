/**
 * What the processes of a compartment hold, judged under another context. [CHG-3]
 *
 * Guarantee: after a change that this allows, nothing that is held lets data move against the rules: it is legal
 * under the new context, or it is the compartment's own and changes its context with it, which nobody outside
 * can tell. The caller has stopped all tasks, and has asked the kernel that no descriptor ever went in or out:
 * then pipes, memory, queues and anonymous inodes are held inside alone, but for the streams to the launcher.
 *
 * Not covered: System V objects and keys keep their old context, and are judged at each use; a segment that
 * is attached is shared with nobody outside, since the compartment has an IPC namespace of its own.
 */
import { closeSync, openSync } from "node:fs";
import { type InodeState, type Monitor, WORLD } from "../kernel/index.ts";
import { type Context, contextEquals, flowsTo } from "../label/index.ts";
import { link, list, mappings, O_PATH, programOf } from "./holders.ts";
import { readText } from "./read-text.ts";

export type Change = {
  from: Context;
  to: Context;
  /** File systems of the compartment's own, by the kernel's number. */
  devices: ReadonlySet<number>;
  /** Pipes between program and launcher, by inode: the context that each gets, or null when the user behind the
   * run could see more by it than the run's clearance says. */
  streams: ReadonlyMap<string, Context | null>;
};

/** What stands against a change: for people, and for the program that asked. */
export type Refused = { pid: number; program: string; what: string };

/** What has no file system and changes with the compartment: paths in /proc, and the new contexts. */
export type Moves = Map<string, Context>;
export type Judged = { refused: Refused | null; moves: Moves };

type Use = { reads: boolean; writes: boolean };
const READS: Use = { reads: true, writes: false };
const BOTH: Use = { reads: true, writes: true };

const PROC_MAGIC = 0x9fa0;
const O_ACCMODE = 3;
const O_WRONLY = 1;
const O_RDWR = 2;
/** Anonymous inodes that are as good as memory of who holds them. */
const OWN_KINDS = /^anon_inode:\[(eventfd|eventpoll|timerfd|signalfd)\]$/;
const PIDFD = /^(anon_inode:\[pidfd\]|pidfd:.*)$/;
const WATCHES = /^anon_inode:(inotify|\[fanotify\])$/;
/** Memory that several processes share, as its links name it. */
const MEMORY = /^\/(memfd:.*|SYSV[0-9a-f]{8}|dev\/zero) \(deleted\)$/;

export function judgeEndpoints(monitor: Monitor, processes: Iterable<number>, change: Change): Judged {
  const judged: Judged = { refused: null, moves: new Map() };
  for (const pid of processes) {
    const what = judgeProcess(monitor, pid, change, judged.moves);
    if (what === null) continue;
    judged.refused = { pid: pidInside(pid), program: programOf(pid), what };
    break;
  }
  return judged;
}

function judgeProcess(monitor: Monitor, pid: number, change: Change, moves: Moves): string | null {
  for (const name of ["cwd", "root", "exe"] as const) {
    const path = `/proc/${pid}/${name}`;
    if (link(path) === "") continue; // it has ended
    if (!isLegal(monitor, path, READS, change)) return `${WHAT[name]} ${link(path)}`;
  }
  const seen = new Set<string>();
  for (const { range, dev, ino, sharedWrite, path } of mappings(pid)) {
    const key = `${dev}:${ino}:${sharedWrite}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const at = `/proc/${pid}/map_files/${range}`;
    if (MEMORY.test(path)) moves.set(at, change.to);
    else if (!isLegal(monitor, at, sharedWrite ? BOTH : READS, change)) return `the mapping of ${path}`;
  }
  for (const tid of list(`/proc/${pid}/task`)) {
    for (const fd of list(`/proc/${tid}/fd`)) {
      const what = judgeDescriptor(monitor, `/proc/${tid}`, fd, change, moves);
      if (what !== null) return what;
    }
  }
  return null;
}

const WHAT = { cwd: "the working directory", root: "the root directory", exe: "the program file" };
const STREAMS = ["standard input", "standard output", "standard error"];

function judgeDescriptor(
  monitor: Monitor,
  task: string,
  fd: string,
  change: Change,
  moves: Moves,
): string | null {
  const path = `${task}/fd/${fd}`;
  const target = link(path);
  const what = `descriptor ${fd}, ${target}`;
  if (OWN_KINDS.test(target)) return null;
  if (WATCHES.test(target)) return flowsTo(change.from, change.to) ? null : `${what}, which watches files`;
  if (target.startsWith("anon_inode:") && !PIDFD.test(target)) return what;
  if (target.startsWith("socket:")) return `${what}: a socket has the context of its network`;
  const pipe = /^pipe:\[(\d+)\]$/.exec(target)?.[1];
  const stream = pipe === undefined ? undefined : change.streams.get(pipe);
  if (stream === null) return `${STREAMS[Number(fd)] ?? "an output stream"} (${what})`;
  if (pipe === undefined && !MEMORY.test(target) && !PIDFD.test(target))
    return isLegal(monitor, path, useOf(`${task}/fdinfo/${fd}`), change) ? null : what;
  moves.set(path, stream ?? change.to);
  return null;
}

function useOf(fdinfo: string): Use {
  const info = readText(fdinfo);
  const flags = Number.parseInt(/^flags:\s+(\d+)$/m.exec(info)?.[1] ?? "2", 8);
  if (/^lock:/m.test(info)) return BOTH; // it tells others, and is told
  const mode = flags & O_PATH ? 0 : flags & O_ACCMODE;
  return { reads: mode !== O_WRONLY, writes: mode === O_WRONLY || mode === O_RDWR };
}

function isLegal(monitor: Monitor, path: string, use: Use, change: Change): boolean {
  const state = stateOf(monitor, path);
  if (state === null || state.context === null) return false; // [CTX-5]
  if (change.devices.has(state.dev)) return true;
  if (state.magic === PROC_MAGIC && contextEquals(state.context, change.from)) return true; // one of its processes
  if (state.world === WORLD.VOID) return true;
  if (state.world === WORLD.CLOSED || (state.world === WORLD.READ && use.writes)) return false;
  return (
    (!use.reads || flowsTo(state.context, change.to)) && (!use.writes || flowsTo(change.to, state.context))
  );
}

/** What the monitor knows of what a path of /proc leads to; null when it can't be found out. */
export function stateOf(monitor: Monitor, path: string): InodeState | null {
  return withPath(path, (fd) => monitor.inodeOf(fd));
}

/** Opens what a link of /proc leads to, without using it; null when it can't be found out. */
export function withPath<T>(path: string, use: (fd: number) => T): T | null {
  let fd: number;
  try {
    fd = openSync(path, O_PATH);
  } catch {
    return null;
  }
  try {
    return use(fd);
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

/** The process's number as the compartment sees it. */
function pidInside(pid: number): number {
  const numbers = /^NSpid:\s+(.*)$/m.exec(readText(`/proc/${pid}/status`))?.[1];
  return Number(numbers?.split(/\s+/).at(-1) ?? pid);
}
