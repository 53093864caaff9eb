/**
 * Questions of callers to the record: who may see what [AUD-4], and what a path leads to now.
 */
import { dirname } from "node:path";
import { LeakQuery, TraceQuery } from "../api/index.ts";
import type { Answers, Reader } from "../audit/index.ts";
import { contextOf, integrityOf, secrecyOf, type TagId } from "../label/index.ts";
import type { Csn } from "./csn.ts";
import { type Caller, userNames } from "./identity.ts";
import { parse } from "./parse.ts";
import { isCleared, knows } from "./privileges.ts";

export function trace(csn: Csn, caller: Caller, body: unknown): Promise<Answers["trace"]> {
  const query = parse(TraceQuery, body);
  const inodes = inodesOf(csn, caller, [query.from, query.to]);
  return csn.ask(readerOf(csn, caller), { ask: "trace", ...query, inodes });
}

export function leak(csn: Csn, caller: Caller, body: unknown): Promise<Answers["leak"]> {
  const query = parse(LeakQuery, body);
  const inodes = inodesOf(csn, caller, [query.of, query.to]);
  return csn.ask(readerOf(csn, caller), { ask: "leak", ...query, inodes });
}

export function readerOf(csn: Csn, caller: Caller): Reader {
  const { authority } = csn;
  const tags = authority.tags().filter(({ name }) => knows(authority, caller, name));
  const holds = (id: TagId) => isCleared(authority, caller, contextOf(secrecyOf([id]), integrityOf([])));
  return {
    clearance: caller.uid === 0 ? null : tags.flatMap(({ id }) => (holds(id) ? [id] : [])).sort(),
    tags: Object.fromEntries(tags.map(({ id, name }) => [id, name])),
    users: Object.fromEntries([...userNames()].map(([uid, name]) => [String(uid), name])),
    host: csn.host,
  };
}

type Inodes = Record<string, { first: string; second: number; third: number }[]>;

/** A name is data of its folder: only who may read that learns what it leads to. */
function inodesOf(csn: Csn, caller: Caller, texts: readonly (string | undefined)[]): Inodes {
  const found: Inodes = {};
  for (const text of texts) {
    if (text === undefined || !text.startsWith("/") || csn.monitor === null) continue;
    try {
      const folder = csn.monitor.inode(dirname(text)).context;
      const state = csn.monitor.inode(text);
      const may = [folder, state.context].every((c) => c !== null && isCleared(csn.authority, caller, c));
      if (!may) continue;
      found[text] = [{ first: String(state.ino), second: state.dev, third: state.generation }];
    } catch {
      // it is not there now: records may know its name
    }
  }
  return found;
}
