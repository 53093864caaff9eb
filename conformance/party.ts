/**
 * The parties of the suite: one process of csn-actor for each context, spoken to over two FIFOs.
 *
 * Guarantee: an actor is an ordinary process of root with all capabilities and no seccomp filter, so what
 * is refused to it is refused by the kernel monitor; compartments are tested besides (scenarios.ts).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { type Context, contextOf, integrityOf, secrecyOf, ALL_INTEGRITY } from "../src/label/index.ts";
import { idOf } from "../src/label/testing.ts";
import { bytesOf } from "../src/api/index.ts";
import { native, SHAPE, type Monitor, PINS } from "../src/kernel/index.ts";
import { CONTEXTS, type ContextName } from "./cases.ts";

export const PROGRAM = "/data/bin/csn-actor";
export const FIFOS = "/data/io";

export type Answer = { readonly error: string; readonly detail: string };

/** A name of cases.ts as a context of the product. */
export function contextNamed(name: ContextName): Context {
  const { secrecy, integrity } = CONTEXTS[name];
  return contextOf(
    secrecyOf(secrecy.map(idOf)),
    integrity === "ALL" ? ALL_INTEGRITY : integrityOf(integrity.map(idOf)),
  );
}

let serial = 0;

export class Party {
  readonly name: string;
  readonly process: ChildProcess;
  #commands = -1;
  #answers = -1;
  #rest = "";
  /** As the host sees it. */
  pid = 0;

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.process = child;
  }

  /** A process that is labelled from outside, once it runs. Start it before the monitor, or relabel it. */
  static start(name: string): Party {
    const [commands, answers] = makeFifos(`${name}-${serial++}`);
    const child = spawn(PROGRAM, [commands, answers], { stdio: "ignore", detached: false });
    const party = new Party(name, child);
    party.#connect(commands, answers);
    party.pid = child.pid!;
    return party;
  }

  /** The same program, started by `launch` (a command line that ends where the program begins). */
  static launched(name: string, monitor: Monitor, context: ContextName, launch: readonly string[]): Party {
    const fifos = makeFifos(`${name}-${serial++}`);
    for (const path of fifos) monitor.setInode(path, contextNamed(context));
    const child = spawn(launch[0]!, [...launch.slice(1), PROGRAM, ...fifos], {
      stdio: ["ignore", "ignore", "ignore", "pipe"],
      env: { PATH: process.env.PATH ?? "" },
    });
    const party = new Party(name, child);
    party.#connect(...fifos);
    return party;
  }

  #connect(commands: string, answers: string): void {
    this.#commands = openSync(commands, constants.O_RDWR);
    this.#answers = openSync(answers, "r"); // waits until the program has opened the other end
    this.fifos = [commands, answers];
  }

  fifos: readonly string[] = [];

  /** Gives the process a context, and its FIFOs with it. */
  label(monitor: Monitor, name: ContextName, crosses?: Context): void {
    this.#waitUntilItReads();
    for (const path of this.fifos) monitor.setInode(path, contextNamed(name));
    labelProcess(monitor, this.pid, name, name, crosses);
  }

  /** Once it has answered it reads on: between two labels it would be refused that. */
  #waitUntilItReads(): void {
    for (let n = 0; n < 1000 && this.#state() !== "S"; n++)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
  }

  /** As the kernel tells it: `S` sleeps, `T` is stopped. */
  #state(): string {
    const stat = readFileSync(`/proc/${this.pid}/stat`, "latin1");
    return stat.charAt(stat.lastIndexOf(")") + 2);
  }

  /** A spy (races.h) that tries again and again: returns when all that it tries began after the call of this. */
  async nextTry(): Promise<void> {
    process.kill(this.pid, "SIGUSR2");
    for (let state = ""; state !== "T"; state = this.#state()) {
      if (state === "Z") throw new Error(`${this.name} ended while it spied`);
      await sleep(1);
    }
    process.kill(this.pid, "SIGCONT");
  }

  /** Makes it as most processes of a host are: the monitor keeps nothing for it at all. */
  forget(monitor: Monitor): void {
    this.label(monitor, "U");
    withSubject(this.pid, (map, key) => native().mapDelete(map, key));
  }

  ask(command: string): Answer {
    this.send(command);
    return this.receive(command);
  }

  /** For what takes a while: `receive` gets the answer. */
  send(command: string): void {
    writeSync(this.#commands, `${command}\n`);
  }

  receive(command: string): Answer {
    const buffer = Buffer.alloc(8192);
    while (!this.#rest.includes("\n")) {
      const n = readSync(this.#answers, buffer);
      if (n === 0) throw new Error(`${this.name} ended at \`${command}\``);
      this.#rest += buffer.toString("latin1", 0, n);
    }
    const end = this.#rest.indexOf("\n");
    const [error = "", detail = ""] = this.#rest.slice(0, end).split(" ");
    this.#rest = this.#rest.slice(end + 1);
    return { error, detail };
  }

  stop(): void {
    this.process.kill("SIGKILL");
    closeSync(this.#commands);
    closeSync(this.#answers);
  }
}

function makeFifos(name: string): [string, string] {
  const paths: [string, string] = [`${FIFOS}/${name}.in`, `${FIFOS}/${name}.out`];
  execFileSync("mkfifo", paths);
  return paths;
}

let networks = -1;

/** Gives a network namespace, by its cookie, a context, as the launcher does. */
export function labelNetwork(monitor: Monitor, cookie: string, name: ContextName): void {
  if (networks < 0) networks = native().mapOpen(`${PINS}/networks`);
  const key = Buffer.alloc(8);
  key.writeBigUInt64LE(BigInt(cookie));
  const value = Buffer.alloc(SHAPE.csn_network.size);
  value.writeUInt32LE(monitor.contexts.idOf(contextNamed(name)), SHAPE.csn_network.context);
  native().mapSet(networks, key, value, 0);
}

/** Policy for the addresses of a prefix, as the daemon writes it: ranges of ports and their contexts. */
export function setRange(
  monitor: Monitor,
  address: string,
  bits: number,
  ports: readonly (readonly [first: number, last: number, name: ContextName])[],
): void {
  const map = native().mapOpen(`${PINS}/ranges`);
  const key = Buffer.alloc(20);
  key.writeUInt32LE(address.includes(":") ? bits : 96 + bits);
  key.set(bytesOf(address), 4);
  const value = Buffer.alloc(SHAPE.csn_range.size);
  value.writeUInt32LE(ports.length, SHAPE.csn_range.count);
  for (const [n, [first, last, name]] of ports.entries()) {
    const at = SHAPE.csn_range.ports + n * SHAPE.csn_ports.size;
    value.writeUInt16LE(first, at + SHAPE.csn_ports.first);
    value.writeUInt16LE(last, at + SHAPE.csn_ports.last);
    value.writeUInt32LE(monitor.contexts.idOf(contextNamed(name)), at + SHAPE.csn_ports.context);
  }
  native().mapSet(map, key, value, 0);
  native().closeFd(map);
}

let subjects = -1;
let nextId = 1n << 61n;

/** Makes a running process a subject of a context, as the launcher does for itself. */
export function labelProcess(
  monitor: Monitor,
  pid: number,
  name: ContextName,
  outName: ContextName = name,
  crosses?: Context,
): void {
  const id = monitor.contexts.idOf(contextNamed(name));
  const value = Buffer.alloc(SHAPE.csn_subject.size);
  value.writeUInt32LE(id, SHAPE.csn_subject.in);
  value.writeUInt32LE(monitor.contexts.idOf(contextNamed(outName)), SHAPE.csn_subject.out);
  value.writeBigUInt64LE(id === 0 && !crosses ? 0n : nextId++, SHAPE.csn_subject.id);
  if (crosses) value.writeUInt32LE(monitor.contexts.idOf(crosses), SHAPE.csn_subject.crosses);
  withSubject(pid, (map, key) => native().mapSet(map, key, value, 0));
}

function withSubject(pid: number, use: (map: number, key: Buffer) => void): void {
  if (subjects < 0) subjects = native().mapOpen(`${PINS}/subjects`);
  const pidfd = native().pidfd(pid, 0);
  const key = Buffer.alloc(4);
  key.writeUInt32LE(pidfd);
  use(subjects, key);
  native().closeFd(pidfd);
}
