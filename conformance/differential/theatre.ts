/**
 * In the machine: the parties, the monitor, and how one program is played on them.
 *
 * Guarantee: each program gets a folder of its own and leaves nothing that the next one could meet.
 */
import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { BASE } from "../../src/label/index.ts";
import {
  CONTEXT_ID,
  ENTITY_KINDS,
  FLAG,
  type Interning,
  KIND,
  Monitor,
  native,
  OPS,
  PINS,
  type Ring,
  SHAPE,
} from "../../src/kernel/index.ts";
import { ROOT } from "../../src/setup/index.ts";
import { CONTEXTS, type ContextName } from "../cases.ts";
import { contextNamed, labelNetwork, Party, PROGRAM } from "../party.ts";
import type { Outcome } from "./act.ts";
import { Accounts, compareAnswer, type Fault, type FlowRecord } from "./compare.ts";
import type { Step } from "./kind.ts";
import { commandOf, play } from "./kinds.ts";
import { STALLS } from "./play-messages.ts";
import { type Played, type Scene, Stage } from "./stage.ts";
import { contextOfParty, entityOf, type Inode, type Move, PARTIES, PLATFORM, World } from "./world.ts";

const SCRIPT = "/run/csn-stage";
/** Where programs have their folders: on a disk and in memory. */
const PLACES = ["/data/p", "/data/t"] as const;

/** A step that went otherwise than the model says. */
export type Disagreement = Fault & { readonly step: number };

type Line = Scene & {
  readonly expected: Outcome | null;
  readonly moves: readonly Move[];
  /** Tells the inode number of what the line before made. */
  readonly names: Inode | null;
  readonly step: number;
};

export class Theatre {
  readonly monitor: Monitor;
  readonly #parties: readonly Party[];
  readonly #stage: Stage;
  readonly #ring: Ring;
  readonly #buffer = Buffer.alloc(SHAPE.csn_record.size * 44000);
  readonly #contexts = new Map<number, ContextName>();
  #serial = 0;

  constructor() {
    for (const folder of ["/data/bin", "/data/io", ...PLACES]) mkdirSync(folder);
    execFileSync("mount", ["-t", "tmpfs", "programs", PLACES[1]]);
    copyFileSync(`${ROOT}/build/csn-actor`, PROGRAM);
    chmodSync(PROGRAM, 0o755);
    this.#stage = new Stage(SCRIPT);
    this.#parties = PARTIES.map((name) => Party.start(name));
    const networks = this.#rooms();
    // mapped while nobody has a label: see conformance/stage.h
    for (const party of this.#parties) {
      const { error } = party.ask(`stage open ${SCRIPT}`);
      if (error !== "ok") throw new Error(`${party.name}: no stage: ${error}`);
    }
    this.monitor = Monitor.attach(interning()).monitor;
    this.#ring = this.monitor.openRing();
    this.monitor.setInode("/", BASE, { selfOnly: true });
    this.monitor.setInode("/data", BASE);
    this.monitor.setInode(PLACES[1], BASE);
    for (const [name, cookie] of networks) labelNetwork(this.monitor, cookie, name);
    mkdirSync(STALLS);
    for (const who of PARTIES.keys()) {
      if (who === PLATFORM) continue;
      mkdirSync(`${STALLS}/${who}`);
      this.monitor.setInode(`${STALLS}/${who}`, contextNamed(contextOfParty(who)));
    }
    for (const name of Object.keys(CONTEXTS) as ContextName[]) this.#contexts.set(this.#idOf(name), name);
    for (const [who, party] of this.#parties.entries()) {
      if (who === PLATFORM) makePlatform(party.pid);
      else {
        party.label(this.monitor, contextOfParty(who));
        party.ask("key session"); // of its own: each look at a key searches it too
        party.send(`stage play ${who}`);
      }
    }
  }

  /** A network for each context, by its cookie, but for the unlabelled; and one IPC namespace for all. */
  #rooms(): Map<ContextName, string> {
    const first = new Map<ContextName, Party>();
    const cookies = new Map<ContextName, string>();
    for (const [who, party] of this.#parties.entries()) {
      if (who === PLATFORM || contextOfParty(who) === "U") continue;
      const mate = first.get(contextOfParty(who));
      if (mate) party.ask(`enter ${mate.pid}`);
      else cookies.set(contextOfParty(who), party.ask("room").detail);
      if (!mate) first.set(contextOfParty(who), party);
    }
    const host = [...first.values()][0]!.pid;
    for (const party of this.#parties) {
      const { error } = party.ask(`made share ${host}`);
      if (error !== "ok") throw new Error(`${party.name}: no common IPC namespace: ${error}`);
    }
    return cookies;
  }

  #idOf(name: ContextName): number {
    return this.monitor.contexts.idOf(contextNamed(name));
  }

  /** Plays a program in a new folder. Gives the first disagreement. */
  run(steps: readonly Step[], place: 0 | 1): Disagreement | null {
    const folder = `${PLACES[place]}/x${this.#serial++}`;
    const { lines, world } = this.#script(steps, folder);
    const lost = this.monitor.counters().lost;
    this.#records();
    this.#stage.write(lines);
    const { error } = this.#parties[PLATFORM]!.ask("stage play 0");
    if (error !== "ok") throw new Error(`the play stopped: ${error}: ${this.#lastOf(lines)}`);
    const played = this.#stage.read(lines.length);
    const records = this.#records();
    if (this.monitor.counters().lost !== lost) throw new Error("records were lost");
    this.#close(world, folder);
    return this.#compare(lines, played, records);
  }

  /** All that is played, in order: the folder, the steps, questions about what was made, what is there at last. */
  #script(steps: readonly Step[], folder: string): { lines: Line[]; world: World } {
    const world = new World();
    const lines: Line[] = [];
    const add = (line: Partial<Line> & Scene, step: number): void => {
      lines.push({ expected: null, moves: [], names: null, step, ...line, command: this.#fill(line.command, folder) });
    };
    add({ who: PLATFORM, command: `mkdir ${folder}` }, -1);
    add({ who: PLATFORM, command: `who ${folder}`, names: world.root }, -1);
    for (const [n, step] of steps.entries()) {
      const before = world.moves.length;
      const expected = play(world, step);
      if (!expected) continue;
      add({ who: step.who, command: commandOf(step), expected, moves: world.moves.slice(before) }, n);
      for (const { inode, path, slot, ask } of expected.made) {
        if (ask !== undefined) add({ who: PLATFORM, command: ask, names: inode }, n);
        else if (path !== undefined) add({ who: PLATFORM, command: `who @${path}`, names: inode }, n);
        else add({ who: step.who, command: `slots ${slot} ${slot} g who`, names: inode }, n);
      }
    }
    for (const [inode, path] of world.tree()) {
      const ending = play(world, ENDINGS[inode.kind](path));
      if (ending) add({ who: PLATFORM, command: commandOf(ENDINGS[inode.kind](path)), expected: ending }, steps.length);
    }
    return { lines, world };
  }

  #fill(command: string, folder: string): string {
    return command
      .replaceAll("@", `${folder}/`)
      .replace(/\$(\w+)/, (_, name: ContextName) => String(this.#idOf(name)))
      .replace(/#(\d+)/, (_, who: string) => String(this.#parties[Number(who)]!.pid));
  }

  /** Closes all slots, takes the labels off and the folder away. */
  #close(world: World, folder: string): void {
    const opened = new Set([...world.listeners.keys()].map((name) => Number(name.split(" ")[1])));
    for (const name of world.left) opened.add(Number(/ (\d+)\//.exec(name)?.[1]));
    const labelled = [...world.tree()].filter(([inode]) => inode.label !== null);
    const scenes: Scene[] = [
      ...world.slots.flatMap((slots, who) => (slots.some((file) => file !== null) || opened.has(who) ? [{ who, command: "closeall" }] : [])),
      ...(world.made.size > 0 ? [{ who: PLATFORM, command: "made wipe" }] : []),
      ...[...world.stalls.keys()].map((who) => ({ who: PLATFORM, command: `ask 2 ${this.#idOf(contextOfParty(who))} 0 ${STALLS}/${who}` })),
      ...[...opened].map((who) => ({ who: PLATFORM, command: `net sweep ${STALLS}/${who}` })),
      ...labelled.map(([, path]) => ({ who: PLATFORM, command: `ask 3 0 0 ${folder}/${path}` })),
      { who: PLATFORM, command: `wipe ${folder}` },
    ];
    this.#stage.write(scenes);
    this.#parties[PLATFORM]!.ask("stage play 0");
  }

  #lastOf(lines: readonly Line[]): string {
    const begun = this.#stage.read(lines.length).findLastIndex(({ begin }) => begin > 0n);
    return JSON.stringify(lines[begun]);
  }

  #compare(lines: readonly Line[], played: readonly Played[], records: readonly FlowRecord[]): Disagreement | null {
    const accounts = new Accounts();
    for (const [who, party] of this.#parties.entries()) accounts.knows(`process ${party.pid}`, entityOf(who));
    let at = 0;
    for (const [n, line] of lines.entries()) {
      const until = played[n + 1]?.begin;
      const first = at;
      while (at < records.length && isBefore(records[at]!, until)) at++;
      const mine = records.slice(first, at);
      // names are asked for right after what made them
      for (let then = n + 1; lines[then]?.names; then++) {
        const key = inodeKey(played[then]!.detail);
        if (key === null || played[then]!.error !== 0) continue;
        accounts.knows(key, entityOf(lines[then]!.names!));
      }
      const fault = (line.expected && compareAnswer(line.expected, played[n]!, mine)) ?? accounts.scene(line.who, line.moves, mine);
      if (fault) return { ...fault, step: line.step, text: `${PARTIES[line.who]}: \`${line.command}\`: ${fault.text}` };
    }
    return null;
  }

  #records(): FlowRecord[] {
    const shape = SHAPE.csn_record;
    const buffer = this.#buffer;
    const used = native().ringDrain(this.#ring, buffer);
    const found: FlowRecord[] = [];
    for (let at = 0; at < used; at += shape.size) {
      if (buffer[at + shape.kind] !== KIND.FLOW) continue;
      const end = (context: number, entity: number, kind: number): FlowRecord["source"] => ({
        context: this.#contexts.get(buffer.readUInt32LE(at + context)) ?? null,
        key: buffer[at + kind] === 1 ? `process ${buffer.readUInt32LE(at + entity + 8)}` : `${MADE[buffer[at + kind]!] ?? ""}${buffer.readBigUInt64LE(at + entity)}:${buffer.readUInt32LE(at + entity + 8)}${MADE[buffer[at + kind]!] === "ipc " ? `:${buffer.readUInt32LE(at + entity + 12)}` : ""}`,
      });
      found.push({
        op: OPS[buffer.readUInt16LE(at + shape.op)] ?? "?",
        verdict: buffer[at + shape.verdict]!,
        both: (buffer[at + shape.flags]! & FLAG.BOTH) !== 0,
        time: buffer.readBigUInt64LE(at + shape.time),
        pid: buffer.readUInt32LE(at + shape.pid),
        source: end(shape.source_context, shape.source, shape.source_kind),
        sink: end(shape.sink_context, shape.sink, shape.sink_kind),
      });
    }
    return found;
  }
} // prettier-ignore

const isBefore = ({ time }: FlowRecord, until: bigint | undefined): boolean =>
  until === undefined || time < until;

/** Entities that are no inodes. */
const MADE: Readonly<Record<number, string>> = {
  [ENTITY_KINDS.indexOf("ipc")]: "ipc ",
  [ENTITY_KINDS.indexOf("key")]: "key ",
};

/** What the platform looks at when a program is over. */
const ENDINGS: Readonly<Record<Inode["kind"], (path: string) => Step>> = {
  file: (path) => ({ who: PLATFORM, kind: "take-path", args: [path, ""] }),
  dir: (path) => ({ who: PLATFORM, kind: "names-path", args: [path, ""] }),
  symlink: (path) => ({ who: PLATFORM, kind: "readlink", args: [path] }),
  fifo: (path) => ({ who: PLATFORM, kind: "size-path", args: [path, ""] }),
  pipe: (path) => ({ who: PLATFORM, kind: "size-path", args: [path, ""] }),
  memfd: (path) => ({ who: PLATFORM, kind: "size-path", args: [path, ""] }),
  queue: (path) => ({ who: PLATFORM, kind: "size-path", args: [path, ""] }),
  semaphores: (path) => ({ who: PLATFORM, kind: "size-path", args: [path, ""] }),
  segment: (path) => ({ who: PLATFORM, kind: "size-path", args: [path, ""] }),
  key: (path) => ({ who: PLATFORM, kind: "size-path", args: [path, ""] }),
};

/** `INODE:DEVICE` of stat, as records name it: the kernel's device numbers have other bits. */
function inodeKey(detail: string): string | null {
  if (/^(ipc|key)_/.test(detail)) return detail.replace("_", " ");
  const match = /^(\d+):(\d+)$/.exec(detail);
  if (!match) return null;
  const device = BigInt(match[2]!);
  const major = (device >> 8n) & 0xfffn;
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${match[1]}:${(major << 20n) | minor}`;
}

/** Makes a running process a subject like the daemon. */
function makePlatform(pid: number): void {
  const subjects = native().mapOpen(`${PINS}/subjects`);
  const value = Buffer.alloc(SHAPE.csn_subject.size);
  value.writeUInt32LE(CONTEXT_ID.PLATFORM_IN, SHAPE.csn_subject.in);
  value.writeUInt32LE(CONTEXT_ID.BASE, SHAPE.csn_subject.out);
  const pidfd = native().pidfd(pid, 0);
  const key = Buffer.alloc(4);
  key.writeUInt32LE(pidfd);
  native().mapSet(subjects, key, value, 0);
  native().closeFd(pidfd);
  native().closeFd(subjects);
}

function interning(): Interning {
  const numbers = new Map<string, number>();
  return {
    contexts: () => [],
    add: () => undefined,
    tagNumber: (tag) => {
      const known = numbers.get(tag) ?? 1000 - numbers.size;
      numbers.set(tag, known);
      return known;
    },
  };
}
