/**
 * What the kernel knows of a compartment, as far as a change of its context changes it. [CHG-1..3]
 *
 * Nothing here looks whether it may: the caller has stopped all of the compartment's tasks.
 */
import type { Context } from "../label/index.ts";
import { DEVICE_VOLATILE, HOLDER, OBJECT, OBJECT_HELD, SHAPE } from "./abi.ts";
import { type Contexts, u32 } from "./contexts.ts";
import { errnoOf, type Fd, native } from "./native.ts";

type Maps = { subjects: Fd; objects: Fd; devices: Fd; shared: Fd };

export class Compartments {
  readonly #maps: Maps;
  readonly #contexts: Contexts;

  constructor(maps: Maps, contexts: Contexts) {
    this.#maps = maps;
    this.#contexts = contexts;
  }

  /** Has a descriptor gone in or out, or somebody outside looked into one of its processes? */
  isShared(compartment: number): boolean {
    return native().mapGet(this.#maps.shared, u32(compartment), 4) !== null;
  }

  /** Before the number is given out, and after its last task has ended. */
  forget(compartment: number): void {
    if (this.isShared(compartment)) native().mapDelete(this.#maps.shared, u32(compartment));
  }

  /** The compartment that a task is in; 0: none; null: the task has ended. */
  of(tid: number): number | null {
    const shape = SHAPE.csn_subject;
    return this.#withTask(tid, (fd) => {
      const value = native().mapGet(this.#maps.subjects, u32(fd), shape.size);
      return value === null ? 0 : value.readUInt32LE(shape.compartment);
    });
  }

  /** A task's contexts. Its address space gets a new identity (`subjects`, by the old one): what it sends from
   * now on is news to everybody. */
  setTask(tid: number, context: Context, subjects: Map<bigint, bigint>): void {
    const shape = SHAPE.csn_subject;
    this.#withTask(tid, (fd) => {
      const before = native().mapGet(this.#maps.subjects, u32(fd), shape.size);
      if (before === null) throw new Error(`expected a task of the compartment, found ${tid} without any`);
      const old = before.readBigUInt64LE(shape.id);
      // what memory it holds the kernel knows by its old id
      const id = subjects.get(old) ?? (1n << 61n) | HOLDER | (process.hrtime.bigint() & (HOLDER - 1n));
      subjects.set(old, id);
      const value = Buffer.alloc(shape.size); // and nothing is remembered of what it used
      value.writeUInt32LE(this.#contexts.idOf(context), shape.in);
      value.writeUInt32LE(this.#contexts.idOf(context), shape.out);
      value.writeBigUInt64LE(id, shape.id);
      value.writeUInt32LE(before.readUInt32LE(shape.compartment), shape.compartment);
      value.writeUInt32LE(before.readUInt32LE(shape.flags), shape.flags);
      native().mapSet(this.#maps.subjects, u32(fd), value, 0);
    });
  }

  /** A file system of the compartment's own; in force after `Monitor.renew`. */
  setDevice(device: number, context: Context): void {
    const shape = SHAPE.csn_device;
    const value = Buffer.alloc(shape.size);
    value.writeUInt32LE(this.#contexts.idOf(context), shape.context);
    value.writeUInt32LE(DEVICE_VOLATILE, shape.flags);
    native().mapSet(this.#maps.devices, u32(device), value, 0);
  }

  /** What has no file system that keeps labels: a pipe, memory, a pidfd. */
  setObject(fd: Fd, context: Context): void {
    const shape = SHAPE.csn_object;
    const value = Buffer.alloc(shape.size);
    value.writeUInt32LE(this.#contexts.idOf(context), shape.context);
    value.writeUInt32LE(OBJECT.OWN, shape.flags);
    value.writeBigUInt64LE(OBJECT_HELD, shape.id); // somebody may hold it as memory
    native().mapSet(this.#maps.objects, u32(fd), value, 0);
  }

  /** @returns null when it has ended */
  #withTask<T>(tid: number, use: (fd: Fd) => T): T | null {
    let fd: Fd;
    try {
      fd = native().pidfd(tid, 1);
    } catch (error) {
      if (errnoOf(error) === "ESRCH") return null;
      throw error;
    }
    try {
      return use(fd);
    } finally {
      native().closeFd(fd);
    }
  }
}
