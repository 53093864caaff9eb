/**
 * Connections and bytes of one server, counted by transport: for metrics.ts.
 *
 * Guarantee: nothing is counted per packet; bytes are those that the sockets themselves have counted.
 */
import type { Socket } from "node:net";

/** What was, and what is, of one kind of connection. */
export interface Counted {
  /** Accepted since the start. */
  readonly opened: number;
  readonly open: number;
  /** Bytes on the wire, with those of TLS and HTTP. */
  readonly received: number;
  readonly sent: number;
}

export class Traffic {
  readonly #transports = new Map<string, { opened: number; received: number; sent: number }>();
  readonly #open = new Map<Socket, string>();

  /** @param transport one of a few */
  add(transport: string, socket: Socket): void {
    this.#of(transport).opened++;
    this.#open.set(socket, transport);
    socket.once("close", () => {
      if (!this.#open.delete(socket)) return;
      const of = this.#of(transport);
      of.received += socket.bytesRead;
      of.sent += socket.bytesWritten;
    });
  }

  counts(): ReadonlyMap<string, Counted> {
    const counts = new Map(
      Array.from(this.#transports, ([transport, of]) => [transport, { ...of, open: 0 }]),
    );
    for (const [socket, transport] of this.#open) {
      const of = counts.get(transport);
      if (of === undefined) continue;
      of.open++;
      of.received += socket.bytesRead;
      of.sent += socket.bytesWritten;
    }
    return counts;
  }

  #of(transport: string): { opened: number; received: number; sent: number } {
    let of = this.#transports.get(transport);
    if (of === undefined) this.#transports.set(transport, (of = { opened: 0, received: 0, sent: 0 }));
    return of;
  }
}
