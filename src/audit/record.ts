/**
 * What stands where in a record on disk: struct csn_record and csn_name_record of bpf/abi.h, in audit's own words, since
 * the log outlives the kernel that wrote it.
 *
 * Guarantee: equal to src/kernel/abi.ts (src/daemon/record-layout.test.ts). Little endian. A newer version may add kinds,
 * operations and verdicts; what is not known here is shown by its number and never left out.
 */

export const RECORD_KIND = {
  FLOW: 1,
  NAME: 2,
  PROCESS: 3,
  CONTEXT: 4,
  GAP: 5,
  EVENT: 6,
  DETAIL: 7,
  SHADOW: 8,
  LOG: 32,
  MARK: 33,
} as const;
export const RECORD_FLAG = {
  ACTOR_IS_SOURCE: 1,
  OBSERVED: 2,
  INTERNAL: 4,
  BOTH: 8,
  WIDE: 16,
  REPEAT: 32,
  HOLDS: 64,
} as const;
/** From this version of a record on, what found no room in a ring is told by gaps. */
export const RING_GAPS_SINCE = 5;

/** Offsets in a flow or an event. */
export const FIELD = {
  version: 0,
  kind: 1,
  verdict: 2,
  source_kind: 3,
  op: 4,
  flags: 6,
  sink_kind: 7,
  time: 8,
  sequence: 16,
  cpu: 24,
  lost: 28,
  source_context: 32,
  sink_context: 36,
  source: 40,
  sink: 56,
  pid: 72,
  tid: 76,
  bytes: 80,
  count: 88,
  uid: 92,
} as const;

/** Of a name: which entity, and up to three components of its path, the last one first. */
export const NAME_FIELD = { parts: 2, entity_kind: 3, context: 4, entity: 8, name: 24 } as const;
export const NAME_BYTES = 24;
/** Of a description of a process, from version 4 on: its part is where a name has `parts`. */
export const PROCESS_FIELD = { part: 2, entity: 8, parent: 24, uid: 48, comm: 64, path: 24 } as const;
export const PROCESS_PARTS_SINCE = 4;

export const ENTITY_NAMES = [
  "none", "process", "file", "directory", "symlink", "pipe", "socket", "device", "anon", "principal",
  "address", "ipc", "key", "message", "client",
] as const; // prettier-ignore
export type EntityName = (typeof ENTITY_NAMES)[number];
export const ENTITY = Object.fromEntries(ENTITY_NAMES.map((name, at) => [name, at])) as Record<
  EntityName,
  number
>;

export const OP_NAMES = [
  "none", "read", "write", "open", "lookup", "stat", "exec", "mmap", "mprotect", "truncate", "ioctl",
  "lock", "fcntl", "receive", "create", "mkdir", "mknod", "symlink", "link", "unlink", "rmdir",
  "rename", "readlink", "setattr", "getxattr", "setxattr", "acl", "watch", "signal", "trace", "inspect",
  "schedule", "socket", "send", "sysv", "key", "mount", "namespace", "bpf", "perf", "uring",
  "userfaultfd", "capability", "module", "syslog", "clock", "quota", "chroot", "statfs", "fork", "device",
  "handle", "release", "withhold", "label", "tag", "run", "exit",
  "connect", "bind", "accept", "network", "state", "gate", "change", "end", "configure",
  "publish", "deliver", "channel", "carry",
] as const; // prettier-ignore
export const OP = Object.fromEntries(OP_NAMES.map((name, at) => [name, at])) as Record<
  (typeof OP_NAMES)[number],
  number
>;
export const opName = (op: number): string => OP_NAMES[op] ?? `op ${op}`;

/** The rule for which a flow was refused, by verdict. */
export const VERDICT_RULES = [
  "",
  "FLOW-1",
  "FLOW-2",
  "CTX-5",
  "OP-12",
  "OBJ-3",
  "OP-10",
  "CHG-3",
  "CHG-1",
  "AUD-3",
] as const;
export const ruleOf = (verdict: number): string | null =>
  verdict === 0 ? null : (VERDICT_RULES[verdict] ?? `verdict ${verdict}`);
