/**
 * What a socket's entity is called: the thing that both ends have (bpf/channel.bpf.h, decision 29).
 */
import { addressText } from "./address.ts";
import { NAME_BYTES } from "./record.ts";

/** csn_channel of bpf/abi.h, in an entity's third number; a socket of its own has 0 there. */
export const CHANNEL = { PAIR: 1, CONNECTION: 2, PORT: 3, DATAGRAMS: 4, LETTERS: 5 } as const;

/**
 * A connection's two ends, as a record of its name has them.
 * @param at of two csn_end of bpf/abi.h, each with room for NAME_BYTES
 * @returns `10.1.2.3:443 - 10.4.5.6:50000`, the same at both ends; null: it tells none
 */
export function endsText(bytes: Buffer, at: number): string | null {
  const ports = [0, 1].map((n) => bytes.readUInt32LE(at + n * NAME_BYTES + END_PORT));
  if (ports.includes(0)) return null;
  return ports.map((port, n) => addressText(bytes, at + n * NAME_BYTES, port)).join(" - ");
}

const END_PORT = 16;

/**
 * @param known what the record calls it, such as `…/TCP`, or `…/TCP 10.1.2.3:443 - 10.4.5.6:50000`
 * @returns null: it is no channel, or one of a kind that is not known here
 */
export function channelText(first: bigint, third: number, known: string | undefined): string | null {
  const kind = known === undefined ? "socket" : known.slice(known.lastIndexOf("/") + 1);
  switch (third) {
    case CHANNEL.PAIR:
      return `${kind} pair ${first}`;
    case CHANNEL.CONNECTION: {
      const [protocol, ...ends] = kind.split(" ");
      // a hash of network, addresses and ports: enough of it to tell some from each other
      return `${protocol} connection ${ends.length > 0 ? ends.join(" ") : (first & 0xffffn).toString(16).padStart(4, "0")}`;
    }
    case CHANNEL.PORT:
    case CHANNEL.DATAGRAMS:
      return `${kind} port ${first & 0xffffn}`;
    case CHANNEL.LETTERS:
      return `${kind} socket ${first}`;
    default:
      return null;
  }
}
