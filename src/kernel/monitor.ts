/**
 * The kernel monitor: attach, take over, detach; the contexts of inodes and subjects.
 *
 * Guarantee: links and maps are pinned, so what is attached stays when this process ends; attaching is
 * all or nothing. This process becomes the platform's subject (in = everything, out = vouched for by
 * everybody), so its own reads and writes are legal by [FLOW-1] and [FLOW-2].
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, unlinkSync } from "node:fs";
import type { Context } from "../label/index.ts";
import { ROOT } from "../setup/index.ts";
import { ASK, CONTEXT_ID, CONTEXT_UNKNOWN, ENTRY_SELF, LIMITS, SHAPE } from "./abi.ts";
import { Compartments } from "./compartments.ts";
import { Contexts, type Interning, u32 } from "./contexts.ts";
import { KernelError } from "./errors.ts";
import { errnoOf, type Fd, native, type Ring } from "./native.ts";
import { Lost } from "./lost.ts";
import { Ranges } from "./ranges.ts";
import { Scope } from "./scope.ts";
import { Ways } from "./ways.ts";

export const PINS = "/sys/fs/bpf/csn";

/** Maps that the daemon itself uses. */
const MAPS = [
  "subjects",
  "objects",
  "devices",
  "contexts",
  "requests",
  "rings",
  "refusals",
  "control",
  "holders",
  "entries",
  "ranges",
  "shared",
  "networks",
  "ways",
  "scope_users",
  "scope_cgroups",
  "marks",
  "told",
] as const;
type MapName = (typeof MAPS)[number];

/** An inode's context as the kernel sees it now. */
export type InodeState = {
  context: Context | null; // null: could not be found out, refused to all
  id: number;
  /** It has an entry of its own, and did not get its directory's context. */
  own: boolean;
  /** Magic number of the file system that really holds it. */
  magic: number;
  dev: number;
  ino: bigint;
  generation: number;
  /** One of WORLD: may labelled subjects touch it at all. */
  world: number;
};

export type Counters = {
  allowed: number;
  refused: number;
  /** Not refused, since who acted is observed. */
  observed: number;
  recorded: number;
  /** Flows without a record, refused ones included. */
  lost: number;
  internal: number;
  lostRefused: number;
  /** Descriptions without a record. */
  lostNames: number;
  /** Allowed flows that no record counts [AUD-2]. */
  merged: number;
  /** Flows between unlabelled parties, recorded because the scope was widened; in no other number but `recorded`. */
  wide: number;
  lostWide: number;
};

/** A process's contexts, as the kernel has them. */
export type SubjectState = {
  in: Context;
  out: Context;
  platform: boolean;
  /** Of a `csn run`; 0: of none. */
  compartment: number;
  observed: boolean;
};

export class Monitor {
  readonly contexts: Contexts;
  /** Policy for addresses outside. */
  readonly ranges: Ranges;
  /** What a change of context changes. */
  readonly compartments: Compartments;
  /** Ways out of the networks of contexts. */
  readonly ways: Ways;
  /** What is recorded besides labelled parties. */
  readonly scope: Scope;
  /** What found no room, as far as it was not told yet. */
  readonly lost: Lost;
  readonly #maps: Record<MapName, Fd>;

  private constructor(maps: Record<MapName, Fd>, interning: Interning) {
    this.#maps = maps;
    this.contexts = new Contexts(maps.contexts, interning);
    this.ranges = new Ranges(maps.ranges, this.contexts);
    this.compartments = new Compartments(maps, this.contexts);
    this.ways = new Ways(maps.ways, maps.networks, `${PINS}/program_`);
    this.scope = new Scope(maps, (path, ask, flags) => {
      this.#withPath(path, (fd) => this.#ask(fd, ask, 0, flags));
    });
    this.lost = new Lost(maps.told, () => this.counters());
    native().markSelf(maps.subjects, subjectValue(CONTEXT_ID.PLATFORM_IN, CONTEXT_ID.BASE));
  }

  /** Is something attached, by this daemon or an earlier one? */
  static isAttached(): boolean {
    return existsSync(`${PINS}/control`);
  }

  /**
   * Takes over what an earlier daemon attached. No program is touched, so no flow gets through meanwhile.
   *
   * @throws KernelError E_KERNEL_ABI
   */
  static takeOver(interning: Interning): Monitor {
    // before the other maps: another version may not have all of them
    const control = native().mapOpen(`${PINS}/control`);
    const version = readControl(control).readUInt32LE(SHAPE.csn_control.version);
    native().closeFd(control);
    if (version !== LIMITS.ABI_VERSION) {
      throw new KernelError(
        "E_KERNEL_ABI",
        `the attached monitor speaks version ${version}, this csn version ${LIMITS.ABI_VERSION}`,
        "run `csn down` with the csn that attached it, then `csn up` with this one",
      );
    }
    return new Monitor(openMaps(), interning);
  }

  /**
   * Loads and attaches all programs.
   *
   * @param object which build of them; only the mutation suite asks for another one
   * @param ringBytes of a processor's ring, a power of two; less only for cases of full ones
   * @returns the monitor, and the hooks that this kernel does not have
   * @throws KernelError E_KERNEL_LSM, E_KERNEL_LOAD; nothing stays attached then
   */
  static attach(
    interning: Interning,
    object = "csn.bpf.o",
    ringBytes: number = LIMITS.RING_BYTES,
  ): { monitor: Monitor; absent: string[] } {
    requireLsm();
    let programs;
    try {
      mkdirSync(PINS, { recursive: true, mode: 0o700 });
      programs = native().load(`${ROOT}/build/${object}`, PINS, ringBytes);
    } catch (error) {
      Monitor.detach();
      throw loadError(error);
    }
    if (!programs.some(({ name, attached }) => attached && PIPE_READ.has(name))) {
      Monitor.detach();
      throw new KernelError(
        "E_KERNEL_LOAD",
        "expected a function that reads pipes in this kernel's type information, found none: what a waiting reader gets would be on no record", // prettier-ignore
        "docs/decisions/0029-channels.md says which; a kernel of a distribution has it",
      );
    }
    return {
      monitor: new Monitor(openMaps(), interning),
      absent: programs.filter((p) => !p.attached).map((p) => p.name),
    };
  }

  /** Takes everything off: links first, so that no program runs without its maps. */
  static detach(): void {
    if (!existsSync(PINS)) return;
    const pins = readdirSync(PINS);
    for (const pin of pins.filter((p) => p.startsWith("link_"))) unlinkSync(`${PINS}/${pin}`);
    for (const pin of pins.filter((p) => !p.startsWith("link_"))) unlinkSync(`${PINS}/${pin}`);
    rmdirSync(PINS);
  }

  close(): void {
    for (const fd of Object.values(this.#maps)) native().closeFd(fd);
  }

  openRing(): Ring {
    return native().ringOpen(this.#maps.rings, this.#maps.refusals);
  }

  /** How many programs are attached. */
  attachedCount(): number {
    return readdirSync(PINS).filter((pin) => pin.startsWith("link_")).length;
  }

  counters(): Counters {
    const control = readControl(this.#maps.control);
    const at = (offset: number) => Number(control.readBigUInt64LE(offset));
    const shape = SHAPE.csn_control;
    return {
      allowed: at(shape.allowed),
      refused: at(shape.refused),
      observed: at(shape.observed),
      recorded: at(shape.recorded),
      lost: at(shape.lost),
      internal: at(shape.internal),
      lostRefused: at(shape.lost_refused),
      lostNames: at(shape.lost_names),
      merged: at(shape.merged),
      wide: at(shape.wide),
      lostWide: at(shape.lost_wide),
    };
  }

  /**
   * How many address spaces hold memory that others may hold (bpf/memory.bpf.h); null: there was no room to note one, and
   * everybody counts as such.
   */
  holders(): number | null {
    if (this.allHold()) return null;
    let count = 0;
    for (let key = this.#nextHolder(null); key !== null; key = this.#nextHolder(key)) count++;
    return count;
  }

  /** Was there no room to note who holds memory that others may hold? */
  allHold(): boolean {
    return readControl(this.#maps.control).readUInt32LE(SHAPE.csn_control.all_hold) !== 0;
  }

  #nextHolder(key: Buffer | null): Buffer | null {
    return native().mapNext(this.#maps.holders, key, 8);
  }

  /** Reads an inode's context. @throws KernelError E_NOT_FOUND */
  inode(path: string): InodeState {
    return this.#withPath(path, (fd) => this.#ask(fd, ASK.GET, 0, 0));
  }

  /** As `inode`, for a descriptor. */
  inodeOf(fd: Fd): InodeState {
    return this.#ask(fd, ASK.GET, 0, 0);
  }

  /** Gives an inode an entry of its own; in force for the next access. @returns its state before */
  setInode(path: string, context: Context, options: { selfOnly?: boolean } = {}): InodeState {
    return this.#withPath(path, (fd) => this.setInodeOf(fd, context, options));
  }

  /** As `setInode`, for a descriptor. */
  setInodeOf(fd: Fd, context: Context, options: { selfOnly?: boolean } = {}): InodeState {
    return this.#ask(fd, ASK.SET, this.contexts.idOf(context), options.selfOnly ? ENTRY_SELF : 0);
  }

  /** Removes an inode's entry: it has its directory's context again. @returns its state before */
  clearInode(path: string): InodeState {
    return this.#withPath(path, (fd) => this.#ask(fd, ASK.CLEAR, 0, 0));
  }

  /** The contexts of a process; null when it is gone, or unlabelled and not observed. */
  subject(pid: number): SubjectState | null {
    let fd: Fd;
    try {
      fd = native().pidfd(pid, 0);
    } catch {
      return null;
    }
    try {
      const value = native().mapGet(this.#maps.subjects, u32(fd), SHAPE.csn_subject.size);
      if (value === null) return null;
      const inId = value.readUInt32LE(SHAPE.csn_subject.in);
      const outId = value.readUInt32LE(SHAPE.csn_subject.out);
      const [from, to] = [this.contexts.meaning(inId), this.contexts.meaning(outId)];
      const compartment = value.readUInt32LE(SHAPE.csn_subject.compartment);
      const observed = value.readUInt32LE(SHAPE.csn_subject.crosses) !== 0;
      if (from === undefined || to === undefined || (inId === 0 && outId === 0 && !observed)) return null;
      return { in: from, out: to, platform: inId === CONTEXT_ID.PLATFORM_IN, compartment, observed };
    } finally {
      native().closeFd(fd);
    }
  }

  /** Every context that the kernel has cached is looked up again. */
  renew(): void {
    this.#withPath("/", (fd) => this.#ask(fd, ASK.RENEW, 0, 0));
  }

  /** [AUD-3]: are flows that can't be recorded refused, or only counted? */
  setOnFull(refuse: boolean): void {
    this.#withPath("/", (fd) => this.#ask(fd, ASK.ON_FULL, 0, refuse ? 1 : 0));
  }

  #withPath<T>(path: string, use: (fd: Fd) => T): T {
    let fd: Fd;
    try {
      fd = native().openPath(path);
    } catch (error) {
      throw new KernelError(
        "E_NOT_FOUND",
        `expected a file or directory at \`${path}\`, found none (${errnoOf(error)})`,
        "give a path as the machine that enforces sees it",
        error,
      );
    }
    try {
      return use(fd);
    } finally {
      native().closeFd(fd);
    }
  }

  #ask(fd: Fd, ask: number, context: number, flags: number): InodeState {
    const shape = SHAPE.csn_request;
    const request = Buffer.alloc(shape.size);
    request.writeUInt32LE(ask, shape.ask);
    request.writeUInt32LE(context, shape.context);
    request.writeUInt32LE(flags, shape.flags);
    const answer = native().ask(this.#maps.requests, fd, request);
    const error = answer.readInt32LE(shape.error);
    if (answer.readUInt32LE(shape.done) === 0) {
      throw new KernelError(
        "E_MONITOR_OFF",
        "the monitor did not answer",
        "`csn status` says what is attached",
      );
    }
    if (error !== 0) {
      throw new KernelError(
        "E_NO_MEMORY",
        `the kernel could not keep the label (errno ${-error}); at most ${LIMITS.MAX_ENTRIES} inodes and ${LIMITS.MAX_DEVICES} file systems may have one`,
        "label a directory instead of each file in it",
      );
    }
    const id = answer.readUInt32LE(shape.answer);
    return {
      id,
      context: id === CONTEXT_UNKNOWN ? null : (this.contexts.meaning(id) ?? null),
      own: answer.readUInt32LE(shape.own) !== 0,
      magic: answer.readUInt32LE(shape.magic),
      ino: answer.readBigUInt64LE(shape.key + SHAPE.csn_key.ino),
      dev: answer.readUInt32LE(shape.key + SHAPE.csn_key.dev),
      generation: answer.readUInt32LE(shape.key + SHAPE.csn_key.generation),
      world: answer.readUInt32LE(shape.world),
    };
  }
}

/** Loads, attaches and fires one program, and takes it away. @throws KernelError E_KERNEL_LSM, E_KERNEL_LOAD */
export function probeKernel(): void {
  requireLsm();
  try {
    native().probe(`${ROOT}/build/probe.bpf.o`);
  } catch (error) {
    throw loadError(error);
  }
}

function loadError(error: unknown): KernelError {
  return new KernelError(
    "E_KERNEL_LOAD",
    `the kernel did not take the monitor: ${error instanceof Error ? error.message : String(error)}`,
    "`csn doctor` tries each requirement by itself and says what to do",
    error,
  );
}

/** @throws KernelError E_KERNEL_LSM */
export function requireLsm(): void {
  let list: string;
  try {
    list = readFileSync("/sys/kernel/security/lsm", "utf8").trim();
  } catch {
    list = "(none: securityfs is not mounted)";
  }
  if (list.split(",").includes("bpf")) return;
  throw new KernelError(
    "E_KERNEL_LSM",
    `expected \`bpf\` among the kernel's security modules, found \`${list}\``,
    "add `lsm=...,bpf` to the kernel's command line, or let csn use its virtual machine: `csn machine start`",
  );
}

/** Of bpf/wait.bpf.c: one of them, by the kernel's age. */
const PIPE_READ = new Set(["pipe_was_read", "anonymous_pipe_was_read", "fifo_was_read"]);

function openMaps(): Record<MapName, Fd> {
  const maps = {} as Record<MapName, Fd>;
  for (const name of MAPS) maps[name] = native().mapOpen(`${PINS}/${name}`);
  return maps;
}

function readControl(map: Fd): Buffer {
  const value = native().mapGet(map, u32(0), SHAPE.csn_control.size);
  if (value === null)
    throw new KernelError("E_KERNEL_ABI", "the control map is empty", "run `csn down`, then `csn up`");
  return value;
}

function subjectValue(inId: number, outId: number): Buffer {
  const value = Buffer.alloc(SHAPE.csn_subject.size);
  value.writeUInt32LE(inId, SHAPE.csn_subject.in);
  value.writeUInt32LE(outId, SHAPE.csn_subject.out);
  return value;
}
