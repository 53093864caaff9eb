/**
 * bpf/abi.h in TypeScript: the numbers and shapes that the kernel monitor and user space share.
 *
 * Guarantee: tools/check-abi.ts holds every number and offset here against the type information of the
 * compiled object. Little endian, as all kernels that csn supports.
 */

export const LIMITS = {
  ABI_VERSION: 7,
  MAX_TAGS: 64,
  MAX_CONTEXTS: 65536,
  MAX_ENTRIES: 1048576,
  MAX_DEVICES: 1024,
  MAX_DEPTH: 4096,
  RING_BYTES: 4194304,
  REFUSAL_BYTES: 4194304,
  MAX_CPUS: 1024,
  MEMORY_SLOTS: 8,
  NAME_BYTES: 24,
  MAX_NETWORKS: 65536,
  MAX_RANGES: 4096,
  RANGE_PORTS: 16,
  MAX_WAYS: 4096,
  MAX_IPC: 65536,
  MAX_COMPARTMENTS: 65536,
  MAX_HOLDERS: 65536,
  MAX_SCOPE: 4096,
  LOST_KINDS: 4,
} as const;

export const CONTEXT_ID = { UNLABELLED: 0, BASE: 1, PLATFORM_IN: 2, SEALED: 3, FIRST: 16 } as const;
/** Of a socket's entity: what it stands for. */
export const CHANNEL = { PAIR: 1, CONNECTION: 2, PORT: 3, DATAGRAMS: 4, LETTERS: 5 } as const;
/** Of `csn_network`. */
export const NETWORK_OPEN = 1;
export const CONTEXT_UNKNOWN = 0xffffffff;

/** Sizes in bytes, and offsets of the fields that are read or written here. */
export const SHAPE = {
  csn_label: { size: 264, count: 0, all: 4, tags: 8 },
  csn_context: { size: 528, secrecy: 0, integrity: 264 },
  csn_subject: { size: 416, in: 0, out: 4, id: 8, compartment: 16, crosses: 20, flags: 24 },
  csn_object: { size: 32, context: 0, epoch: 4, flags: 8, state: 16, id: 24 },
  csn_key: { size: 16, ino: 0, dev: 8, generation: 12 },
  csn_entry: { size: 8, context: 0, flags: 4 },
  csn_device: { size: 8, context: 0, flags: 4 },
  csn_network: { size: 8, context: 0, flags: 4 },
  csn_way: { size: 40, context: 0, v4: 8, v6: 24 },
  csn_ports: { size: 8, first: 0, last: 2, context: 4 },
  csn_range: { size: 136, count: 0, ports: 8 },
  csn_entity: { size: 16, first: 0, second: 8, third: 12 },
  csn_record: {
    size: 96,
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
  },
  csn_end: { size: 20, address: 0, port: 16 },
  csn_name_record: {
    size: 96,
    version: 0,
    kind: 1,
    parts: 2,
    entity_kind: 3,
    context: 4,
    entity: 8,
    name: 24,
  },
  csn_process: {
    size: 72,
    parent: 0,
    cgroup: 16,
    uid: 24,
    gid: 28,
    executions: 32,
    argument_bytes: 36,
    comm: 40,
  },
  /** Offset 24: a csn_process, a path or arguments. */
  csn_process_record: { size: 96, version: 0, kind: 1, part: 2, context: 4, entity: 8 },
  csn_request: {
    size: 56,
    ask: 0,
    context: 4,
    flags: 8,
    magic: 12,
    key: 16,
    answer: 32,
    own: 36,
    error: 40,
    done: 44,
    world: 48,
  },
  csn_control: {
    size: 128,
    version: 0,
    epoch: 4,
    next_subject: 8,
    allowed: 16,
    refused: 24,
    recorded: 32,
    lost: 40,
    internal: 48,
    observed: 56,
    lost_refused: 64,
    lost_names: 72,
    merged: 80,
    on_full: 88,
    scope: 92,
    wide: 96,
    lost_wide: 104,
    all_hold: 120,
  },
} as const;

export const ENTRY_SELF = 1;
export const DEVICE_VOLATILE = 1;
export const SUBJECT = { HELD: 1 } as const;
/** In a subject's id: it counts as one that holds memory with others. HOLDER of bpf/news.bpf.h. */
export const HOLDER = 1n << 60n;
/** As an object's id: somebody holds it as memory. CSN_OBJECT_HELD. */
export const OBJECT_HELD = 0xffffffffffffffffn;
export const OBJECT = { OWN: 1, LOWER: 2, WATCHED: 4, OPAQUE: 8 } as const;
export const WORLD = { CLOSED: 0, LABELLED: 1, READ: 2, VOID: 3 } as const;
export const ASK = { GET: 1, SET: 2, CLEAR: 3, RENEW: 4, ON_FULL: 5, SCOPE: 6, MARK: 7 } as const;
export const SCOPE = { ALL: 1, USERS: 2, CGROUPS: 4, MARKS: 8, REPEATS: 16 } as const;
export const MARK = { WATCHED: 1, OPAQUE: 2 } as const;

/** Of `csn_process_record`: where what its part says begins, and the first part with arguments. */
export const PROCESS_PART = { AT: 24, ARGUMENTS: 2 } as const;

/** What csn_verdict's numbers mean, and the rule that each stands for. */
export const VERDICTS = [
  { name: "allowed", rule: "" },
  { name: "refused_secrecy", rule: "FLOW-1" },
  { name: "refused_integrity", rule: "FLOW-2" },
  { name: "refused_unknown", rule: "CTX-5" },
  { name: "refused_closed", rule: "OP-12" },
  { name: "refused_create", rule: "OBJ-3" },
  { name: "refused_control", rule: "OP-10" },
  { name: "refused_endpoint", rule: "CHG-3" },
  { name: "refused_privilege", rule: "CHG-1" },
  { name: "refused_unrecorded", rule: "AUD-3" },
] as const;

/** csn_op, in its order. */
export const OPS = [
  "none", "read", "write", "open", "lookup", "stat", "exec", "mmap", "mprotect", "truncate", "ioctl",
  "lock", "fcntl", "receive", "create", "mkdir", "mknod", "symlink", "link", "unlink", "rmdir",
  "rename", "readlink", "setattr", "getxattr", "setxattr", "acl", "watch", "signal", "trace", "inspect",
  "schedule", "socket", "send", "sysv", "key", "mount", "namespace", "bpf", "perf", "uring",
  "userfaultfd", "capability", "module", "syslog", "clock", "quota", "chroot", "statfs", "fork", "device",
  "handle", "release", "withhold", "label", "tag", "run", "exit",
  "connect", "bind", "accept", "network", "state", "gate", "change", "end", "configure",
  "publish", "deliver", "channel", "carry",
] as const; // prettier-ignore

export type Op = (typeof OPS)[number];

/** csn_entity_kind, in its order. */
export const ENTITY_KINDS = [
  "none", "process", "file", "directory", "symlink", "pipe", "socket", "device", "anon", "principal",
  "address", "ipc", "key", "message", "client",
] as const; // prettier-ignore

export const KIND = {
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
export const FLAG = {
  ACTOR_IS_SOURCE: 1,
  OBSERVED: 2,
  INTERNAL: 4,
  BOTH: 8,
  WIDE: 16,
  REPEAT: 32,
  HOLDS: 64,
} as const;
