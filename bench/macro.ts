/**
 * In the machine: what real programs cost. The figure is the processor time of all processes of the workload
 * (their cgroup's), which in a machine whose clock counts instructions is instructions, to the thousand.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { LIMITS, Monitor, native, type Ring } from "../src/kernel/index.ts";
import { type MacroColumnId, type MacroFigures, type MacroReport, type WorkloadId } from "./report.ts";
import { attachFloor, DATA, detached, kernel, makeSubject, newFolder, openStore, start, stopped, untilStopped } from "./stage.ts"; // prettier-ignore
import { type Workload, workloads } from "./workloads.ts";

const ROUNDS = 2;
const NANOSECONDS = 1000; // in a microsecond

/** Makes the program what the column says; null where nothing is attached. */
type Labelling = ((pid: number, folder: string) => void) | null;

export async function measureMacro(only: string, archive: string): Promise<MacroReport> {
  const chosen = only.split(",") as WorkloadId[];
  const all = workloads(archive);
  const column = async (id: MacroColumnId, labelling: Labelling, drain: () => void) => {
    const figures: MacroFigures = {};
    mkdirSync(`${DATA}/${id}`, { recursive: true });
    for (const name of chosen) {
      console.log(`${id}: ${name}`);
      const folder = `${DATA}/${id}/${name}`;
      execFileSync("cp", ["-a", `${DATA}/prepared/${name}`, folder]);
      figures[name] = await least(all[name], folder, labelling, drain);
    }
    return figures;
  };
  for (const name of chosen) await prepare(name, all[name]);
  const baseline = await column("baseline", null, () => undefined);
  attachFloor();
  const floor = await column("floor", null, () => undefined);
  await detached();

  const { store, context } = openStore();
  const { monitor } = Monitor.attach(store);
  const drain = drainer(monitor.openRing());
  mkdirSync(`${DATA}/labelled`);
  monitor.setInode(`${DATA}/labelled`, context);
  const unlabelled = await column("unlabelled", (pid, folder) => makeSubject(pid, null, folder), drain);
  const before = monitor.counters();
  const id = monitor.contexts.idOf(context);
  const labelled = await column("labelled", (pid, folder) => makeSubject(pid, id, folder), drain);
  const after = monitor.counters();
  await detached();
  store.close();
  return {
    kernel,
    rounds: ROUNDS,
    columns: { baseline, floor, unlabelled, labelled },
    records: {
      recorded: after.recorded - before.recorded,
      refused: after.refused - before.refused,
      lost: after.lost - before.lost,
    },
  };
}

async function prepare(name: WorkloadId, work: Workload): Promise<void> {
  console.log(`prepare: ${name}`);
  const folder = newFolder(`prepared/${name}`);
  await stopped(folder, () => undefined, "./bench-calls", ["--room", "sh", "-ec", work.prepare]);
}

/** The least of the rounds: instructions for each thing that was done. */
async function least(
  work: Workload,
  folder: string,
  labelling: Labelling,
  drain: () => void,
): Promise<number> {
  const script = `export HOME="$PWD" TMPDIR="$PWD" LC_ALL=C
    ${work.begin}
    for round in ${"x ".repeat(ROUNDS)}; do kill -STOP $$
      ${work.round}
    done; kill -STOP $$
    ${work.end}`;
  const group = `/sys/fs/cgroup/bench-${folder.slice(DATA.length + 1).replace("/", "-")}`;
  mkdirSync(group);
  const program = start(folder, "./bench-calls", ["--room", "sh", "-ec", script]);
  const goOn = async () => {
    process.kill(program.pid, "SIGCONT");
    await untilStopped(program.pid, program.ended, drain);
  };
  await untilStopped(program.pid, program.ended);
  writeFileSync(`${group}/cgroup.procs`, String(program.pid));
  labelling?.(program.pid, folder);
  await goOn();
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = usage(group);
    await goOn();
    best = Math.min(best, (usage(group) - before) / done(folder));
  }
  process.kill(program.pid, "SIGCONT");
  await program.ended;
  return best;
}

function usage(group: string): number {
  const microseconds = Number(/^usage_usec (\d+)/m.exec(readFileSync(`${group}/cpu.stat`, "utf8"))?.[1]);
  return microseconds * NANOSECONDS; // each an instruction
}

/** What the round counted, or one. */
function done(folder: string): number {
  return existsSync(`${folder}/count`) ? Number(readFileSync(`${folder}/count`, "utf8")) : 1;
}

/** As the daemon empties it, so that there is room for each record. */
function drainer(ring: Ring): () => void {
  const buffer = Buffer.alloc(LIMITS.RING_BYTES);
  return () => void native().ringDrain(ring, buffer);
}
