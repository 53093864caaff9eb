/**
 * Steps on what has no file: System V objects, keys, and sockets.
 *
 * All parties share one IPC namespace, which the platform removes things from. Networks: one for each context,
 * the platform's and the unlabelled ones' is the host's. A party has a folder with its own context for its Unix sockets, which
 * the platform may label otherwise; each such socket gets a name that was never there before.
 *
 * Not generated: POSIX queues (their file system's context is the launcher's to give); what a segment shows
 * later to those who have it attached. Of sockets verdicts, errors and contents are compared, and no flows: that
 * what went through one is told is held by conformance/e2e/lineage.ts.
 */
import type { ContextName } from "../cases.ts";
import { type Act, Fails, NotModelled, Refused } from "./act.ts";
import { type Draw, type Kind, number, text } from "./kind.ts";
import { contextOfParty, type Inode, type Listener, type MadeKind, PARTIES, verdictOf } from "./world.ts";

/** So many of each kind. */
const NUMBERS = 3;
const PORTS = 3;
const MOST_WAITING = 5;
const QUEUED = 4;
/** How long is waited for what should come, on a busy computer too, and to see that nothing does. */
const [LONG_MS, SHORT_MS] = [10_000, 30];

const drawMade = ({ random }: Draw): number => random.below(NUMBERS);

function find(act: Act, kind: MadeKind, n: number): Inode {
  const inode = act.world.made.get(`${kind}${n}`);
  if (!inode) throw new Fails(kind === "key" ? "ENOKEY" : "ENOENT");
  // found by its number, which tells that it is there
  if (kind !== "key") act.check("OP-1", inode, "sysv");
  return inode;
}

const making = (kind: MadeKind, weight: number): Kind => ({
  weight,
  draw: (draw) => [drawMade(draw), ...(kind === "key" ? [draw.token()] : [])],
  command: (args) => `made make ${kind} ${args.join(" ")}`,
  play: (act, args) => {
    const name = `${kind}${number(args, 0)}`;
    if (act.world.made.has(name)) throw kind === "key" ? new NotModelled() : new Fails("EEXIST");
    const inode = act.world.createOwn(kind, act.context);
    if (kind === "key") inode.data = text(args, 1);
    act.world.made.set(name, inode);
    act.made.push({ inode, ask: `made who ${kind} ${number(args, 0)}` });
    return null;
  },
});

const using = (kind: MadeKind, what: string, weight: number, play: (act: Act, inode: Inode, args: readonly (string | number)[]) => string | null, says = false): Kind => ({
  weight,
  draw: (draw) => {
    const there = Array.from({ length: NUMBERS }, (_, n) => n).filter((n) => draw.world.made.has(`${kind}${n}`));
    if (there.length === 0 && !draw.random.chance(5)) return null;
    const n = there.length > 0 ? draw.random.pick(there) : drawMade(draw);
    return [n, ...(says ? [draw.token()] : [])];
  },
  command: (args) => `made ${what} ${kind} ${args.join(" ")}`,
  play: (act, args) => play(act, find(act, kind, number(args, 0)), args),
}); // prettier-ignore

const messagesOf = (inode: Inode): string[] => (inode.data === "" ? [] : inode.data.split(" "));

export const madeKinds: Readonly<Record<string, Kind>> = {
  "queue-make": making("queue", 3),
  "semaphores-make": making("semaphores", 2),
  "segment-make": making("segment", 2),
  "key-make": making("key", 2),
  "queue-send": using("queue", "send", 5, (act, inode, args) => {
    if (messagesOf(inode).length >= QUEUED) throw new NotModelled();
    act.check("OP-2", inode, "sysv");
    act.tells(inode);
    inode.data = [...messagesOf(inode), text(args, 1)].join(" ");
    return null;
  }, true),
  "queue-take": using("queue", "take", 5, (act, inode) => {
    const [first, ...rest] = messagesOf(inode);
    if (first === undefined) throw new Fails("ENOMSG");
    // who may look but not take finds none that is for it
    try {
      act.check("OP-3", inode, "sysv");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      act.tries = true;
      throw new Refused(error.refusal, ["ENOMSG"]);
    }
    act.learns(inode);
    inode.data = rest.join(" ");
    return first;
  }),
  "queue-count": using("queue", "count", 2, (act, inode) => {
    act.check("OP-1", inode, "sysv");
    return String(messagesOf(inode).length);
  }),
  "semaphores-add": using("semaphores", "add", 4, (act, inode) => {
    act.check("OP-3", inode, "sysv");
    inode.data = String(Number(inode.data) + 1);
    return null;
  }),
  "semaphores-value": using("semaphores", "value", 3, (act, inode) => {
    act.check("OP-3", inode, "sysv");
    return String(Number(inode.data));
  }),
  "semaphores-set": using("semaphores", "set", 2, (act, inode) => {
    act.check("OP-2", inode, "sysv");
    inode.data = "3";
    return null;
  }),
  "segment-put": using("segment", "put", 4, (act, inode, args) => {
    act.check("OP-3", inode, "sysv");
    act.tells(inode);
    inode.data = text(args, 1);
    return null;
  }, true),
  "segment-get": using("segment", "get", 4, (act, inode) => {
    act.check("OP-1", inode, "sysv");
    act.learns(inode);
    return inode.data.padEnd(8, "\0");
  }),
  ...Object.fromEntries((["queue", "semaphores", "segment"] as const).map((kind) => [`${kind}-remove`, using(kind, "remove", 1, (act, inode) => {
    act.check("OP-2", inode, "sysv");
    for (const [name, each] of act.world.made) if (each === inode) act.world.made.delete(name);
    return null;
  })])),
  "key-read": using("key", "read", 4, (act, inode) => {
    // keyctl_read_key() says of every key that it can't look up that there is none
    try {
      act.check("OP-1", inode, "key");
    } catch (error) {
      throw error instanceof Refused ? new Refused(error.refusal, ["ENOKEY"]) : error;
    }
    act.learns(inode);
    return inode.data;
  }),
  "key-update": using("key", "update", 3, (act, inode, args) => {
    act.check("OP-2", inode, "key");
    act.tells(inode);
    inode.data = text(args, 1);
    return null;
  }, true),
}; // prettier-ignore

/** Networks are by context. */
const networkOf = (who: number): string => contextOfParty(who);
const KINDS = ["dgram", "stream", "udp", "tcp"] as const;
type SocketKind = (typeof KINDS)[number];
const isUnix = (kind: SocketKind): boolean => kind === "dgram" || kind === "stream";

const others = ({ random }: Draw): number => 1 + random.below(PARTIES.length - 1);

/** As `Act.check`, for a folder of sockets: it outlives the program, so its flows are not compared. */
function look(act: Act, owner: number, op: "OP-1" | "OP-2" | "OP-3", ...ops: ("lookup" | "mknod")[]): void {
  const [mine, theirs] = [act.context, stallOf(act, owner)];
  const read = op === "OP-2" ? "allow" : verdictOf("OP-1", mine, theirs);
  if (read !== "allow") throw new Refused({ ops, rule: read, source: theirs, sink: mine });
  const write = op === "OP-1" ? "allow" : verdictOf("OP-2", mine, theirs);
  if (write !== "allow") throw new Refused({ ops, rule: write, source: mine, sink: theirs });
}

function stallOf(act: Act, owner: number): ContextName {
  return act.world.stalls.get(owner) ?? contextOfParty(owner);
}

/** Two sockets of different networks are joined: what goes out is asked for first. */
function join(act: Act, other: number, op: "send" | "connect"): void {
  const [mine, theirs] = [act.context, contextOfParty(other)];
  if (networkOf(act.who) === networkOf(other)) return;
  const write = verdictOf("OP-2", mine, theirs);
  if (write !== "allow") throw new Refused({ ops: [op], rule: write, source: mine, sink: theirs });
  const read = verdictOf("OP-1", mine, theirs);
  if (read !== "allow") throw new Refused({ ops: [op], rule: read, source: theirs, sink: mine });
}

const opening = (kind: SocketKind): Kind => ({
  weight: 3,
  draw: (draw) => (isUnix(kind) ? [draw.who, `s${draw.token().replace(";", "")}`] : [draw.who, draw.random.below(PORTS)]),
  command: ([who, at]) => `net open ${kind} ${isUnix(kind) ? `${STALLS}/${who}/${at}` : 5000 + Number(at)}`,
  play: (act, args) => {
    const { world } = act;
    const at = isUnix(kind) ? `${act.who}/${text(args, 1)}` : `${networkOf(act.who)}:${text(args, 1)}`;
    world.listeners.delete(`${kind} ${act.who}`); // it closes its own first
    if (isUnix(kind)) {
      if (number(args, 0) !== act.who || world.left.has(`${kind} ${at}`)) throw new NotModelled();
      look(act, act.who, "OP-1", "lookup");
      look(act, act.who, "OP-3", "lookup");
      look(act, act.who, "OP-3", "mknod");
      const [mine, theirs] = [act.context, stallOf(act, act.who)];
      if (mine !== "U" && mine !== theirs) throw new Refused({ ops: ["mknod"], rule: "OBJ-3", source: mine, sink: theirs });
      world.left.add(`${kind} ${at}`);
    } else if ([...world.listeners].some(([name, each]) => name.startsWith(`${kind} `) && each.at === at)) {
      throw new Fails("EADDRINUSE");
    }
    world.listeners.set(`${kind} ${act.who}`, { who: act.who, at, waiting: [] });
    return null;
  },
}); // prettier-ignore

const saying = (kind: SocketKind): Kind => ({
  weight: 5,
  draw: (draw) => {
    const all = [...draw.world.listeners].filter(([name]) => name.startsWith(`${kind} `)).map(([, each]) => each);
    if (isUnix(kind)) {
      if (all.length === 0) return null;
      const [who, name] = draw.random.pick(all).at.split("/");
      return [Number(who), name!, draw.token()];
    }
    return [others(draw), draw.random.below(PORTS), draw.token()];
  },
  command: ([who, at, said]) => `net say ${kind} ${isUnix(kind) ? `${STALLS}/${who}/${at}` : 5000 + Number(at)} ${said}`,
  play: (act, args) => {
    const { world } = act;
    const at = isUnix(kind) ? `${number(args, 0)}/${text(args, 1)}` : `${networkOf(act.who)}:${text(args, 1)}`;
    const to: Listener | undefined = [...world.listeners].find(([name, each]) => name.startsWith(`${kind} `) && each.at === at)?.[1];
    if (isUnix(kind)) {
      const owner = number(args, 0);
      look(act, owner, "OP-1", "lookup");
      if (!world.left.has(`${kind} ${at}`)) throw new Fails("ENOENT");
      look(act, owner, "OP-2", "lookup");
      if (!to) throw new Fails("ECONNREFUSED");
      if (to.waiting.length >= MOST_WAITING) throw new NotModelled();
      join(act, to.who, kind === "dgram" ? "send" : "connect");
    } else if (!to) {
      if (kind === "tcp") throw new Fails("ECONNREFUSED");
      return null; // nobody gets it
    }
    if (to.waiting.length >= MOST_WAITING) throw new NotModelled();
    to.waiting.push(text(args, 2));
    return null;
  },
}); // prettier-ignore

const hearing = (kind: SocketKind): Kind => ({
  weight: 5,
  draw: (draw) => {
    const mine = draw.world.listeners.get(`${kind} ${draw.who}`);
    return mine ? [mine.waiting.length > 0 ? LONG_MS : SHORT_MS] : null;
  },
  command: ([patience]) => `net hear ${kind} ${patience}`,
  play: (act) => {
    const mine = act.world.listeners.get(`${kind} ${act.who}`);
    if (!mine) throw new NotModelled();
    const said = mine.waiting.shift();
    if (said === undefined) throw new Fails("EAGAIN");
    return said;
  },
});

/** Where the parties' folders for sockets are, in the machine. */
export const STALLS = "/data/stalls";

export const socketKinds: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries(KINDS.map((kind) => [`${kind}-open`, opening(kind)])),
  ...Object.fromEntries(KINDS.map((kind) => [`${kind}-say`, saying(kind)])),
  ...Object.fromEntries(KINDS.map((kind) => [`${kind}-hear`, hearing(kind)])),
  /** By the platform: another label for the folder of somebody's sockets. */
  stall: {
    weight: 1,
    platform: true,
    draw: (draw) => [others(draw), draw.random.pick(["U", "A", "B", "AB", "V", "W", "AV", "own"])],
    command: ([who, context]) => `ask 2 $${context === "own" ? contextOfParty(Number(who)) : context} 0 ${STALLS}/${who}`,
    play: (act, args) => {
      const [who, context] = [number(args, 0), text(args, 1)];
      if (context === "own") act.world.stalls.delete(who);
      else act.world.stalls.set(who, context as ContextName);
      return null;
    },
  },
}; // prettier-ignore
