/**
 * The part of the bench that runs in the machine, as root: attaches, labels, starts bench-calls, and prints
 * one line with the report. Usage: inside.ts calls | tree
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { setLabel } from "../src/daemon/labels.ts";
import { Store } from "../src/daemon/store.ts";
import { Monitor, native, PINS, requireLsm, SHAPE } from "../src/kernel/index.ts";
import { type Context, contextOf, integrityOf, secrecyOf, tagIdFromBytes } from "../src/label/index.ts";
import { ROOT } from "../src/setup/index.ts";
import { callIds, type CallsReport, type ColumnId, type Figures, MARK, type TreeReport } from "./report.ts";

const DATA = "/data/bench";
/** What a process's pages and the scheduler's state happen to be changes the longer calls by some percent. */
const PASSES = 2;
const TREE_FILES = 100_000;
const FILES_PER_FOLDER = 1000;
/** Unlike any subject id that the kernel or the launcher gives out. */
const SUBJECT_ID = 1n << 61n;

const kernel = readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();

const what = process.argv[2];
console.log(MARK + JSON.stringify(what === "tree" ? await measureTree() : await measureCalls()));
process.exit(0);

async function measureCalls(): Promise<CallsReport> {
  requireLsm();
  const columns: Partial<Record<ColumnId, Figures>> = {};
  await plain(newFolder("warm-up")); // what the kernel does once after it began
  columns.baseline = await inFolder("baseline", plain);
  columns.idle = await withDaemon(() => inFolder("idle", plain));

  mkdirSync(PINS, { recursive: true });
  const floor = native()
    .load(`${ROOT}/build/floor.bpf.o`, PINS)
    .filter((p) => p.attached).length;
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
    lsm: readFileSync("/sys/kernel/security/lsm", "utf8").trim(),
    programs: { csn, floor },
    columns: columns as CallsReport["columns"],
    records: records as CallsReport["records"],
  };
}

/** The kernel takes programs off one by one, after `detach` has returned; meanwhile they judge as before. */
async function detached(): Promise<void> {
  Monitor.detach();
  while (/ bpf_prog_[0-9a-f]{16}_/.test(readFileSync("/proc/kallsyms", "utf8"))) await sleep(100);
}

function openStore(): { store: Store; context: Context } {
  const store = new Store("/data/bench-store");
  const tag = tagIdFromBytes(randomBytes(16));
  return { store, context: contextOf(secrecyOf([tag]), integrityOf([])) };
}

function newFolder(name: string): string {
  const folder = `${DATA}/${name}`;
  mkdirSync(folder, { recursive: true });
  if (!existsSync(`${folder}/bench-calls`))
    copyFileSync(`${ROOT}/build/bench-calls`, `${folder}/bench-calls`);
  return folder;
}

async function inFolder(name: string, run: (folder: string) => Promise<void>): Promise<Figures> {
  const folder = newFolder(name);
  console.log(name);
  const passes: Figures[] = [];
  for (let pass = 0; pass < PASSES; pass++) {
    await run(folder);
    passes.push(JSON.parse(readFileSync(`${folder}/result.json`, "utf8")) as Figures);
  }
  const [best, ...others] = passes as [Figures, ...Figures[]];
  for (const call of callIds)
    for (const other of others)
      best.calls[call].least = Math.min(best.calls[call].least, other.calls[call].least);
  return best;
}

/** Streams are files of the folder itself, which whoever runs there may write. */
function start(folder: string, program: string, args: readonly string[]) {
  const output = openSync(`${folder}/result.json`, "w");
  const child = spawn(program, args, { cwd: folder, stdio: ["ignore", output, output, "pipe"] });
  closeSync(output);
  let told = ""; // by csn-launch
  child.stdio[3]?.on("data", (chunk: Buffer) => void (told += chunk.toString()));
  const ended = once(child, "close").then(([code]) => {
    if (code === 0 && !/error|exec|exit [1-9]/.test(told)) return;
    throw new Error(
      `${program} exited with ${code}: ${told}${readFileSync(`${folder}/result.json`, "utf8")}`,
    );
  });
  return { pid: child.pid ?? 0, ended };
}

async function plain(folder: string): Promise<void> {
  await start(folder, "./bench-calls", []).ended;
}

/**
 * What the platform starts is the platform's; so the program begins by stopping itself, until it is
 * labelled, or has nothing.
 */
async function asSubject(
  folder: string,
  context: number | null,
  program = "./bench-calls",
  args = ["--wait"],
): Promise<void> {
  const { pid, ended } = start(folder, program, args);
  while (!/^\d+ \(.*\) T/.test(readFileSync(`/proc/${pid}/stat`, "utf8"))) await sleep(10);
  const subjects = native().mapOpen(`${PINS}/subjects`);
  const pidfd = native().pidfd(pid, 0);
  const key = Buffer.alloc(4);
  key.writeInt32LE(pidfd);
  if (context === null) {
    native().mapDelete(subjects, key);
  } else {
    const value = Buffer.alloc(SHAPE.csn_subject.size);
    value.writeUInt32LE(context, SHAPE.csn_subject.in);
    value.writeUInt32LE(context, SHAPE.csn_subject.out);
    value.writeBigUInt64LE(SUBJECT_ID, SHAPE.csn_subject.id);
    native().mapSet(subjects, key, value, 0);
  }
  if (context !== null && context !== 0) labelNetwork(folder, context);
  native().closeFd(pidfd);
  native().closeFd(subjects);
  process.kill(pid, "SIGCONT");
  await ended;
}

/** The program's own network, whose cookie it left: a labelled program makes sockets in a labelled one only. */
function labelNetwork(folder: string, context: number): void {
  if (!existsSync(`${folder}/network`)) return;
  const networks = native().mapOpen(`${PINS}/networks`);
  const key = Buffer.alloc(8);
  key.writeBigUInt64LE(BigInt(readFileSync(`${folder}/network`, "utf8")));
  const value = Buffer.alloc(SHAPE.csn_network.size);
  value.writeUInt32LE(context, SHAPE.csn_network.context);
  native().mapSet(networks, key, value, 0);
  native().closeFd(networks);
}

async function launched(folder: string, context: number): Promise<void> {
  for (const name of ["tree", "net"]) mkdirSync(`/run/csn/${name}`, { recursive: true });
  const options = [
    "--pins",
    PINS,
    "--scratch",
    "/run/csn/tree",
    "--in",
    String(context),
    "--out",
    String(context),
  ];
  const command = ["--volume", `${folder}:${folder}`, "--cwd", folder, "--", "./bench-calls"];
  await start(folder, `${ROOT}/build/csn-launch`, [...options, ...command]).ended;
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

async function measureTree(): Promise<TreeReport> {
  const createSeconds = await timed(() => makeTree(`${DATA}/tree`));
  const { store, context } = openStore();
  let monitor: Monitor | undefined;
  const loadSeconds = await timed(() => void (monitor = Monitor.attach(store).monitor));
  let inodes = 0;
  const labelSeconds = await timed(async () => {
    inodes = (await setLabel(monitor!, store, `${DATA}/tree`, context, () => undefined)).inodes;
  });
  const bytesPerInode = await memoryPerInode(inodes, monitor!.contexts.idOf(context));
  Monitor.detach();
  return { kernel, loadSeconds, files: TREE_FILES, createSeconds, labelSeconds, bytesPerInode };
}

async function timed(work: () => void | Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}

function makeTree(root: string): void {
  for (let i = 0; i < TREE_FILES; i++) {
    const folder = `${root}/${Math.floor(i / FILES_PER_FOLDER)}`;
    if (i % FILES_PER_FOLDER === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/${i}`, "");
  }
}

/** The walk has the inodes in memory; a labelled program's `stat` gives each its cached context. */
async function memoryPerInode(inodes: number, context: number): Promise<number> {
  const before = kernelMemory();
  await asSubject(DATA, context, "/bin/sh", ["-c", "kill -STOP $$; exec find tree -size +1000000"]);
  return Math.round((kernelMemory() - before) / inodes);
}

function kernelMemory(): number {
  const text = readFileSync("/proc/meminfo", "utf8");
  const kilobytes = (name: string) => Number(new RegExp(`^${name}: *(\\d+)`, "m").exec(text)?.[1]);
  return 1024 * (kilobytes("SUnreclaim") + kilobytes("Percpu"));
}
