/**
 * The monitor guards itself: what root under a label tries against its programs, maps, links, daemon, state
 * and records. Each attempt is made twice: in place (all capabilities, the host's mounts, no filter of
 * calls), where only the monitor can refuse, and in a compartment.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Monitor, PINS } from "../../src/kernel/index.ts";
import { SEALED } from "../../src/label/index.ts";
import type { World } from "../inside.ts";
import type { Party } from "../party.ts";
import { compartment, expectAll, type Scenario, type Step } from "./tools.ts";

const REFUSED = "EACCES|EPERM|ENOENT|EROFS|ENOSYS|ESRCH";
const LINK = `${PINS}/link_file_open`;

/** The kernel's switches that would lead past the monitor, by what may be written there. */
const SWITCHES = [
  "/proc/sys/kernel/core_pattern",
  "/proc/sys/kernel/modprobe",
  "/proc/sys/kernel/hotplug",
  "/proc/sys/kernel/unprivileged_bpf_disabled",
  "/proc/sys/kernel/bpf_stats_enabled",
  "/proc/sys/kernel/yama/ptrace_scope",
  "/proc/sys/kernel/kptr_restrict",
  "/proc/sys/fs/suid_dumpable",
  "/proc/sys/vm/mmap_min_addr",
  "/proc/sysrq-trigger",
  "/sys/kernel/uevent_helper",
  "/sys/kernel/mm/ksm/run",
  "/sys/power/state",
];

function attempts(who: Party): Step[] {
  const daemon = process.pid;
  const refused = (command: string): Step => [REFUSED, who, command];
  return [
    ...["link_file_open", "subjects", "objects", "entries", "contexts", "networks", "control", "records"].map((pin) => refused(`pin get ${PINS}/${pin}`)),
    refused(`pin put ${PINS}/evil`),
    ...["map", "program", "link"].map((kind) => refused(`pin id ${kind}`)),
    ...["map", "program", "link"].map((kind) => refused(`pin next ${kind}`)),
    refused("pin load"), refused("pin map"), refused("pin btf"),
    refused(`unlink ${LINK}`), refused(`rename ${LINK} ${PINS}/gone 0`), refused(`link ${LINK} ${PINS}/twice`), refused(`mkdir ${PINS}/evil`),
    refused(`chmod ${PINS}`), refused(`chown ${PINS}`), refused(`rmdir ${PINS}`), refused("umount /sys/fs/bpf"), refused("cover /sys/fs/bpf"), refused(`cover ${PINS}`),
    ...["kill", "sigqueue", "tgkill", "attach", "seize", "vmread", "vmwrite", "getfd", "proc:mem", "procw:mem", "proc:environ", "proc:maps", "proc:fd", "procw:oom_score_adj", "scheduler", "affinity", "ioprio", "movepages", "setlimit"].map((what) => refused(`other ${what} ${daemon}`)),
    ...SWITCHES.flatMap((path) => [refused(`with w ${path} write`), refused(`with rw ${path} write`)]),
    refused("door module"), refused("door kexec"), refused("door iopl"), refused("door bpf"), refused("door syslog"),
    ...["/dev/mem", "/dev/kmem", "/dev/port", "/proc/kcore", "/dev/kmsg", "/dev/vda", "/dev/cpu/0/msr"].map((path) => refused(`with r ${path} read`)),
    ...["/sys/kernel/tracing/tracing_on", "/sys/kernel/debug/tracing/tracing_on", "/sys/kernel/security/lsm"].map((path) => refused(`with w ${path} write`)),
  ]; // prettier-ignore
}

/** What must be as before afterwards. */
function state(): string {
  const pins = readdirSync(PINS).toSorted().join();
  const switches = SWITCHES.filter((path) => existsSync(path)).map((path) => {
    try {
      return `${path}=${readFileSync(path, "utf8")}`;
    } catch {
      return path;
    }
  });
  return [pins, ...switches].join("\n");
}

const tried = (id: string, who: (world: World) => Party): Scenario => ({
  id,
  row: "K3",
  run: (world) => {
    const before = state();
    const fault = expectAll(world, ...attempts(who(world)));
    if (fault) return fault;
    if (!Monitor.isAttached() || state() !== before) return "something of the monitor or a switch changed";
    return world.monitor.attachedCount() > 100 ? null : "programs are missing";
  },
});

/** Of which one of each row is enough, or which a kernel may not have yet. What else were missing would be so by a mistake. */
const MAY_BE_ABSENT: readonly (readonly string[])[] = [
  ["pipe_was_read", "anonymous_pipe_was_read"], // one function, by its name before and since 6.14
  ["pipe_was_read", "fifo_was_read"],
  ["inode_file_getattr"],
  ["inode_file_setattr"],
  ["uring_allowed"],
];

export const protectionScenarios: readonly Scenario[] = [
  {
    id: "monitor/all-hooks-are-there",
    row: "K3",
    run: ({ absent }) => {
      const unknown = absent.filter((name) => !MAY_BE_ABSENT.flat().includes(name));
      const without = MAY_BE_ABSENT.filter(
        (row) => row.length > 1 && row.every((name) => absent.includes(name)),
      );
      return unknown.length + without.length === 0 ? null : `absent: ${[...unknown, ...without].join()}`;
    },
  },
  tried("monitor/root-under-a-label", (world) => world.party("A")),
  tried("monitor/root-under-an-integrity-label", (world) => world.party("V")),
  tried("monitor/root-in-a-compartment", (world) => compartment(world, "A")),
  {
    id: "monitor/state-and-records-are-sealed",
    row: "K3",
    run: (world) => {
      const home = "/data/sealed";
      mkdirSync(home, { recursive: true });
      writeFileSync(`${home}/csn.db`, "labels");
      world.monitor.setInode(home, SEALED);
      const steps: Step[] = [];
      // a trusted subject may not read it, a secret one may not write it, an unlabelled one neither
      for (const who of ["U", "A", "V", "AV"] as const)
        for (const command of [`with r ${home}/csn.db read`, `with w ${home}/csn.db write`, `with w+append ${home}/csn.db write`, `truncate ${home}/csn.db`, `unlink ${home}/csn.db`, `rename ${home}/csn.db ${home}/x 0`, `open rw+creat ${home}/new`, `with r+dir ${home} readdir`, `stat ${home}/csn.db`, `setlabel ${home}/csn.db`, `rmlabel ${home}/csn.db`])
          steps.push(["EACCES", who, command]); // prettier-ignore
      const fault = expectAll(world, ...steps);
      return fault ?? (readFileSync(`${home}/csn.db`, "utf8") === "labels" ? null : "it changed");
    },
  },
];
