/**
 * What a socket's entity is called: the thing that both ends have (bpf/channel.bpf.h, decision 29).
 */

/** csn_channel of bpf/abi.h, in an entity's third number; a socket of its own has 0 there. */
export const CHANNEL = { PAIR: 1, CONNECTION: 2, PORT: 3, DATAGRAMS: 4, LETTERS: 5 } as const;

/**
 * @param known what the record calls it, such as `…/TCP`
 * @returns null: it is no channel, or one of a kind that is not known here
 */
export function channelText(first: bigint, third: number, known: string | undefined): string | null {
  const kind = known === undefined ? "socket" : known.slice(known.lastIndexOf("/") + 1);
  switch (third) {
    case CHANNEL.PAIR:
      return `${kind} pair ${first}`;
    case CHANNEL.CONNECTION: // a hash of network, addresses and ports: enough of it to tell some from each other
      return `${kind} connection ${(first & 0xffffn).toString(16).padStart(4, "0")}`;
    case CHANNEL.PORT:
    case CHANNEL.DATAGRAMS:
      return `${kind} port ${first & 0xffffn}`;
    case CHANNEL.LETTERS:
      return `${kind} socket ${first}`;
    default:
      return null;
  }
}
