/**
 * What bench/inside.ts measures in the machine and hands to bench/main.ts, and the names of it all.
 */

/** System calls, in the order of bench/calls.c. */
export const CALLS = {
  null: "null call (getppid)",
  read_zero: "read 1 B, /dev/zero",
  write_null: "write 1 B, /dev/null",
  read_1: "read 1 B",
  write_1: "write 1 B",
  pread_4k: "pread 4 KiB",
  pwrite_4k: "pwrite 4 KiB",
  stat: "stat",
  open_close: "open + close",
  create_unlink: "create + unlink",
  pipe: "pipe ping-pong",
  unix: "Unix stream ping-pong",
  tcp: "TCP loopback ping-pong",
  tcp_connect: "TCP connect + accept + close",
  pass: "pass a descriptor",
  memfd: "memfd: make, map, touch",
  shm: "System V segment: make, map, touch",
  fork_exit: "fork + exit + wait",
  fork_exec: "fork + exec + wait",
} as const;
export type CallId = keyof typeof CALLS;
export const callIds = Object.keys(CALLS) as CallId[];

/** Ways in which the same program runs. */
export const COLUMNS = {
  baseline: "nothing attached",
  idle: "csn's daemon is up, no label on the host",
  floor: "empty programs on the same hooks",
  unlabelled: "attached; unlabelled program and files, another folder of the file system has a label",
  labelled: "attached; program and files have the label {t}",
  run: "as labelled, started by csn-launch: a compartment and its seccomp filter",
  after: "taken off again",
} as const;
export type ColumnId = keyof typeof COLUMNS;
export const columnIds = Object.keys(COLUMNS) as ColumnId[];

/** One program's figures, as bench/calls.c prints them. */
export type Figures = {
  overhead: number;
  calls: Record<CallId, { rounds: number; least: number; median: number }>;
};

export type CallsReport = {
  kernel: string;
  /** The kernel's security modules. */
  lsm: string;
  programs: { csn: number; floor: number };
  columns: Record<ColumnId, Figures>;
  /** Records that the kernel wrote while the column's program ran, in all its passes. */
  records: Record<"unlabelled" | "labelled" | "run", { recorded: number; lost: number }>;
};

/** Others that mediate or record, each in a machine of its own with nothing of csn attached. */
export const PEERS = {
  selinux: "SELinux enforcing Debian's policy, the program in a confined domain (bench/peers/selinux.cil)",
  apparmor: "AppArmor, the program in a profile in enforce mode (bench/peers/apparmor.profile)",
  auditd: "auditd records the same kinds of calls (bench/peers/audit.rules)",
} as const;
export type PeerId = keyof typeof PEERS;
export const peerIds = Object.keys(PEERS) as PeerId[];

export type PeerReport = {
  kernel: string;
  lsm: string;
  figures: Figures;
  /** What showed that it was at work. */
  proof: string;
};
export type PeerReports = Record<PeerId, PeerReport>;

/** Real programs, see bench/workloads.ts. */
export const WORKLOADS = {
  unpack: "tar unpacks bzip2's source",
  compile: "make and gcc build a part of bzip2",
  pgbench: "pgbench, 50 transactions on PostgreSQL",
  redis: "redis-benchmark, 2,000 requests to Redis",
  nginx: "wrk, a request to nginx",
} as const;
export type WorkloadId = keyof typeof WORKLOADS;
export const workloadIds = Object.keys(WORKLOADS) as WorkloadId[];

export const macroColumnIds = ["baseline", "floor", "unlabelled", "labelled"] as const;
export type MacroColumnId = (typeof macroColumnIds)[number];

/** Instructions, the least of the rounds; absent: not asked for. */
export type MacroFigures = Partial<Record<WorkloadId, number>>;

export type MacroReport = {
  kernel: string;
  rounds: number;
  columns: Record<MacroColumnId, MacroFigures>;
  /** While the labelled programs ran. */
  records: { recorded: number; refused: number; lost: number };
};

/** Wall-clock figures, from a machine without instruction counting. */
export type TreeReport = {
  kernel: string;
  loadSeconds: number;
  files: number;
  createSeconds: number;
  labelSeconds: number;
  /** Bytes of kernel memory (slab and per processor) for each inode whose context is cached. */
  bytesPerInode: number;
};

/** What is measured on one kernel. Peers are compared with calls of the same run only. */
export type Measurement = {
  calls?: CallsReport;
  peers?: PeerReports;
  macro?: MacroReport;
  tree?: TreeReport;
};
export const PARTS = ["calls", "peers", "macro", "tree"] as const;
export type Part = (typeof PARTS)[number];

/** docs/bench.json: the last measurement of each part by kernel, and by which command and when it was made. */
export type Results = Record<string, Measurement & { made: Partial<Record<Part, string>> }>;

/** Lines of inside.ts that carry a report. */
export const MARK = "csn-bench ";
