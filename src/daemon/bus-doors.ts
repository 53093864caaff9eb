/**
 * Doors to the bus for processes of this host: a Unix socket for each context, made in that context's own network and labelled
 * so, which compartments of the context see as /run/csn-bus. [NET-2, MSG-3]
 *
 * Guarantee: the kernel lets through a door only who has exactly its context, at each connect, send and receive. So what
 * comes in has the door's context, whatever its sender is by now, and what goes out can be read only under it. A process
 * that the kernel says has another context by now is nobody: nothing more is delivered to it.
 * Not covered: a compartment that was there before the bus was up has no door; nor has one after a change of its context.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { type Monitor, native, PINS } from "../kernel/index.ts";
import { type Context, contextEquals, contextKey, isLabelled } from "../label/index.ts";
import { ROOT } from "../setup/index.ts";
import { NETWORKS, networkOf } from "./networks.ts";

/** On the host; the unlabelled door is here as well. */
export const DOORS = "/run/csn/bus";
/** In a compartment, and in which variable a program finds it. */
const INSIDE = "/run/csn-bus";
export const DOOR_VARIABLE = "CSN_BUS";
const SOCKET = "mqtt.sock";
const OWN_NETWORK = "/proc/self/ns/net";

type Door = { readonly context: Context; readonly folder: string; readonly server: Server };
/** Who came in by a door. */
export type Visitor = { readonly context: Context; readonly pid: number; readonly uid: number; readonly gid: number; readonly groups: readonly number[] }; // prettier-ignore

export class Doors {
  readonly #accept: (socket: Socket) => void;
  readonly #doors = new Map<string, Door>();
  readonly #visitors = new WeakMap<object, Visitor>();

  /** @param accept takes a connection; `visitor` says whose */
  constructor(accept: (socket: Socket) => void) {
    this.#accept = accept;
    mkdirSync(DOORS, { recursive: true, mode: 0o755 });
    // another daemon's: nobody listens there
    for (const name of readdirSync(DOORS)) rmSync(join(DOORS, name), { recursive: true, force: true });
  }

  visitor(socket: object): Visitor | null {
    return this.#visitors.get(socket) ?? null;
  }

  /** The door of a context, made if it is not there. @returns its volume, and where it is inside */
  open(monitor: Monitor, context: Context): { volume: string; socket: string } {
    return { volume: `${this.#door(monitor, context).folder}:${INSIDE}:ro`, socket: `${INSIDE}/${SOCKET}` };
  }

  /** On the host. */
  socketFor(monitor: Monitor, context: Context): string {
    return join(this.#door(monitor, context).folder, SOCKET);
  }

  #door(monitor: Monitor, context: Context): Door {
    return this.#doors.get(contextKey(context)) ?? this.#make(monitor, context);
  }

  /** Ends all doors; connections stay. @param monitor null: their labels went with it */
  close(monitor: Monitor | null): void {
    for (const { server, folder, context } of this.#doors.values()) {
      server.close();
      if (monitor !== null && isLabelled(context)) monitor.clearInode(folder);
      rmSync(folder, { recursive: true, force: true });
    }
    this.#doors.clear();
  }

  #make(monitor: Monitor, context: Context): Door {
    const id = monitor.contexts.idOf(context);
    const folder = join(DOORS, String(id));
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    let network = OWN_NETWORK;
    if (isLabelled(context)) {
      monitor.setInode(folder, context);
      const args = ["--pins", PINS, "--in", String(id), "--out", String(id), "--networks", NETWORKS];
      execFileSync(`${ROOT}/build/csn-launch`, [...args, "--network-only"], { stdio: "pipe" });
      network = networkOf(id);
    }
    const path = join(folder, SOCKET);
    rmSync(path, { force: true });
    const fd = native().listenIn(network, path);
    const server = createServer((socket) => this.#enter(socket, context));
    server.on("error", () => {}); // no descriptor is left, say: who is connected is served
    server.listen({ fd });
    const door = { context, folder, server };
    this.#doors.set(contextKey(context), door);
    return door;
  }

  #enter(socket: Socket, context: Context): void {
    socket.on("error", () => {});
    // eslint-disable-next-line no-underscore-dangle -- the descriptor has no public name in Node.js
    const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd;
    try {
      if (typeof fd !== "number") throw new Error("it is gone");
      this.#visitors.set(socket, { context, ...native().peer(fd) });
    } catch {
      socket.destroy();
      return;
    }
    this.#accept(socket);
  }
}

/** A visitor's context now. @throws when the kernel says that it is another one by now */
export function contextNow(monitor: Monitor | null, { context, pid }: Visitor): Context {
  const subject = monitor?.subject(pid) ?? null;
  // one that has ended, or has no label any more: the kernel refuses it this door
  if (subject === null) return context;
  if (!subject.platform && contextEquals(subject.in, context) && contextEquals(subject.out, context))
    return context;
  throw new Error("another context by now");
}
