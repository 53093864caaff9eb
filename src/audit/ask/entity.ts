/**
 * Entities in words: what they are called, and the text that identifies them.
 */
import { addressText } from "../address.ts";
import { channelText } from "../channel.ts";
import { ENTITY } from "../record.ts";
import type { Sight } from "./reader.ts";

export type EntityText = {
  kind: string;
  /** For people; whoever made the thing has chosen it. */
  name: string;
  /** Names it in a question. */
  id: string;
};

const MINOR_BITS = 0xfffff;

export function entityText(sight: Sight, entity: number): EntityText {
  const { graph } = sight;
  const { kind, boot, first, second, third, port } = graph.entities.key(entity);
  const known = graph.names.of(entity);
  // several boots have the same numbers: those but the newest are told apart
  const when = boot === -1 || boot === graph.boots.length - 1 ? "" : `/${graph.boots[boot]!.id.slice(0, 6)}`;
  switch (kind as string) {
    case "none":
      return { kind, name: "nothing", id: "none" };
    case "process":
      return { kind, name: known ?? `process ${second}`, id: `${second}@${first}${when}` };
    case "principal":
      return { kind, name: sight.userText(first), id: `uid:${first}` };
    case "address": {
      const bytes = Buffer.alloc(16);
      bytes.writeBigUInt64LE(first, 0);
      bytes.writeUInt32LE(second >>> 0, 8);
      bytes.writeUInt32LE(third >>> 0, 12);
      const text = addressText(bytes, 0, port);
      return { kind, name: text, id: text };
    }
    case "socket":
      if (first === 0n && second === 0)
        return { kind, name: "a socket of its network", id: `socket:0${when}` };
      break;
    case "ipc":
      return { kind, name: `System V object ${first} of namespace ${second}`, id: `ipc:${second}:${first}${when}` }; // prettier-ignore
    case "message":
    case "client":
      return { kind, name: known ?? `${kind} ${first}`, id: `${kind}:${first}` };
    case "key":
      return { kind, name: `key ${first}`, id: `key:${first}${when}` };
    case "anon":
      if (second === 0 && first !== 0n)
        return { kind, name: `shared memory ${first}${makerText(sight, entity)}`, id: `0:0:${first}:${third}${when}` }; // prettier-ignore
      break;
    default: // an inode
  }
  const id = `${second >>> 20}:${second & MINOR_BITS}:${first}:${third}${when}`;
  const channel = (kind as string) === "socket" ? channelText(first, third, known) : null;
  return { kind, name: channel ?? known ?? `${kind} ${first}`, id };
}

/** ` of curl`: whoever was the first to have it, if the reader may see that. */
function makerText({ graph, sees }: Sight, memory: number): string {
  const { flows, firstUse, entities, names } = graph;
  const first = firstUse[memory]!;
  if (first >= flows.length || sees[flows.meta(first)] === 0) return "";
  const ends = [flows.source(first), flows.sink(first)];
  const maker = ends.find((end) => entities.kind(end) === ENTITY.process);
  return ends.includes(memory) && maker !== undefined
    ? ` of ${names.of(maker) ?? `process ${entities.key(maker).second}`}`
    : "";
}

/** An address with an optional port, as the parts of an entity; null when it is none. */
export function readAddress(
  text: string,
): { first: bigint; second: number; third: number; port: number | null } | null {
  // prettier-ignore
  const [, v6, v6port] = /^\[([0-9a-fA-F:.]+)\](?::(\d+))?$/.exec(text) ?? [];
  const [, v4, v4port] = /^(\d+\.\d+\.\d+\.\d+)(?::(\d+))?$/.exec(text) ?? [];
  const bare =
    v6 === undefined && v4 === undefined && /^[0-9a-fA-F:]*:[0-9a-fA-F:]*:[0-9a-fA-F:.]*$/.test(text);
  const host = v6 ?? v4 ?? (bare ? text : undefined);
  if (host === undefined) return null;
  const bytes = v4 === undefined ? bytesOfV6(host) : bytesOfV4(host);
  if (bytes === null) return null;
  const port = v6port ?? v4port;
  return {
    first: bytes.readBigUInt64LE(0),
    second: bytes.readUInt32LE(8),
    third: bytes.readUInt32LE(12),
    port: port === undefined ? null : Number(port),
  };
}

function bytesOfV4(host: string): Buffer | null {
  const parts = host.split(".").map(Number);
  if (parts.some((part) => part > 255)) return null;
  return Buffer.concat([Buffer.from("00000000000000000000ffff", "hex"), Buffer.from(parts)]);
}

function bytesOfV6(host: string): Buffer | null {
  try {
    const written = new URL(`http://[${host}]/`).hostname.slice(1, -1);
    const [head = "", tail] = written.split("::");
    const groups = (text: string) => (text === "" ? [] : text.split(":"));
    const [before, after] = [groups(head), groups(tail ?? "")];
    const middle = Array.from({ length: 8 - before.length - after.length }, () => "0");
    const bytes = Buffer.alloc(16);
    for (const [at, group] of [...before, ...middle, ...after].entries())
      bytes.writeUInt16BE(Number.parseInt(group, 16), at * 2);
    return bytes;
  } catch {
    return null;
  }
}
