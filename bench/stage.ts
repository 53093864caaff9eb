/**
 * Where the bench's programs run, in the machine: a folder of their own on the ext4 disk, as nobody's, as a
 * subject, or in a compartment.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Store } from "../src/daemon/store.ts";
import { LIMITS, Monitor, native, PINS, SHAPE } from "../src/kernel/index.ts";
import { type Context, contextOf, integrityOf, secrecyOf, tagIdFromBytes } from "../src/label/index.ts";
import { ROOT } from "../src/setup/index.ts";
import { callIds, type Figures } from "./report.ts";

export const DATA = "/data/bench";
/** What a process's pages and the scheduler's state happen to be changes the longer calls by some percent. */
const PASSES = 2;
/** Unlike any subject id that the kernel or the launcher gives out. */
const SUBJECT_ID = 1n << 61n;

export const kernel = readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
export const securityModules = (): string => readFileSync("/sys/kernel/security/lsm", "utf8").trim();

export function newFolder(name: string): string {
  const folder = `${DATA}/${name}`;
  mkdirSync(folder, { recursive: true });
  if (!existsSync(`${folder}/bench-calls`))
    copyFileSync(`${ROOT}/build/bench-calls`, `${folder}/bench-calls`);
  return folder;
}

/** What the calls cost as `run` runs the program: the least of some passes. */
export async function inFolder(name: string, run: (folder: string) => Promise<void>): Promise<Figures> {
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
export function start(folder: string, program: string, args: readonly string[]) {
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

export async function plain(folder: string): Promise<void> {
  await start(folder, "./bench-calls", []).ended;
}

/** The program begins by stopping itself; `use` is given its number, and then it goes on to its end. */
export async function stopped(
  folder: string,
  use: (pid: number) => void | Promise<void>,
  program = "./bench-calls",
  args = ["--wait"],
): Promise<void> {
  const { pid, ended } = start(folder, program, args);
  await untilStopped(pid, ended);
  await use(pid);
  process.kill(pid, "SIGCONT");
  await ended;
}

/** A program that ends instead fails the whole. */
export async function untilStopped(
  pid: number,
  ended: Promise<unknown>,
  meanwhile: () => void = () => undefined,
): Promise<void> {
  let failure: unknown;
  ended.catch((error: unknown) => (failure = error));
  while (!/^\d+ \(.*\) T/.test(readFileSync(`/proc/${pid}/stat`, "utf8"))) {
    await sleep(10);
    meanwhile();
    if (failure !== undefined) throw failure;
  }
}

/** What the platform starts is the platform's; so a stopped program is labelled, or has nothing (null). */
export function makeSubject(pid: number, context: number | null, folder: string): void {
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

export async function asSubject(folder: string, context: number | null): Promise<void> {
  await stopped(folder, (pid) => makeSubject(pid, context, folder));
}

export async function launched(folder: string, context: number): Promise<void> {
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

export function openStore(): { store: Store; context: Context } {
  const store = new Store("/data/bench-store");
  const tag = tagIdFromBytes(randomBytes(16));
  return { store, context: contextOf(secrecyOf([tag]), integrityOf([])) };
}

/** Empty programs on the same hooks; gives how many. */
export function attachFloor(): number {
  mkdirSync(PINS, { recursive: true });
  return native()
    .load(`${ROOT}/build/floor.bpf.o`, PINS, LIMITS.RING_BYTES)
    .filter((p) => p.attached).length;
}

/** The kernel takes programs off one by one, after `detach` has returned; meanwhile they judge as before. */
export async function detached(): Promise<void> {
  Monitor.detach();
  while (/ bpf_prog_[0-9a-f]{16}_/.test(readFileSync("/proc/kallsyms", "utf8"))) await sleep(100);
}
