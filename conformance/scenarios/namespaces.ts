/**
 * Networks and queues of contexts, named or opened from outside: by the number of a process in them, or by a
 * handle. Who has one sees names, ports and keys, or puts a device there. [bpf/letter.bpf.c]
 */
import { readFileSync, readlinkSync } from "node:fs";
import type { World } from "../inside.ts";
import { compartment, expectAll, type Scenario } from "./tools.ts";

const TYPES = { net: 0x40000000, ipc: 0x08000000 } as const;

function enter(pid: number, name: keyof typeof TYPES): string {
  const inode = /\d+/.exec(readlinkSync(`/proc/${pid}/ns/${name}`))![0];
  return `sk enter ${TYPES[name]} ${inode}`;
}

/** The program in a compartment, below its launcher. */
export function programOf(launcher: number): number {
  for (let pid = launcher; ;) {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    if (child === undefined || child === "" || child === "0") return pid;
    pid = Number(child);
  }
}

/** With an unlabelled process that has namespaces of its own. */
function withStranger(world: World, run: (pid: number) => string | null): string | null {
  const { error, detail } = world.party("U").ask("sk own");
  if (error !== "ok") return `no stranger: ${error}`;
  try {
    return run(Number(detail));
  } finally {
    process.kill(Number(detail), "SIGKILL");
  }
}

export const namespaceScenarios: readonly Scenario[] = [
  {
    id: "network/nobody-names-it-by-a-process",
    row: "N1",
    run: (world) =>
      withStranger(world, (pid) => {
        const a = world.party("A").pid;
        return expectAll(world,
          ["ok", "U", `sk give ${pid}`], ["ok", "U", `sk number ${pid}`],
          ["EACCES", "U", `sk give ${a}`], ["EACCES", "U", `sk nest ${a}`], ["EACCES", "U", `sk number ${a}`]); // prettier-ignore
      }),
  },
  ...(["net", "ipc"] as const).map((name) => ({
    id: `namespace/not-opened-by-a-process/${name}`,
    row: "K5",
    run: (world: World) =>
      withStranger(world, (stranger) => {
        const pid = programOf(compartment(world, "A").process.pid!);
        return expectAll(world,
          ["ok", "U", `open r /proc/${stranger}/ns/${name}`], ["EACCES", "U", `open r /proc/${pid}/ns/${name}`]); // prettier-ignore
      }),
  })),
  {
    id: "namespace/not-opened-by-its-handle",
    row: "K5",
    run: (world) =>
      withStranger(world, (stranger) => {
        const pid = programOf(compartment(world, "A").process.pid!);
        // before 6.18 there are no such handles
        if (world.party("U").ask(enter(stranger, "net")).error === "EBADF") return null;
        return expectAll(world,
          ["ok", "U", enter(stranger, "net")], ["ok", "U", enter(stranger, "ipc")],
          ["EACCES", "U", enter(pid, "net")], ["EACCES", "U", enter(pid, "ipc")]); // prettier-ignore
      }),
  },
];
