/** In the machine: seconds and bytes, without instruction counting. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { setLabel } from "../src/daemon/labels.ts";
import { Monitor } from "../src/kernel/index.ts";
import type { TreeReport } from "./report.ts";
import { DATA, kernel, makeSubject, openStore, stopped } from "./stage.ts";

const TREE_FILES = 100_000;
const FILES_PER_FOLDER = 1000;

export async function measureTree(): Promise<TreeReport> {
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
  const find = ["-c", "kill -STOP $$; exec find tree -size +1000000"];
  await stopped(DATA, (pid) => makeSubject(pid, context, DATA), "/bin/sh", find);
  return Math.round((kernelMemory() - before) / inodes);
}

function kernelMemory(): number {
  const text = readFileSync("/proc/meminfo", "utf8");
  const kilobytes = (name: string) => Number(new RegExp(`^${name}: *(\\d+)`, "m").exec(text)?.[1]);
  return 1024 * (kilobytes("SUnreclaim") + kilobytes("Percpu"));
}
