/**
 * What a question is about: a text to entities, a tag, one record, or the outside.
 *
 *   owner/name, tag:owner/name   all that had the tag
 *   /a/path                      the file of that name, by number if it is there, and by what records called it
 *   17, #17, 3f2a1b-1k9x0        a record
 *   8:1:1234:5, 812@4711         an entity, as answers name it
 *   pid:812, 10.1.2.3:443, user:alice, uid:1000, program:curl, message:17, client:42
 *   outside                      whatever does not have the data's tags: people, addresses, files without the label
 *
 * Guarantee: only what occurs in records that the reader may see is found.
 */
import type { TagId } from "../../label/index.ts";
import { BLOCK, type EntityKey, type Graph } from "../graph/index.ts";
import { ENTITY, type EntityName } from "../record.ts";
import { entityText, readAddress } from "./entity.ts";
import { AskError } from "./error.ts";
import type { Sight } from "./reader.ts";

/** Numbers of an inode that a path leads to now, as the daemon found them. */
export type Inode = { first: string; second: number; third: number };
export type Target =
  | { what: "tag"; text: string; tag: TagId }
  | { what: "record"; text: string; flow: number }
  | { what: "entities"; text: string; entities: readonly number[] }
  | { what: "outside"; text: string };

/** What ids begin with that are no path, process, inode or address. */
const KIND_OF_ID: ReadonlyMap<string, EntityName> = new Map([
  ["none", "none"],
  ["uid", "principal"],
  ["socket", "socket"],
  ["ipc", "ipc"],
  ["key", "key"],
  ["message", "message"],
  ["client", "client"],
]);

/** @throws AskError E_ASK_NOTHING */
export function findTarget(sight: Sight, text: string, inodes: readonly Inode[] = []): Target {
  if (text === "outside") return { what: "outside", text };
  const tagName = text.startsWith("tag:") ? text.slice(4) : text;
  const tag = sight.tagNamed(tagName);
  if (tag !== null) return { what: "tag", text, tag };
  const flow = sight.flowNamed(text.replace(/^#/, ""));
  if (flow !== -1) return { what: "record", text, flow };
  const candidates = candidatesFor(sight, text, inodes);
  const entities = candidates.length === 0 ? [] : seenOf(sight, candidates);
  if (entities.length > 0) return { what: "entities", text, entities };
  throw new AskError(
    "E_ASK_NOTHING",
    `expected something that occurs in records that you may read, found nothing for ${JSON.stringify(text)}`,
    "a path, OWNER/NAME of a tag, a record's number, `pid:812`, `program:curl`, `10.1.2.3:443`, `user:alice`, or `outside`",
  );
}

function candidatesFor(sight: Sight, text: string, inodes: readonly Inode[]): number[] {
  const { graph } = sight;
  const where = (kind: EntityName, test: (key: EntityKey, entity: number) => boolean) =>
    ofKind(graph, kind).filter((entity) => test(graph.entities.key(entity), entity));
  const [, pid, start] = /^(?:pid:)?(\d+)(?:@(\d+))?(?:\/[0-9a-f]{6})?$/.exec(text) ?? [];
  if (text.startsWith("pid:") || start !== undefined)
    return where(
      "process",
      (key, entity) =>
        key.second === Number(pid) &&
        (start === undefined || key.first === BigInt(start)) &&
        (!text.includes("/") || entityText(sight, entity).id === text),
    );
  if (text.startsWith("/")) return namedSo(sight, text, inodes);
  if (text.startsWith("program:")) {
    const called = graph.names.called(text.slice(8));
    return called.filter((entity) => graph.entities.kind(entity) === ENTITY.process).sort((a, b) => a - b);
  }
  const inode = inodeNamed(sight, text);
  if (inode !== null) return inode;
  const [, user] = /^user:(.+)$/.exec(text) ?? [];
  if (user !== undefined) return where("principal", (key) => sight.reader.users[String(key.first)] === user);
  const address = readAddress(text);
  if (address !== null)
    return where(
      "address",
      (key) =>
        key.first === address.first &&
        key.second === address.second &&
        key.third === address.third &&
        (address.port === null || key.port === address.port),
    );
  const kind = KIND_OF_ID.get(text.split(":")[0]!);
  return kind === undefined ? [] : where(kind, (_, entity) => entityText(sight, entity).id === text);
}

/** `8:1:1234:5`: without a boot, of the newest; null when the text is something else. */
function inodeNamed({ graph }: Sight, text: string): number[] | null {
  const [, major, minor, first, third, prefix] =
    /^(\d+):(\d+):(\d+):(\d+)(?:\/([0-9a-f]{6}))?$/.exec(text) ?? [];
  if (first === undefined) return null;
  const second = (Number(major) << 20) | Number(minor);
  const { boots } = graph;
  const at = prefix === undefined ? boots.length - 1 : boots.findIndex(({ id }) => id.startsWith(prefix));
  const found = graph.entities.find(ENTITY.file, at, BigInt(first), second, Number(third));
  return found === -1 ? [] : [found];
}

/** By its number now, and by the end of a path that records tell: a file may be gone, or another one in its place. */
function namedSo(sight: Sight, path: string, inodes: readonly Inode[]): number[] {
  const { graph } = sight;
  const found = new Set<number>();
  for (const { first, second, third } of inodes)
    for (let boot = 0; boot < graph.boots.length; boot++) {
      const entity = graph.entities.find(ENTITY.file, boot, BigInt(first), second, third);
      if (entity !== -1) found.add(entity);
    }
  for (const [entity, name] of graph.names.endingIn(path.slice(path.lastIndexOf("/") + 1))) {
    const isIt = name === path || (name.startsWith("…/") && path.endsWith(name.slice(1)));
    if (isIt && graph.entities.kind(entity) !== ENTITY.process) found.add(entity);
  }
  return [...found];
}

/** Those of one kind, each under one number. */
function ofKind(graph: Graph, name: EntityName): number[] {
  const { entities } = graph;
  const [kind, found] = [ENTITY[name], [] as number[]];
  for (let entity = 0; entity < entities.size; entity++)
    if (entities.kind(entity) === kind) found.push(entity);
  return found;
}

/** Those that a record which may be seen tells of. */
function seenOf({ graph, sees }: Sight, candidates: readonly number[]): number[] {
  // who sees all sees each that is in any flow
  if (!sees.includes(0)) return candidates.filter((entity) => graph.firstUse[entity]! < graph.flows.length);
  const wanted = new Uint8Array(graph.entities.size);
  for (const entity of candidates) wanted[entity] = 1;
  const seen: number[] = [];
  const take = (entity: number) => {
    if (wanted[entity] === 0) return;
    wanted[entity] = 0;
    seen.push(entity);
  };
  const first = candidates.reduce((least, entity) => Math.min(least, graph.firstUse[entity]!), Infinity);
  const { blocks } = graph.flows;
  for (let b = Math.floor(first / BLOCK); b < blocks.length && seen.length < candidates.length; b++) {
    const { n, source, sink, meta } = blocks[b]!;
    for (let i = 0; i < n && seen.length < candidates.length; i++) {
      if ((wanted[source[i]!]! | wanted[sink[i]!]!) === 0 || sees[meta[i]!] === 0) continue;
      take(source[i]!);
      take(sink[i]!);
    }
  }
  return seen;
}
