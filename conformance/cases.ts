/**
 * The matrix: channels × relations of contexts × moments, as data. [docs/channels.md]
 *
 * Guarantee: what is expected comes from model/reference.ts, never from here. A channel says only which
 * operation of docs/model.md each call is, and on what.
 * Pure: runs on the host (to count and to document) and in the machine (to run).
 */
import { operation, type Subject, type Target } from "../model/reference.ts";
import { contextFrom, type ContextText } from "../model/vectors.ts";

/** Contexts by the names that cases use. */
export const CONTEXTS = {
  U: { secrecy: [], integrity: [] },
  A: { secrecy: ["a"], integrity: [] },
  B: { secrecy: ["b"], integrity: [] },
  AB: { secrecy: ["a", "b"], integrity: [] },
  V: { secrecy: [], integrity: ["v"] },
  W: { secrecy: [], integrity: ["w"] },
  AV: { secrecy: ["a"], integrity: ["v"] },
  base: { secrecy: [], integrity: "ALL" },
} as const satisfies Record<string, ContextText>;
export type ContextName = keyof typeof CONTEXTS;
export const SUBJECTS = ["U", "A", "B", "AB", "V", "W", "AV"] as const satisfies readonly ContextName[];
export type SubjectName = (typeof SUBJECTS)[number];

/** Each relation of a subject's context to an object's, by what it is. */
export const RELATIONS: readonly (readonly [SubjectName, ContextName, string])[] = [
  ["A", "A", "equal"],
  ["AV", "AV", "equal with both labels"],
  ["AB", "A", "subject above"],
  ["A", "AB", "subject below"],
  ["A", "B", "incomparable in secrecy"],
  ["V", "W", "incomparable in integrity"],
  ["A", "AV", "object more trusted"],
  ["AV", "A", "object less trusted"],
  ["U", "A", "unlabelled subject, secret object"],
  ["U", "V", "unlabelled subject, trusted object"],
  ["A", "U", "secret subject, unlabelled object"],
  ["V", "U", "trusted subject, unlabelled object"],
  ["A", "base", "secret subject, base"],
  ["V", "base", "trusted subject, base"],
  ["U", "U", "both unlabelled"],
];

/** Relations that enforcing refuses: their cases run observed as well. [SUBJ-5] */
const WATCHED: readonly string[] = ["U-A", "U-V", "A-U", "A-AB", "V-U"];
export const OBSERVED = ["U", "A", "V"] as const satisfies readonly SubjectName[];

/** What a command finds at `{p}`. `new`: nothing, in a directory `{d}` of the object's context. */
export type Kind = "file" | "dir" | "symlink" | "fifo" | "program" | "script" | "new" | "none";
export type Moment = "path" | "open" | "fork" | "exec" | "thread" | "vm";

export type Channel = {
  readonly id: string;
  readonly row: string;
  readonly kind: Kind;
  /** The operation on the object; OP-4 and OP-5: on its directory. */
  readonly op: string;
  /** In the actor's language; `{p}` the object, `{d}` its directory, `{n}` a new name there. */
  readonly path?: string;
  /** The same on a descriptor that was opened, as `mode` says, before the object got its label. */
  readonly open?: string;
  readonly mode?: string;
  /** The operation of `open`, where it is another one: a descriptor that is there needs no opening. */
  readonly openOp?: string;
  /** A command after `open`, still before the label. */
  readonly setup?: string;
  /** Records that a refusal may leave; the first refusal decides. */
  readonly records: readonly string[];
  /** What else must hold for the refusal to be one without effect. */
  readonly effect?: "content" | "names" | "gone";
  /** Refusals that come from a capability or from seccomp say so themselves. */
  readonly errno?: readonly string[];
  /** How many records one refusal may leave: the kernel first asks whether another way would do. */
  readonly tries?: number;
  /** Also allowed when nothing is refused: what the file system answers. */
  readonly fine?: readonly string[];
};

const R = ["read", "open", "lookup"];
const W = ["write", "open", "lookup"];

const file = (id: string, row: string, op: string, command: string, records: readonly string[], more: Partial<Channel> = {}): Channel => ({
  id, row, kind: "file", op, path: command, records, ...more,
}); // prettier-ignore

const use = (id: string, row: string, op: string, mode: string, command: string, records: readonly string[], more: Partial<Channel> = {}): Channel => ({
  id, row, kind: "file", op, path: `with ${mode} {p} ${command}`, open: `f ${command}`, mode: "rw", records: [...records, "open", "lookup"], ...more,
}); // prettier-ignore

const named = (id: string, row: string, command: string, op: string, more: Partial<Channel> = {}): Channel => ({
  id, row, kind: "new", op: "OP-4", path: command, records: [op, "lookup", "write"], effect: "names", ...more,
}); // prettier-ignore

/** What needs an object of its own in a file system. */
export const CHANNELS: readonly Channel[] = [
  use("read", "F1", "OP-1", "r", "read", ["read"]),
  use("pread", "F1", "OP-1", "r", "pread", ["read"]),
  use("readv", "F1", "OP-1", "r", "readv", ["read"]),
  use("preadv2", "F1", "OP-1", "r", "preadv2", ["read"]),
  use("aio-read", "F1", "OP-1", "r", "aioread", ["read"], { fine: ["EINVAL"] }),
  use("write", "F1", "OP-3", "w", "write", ["write"], { openOp: "OP-2", effect: "content" }),
  use("pwrite", "F1", "OP-3", "w", "pwrite", ["write"], { openOp: "OP-2", effect: "content" }),
  use("writev", "F1", "OP-3", "w", "writev", ["write"], { openOp: "OP-2", effect: "content" }),
  use("aio-write", "F1", "OP-3", "w", "aiowrite", ["write"], { openOp: "OP-2", effect: "content", fine: ["EINVAL"] }),
  use("append", "F1", "OP-3", "w+append", "write", ["write"], { openOp: "OP-2", effect: "content" }),
  file("open-r", "F1", "OP-1", "open r {p}", R),
  file("open-w", "F1", "OP-3", "open w {p}", R),
  file("open-rw", "F1", "OP-3", "open rw {p}", R),
  file("open-path", "F1", "OP-6", "open path {p}", []),
  file("open-trunc", "F2", "OP-3", "open w+trunc {p}", [...W, "truncate", "setattr"], { effect: "content" }),
  file("open-creat", "F3", "OP-3", "open rw+creat {p}", W),
  file("truncate", "F2", "OP-2", "truncate {p}", ["truncate", "setattr", ...W], { effect: "content" }),
  use("ftruncate", "F2", "OP-3", "w", "truncate", ["truncate", "setattr", "write"], { openOp: "OP-2", effect: "content" }),
  use("fallocate", "F2", "OP-3", "w", "fallocate 0", ["write"], { openOp: "OP-2" }),
  use("punch-hole", "F2", "OP-3", "w", "fallocate 3", ["write"], { openOp: "OP-2", effect: "content" }),
  use("seek-end", "F11", "OP-3", "w", "seekend", ["open"], { open: "" }),

  named("creat", "F3", "open rw+creat+excl {n}", "create"),
  named("mkdir", "F3", "mkdir {n}", "mkdir"),
  named("mkfifo", "F3", "mkfifo {n}", "mknod"),
  named("mksock", "F3", "mksock {n}", "mknod"),
  named("whiteout", "F3", "mknod {n} 0 0", "mknod"),
  named("symlink", "F3", "symlink target {n}", "symlink"),
  named("tmpfile", "F3", "open rw+tmpfile {d}", "write"),
  { ...named("newline-name", "F4", "open rw+creat+excl {n}%0Aline", "create") },

  { id: "link", row: "F4", kind: "file", op: "OP-5", path: "link {p} {n}", records: ["link", ...W], effect: "names", tries: 2 },
  { id: "link-fd", row: "F4", kind: "file", op: "OP-5", open: "f linkfd {n}", mode: "rw", records: ["link", ...W], effect: "names", tries: 2 },
  { id: "link-empty", row: "F4", kind: "file", op: "OP-5", open: "f linkempty {n}", mode: "rw", records: ["link", ...W], effect: "names", tries: 2 },
  { id: "unlink", row: "F4", kind: "file", op: "OP-5", path: "unlink {p}", records: ["unlink", ...W], effect: "gone" },
  { id: "rmdir", row: "F4", kind: "dir", op: "OP-5", path: "rmdir {p}", records: ["rmdir", ...W], effect: "gone", fine: ["ENOTEMPTY"] },
  { id: "rename", row: "F4", kind: "file", op: "OP-5", path: "rename {p} {n} 0", records: ["rename", ...W], effect: "gone" },
  { id: "rename-noreplace", row: "F4", kind: "file", op: "OP-5", path: "rename {p} {n} 1", records: ["rename", ...W], effect: "gone" },
  { id: "rename-whiteout", row: "F4", kind: "file", op: "OP-5", path: "rename {p} {n} 4", records: ["rename", ...W], effect: "gone" },
  { id: "rename-dir", row: "F4", kind: "dir", op: "OP-5", path: "rename {p} {n} 0", records: ["rename", ...W], effect: "gone" },

  { id: "search", row: "F5", kind: "dir", op: "OP-1", path: "lstat {p}/x", records: ["lookup", "stat"] },
  { id: "search-nothing", row: "F5", kind: "dir", op: "OP-1", path: "lstat {p}/nothing", records: ["lookup", "stat"], fine: ["ENOENT"] },
  { id: "chdir", row: "F5", kind: "dir", op: "OP-1", path: "chdir {p}", records: ["lookup"] },
  { id: "readdir", row: "F5", kind: "dir", op: "OP-1", path: "with r+dir {p} readdir", open: "f readdir", mode: "r+dir", records: ["read", "open", "lookup"] },
  { id: "fchdir", row: "F5", kind: "dir", op: "OP-1", open: "f fchdir", mode: "r+dir", records: ["lookup"] },
  { id: "readlink", row: "F5", kind: "symlink", op: "OP-1", path: "readlink {p}", records: ["readlink"] },
  { id: "readlink-fd", row: "F5", kind: "symlink", op: "OP-1", path: "with path+nofollow {p} readlinkfd", records: ["readlink"] },
  { id: "follow", row: "F5", kind: "symlink", op: "OP-1", path: "stat {p}", records: ["readlink"] },

  file("stat", "F6", "OP-1", "stat {p}", ["stat"]),
  file("lstat", "F6", "OP-1", "lstat {p}", ["stat"]),
  file("statx", "F6", "OP-1", "statx {p}", ["stat"]),
  use("fstat", "F6", "OP-1", "path", "stat", ["stat"]),
  use("fstatx", "F6", "OP-1", "path", "statx", ["stat"]),
  file("access-r", "F6", "OP-1", "access {p} 4", ["lookup"]),
  file("access-w", "F6", "OP-2", "access {p} 2", ["lookup"]),
  file("access-exists", "F6", "OP-6", "access {p} 0", []),

  file("chmod", "F7", "OP-2", "chmod {p}", ["setattr"]),
  use("fchmod", "F7", "OP-3", "rw", "chmod", ["setattr"], { openOp: "OP-2" }),
  file("chown", "F7", "OP-2", "chown {p}", ["setattr"]),
  use("fchown", "F7", "OP-3", "rw", "chown", ["setattr"], { openOp: "OP-2" }),
  file("utimensat", "F7", "OP-2", "utimens {p}", ["setattr"]),
  file("utime-now", "F7", "OP-2", "utimenow {p}", ["setattr", "lookup"]),
  use("futimens", "F7", "OP-3", "rw", "utimens", ["setattr"], { openOp: "OP-2" }),
  file("set-acl", "F7", "OP-3", "setacl {p}", ["acl", "setxattr"]),
  file("get-acl", "F7", "OP-1", "getacl {p}", ["acl", "getxattr"]),
  file("remove-acl", "F7", "OP-3", "rmacl {p}", ["acl", "setxattr"]),
  use("get-flags", "F7", "OP-1", "r", "getflags", ["ioctl", "stat"]),
  use("set-flags", "F7", "OP-3", "r", "setflags", ["ioctl", "setattr"]),
  file("file-getattr", "F7", "OP-1", "getfileattr {p}", ["stat"], { errno: ["EACCES", "ENOSYS"], fine: ["ENOSYS"] }),
  file("file-setattr", "F7", "OP-3", "setfileattr {p}", ["setattr", "stat"], { errno: ["EACCES", "ENOSYS"], fine: ["ENOSYS", "EOPNOTSUPP"] }),
  use("fiemap", "F7", "OP-1", "r", "fiemap", ["ioctl"]),
  use("fionread", "F7", "OP-1", "r", "fionread", ["ioctl"]),
  use("fionread-32-bit", "F7", "OP-1", "r", "fionread32", ["ioctl"], { fine: ["EFAULT"] }),

  file("setxattr", "F8", "OP-3", "setxattr {p}", ["setxattr", "lookup"]),
  use("fsetxattr", "F8", "OP-3", "rw", "setxattr", ["setxattr"]),
  file("getxattr", "F8", "OP-1", "getxattr {p}", ["getxattr", "lookup"]),
  use("fgetxattr", "F8", "OP-1", "r", "getxattr", ["getxattr"]),
  file("get-capability", "F8", "OP-1", "getcap {p}", ["getxattr"]),
  file("listxattr", "F8", "OP-1", "listxattr {p}", ["getxattr"]),
  use("flistxattr", "F8", "OP-1", "r", "listxattr", ["getxattr"]),
  file("removexattr", "F8", "OP-3", "removexattr {p}", ["setxattr", "lookup"]),

  use("flock", "F10", "OP-3", "r", "flock 1", ["lock"]),
  use("lock", "F10", "OP-3", "r", "setlk 0", ["lock"]),
  use("ofd-lock", "F10", "OP-3", "r", "ofdlk 0", ["lock"]),
  use("get-lock", "F10", "OP-1", "r", "getlk 0", ["lock", "fcntl"]),
  use("read-lease", "F10", "OP-3", "r", "lease 0", ["lock"], { fine: ["EAGAIN"] }),
  use("rw-hint", "F11", "OP-2", "rw", "hint", ["fcntl"], { path: "", fine: ["EINVAL"] }),
  use("get-hint", "F11", "OP-1", "rw", "gethint", ["fcntl"], { path: "", fine: ["EINVAL"] }),

  use("mmap-private-r", "F12", "OP-1", "r", "mmap r private", ["mmap"]),
  use("mmap-private-rx", "F12", "OP-1", "r", "mmap rx private", ["mmap"]),
  use("mmap-private-rw", "F12", "OP-1", "r", "mmap rw private", ["mmap"]),
  use("mmap-private-none", "F12", "OP-1", "r", "mmap - private", ["mmap"]),
  use("mmap-shared-r", "F12", "OP-1", "r", "mmap r shared", ["mmap"]),
  use("mmap-shared-rw", "F12", "OP-3", "rw", "mmap rw shared", ["mmap"]),
  use("mmap-shared-w", "F12", "OP-3", "rw", "mmap w shared", ["mmap"]),
  use("mmap-validate-rw", "F12", "OP-3", "rw", "mmap rw validate", ["mmap"]),
  { id: "mprotect-shared-w", row: "F12", kind: "file", op: "OP-3", open: "f mprotect rw", mode: "rw", setup: "f mmap r shared", records: ["mprotect"] },
  { id: "mprotect-shared-r", row: "F12", kind: "file", op: "OP-1", open: "f mprotect r", mode: "rw", setup: "f mmap - shared", records: ["mprotect"] },
  { id: "mprotect-private-x", row: "F12", kind: "file", op: "OP-1", open: "f mprotect rx", mode: "r", setup: "f mmap r private", records: ["mprotect"] },

  use("sendfile", "F13", "OP-1", "r", "sendfile", ["read"]),
  use("copy-file-range", "F13", "OP-3", "rw", "copyrange", ["read", "write"]),
  use("splice-to-pipe", "F13", "OP-1", "r", "splicepipe", ["read"]),
  use("readahead", "F1", "OP-6", "path", "fadvise", [], { open: "", fine: ["EBADF"] }),

  { id: "exec", row: "F14", kind: "program", op: "OP-1", path: "execute {p}", records: ["exec", "open", "lookup"] },
  { id: "exec-script", row: "F14", kind: "script", op: "OP-1", path: "execute {p}", records: ["exec", "open", "lookup"] },
  { id: "exec-fd", row: "F14", kind: "program", op: "OP-1", open: "f fexec", mode: "r", records: ["exec", "open", "lookup"] },
  use("reopen-r", "F17", "OP-1", "path", "reopen r", ["open"]),
  use("reopen-w", "F17", "OP-3", "path", "reopen w", ["open"]),
  use("pass-fd", "U5", "OP-3", "rw", "pass", ["receive", "open", "socket"]),

  { id: "fifo-open-r", row: "P2", kind: "fifo", op: "OP-3", path: "open r+nonblock {p}", records: ["open", "lookup"] },
  { id: "fifo-open-rw", row: "P2", kind: "fifo", op: "OP-3", path: "open rw+nonblock {p}", records: ["open", "lookup"] },
  { id: "fifo-read", row: "P2", kind: "fifo", op: "OP-1", open: "f read", mode: "rw+nonblock", records: ["read"], fine: ["EAGAIN"] },
  { id: "fifo-write", row: "P2", kind: "fifo", op: "OP-2", open: "f write", mode: "rw+nonblock", records: ["write"] },
  { id: "fifo-size", row: "P1", kind: "fifo", op: "OP-2", open: "f pipesize", mode: "rw+nonblock", records: ["fcntl"] },
  { id: "fifo-get-size", row: "P1", kind: "fifo", op: "OP-1", open: "f getpipesize", mode: "rw+nonblock", records: ["fcntl"] },
  { id: "fifo-fionread", row: "P1", kind: "fifo", op: "OP-1", open: "f fionread", mode: "rw+nonblock", records: ["ioctl"] },

  file("inotify", "K6", "OP-1", "watch add {p}", ["watch", "lookup"]),
  { id: "dnotify", row: "K6", kind: "dir", op: "OP-1", path: "with r+dir {p} dnotify", open: "f dnotify", mode: "r+dir", records: ["watch", "open", "lookup"] },
]; // prettier-ignore

/** What one process does to another: by the operation that it is. */
export const TASK_CHANNELS: readonly { id: string; row: string; op: "OP-8" | "OP-9" | "OP-10"; records: readonly string[]; errno?: readonly string[]; fine?: readonly string[] }[] = [
  ...["kill0", "kill", "sigqueue", "tgkill"].map((id) => ({ id, row: "T2", op: "OP-8" as const, records: ["signal"] })),
  ...["attach", "seize", "vmread", "vmwrite", "getfd"].map((id) => ({
    id, row: "T4", op: "OP-10" as const, records: ["trace", "inspect", "open", "stat"], errno: ["EPERM"],
  })),
  { id: "proc:mem", row: "T4", op: "OP-10", records: ["trace", "open", "lookup"] },
  ...["proc:syscall", "movepages"].map((id) => ({ id, row: "T4", op: "OP-10" as const, records: ["trace", "inspect", "schedule", "open", "lookup"], errno: ["EPERM"] })),
  { id: "procw:mem", row: "T4", op: "OP-10", records: ["trace", "open", "lookup", "write"] },
  ...["kcmp", "robust"].map((id) => ({ id, row: "T4", op: "OP-9" as const, records: ["inspect"], errno: ["EPERM"] })),
  ...["maps", "environ", "auxv", "fd", "exe", "cwd", "root", "ns/uts", "task", "io"].map((name) => ({ id: `proc:${name}`, row: "T4", op: "OP-9" as const, records: ["inspect", "open", "lookup", "readlink", "trace"] })),
  ...["cmdline", "comm", "stat", "status", "statm", "limits", "wchan", "cgroup", "oom_score", "sched", "loginuid"].map((name) => ({ id: `proc:${name}`, row: "T5", op: "OP-9" as const, records: ["inspect", "open", "lookup"] })),
  ...["getaffinity", "getscheduler", "getparam", "getioprio", "getpgid", "getsid", "capget"].map((id) => ({ id, row: id === "capget" ? "T7" : "T6", op: "OP-9" as const, records: ["inspect"] })),
  ...["affinity", "scheduler", "ioprio"].map((id) => ({ id, row: "T6", op: "OP-8" as const, records: ["schedule"] })),
]; // prettier-ignore

/** Doors that labelled subjects find closed. `harmless`: unlabelled subjects may try it here too. */
export const DOORS: readonly { id: string; row: string; command: string; records: readonly string[]; harmless?: boolean; errno?: readonly string[]; fine?: readonly string[]; tries?: number }[] = [
  ...([["netlink-uevent", 16, 3, 15], ["netlink-audit", 16, 3, 9], ["netlink-connector", 16, 3, 11], ["netlink-generic", 16, 3, 16], ["raw", 2, 3, 1], ["raw6", 10, 3, 58], ["ping", 2, 2, 1], ["sctp", 2, 1, 132], ["packet", 17, 3, 0], ["alg", 38, 5, 0], ["vsock", 40, 1, 0], ["xdp", 44, 3, 0], ["key", 15, 3, 2], ["can", 29, 3, 1], ["bluetooth", 31, 3, 1], ["smc", 43, 1, 0], ["tipc", 30, 1, 0]] as const).map(
    ([id, family, type, protocol]) => ({ id: `socket-${id}`, row: "N3", command: `socket ${family} ${type} ${protocol}`, records: ["socket"], harmless: true, fine: ["EAFNOSUPPORT", "ESOCKTNOSUPPORT", "EPROTONOSUPPORT", "EACCES", "EINVAL"] })),
  { id: "io-uring", row: "K1", command: "door io_uring", records: ["uring"], harmless: true },
  { id: "io-uring-poll", row: "K1", command: "door sqpoll", records: ["uring"], harmless: true },
  { id: "userfaultfd", row: "K2", command: "door userfaultfd", records: ["userfaultfd"], harmless: true, errno: ["EPERM"] },
  { id: "bpf", row: "K3", command: "door bpf", records: ["bpf"], harmless: true, fine: ["EPERM", "EINVAL", "ENOENT"] },
  ...["bpf-map", "bpf-prog"].map((id) => ({ id, row: "K3", command: `door ${id}`, records: ["bpf"], harmless: true, errno: ["EPERM"] })),
  { id: "trace-me", row: "T4", command: "door traceme", records: ["trace"] },
  { id: "perf", row: "K3", command: "door perf", records: [], harmless: true, fine: ["ENOENT", "EOPNOTSUPP", "EINVAL"] },
  { id: "syslog", row: "K3", command: "door syslog", records: ["syslog"], harmless: true, errno: ["EPERM"] },
  ...["mount", "bind", "remount", "umount", "pivot", "opentree"].map((id) => ({ id, row: "K4", command: `door ${id}`, records: ["mount"], errno: ["EPERM"] })),
  { id: "fsopen", row: "K4", command: "door fsopen", records: [], errno: ["EPERM"] },
  { id: "chroot", row: "K4", command: "door chroot", records: ["chroot"], errno: ["EPERM"] },
  ...["unshare-mnt", "unshare-uts", "setns"].map((id) => ({ id, row: "K5", command: `door ${id}`, records: id === "setns" ? ["lookup", "open"] : [], errno: ["EPERM"] })),
  { id: "unshare-user", row: "K5", command: "door unshare-user", records: ["namespace"] },
  ...["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"].map((id) => ({ id: `clone-${id}`, row: "K5", command: `door clone-${id}`, records: ["namespace"], harmless: id !== "user", errno: ["EPERM"] })),
  { id: "fanotify-init", row: "K6", command: "door fanotify", records: [], errno: ["EPERM"], harmless: true },
  ...["hostname", "acct", "swapon", "reboot", "module", "kexec", "iopl"].map((id) => ({ id, row: id === "hostname" || id === "acct" ? "K9" : "K8", command: `door ${id}`, records: id === "module" ? ["module"] : [], errno: ["EPERM"] })),
  ...["settime", "settimeofday"].map((id) => ({ id, row: "K9", command: `door ${id}`, records: ["clock"], errno: ["EPERM"] })),
  { id: "adjtime", row: "K9", command: "door adjtime", records: ["clock"], errno: ["EPERM"] },
  { id: "quota", row: "F9", command: "door quota", records: ["quota", "lookup"], errno: ["EPERM"] },
  { id: "nice", row: "T6", command: "other nice 0", records: ["schedule"] },
  { id: "setrlimit", row: "T6", command: "other setlimit 0", records: ["schedule"] },
]; // prettier-ignore

/** Anonymous objects: they get their maker's context, and no other subject's. [OP-6] */
export const OWN_OBJECTS: readonly { id: string; row: string; make: readonly string[]; use: readonly string[] }[] = [
  { id: "pipe", row: "P1", make: ["pipe"], use: ["f getpipesize", "swap", "f write", "swap", "f read"] },
  { id: "memfd", row: "I5", make: ["memfd"], use: ["f read", "f pwrite", "f mmap rw shared", "f seal", "f getseal", "f reopen rw", "f stat"] },
  { id: "socketpair", row: "U3", make: [], use: ["socketpair stream", "socketpair dgram", "socketpair seqpacket"] },
  { id: "pass-own", row: "U5", make: ["memfd"], use: ["f pass"] },
]; // prettier-ignore

export type Case = {
  readonly id: string;
  readonly row: string;
  readonly channel: string;
  readonly relation: string;
  readonly subject: SubjectName;
  readonly object: ContextName;
  readonly kind: Kind | "task" | "door" | "own";
  readonly moment: Moment;
  readonly mode: "enforce" | "observe";
  /** In order; the last one is judged. */
  readonly before: readonly string[];
  readonly command: string;
  /** `allow`, or why not. */
  readonly expect: ReturnType<typeof operation>;
  readonly records: readonly string[];
  readonly errno: readonly string[];
  readonly fine: readonly string[];
  readonly effect: Channel["effect"] | null;
  readonly tries: number;
};

const subjectOf = (name: ContextName): Subject => ({
  in: contextFrom(CONTEXTS[name]),
  out: contextFrom(CONTEXTS[name]),
});

function verdict(op: string, subject: ContextName, object: ContextName): ReturnType<typeof operation> {
  const context = contextFrom(CONTEXTS[object]);
  const target: Target = {
    object: context,
    directory: context,
    directories: [context],
    other: subjectOf(object),
    readable: true,
    writable: true,
  };
  return operation(op, subjectOf(subject), target);
}

const EACCES = ["EACCES"];

function* channelCases(channel: Channel): Generator<Case> {
  for (const [subject, object, relation] of RELATIONS) {
    const one = (moment: Moment, before: readonly string[], command: string): Case => ({
      id: `${channel.id}/${subject}-${object}/${moment}`,
      row: channel.row, channel: channel.id, relation, subject, object, kind: channel.kind, moment, mode: "enforce", before, command,
      expect: verdict(moment === "path" ? channel.op : (channel.openOp ?? channel.op), subject, object),
      records: channel.records, errno: channel.errno ?? EACCES, fine: channel.fine ?? [], effect: channel.effect ?? null, tries: channel.tries ?? 1,
    }); // prettier-ignore
    if (channel.path) {
      const each = one("path", [], channel.path);
      yield each;
      // a labelled party passes descriptors only in its context's network, where these are not
      if (each.expect !== "allow" && channel.id !== "pass-fd" && WATCHED.includes(`${subject}-${object}`))
        yield { ...each, id: `${channel.id}/${subject}-${object}/observed`, mode: "observe" };
    }
    if (!channel.open || object === "base") continue;
    const before = [`open ${channel.mode} {p}`, ...(channel.setup ? [channel.setup] : [])];
    yield one("open", before, channel.open);
    // Over fork, exec and threads the descriptor is the same: a few channels show it.
    if (!["read", "write", "mmap-shared-rw", "readdir", "fstat"].includes(channel.id)) continue;
    for (const moment of ["fork", "exec", "thread", "vm"] as const)
      yield one(moment, before, `${moment} ${channel.open}`);
  }
}

function* taskCases(): Generator<Case> {
  for (const channel of TASK_CHANNELS)
    for (const [subject, object, relation] of RELATIONS) {
      if (object === "base") continue;
      // between equals it is ordinary Linux; one of them is enough, and a process may not stop itself
      if (subject === object) continue;
      yield {
        id: `${channel.id}/${subject}-${object}/task`, row: channel.row, channel: channel.id, relation, subject, object,
        kind: "task", moment: "path", mode: "enforce", before: [], command: `other ${channel.id} {pid}`,
        expect: verdict(channel.op, subject, object), records: channel.records, errno: [...EACCES, ...(channel.errno ?? [])],
        fine: channel.fine ?? [], effect: null, tries: 9,
      }; // prettier-ignore
    }
}

function* doorCases(): Generator<Case> {
  for (const door of DOORS)
    for (const subject of ["U", "A", "V"] as const) {
      if (subject === "U" && !door.harmless) continue;
      yield {
        id: `${door.id}/${subject}/door`, row: door.row, channel: door.id, relation: "", subject, object: "U",
        kind: "door", moment: "path", mode: "enforce", before: [], command: door.command,
        expect: verdict("OP-12", subject, "U"), records: door.records, errno: [...EACCES, ...(door.errno ?? [])],
        fine: door.fine ?? [], effect: null, tries: door.tries ?? 1,
      }; // prettier-ignore
    }
}

function* ownCases(): Generator<Case> {
  for (const own of OWN_OBJECTS)
    for (const subject of SUBJECTS)
      for (const [n, command] of own.use.entries())
        yield {
          id: `${own.id}/${subject}/own-${n}`, row: own.row, channel: own.id, relation: "equal", subject, object: subject,
          kind: "own", moment: "path", mode: "enforce", before: [...own.make, ...(own.id === "pipe" ? own.use.slice(0, n) : [])], command,
          expect: "allow", records: [], errno: EACCES, fine: [], effect: null, tries: 1,
        }; // prettier-ignore
}

/** All generated cases, in the order in which they run. */
export function allCases(): Case[] {
  const cases = [
    ...CHANNELS.flatMap((channel) => Array.from(channelCases(channel))),
    ...taskCases(),
    ...doorCases(),
    ...ownCases(),
  ];
  const ids = new Set(cases.map(({ id }) => id));
  if (ids.size !== cases.length) throw new Error("two cases with one id");
  return cases;
}
