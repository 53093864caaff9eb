/**
 * The mutants: which checks of the monitor can be taken out, and which of them may survive, and why.
 *
 * Guarantee: the names come from the object itself (bpf/mutants.bpf.h), so none can be forgotten.
 * `hook/NAME` is a whole program, `FUNCTION/NAME` one check.
 */
import { readFileSync } from "node:fs";

export type Mutant = { readonly name: string; readonly at: number };

/**
 * A check that another one makes as well, so that taking it out alone changes nothing. `shown`: the case
 * that passes without `behind` and fails when this one is taken out too.
 */
export type SecondWall = { readonly behind: readonly string[]; readonly shown: string; readonly why: string };

export const SECOND_WALLS: Readonly<Record<string, SecondWall>> = {
  ...behind(["hook/inode_permission"], "the kernel asks for the directory's permission first", {
    "hook/inode_create": "creat/U-A/path",
    "hook/inode_symlink": "symlink/U-A/path",
    "create_in/directory": "mkdir/U-A/path",
    "inode_link/directory": "link/U-A/path",
    "remove_from/directory": "unlink/U-A/path",
    "inode_rename/directory": "names/into-a-secret-folder",
  }),
  ...behind(["hook/inode_permission"], "its directory cannot be searched, and cannot be changed at all", {
    "process_context/platform": "platform/its-files-of-proc-take-nothing",
  }),
  ...behind(["is_remembered/subject"], "what remembers is of the context that the object must have", {
    "is_remembered/context-written": "cache/what-was-written-before-the-label",
  }),
  ...behind(["is_remembered/context-written"], "the object has the context that was judged", {
    "is_remembered/subject": "cache/what-was-written-before-the-label",
  }),
  ...behind(["file_fcntl/notify"], "the same call passes file_fcntl first", {
    "path_notify/inode": "dnotify/U-A/open",
  }),
  ...behind(["path_notify/inode"], "the same call passes path_notify later", {
    "file_fcntl/notify": "dnotify/U-A/open",
  }),
  ...behind(["hook/file_lock"], "the same call passes file_lock later", {
    "file_fcntl/lease": "read-lease/U-A/open",
  }),
  ...behind(["hook/inode_setattr"], "the new size is set as an attribute later", {
    "hook/file_truncate": "ftruncate/A-U/open",
  }),
  ...behind(["hook/mmap_file"], "the overlay's own file is asked first", {
    "hook/mmap_backing_file": "mount/overlay-mapped-after-its-label",
    "mmap_backing_file/shared": "mount/overlay-mapped-after-its-label",
  }),
  ...behind(["inode_rename/keeps"], "the kernel calls the hook both ways for an exchange", {
    "inode_rename/keeps-exchanged": "gate/what-it-exchanges-keeps-its-context",
  }),
  ...behind(["hook/ipc_permission"], "the object's permission is asked for first", {
    "hook/shm_associate": "sysv/found-by-key-and-sent-to",
    "hook/msg_queue_associate": "sysv/found-by-key-and-sent-to",
    "hook/sem_associate": "sysv/found-by-key-and-sent-to",
    "hook/msg_queue_msgsnd": "sysv/found-by-key-and-sent-to",
  }),
  ...behind(
    ["hook/ipc_permission", "hook/mmap_file"],
    "the segment's permission is asked for first, and its memory is a file that is mapped",
    { "hook/shm_shmat": "sysv/attached-to-write" },
  ),
  ...behind(["file_open/disk"], "it cannot be opened", { "file_permission/disk": "disk/raw" }),
  ...behind(
    ["hook/inode_permission", "hook/file_open", "hook/file_permission", "hook/mmap_file"],
    "the kernel opens, reads and maps what it executes",
    { "hook/bprm_check_security": "exec/U-A/path" },
  ),
  ...behind(["hook/capable"], "the kernel asks for a capability first, which labelled subjects lack", {
    "task_alloc/namespace": "clone-uts/A/door",
    "hook/sb_mount": "mount/A/door",
    "hook/sb_umount": "mount/labelled-subjects-unmount-nothing",
    "hook/sb_pivotroot": "pivot/A/door",
    "hook/move_mount": "opentree/A/door",
    "hook/path_chroot": "chroot/A/door",
    "hook/syslog": "syslog/A/door",
    "hook/settime": "settime/A/door",
    "hook/kernel_load_data": "module/A/door",
    "path_notify/mount": "watch/whole-file-systems-tell-too",
  }),
  ...behind(["hook/bpf", "hook/capable"], "the call itself is refused first", {
    "hook/bpf_map": "bpf-map/A/door",
    "hook/bpf_prog": "bpf-prog/A/door",
  }),
  ...behind(
    ["hook/uring_allowed"],
    "where the kernel asks whether rings are allowed at all, it asks that first",
    {
      "inode_init_security_anon/io-uring": "io-uring/A/door",
    },
  ),
  ...behind(["inode_init_security_anon/io-uring"], "the ring's file is refused later", {
    "hook/uring_allowed": "io-uring/A/door",
  }),
  ...behind(
    ["hook/anonymous_pipe_was_read"],
    "where the kernel has it, it calls what reads pipes without a name",
    {
      "hook/fifo_was_read": "observe/a-read-that-waited",
    },
  ),
  ...behind(["hook/uring_allowed", "hook/inode_init_security_anon"], "no ring is made", {
    "hook/uring_sqpoll": "io-uring-poll/A/door",
  }),
};

/** One case each for checks that stand behind the same ones. */
function behind(
  first: readonly string[],
  why: string,
  shown: Record<string, string>,
): Record<string, SecondWall> {
  return Object.fromEntries(
    Object.entries(shown).map(([name, id]) => [name, { behind: first, shown: id, why }]),
  );
}

/** Why those live that no case catches yet: what would go wrong, and what would not. They count as failed. */
export const UNCAUGHT: Readonly<Record<string, string>> = {
  "namespace_context/network":
    "before there were handles of name spaces (6.18), /proc is the way to one, and several checks of the process close that first",
  "namespace_context/ipc": "as for the network's",
  "is_remembered/object-written":
    "what is remembered of one object would be taken for another of the same context whose number falls into the same of eight places, while its program took in nothing in between: a record may be missing. The case `record/what-is-remembered-is-of-one-object` is to show it, and does not yet",
  "is_remembered/context-written":
    "stands behind another check, but the case that is to show it passes without both: the object's state differs, too",
  "is_remembered/subject": "as is_remembered/context-written",
};

/** Checks that no call can tell from none, on any kernel here. */
export const EQUIVALENT: Readonly<Record<string, string>> = {
  "resolve/no-layer":
    "an inode of anything but an overlay is its own layer; here for an overlay deeper than the kernel allows",
  "resolve/nameless":
    "every hook is given an inode with a name in memory: even one opened by handle gets a nameless entry, see resolve/unconnected",
  "resolve/nameless-entry": "as resolve/nameless",
  "pidfd_context/no-process": "a pidfd's inode always has its process number",
  "flow/unknown": "no subject is given the unknown context, so never are both sides unknown",
  "access_any/no-inode": "the kernel calls no such hook for a name without an inode",
  "hook/uring_override_creds": "needs a ring, which labelled subjects do not get (io-uring)",
  "hook/uring_cmd": "needs a ring, which labelled subjects do not get (io-uring)",
  "hook/sb_remount":
    "called by a few network file systems only; the call passes sb_mount and a capability first",
  "hook/quota_on": "quotactl is refused first, and needs a file system with quotas",
  "control_ipc/host":
    "the verifier takes the hook's object for never null, so this branch is not there: such a call is judged as both directions on an unlabelled object",
  "hook/tun_dev_create":
    "a tun device can neither be opened nor be asked for an interface: it is not among the devices of worlds.bpf.h",
  "hook/binder_transaction": "a binder device cannot be opened: it is not among the devices of worlds.bpf.h",
};

export type Outcome =
  /** A case failed. */
  | "caught"
  /** A case failed once the first wall was out as well. */
  | "second wall"
  /** As the tables above say. */
  | "equivalent"
  /** The kernel has no such hook. */
  | "absent"
  | "survived"
  /** The tables above say that it would not be caught, and it was; or a second wall did not stand. */
  | "stale";
export type Result = {
  readonly mutant: string;
  readonly outcome: Outcome;
  /** The case that failed, or that shows it. */
  readonly by: string;
  readonly fault: string;
  /** How many cases ran, of those in which it makes a difference. */
  readonly ran: number;
};

const SECTION = ".data.mutants";

/** The symbols of the section that holds the mutants. */
export function mutantsOf(object: string): { mutants: Mutant[]; size: number } {
  const elf = readFileSync(object);
  const table = Number(elf.readBigUInt64LE(0x28));
  const sections = Array.from({ length: elf.readUInt16LE(0x3c) }, (_, n) => {
    const at = table + n * elf.readUInt16LE(0x3a);
    return {
      name: elf.readUInt32LE(at),
      type: elf.readUInt32LE(at + 4),
      start: Number(elf.readBigUInt64LE(at + 0x18)),
      size: Number(elf.readBigUInt64LE(at + 0x20)),
      link: elf.readUInt32LE(at + 0x28),
    };
  });
  const text = (strings: number, at: number): string => {
    const start = sections[strings]!.start + at;
    return elf.toString("latin1", start, elf.indexOf(0, start));
  };
  const names = elf.readUInt16LE(0x3e);
  const home = sections.findIndex(({ name }) => text(names, name) === SECTION);
  const symbols = sections.find(({ type }) => type === 2);
  if (home < 0 || !symbols) throw new Error(`no ${SECTION} in ${object}`);
  const mutants: Mutant[] = [];
  for (let at = symbols.start; at < symbols.start + symbols.size; at += 24) {
    if (elf.readUInt16LE(at + 6) !== home || (elf[at + 4]! & 15) !== 1) continue;
    mutants.push({
      name: nameOf(text(symbols.link, elf.readUInt32LE(at))),
      at: Number(elf.readBigUInt64LE(at + 8)),
    });
  }
  if (new Set(mutants.map(({ name }) => name)).size !== mutants.length)
    throw new Error("two mutants with one name");
  return { mutants: mutants.sort((a, b) => a.at - b.at), size: sections[home]!.size };
}

/** `hook_file_open` is hook/file_open, `____file_open.check_disk` file_open/disk. */
function nameOf(symbol: string): string {
  const found = /^(?:hook_(\w+)|_*(\w+)\.check_(\w+))$/.exec(symbol);
  if (!found) throw new Error(`\`${symbol}\` is no name of a mutant`);
  return found[1] ? `hook/${found[1]}` : `${found[2]}/${found[3]!.replaceAll("_", "-")}`;
}
