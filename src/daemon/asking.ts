/**
 * Questions of callers to the record: who may see what [AUD-4], and what a path leads to now.
 */
import { once } from "node:events";
import { dirname } from "node:path";
import type { FastifyReply } from "fastify";
import {
  type ErasureAnswer,
  ErasureQuery,
  ExportQuery,
  type LeakAnswer,
  LeakQuery,
  QuestionsQuery,
  TraceQuery,
} from "../api/index.ts";
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

/** With proofs of the path's records, for the platform: where a record stands tells how many others there are. [AUD-4] */
export async function leak(csn: Csn, caller: Caller, body: unknown): Promise<LeakAnswer> {
  const query = parse(LeakQuery, body);
  const inodes = inodesOf(csn, caller, [query.of, query.to]);
  const answer = await csn.ask(readerOf(csn, caller), { ask: "leak", ...query, inodes });
  const isPlatform = caller.uid === 0;
  const checkpoint = isPlatform ? csn.records.checkpoint : null;
  const proofs = answer.records.length > 0 ? csn.records.prove(answer.records) : null;
  const { path, ...rest } = answer;
  const said = {
    answer: path === null ? "none found within the coverage" : "a path was found",
    path,
    ...rest,
  };
  const statement = csn.records.sign(
    JSON.stringify({ ...said, asker: caller.name, at: csn.authority.now().toISOString(), checkpoint }),
  );
  return { ...answer, proofs, statement };
}

export function questions(csn: Csn, caller: Caller, body: unknown): Promise<Answers["questions"]> {
  const query = parse(QuestionsQuery, body);
  const inodes = inodesOf(
    csn,
    caller,
    query.questions.map(({ to }) => to),
  );
  return csn.ask(readerOf(csn, caller), { ask: "questions", ...query, inodes });
}

export async function erasure(csn: Csn, caller: Caller, body: unknown): Promise<ErasureAnswer> {
  const answer = await csn.ask(readerOf(csn, caller), { ask: "erasure", ...parse(ErasureQuery, body) });
  const roots = csn.monitor === null ? [] : csn.store.labels().map(({ path }) => path);
  // numbers of file systems without a device mean something in one boot only
  const isThisBoot = answer.coverage.boots.at(-1)?.boot === csn.store.bootId.replaceAll("-", "");
  const files = answer.files.map(({ thing, ...file }) => {
    const canTell = isThisBoot || !thing.id.startsWith("0:");
    return Object.assign(file, { thing, found: canTell ? whereNow(csn, caller, thing, roots) : null });
  });
  return { ...answer, files };
}

/** A path that leads to this very inode now, of those that fit its name; null: none of them does. */
function whereNow(
  csn: Csn,
  caller: Caller,
  { name, id }: { name: string; id: string },
  roots: readonly string[],
): string | null {
  for (const path of placesFor(name, roots)) {
    const [inode] = inodesOf(csn, caller, [path])[path] ?? [];
    if (inode === undefined) continue;
    const { first, second, third } = inode;
    if (`${second >>> 20}:${second & 0xfffff}:${first}:${third}` === id) return path;
  }
  return null;
}

/** The record has the last three parts of a path: what is before them may be a folder that was labelled. */
export function placesFor(name: string, roots: readonly string[]): string[] {
  if (name.startsWith("/")) return [name];
  if (!name.startsWith("…/")) return [];
  const parts = name.slice(2).split("/");
  return roots.flatMap((root) => {
    const fits = parts.map((_, at) => parts.slice(0, at + 1).join("/"));
    const overlaps = fits.flatMap((head, at) => (root.endsWith(`/${head}`) ? [at + 1] : []));
    return [0, ...overlaps].map((at) => [root, ...parts.slice(at)].join("/"));
  });
}

export async function exportAll(
  csn: Csn,
  caller: Caller,
  given: unknown,
  reply: FastifyReply,
): Promise<void> {
  const { format, noise, refused } = parse(ExportQuery, given);
  const out = reply.hijack().raw;
  out.writeHead(200, {
    "content-type": format === "jsonl" ? "application/x-ndjson" : "text/plain; charset=utf-8",
  });
  for await (const piece of csn.exportRecord(readerOf(csn, caller), format, { noise, refused })) {
    if (out.destroyed) break;
    if (!out.write(piece)) await Promise.race([once(out, "drain"), once(out, "close")]);
  }
  out.end();
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
  if (caller.principal !== undefined) return found; // by a token: none of the host's files are its own
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
