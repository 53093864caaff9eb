/** In the machine: what system calls cost with nothing, with empty programs, and with the monitor. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Monitor, requireLsm } from "../src/kernel/index.ts";
import { ROOT } from "../src/setup/index.ts";
import type { CallsReport, ColumnId, Figures } from "./report.ts";
import {
  asSubject,
  attachFloor,
  detached,
  inFolder,
  kernel,
  launched,
  newFolder,
  openStore,
  plain,
  securityModules,
} from "./stage.ts";

export async function measureCalls(): Promise<CallsReport> {
  requireLsm();
  const columns: Partial<Record<ColumnId, Figures>> = {};
  await plain(newFolder("warm-up")); // what the kernel does once after it began
  columns.baseline = await inFolder("baseline", plain);
  columns.idle = await withDaemon(() => inFolder("idle", plain));

  const floor = attachFloor();
  columns.floor = await inFolder("floor", plain);
  await detached();

  const { store, context } = openStore();
  const { monitor } = Monitor.attach(store);
  const records: Partial<CallsReport["records"]> = {};
  const counted = async (column: keyof CallsReport["records"], run: (folder: string) => Promise<void>) => {
    const before = monitor.counters();
    columns[column] = await inFolder(column, run);
    const after = monitor.counters();
    records[column] = { recorded: after.recorded - before.recorded, lost: after.lost - before.lost };
  };
  for (const name of ["labelled", "run"]) monitor.setInode(newFolder(name), context);
  const id = monitor.contexts.idOf(context);
  await counted("unlabelled", (folder) => asSubject(folder, null));
  await counted("labelled", (folder) => asSubject(folder, id));
  await counted("run", (folder) => launched(folder, id));
  const csn = monitor.attachedCount();
  await detached();
  columns.after = await inFolder("after", plain);
  store.close();
  return {
    kernel,
    lsm: securityModules(),
    programs: { csn, floor },
    columns: columns as CallsReport["columns"],
    records: records as CallsReport["records"],
  };
}

/** While csn's daemon runs on a host without a label. */
async function withDaemon<T>(use: () => Promise<T>): Promise<T> {
  const socket = "/run/csn/bench.sock";
  const args = [`${ROOT}/build/daemon/main.mjs`, "--socket", socket, "--home", "/data/bench-home"];
  const daemon = spawn(process.execPath, args, { stdio: "ignore" });
  const ended = once(daemon, "exit");
  while (!(await answers(socket))) {
    if (daemon.exitCode !== null) throw new Error(`the daemon exited with ${daemon.exitCode}`);
    await sleep(100);
  }
  if (Monitor.isAttached()) throw new Error("expected nothing attached, found the monitor");
  try {
    return await use();
  } finally {
    daemon.kill("SIGTERM");
    await ended;
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on("error", () => resolve(false));
    socket.on("connect", () => resolve(socket.destroy() !== undefined));
  });
}
