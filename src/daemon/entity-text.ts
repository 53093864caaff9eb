/**
 * What the ends of a record are called, and what identifies them (struct csn_entity in bpf/abi.h).
 */
import { type AddressRange, addressText, endpointText, isV4, rangeText } from "../api/index.ts";
import { channelText } from "../audit/index.ts";
import { OPS, SHAPE } from "../kernel/index.ts";
import { userName } from "./identity.ts";

const R = SHAPE.csn_record;
const NETWORK = OPS.indexOf("network");

/** @param known what records call it */
export function entityText(
  record: Buffer,
  at: number,
  kind: string,
  known: string | undefined,
): { name: string; id: string } {
  const first = record.readBigUInt64LE(at);
  const second = record.readUInt32LE(at + 8);
  const third = record.readUInt32LE(at + 12);
  switch (kind) {
    case "none":
      return { name: known ?? "", id: "" };
    case "process":
      return { name: known ?? `process ${second}`, id: `${second}@${first}` };
    case "principal":
      return { name: userName(Number(first)), id: `uid ${first}` };
    case "address": {
      const text = addressOf(record, at);
      return { name: text, id: text };
    }
    case "socket":
      if (first === 0n && second === 0) return { name: "a socket of its network", id: "" }; // bpf/way.bpf.c
      break;
    case "ipc":
      return {
        name: `${SYSTEM_V[third] ?? SYSTEM_V[0]} ${first} of namespace ${second}`,
        id: `${second}:${first}:${third}`,
      };
    case "message":
    case "client":
      return { name: known ?? `${kind} ${first}`, id: `${kind}:${first}` };
    case "key":
      return { name: `key ${first}`, id: String(first) };
  }
  const id = `${second >>> 20}:${second & 0xfffff}:${first}:${third}`;
  const channel = kind === "socket" ? channelText(first, third, known) : null;
  return { name: channel ?? known ?? `${kind} ${first}`, id };
}

/** As bpf/maps.bpf.h numbers them; each sort has numbers of its own. */
const SYSTEM_V = ["System V object", "System V segment", "System V queue", "System V semaphores"] as const;

/** One endpoint; or, where the daemon recorded a change of policy, the range that it was for. */
function addressOf(record: Buffer, at: number): string {
  const bytes = record.subarray(at, at + 16);
  const number = record.readBigUInt64LE(R.bytes);
  if (record.readUInt16LE(R.op) === NETWORK) {
    const [first, last, bits] = [number & 0xffffn, (number >> 16n) & 0xffffn, number >> 32n];
    const family = isV4(bytes) && bits >= 96n ? 4 : 6;
    return rangeText({ family, bytes, bits: Number(bits), first: Number(first), last: Number(last) });
  }
  return number === 0n ? addressText(bytes) : endpointText(bytes, Number(number));
}

/** What a record of op `network` has in its `bytes`, besides the address: first port, last port, bits of the prefix. */
export function policyBytes({ first, last, bits }: Pick<AddressRange, "first" | "last" | "bits">): number {
  return first + last * 2 ** 16 + bits * 2 ** 32;
}
