/**
 * The Node addon's functions, typed. What each does is said in native/addon.c.
 *
 * Errors carry `code` (errno name) and `syscall` (the step).
 */
import { createRequire } from "node:module";
import { ROOT } from "../setup/index.ts";

export type Fd = number;
export type Ring = { readonly ring: unique symbol };

export type Native = {
  load(object: string, pins: string, ringBytes: number): { name: string; attached: boolean }[];
  probe(object: string): "works";
  attachInterface(pin: string, interface_: number, leaving: number): void;
  mapOpen(path: string): Fd;
  mapGet(map: Fd, key: Buffer, valueSize: number): Buffer | null;
  mapSet(map: Fd, key: Buffer, value: Buffer, flags: number): void;
  mapDelete(map: Fd, key: Buffer): void;
  mapNext(map: Fd, key: Buffer | null, keySize: number): Buffer | null;
  ringOpen(rings: Fd, refusals: Fd): Ring;
  ringDrain(ring: Ring, into: Buffer): number;
  pidfd(pid: number, thread: number): Fd;
  markSelf(subjects: Fd, value: Buffer): void;
  ask(requests: Fd, fd: Fd, request: Buffer): Buffer;
  openPath(path: string): Fd;
  closeFd(fd: Fd): void;
  handleOf(fd: Fd): { handle: Buffer; fsid: Buffer; magic: number };
  handleOpen(mount: Fd, handle: Buffer): Fd;
  fsOf(path: string): { fsid: Buffer; magic: number };
  settle(path: string): number;
  loopFile(path: string): { dev: number; ino: number };
  syncFs(path: string): void;
  peer(fd: Fd): { pid: number; uid: number; gid: number; groups: number[] };
  listenIn(network: string, path: string): Fd;
  xattrSet(path: string, name: string, value: Buffer): void;
  xattrRemove(path: string, name: string): void;
};

let loaded: Native | undefined;

/** The addon, which `ensureBuilt` must have made. Loaded on first use: the CLI never needs it. */
export function native(): Native {
  loaded ??= createRequire(import.meta.url)(`${ROOT}/build/addon.node`) as Native;
  return loaded;
}

/** The errno name of a failed call, or "" for any other error. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
