/**
 * What is enforced, refused outright, or off: said per kind of channel, and never more than is true.
 */
import { scopeText, type Status, type World } from "../api/index.ts";
import type { Counters } from "../kernel/index.ts";
import { type Csn, kernelRelease } from "./csn.ts";
import type { Caller } from "./identity.ts";
import { knows } from "./privileges.ts";
import { VERSION } from "./version.ts";

const ENFORCED: readonly (readonly [string, string])[] = [
  ["files", "data, mappings, locks and control of files are judged at each use"],
  ["names", "creation, lookup, links, renames, attributes and xattrs are judged"],
  ["programs", "executing is reading; fork and exec keep the context"],
  ["pipes", "pipes and FIFOs carry their creator's context"],
  ["processes", "signals, tracing, /proc and scheduling are judged between contexts"],
  [
    "sockets",
    "each context has a network of its own; sockets of two are joined only where data may flow both ways",
  ],
  [
    "addresses",
    "an address outside is unlabelled unless policy gives it a context; each packet on the way there and back is judged",
  ],
  ["ipc", "System V objects and POSIX queues carry their creator's context"],
  ["keys", "keys and keyrings carry their creator's context"],
  ["terminal", "output is shown to who is cleared, and withheld from others"],
];
const REFUSED: readonly (readonly [string, string])[] = [
  [
    "other sockets",
    "raw, packet, netlink (but routes and socket lists of the own network), vsock, AF_ALG and all other families",
  ],
  ["kernel", "mounts, namespaces, bpf, perf, io_uring, userfaultfd, modules, clocks"],
  ["other file systems", "FUSE, network file systems and whatever is not on the list"],
];

export function worlds(attached: boolean, hasBus: boolean): World[] {
  const off = "nothing on this host has a label, so nothing is attached";
  const bus = [
    "bus",
    "each receiver of a message is judged when it gets it, and sees the attributes that flow to it",
  ] as const;
  return [
    ...[...ENFORCED, ...(hasBus ? [bus] : [])].map(([id, why]) => ({
      id,
      state: attached ? ("enforced" as const) : ("off" as const),
      why: attached ? why : off,
    })),
    ...REFUSED.map(([id, why]) => ({
      id,
      state: attached ? ("refused" as const) : ("off" as const),
      why: attached ? why : off,
    })),
  ];
}

const NOTHING: Counters = {
  allowed: 0,
  refused: 0,
  observed: 0,
  recorded: 0,
  lost: 0,
  internal: 0,
  lostRefused: 0,
  lostNames: 0,
  merged: 0,
  wide: 0,
  lostWide: 0,
};

/**
 * Counts are root's alone: a labelled program could make them go up, for whoever looks, and a number of all tags tells
 * of tags that are none of the caller's business.
 */
export function status(csn: Csn, caller: Caller): Status {
  const { monitor } = csn;
  const counters = monitor?.counters() ?? NOTHING;
  return {
    version: VERSION,
    kernel: kernelRelease(),
    machine: csn.machine,
    attached: monitor !== null,
    programs: monitor?.attachedCount() ?? 0,
    absentHooks: csn.absentHooks,
    since: csn.since?.toISOString() ?? null,
    pid: process.pid,
    tags: tagsOf(csn, caller),
    counts:
      caller.uid === 0
        ? {
            labels: csn.store.labelCount(),
            unmounted: csn.waitingLabels,
            subjects: csn.labelledPids().length,
            observed: csn.observedPids().length,
            allHold: monitor?.allHold() ?? false,
            flows: { ...counters, lost: counters.lost + (csn.records.trouble?.unwritten ?? 0) },
          }
        : null,
    onFull: csn.store.refuseOnFull ? "refuse" : "count",
    scope: caller.uid === 0 ? csn.store.scope.map(scopeText) : [],
    worlds: worlds(monitor !== null, csn.bus.isUp),
  };
}

function tagsOf({ authority }: Csn, caller: Caller): number {
  const { tags } = authority.world.state;
  if (caller.uid === 0) return tags.size;
  let count = 0;
  for (const name of tags.keys()) if (knows(authority, caller, name)) count++;
  return count;
}
