/**
 * Writes docs/channels.md: each way for data to move, its state in this release, and the cases that show it.
 *
 * Guarantee: the cases are those of conformance/, counted from there; rebuilding without a change gives no
 * difference. Usage: sh tools/node.sh tools/gen-channels.ts [--check]
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { allCases } from "../conformance/cases.ts";
import { scenarios } from "../conformance/scenarios.ts";
import { root } from "./files.ts";

type State = "mediated" | "refused" | "closed" | "covert" | "known leak" | "trusted base" | "not used";
type Row = readonly [id: string, what: string, state: State, how: string];

const ROWS: readonly Row[] = [
  ["F1", "reading and writing files, in every form of the calls", "mediated", "each use of an open file is judged, not only its opening; opening for writing needs reading too, because its holder learns the size"],
  ["F2", "cutting, growing, punching holes", "mediated", "as a write"],
  ["F3", "making names: files, folders, FIFOs, links, nameless files", "mediated", "the folder must be readable and writable, and of the maker's own context"],
  ["F4", "linking, removing, renaming", "mediated", "all folders and the object; an object that would change its context by moving stays where it is"],
  ["F5", "looking up names, listing folders, reading links", "mediated", "a name that is not there is refused like one that is"],
  ["F6", "asking for attributes", "mediated", "descriptors that only name a file (`O_PATH`) included; `access(F_OK)` tells a name that the folder shows anyway"],
  ["F7", "changing mode, owner, times, access lists, flags", "mediated", "as a write; access lists and flags as both directions, since the answer tells"],
  ["F8", "extended attributes", "mediated", "setting and removing is both directions; csn's own attribute is the platform's alone"],
  ["F9", "times of access, quotas, space left", "covert", "volumes are mounted without times of access; quota calls are refused; the space left on a disk tells everybody"],
  ["F10", "locks and leases", "mediated", "both directions; a lease that readers would break is refused to everybody but the platform, and so is the list of all locks"],
  ["F11", "an open file's position, size and flags", "mediated", "contexts never share an open file, and opening for writing is both directions; see the known leak for files opened before their label"],
  ["F12", "mapping files", "mediated", "when it is mapped and when its protection changes; a mapping that is there is looked for before a label is given"],
  ["F13", "copying inside the kernel", "mediated", "reading and writing are judged on both sides; a FIFO, whose side has no hook, gets no label while others have it open"],
  ["F14", "executing", "mediated", "image, interpreter and libraries are read; that a running program cannot be opened for writing is a known leak of one bit"],
  ["F15", "what a program hands on by exec", "mediated", "the context stays, and descriptors are judged at their use; the launcher closes all but three streams"],
  ["F16", "core dumps", "closed", "limit 1, which the kernel takes as no dump to a pipe or a file; no start while a handler is set"],
  ["F17", "file handles, `/proc/self/fd`", "mediated", "a handle leads to the same inode, which has the label; what cannot be found out is refused"],
  ["F18", "overlays, bind mounts", "mediated", "labels belong to inodes of the layer that holds the data"],
  ["F19", "file systems served by programs, loop devices", "refused", "kinds of file system that are not on the list of bpf/worlds.bpf.h are refused to labelled subjects; a served file is opened by its server, who is judged"],
  ["P1", "pipes", "mediated", "a pipe has its maker's context"],
  ["P2", "FIFOs", "mediated", "opening is both directions"],
  ["P3", "`splice` between pipes, `tee`, `vmsplice`", "closed", "no hook exists: the launcher's filter answers EINVAL"],
  ["U1", "Unix sockets: connecting", "mediated", "two sockets are joined only where data may flow both ways between their networks' contexts; a labelled subject makes sockets only in the network of its own context"],
  ["U2", "Unix datagrams", "mediated", "each datagram, as U1"],
  ["U3", "socket pairs", "mediated", "both ends have their maker's context"],
  ["U4", "sending and receiving", "mediated", "each use of a socket is judged as both directions"],
  ["U5", "passing descriptors", "mediated", "judged when they arrive. Anonymous ones (event, timer, poll) arrive too: only a socket of the same context brings them"],
  ["U6", "asking a socket for its peer", "mediated", "as U4; the peer has the same context"],
  ["N1", "TCP", "mediated", "each context has a network namespace of its own, shared by all that runs under exactly it: loopback inside it, nothing between two. Nobody but the platform names one by a process in it (to put a device there), or opens one by a handle"],
  ["N2", "UDP and its like", "mediated", "as N1, groups included"],
  ["N3", "raw, packet, netlink, crypto, vsock and other sockets", "refused", "a list of what is allowed (bpf/socket.bpf.c): Unix, TCP, UDP, MPTCP, netlink for routes and socket lists of the own network"],
  ["N4", "names and ports", "mediated", "abstract names and ports belong to a network, thus to one context; paths are files"],
  ["N5", "other hosts", "mediated", "an address outside is unlabelled unless policy gives it a context; refused at connect or send, with the address in the record"],
  ["N6", "packets to and from other hosts", "mediated", "each packet on a way out is judged by its real addresses and ports, both ways and each time; what is no plain TCP or UDP, goes to the host itself or to another context goes nowhere ([network.md](network.md))"],
  ["I1", "System V shared memory", "mediated", "an object has its maker's context; an IPC namespace for each compartment, none made in the host's"],
  ["I2", "System V messages", "mediated", "as I1; receiving is both directions, and a receiver that waits is asked for too"],
  ["I3", "System V semaphores", "mediated", "as I1, both directions"],
  ["I4", "POSIX queues", "mediated", "files of the compartment's own IPC namespace; opening one is both directions, since sending and receiving have no hook"],
  ["I5", "memory files, shared anonymous memory", "mediated", "its maker's context, from the moment it is made"],
  ["I6", "event, timer and poll descriptors", "closed", "all share one inode and cannot be told apart; none crosses contexts: sockets join equal contexts only, tracing needs equal ones, the launcher hands over three streams"],
  ["I7", "futexes", "known leak", "a wake-up on a page that both may read reaches the other: one bit a call, and no hook"],
  ["I8", "keys", "mediated", "a key has its maker's context; each compartment has a session keyring; keyrings of users and requests to helpers are refused"],
  ["T1", "fork and threads", "mediated", "one context for an address space; a child that cannot be labelled is not made"],
  ["T2", "signals", "mediated", "whether a process is still there can be asked from below"],
  ["T3", "exit status, resource use", "closed", "the launcher is the parent; a pidfd of another context is refused"],
  ["T4", "tracing, memory and maps of others", "mediated", "looking needs a flow, control needs equal contexts"],
  ["T5", "/proc of others", "mediated", "each file has the context of its process; a compartment has a process list of its own"],
  ["T6", "priority, affinity, limits", "mediated", "nice values and limits, which anybody may read without a hook, cannot be set by labelled subjects; how long a process ran is covert"],
  ["T7", "names, users, capabilities", "mediated", "read through T4 and T5; capabilities that act on the host are refused. That a user has a process at all is told by getpriority (known leak, [software.md](software.md))"],
  ["K1", "io_uring", "refused", ""],
  ["K2", "userfaultfd", "refused", ""],
  ["K3", "BPF, perf, tracing, kernel log", "refused", "to labelled subjects; crashes are not logged, but a program can make the kernel print its name (known leak, [software.md](software.md)). Root's own tracing is in the trusted base"],
  ["K4", "mounts, chroot", "refused", ""],
  ["K5", "namespaces", "refused", "to labelled subjects; a network or IPC namespace, opened by anybody in whichever way, has its context"],
  ["K6", "watching files", "mediated", "a watch reads; a labelled subject that reads a watched file of another context tells the watcher, and needs both directions; marks on whole file systems with labels are refused. Closing has no hook (known leak)"],
  ["K7", "terminals", "closed", "a compartment has terminals of its own"],
  ["K8", "devices, modules, kexec, swap", "refused", "to labelled subjects; disks with labelled file systems to everybody. /dev/mem and /proc/kcore of unlabelled root are in the trusted base"],
  ["K9", "settings, clock, host name, cgroups", "refused", "kernel file systems are read-only to labelled subjects"],
  ["K10", "binder", "refused", "where the kernel has it"],
  ["C1", "numbers, load, timing, caches, counters per user", "covert", "own process lists, networks and mounts narrow it; not closed"],
]; // prettier-ignore

const HOLES: readonly (readonly [flow: string, closing: string, cases: string])[] = [
  ["`splice` between pipes, `tee`, `vmsplice`", "seccomp in the launcher", "compartment/doors-are-closed-twice"],
  ["sending to and receiving from POSIX queues", "a queue is opened for both directions, and contexts of running subjects do not change", "mqueue/of-the-compartment, mqueue/between-contexts"],
  ["second message of `sendmmsg` and `recvmmsg`", "a socket's network settles who can be reached, and another address is asked for again", "network/addresses-outside, network/udp-within-a-context"],
  ["zero-copy receiving, rings that pass descriptors", "a socket's options and mappings are judged as its use; rings are refused", "network/sockets-from-before-the-label, io-uring"],
  ["`splice` and `sendfile` from a socket", "a socket is judged as both directions at each use", "network/sockets-from-before-the-label"],
  ["exit status, resource use", "the launcher is the parent; pidfds have their process's context", "pidfd/of-another-context"],
  ["data of a core dump", "core limit 1", "compartment/no-core-dump-by-pipe"],
  ["`setns`, `unshare`", "capabilities and seccomp", "setns, unshare-mnt, unshare-uts, unshare-user"],
  ["`munmap`, `shmdt`", "contexts of running subjects do not change in this release", "-"],
  ["a tracer's second access", "attaching needs equal contexts, which do not change", "attach, seize"],
  ["command lines of others", "files of /proc have their process's context", "proc:cmdline"],
  ["`lseek` (a file's size)", "opening for writing is both directions", "open-w, seek-end"],
  ["`getpriority`, reading limits with `prlimit`", "labelled subjects cannot set what would be read", "nice, setrlimit"],
  ["`F_GETLK` on a descriptor for writing only", "judged as reading", "get-lock"],
  ["inotify and fanotify of unlabelled watchers", "reading a watched file is both directions", "watch/reading-down-would-tell-the-watcher, watch/layers-tell-too"],
  ["closing a watched file", "open: see the known leaks", "known-leak/closing-a-file-that-is-watched-later"],
  ["a device moved into another network, a number for that network", "messages that name a labelled process are refused", "network/nobody-names-it-by-a-process"],
  ["a file read through a loop device, or swapped to", "such a file gets no label (E_IN_USE)", ""],
  ["leases broken by readers", "no leases on writing", "lease/readers-do-not-break-one"],
  ["/proc/locks", "refused to all but the platform", "locks/list-of-all-locks"],
  ["the disk below the file system", "refused to all but the platform", "disk/raw"],
  ["module names made from a program's first bytes", "`kernel_module_request` is refused to labelled subjects", "modules/none-named-by-a-program"],
  ["crash messages in the kernel's log", "the launcher turns them off (`debug.exception-trace`)", "compartment/no-core-dump-by-pipe"],
]; // prettier-ignore

const KNOWN: readonly (readonly [id: string, what: string])[] = [
  ["known-leak/futex-on-a-page-that-both-may-read", "A subject can wake another one that waits on the same page of a file which both may read, such as a program's text. It needs a partner on the other side. Refusing wake-ups would break threads."],
  ["known-leak/size-of-a-file-opened-before-its-label", "Whoever had a file open before it was labelled can no longer read it, but still learns its size. Label files before programs have them open, or end those programs."],
  ["known-leak/a-program-that-runs-cannot-be-written", "While a program of a volume runs, opening its file for writing fails, which tells that it runs."],
  ["known-leak/closing-a-file-that-is-watched-later", "A subject that holds a file open which others may watch can tell a watcher that came later, by closing it: one bit for each file that it has open. Opening and reading it again is refused while it is watched."],
]; // prettier-ignore

/** The channels of a row with the number of their cases, then its scenarios. */
function casesOf(row: string): string {
  const counts = new Map<string, number>();
  for (const { row: of, channel } of cases)
    if (of === row) counts.set(channel, (counts.get(channel) ?? 0) + 1);
  const named = scenarios.filter((scenario) => scenario.row === row).map(({ id }) => id);
  return [...Array.from(counts, ([channel, count]) => `${channel} (${count})`), ...named].join(", ") || "-";
}

const cases = allCases();

const text = `# Channels

Generated by tools/gen-channels.ts from the cases in conformance/; do not edit.

Every way that we know for data to move between two parties of one Linux host, and what this release does about it.
The ids are those of the design's checklist. A number in parentheses counts generated cases; the other names are
scenarios. All of them run on the stock kernels 6.12 and 7.3: \`npm run test:kernels\`. In all: ${cases.length} generated
cases, ${scenarios.length} scenarios on each kernel.

- **mediated**: the kernel monitor decides by the rules of [model.md](model.md)
- **refused**: the monitor refuses it to labelled subjects, whatever is behind it
- **closed**: made impossible by the launcher, or by how objects are labelled
- **covert**: outside the model; narrowed where it is cheap
- **known leak**: open, shown by a case that fails once it is closed

| id | channel | state | how | cases |
| --- | --- | --- | --- | --- |
${ROWS.map(([id, what, state, how]) => `| ${id} | ${what} | ${state} | ${how || "to labelled subjects"} | ${casesOf(id)} |`).join("\n")}

## What hooks do not see

| flow | how it is closed | cases |
| --- | --- | --- |
${HOLES.map((row) => `| ${row.join(" | ")} |`).join("\n")}

## The ancestor's defects

${scenarios
  .filter(({ id }) => id.startsWith("defect-"))
  .map(
    ({ id }) => `- ${id.replace("/", ": ").replaceAll("-", " ").replace("defect ", "defect ")} (\`${id}\`)`,
  )
  .join("\n")}

## Known leaks

${KNOWN.map(([id, what]) => `- \`${id}\`: ${what}`).join("\n")}

Outside the model: unlabelled root who uses the kernel's own instruments (BPF, tracing, /dev/mem, /proc/kcore, process
accounting, the process connector) belongs to the trusted base, as whoever can load a kernel module does.
`;

for (const { id } of scenarios.filter((each) => each.id.startsWith("known-leak/")))
  if (!KNOWN.some(([known]) => known === id)) throw new Error(`${id} is not described`);

const path = join(root, "docs/channels.md");
if (!process.argv.includes("--check")) writeFileSync(path, text);
else if (readFileSync(path, "utf8") !== text) {
  console.log("docs/channels.md differs: run `sh tools/node.sh tools/gen-channels.ts`");
  process.exitCode = 1;
}
