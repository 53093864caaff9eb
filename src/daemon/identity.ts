/**
 * Who calls: the user at the other end of the unix socket, by the kernel's word (SO_PEERCRED), the machine's owner, by
 * the token that only he can read, or, on either way, a principal by a token of its own (tokens.ts).
 *
 * A labelled process gets no answer at all: what it makes the daemon do could be seen by others. (Its
 * sockets are refused by the monitor; this holds should one reach us nevertheless.)
 */
import { statSync } from "node:fs";
import type { Socket } from "node:net";
import { timingSafeEqual } from "node:crypto";
import { type Monitor, native } from "../kernel/index.ts";
import { NO_USER } from "../policy/index.ts";
import { CsnError } from "./errors.ts";
import { readText } from "./read-text.ts";

export type Caller = {
  uid: number;
  gid: number;
  groups: readonly number[];
  name: string;
  /** Known by a token, not as a user: speaks for this principal, and has no files and no programs. */
  principal?: string;
};

/** @throws CsnError E_LABELLED_CALLER, E_NOT_PERMITTED */
export function callerOf(
  socket: Socket,
  authorization: string | undefined,
  token: string | null,
  monitor: Monitor | null,
  principalBy: (token: string) => string | null,
): Caller {
  const bearer = /^Bearer (csn_.*)$/.exec(authorization ?? "")?.[1];
  if (socket.remoteFamily === "IPv4" || socket.remoteFamily === "IPv6") {
    const given = Buffer.from((authorization ?? "").replace(/^Bearer /, ""));
    const expected = Buffer.from(token ?? "");
    if (bearer !== undefined) return callerBy(bearer, principalBy);
    if (token !== null && given.length === expected.length && timingSafeEqual(given, expected))
      return { uid: 0, gid: 0, groups: [], name: "root" };
    throw new CsnError(
      "E_NOT_PERMITTED",
      "expected the machine's token, found another or none",
      "only the user who started the machine may use it",
      403,
    );
  }
  // eslint-disable-next-line no-underscore-dangle -- the descriptor has no public name in Node.js
  const handle = (socket as unknown as { _handle?: { fd?: number } })._handle;
  if (typeof handle?.fd !== "number")
    throw new CsnError("E_NOT_PERMITTED", "the caller is gone", "try again", 403);
  const peer = native().peer(handle.fd);
  const subject = monitor?.subject(peer.pid);
  if (subject && !subject.platform) {
    throw new CsnError(
      "E_LABELLED_CALLER",
      "expected a caller without a label, found a labelled process",
      "run csn outside `csn run`",
      403,
    );
  }
  if (bearer !== undefined) return callerBy(bearer, principalBy);
  return { uid: peer.uid, gid: peer.gid, groups: peer.groups, name: userName(peer.uid) };
}

/** @throws CsnError E_NOT_PERMITTED */
function callerBy(token: string, principalBy: (token: string) => string | null): Caller {
  const principal = principalBy(token);
  if (principal !== null) return { uid: NO_USER, gid: NO_USER, groups: [], name: principal, principal };
  throw new CsnError(
    "E_NOT_PERMITTED",
    "expected a token in force, found one that is unknown, ended or revoked",
    "`csn token create` makes one; without CSN_TOKEN you are the user that you are",
    403,
  );
}

let users = new Map<number, string>();
let usersRead = 0;

export function userName(uid: number): string {
  return userNames().get(uid) ?? `uid ${uid}`;
}

/** The number of the host's user of that name, or null. */
export function userIdOf(name: string): number | null {
  for (const [uid, known] of userNames()) if (known === name) return uid;
  return null;
}

export function userNames(): Map<number, string> {
  const changed = mtime("/etc/passwd");
  if (changed !== usersRead) {
    usersRead = changed;
    users = new Map();
    for (const line of readText("/etc/passwd").split("\n")) {
      const [name, , id] = line.split(":");
      if (name && id && !users.has(Number(id))) users.set(Number(id), name);
    }
  }
  return users;
}

function mtime(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return -1;
  }
}

/** Only root of the host. @throws CsnError E_NOT_PERMITTED */
export function requireRoot(caller: Caller, what: string): void {
  if (caller.uid === 0) return;
  throw new CsnError("E_NOT_PERMITTED", `expected root to ${what}, found ${caller.name}`, "use sudo", 403);
}
