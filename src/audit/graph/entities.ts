/**
 * Entities as numbers, and what identifies them over boots.
 *
 * A process, a pipe, a socket, a key, an IPC object, and an inode of a file system without a device of its own (tmpfs,
 * overlayfs, NFS, btrfs: major number 0) are of one boot: their numbers come again for something else. An inode on a
 * device is the same in every boot: device, number, generation. An address, a person, a message of the bus and a client of it are the same always.
 *
 * Not covered: a disk that has another device number after a boot is another one; a file of major number 0 that does
 * outlive a boot is another one then, and `unstable` says so to who answers a question about leaks.
 */
import { ENTITY, ENTITY_NAMES, type EntityName } from "../record.ts";
import { Interner } from "./interner.ts";

const CLASS = {
  none: 0,
  process: 1,
  inode: 2,
  principal: 3,
  address: 4,
  ipc: 5,
  key: 6,
  other: 7,
  message: 8,
  client: 9,
} as const;
const CLASS_OF = new Uint8Array(256).fill(CLASS.other);
CLASS_OF[ENTITY.none] = CLASS.none;
CLASS_OF[ENTITY.process] = CLASS.process;
for (const kind of ["file", "directory", "symlink", "pipe", "socket", "device", "anon"] as const)
  CLASS_OF[ENTITY[kind]] = CLASS.inode;
CLASS_OF[ENTITY.principal] = CLASS.principal;
CLASS_OF[ENTITY.address] = CLASS.address;
CLASS_OF[ENTITY.ipc] = CLASS.ipc;
CLASS_OF[ENTITY.key] = CLASS.key;
CLASS_OF[ENTITY.message] = CLASS.message;
CLASS_OF[ENTITY.client] = CLASS.client;
/** bpf's MAJOR of a kernel device number. */
const MAJOR_SHIFT = 20;

/** What a record says of an entity, and the boot that it says it in. */
export type EntityKey = {
  kind: EntityName | "unknown";
  /** -1: the same in each boot. */
  boot: number;
  first: bigint;
  second: number;
  third: number;
  /** Of an address. */
  port: number;
};

export class Entities {
  readonly #interner = new Interner();
  #kinds = new Uint8Array(1 << 12);
  /** pid to the newest process that had it, per boot: the daemon knows its programs by pid. */
  #byPid = new Map<number, number>();
  #boot = -1;

  get size(): number {
    return this.#interner.size;
  }

  get bytes(): number {
    return this.#interner.bytes + this.#kinds.byteLength;
  }

  /** @param lo,hi the first word's halves @param port of an address, else 0 */
  intern(
    kind: number,
    boot: number,
    lo: number,
    hi: number,
    second: number,
    third: number,
    port: number,
  ): number {
    const of = CLASS_OF[kind]!;
    if (of === CLASS.process) {
      if (boot !== this.#boot) [this.#boot, this.#byPid] = [boot, new Map()];
      if (lo === 0 && hi === 0) {
        const known = this.#byPid.get(second);
        if (known !== undefined) return known;
      }
    }
    const before = this.#interner.size;
    const number = this.#interner.intern(of | (extraOf(of, boot, second, port) << 8), lo, hi, second, third);
    this.#kinds[number] = kind;
    if (number !== before) return number;
    if (number === this.#kinds.length) {
      const kinds = new Uint8Array(this.#kinds.length * 2);
      kinds.set(this.#kinds);
      this.#kinds = kinds;
    }
    this.#kinds[number] = kind;
    // who has a number again is another process, and new
    if (of === CLASS.process) this.#byPid.set(second, number);
    return number;
  }

  /** The number of what has been seen, or -1. */
  find(kind: number, boot: number, first: bigint, second: number, third: number, port = 0): number {
    const of = CLASS_OF[kind]!;
    const lo = Number(first & 0xffffffffn);
    const hi = Number((first >> 32n) & 0xffffffffn);
    return this.#interner.find(of | (extraOf(of, boot, second, port) << 8), lo, hi, second, third);
  }

  kind(number: number): number {
    return this.#kinds[number]!;
  }

  /** Could a record say this kind of it? One number may be that of a file and of a pipe. */
  mayBe(number: number, kind: number): boolean {
    return (this.#interner.word(number, 0) & 0xff) === CLASS_OF[kind];
  }

  key(number: number): EntityKey {
    const [head = 0, lo = 0, hi = 0, second = 0, third = 0] = this.#interner.key(number);
    const of = head & 0xff;
    const extra = head >>> 8;
    return {
      kind: ENTITY_NAMES[this.kind(number)] ?? "unknown",
      boot: of === CLASS.address ? -1 : extra - 1,
      first: (BigInt(hi) << 32n) | BigInt(lo),
      second,
      third,
      port: of === CLASS.address ? extra : 0,
    };
  }

  /** A file that might be there under another number after a boot. */
  isUnstable(number: number): boolean {
    const kind = this.kind(number);
    const isKept = kind === ENTITY.file || kind === ENTITY.directory || kind === ENTITY.symlink;
    return isKept && this.#interner.word(number, 3) >>> MAJOR_SHIFT === 0;
  }
}

function extraOf(of: number, boot: number, second: number, port: number): number {
  if (of === CLASS.address) return port;
  if (of === CLASS.principal || of === CLASS.none || of === CLASS.message || of === CLASS.client) return 0;
  if (of === CLASS.inode && second >>> MAJOR_SHIFT !== 0) return 0;
  return boot + 1;
}
