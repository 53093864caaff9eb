/**
 * Ways out of the networks of contexts: the maps `ways` and `networks`, and the programs of bpf/way.bpf.c.
 *
 * Guarantee: after `guard` each packet at that interface is judged, as long as the interface is there. An
 * interface that is not in `ways` lets nothing through.
 */
import { NETWORK_OPEN, SHAPE } from "./abi.ts";
import { u32 } from "./contexts.ts";
import { type Fd, native } from "./native.ts";

const COOKIE_BYTES = 8;

export class Ways {
  readonly #ways: Fd;
  readonly #networks: Fd;
  readonly #programs: string;

  /** @param programs the path of a pinned program, without its name */
  constructor(ways: Fd, networks: Fd, programs: string) {
    this.#ways = ways;
    this.#networks = networks;
    this.#programs = programs;
  }

  /** Has the monitor judge what passes there. @param v4 the network's own address, as IPv6 has it */
  guard(interface_: number, way: { context: number; v4: Uint8Array; v6: Uint8Array }): void {
    const value = Buffer.alloc(SHAPE.csn_way.size);
    value.writeUInt32LE(way.context, SHAPE.csn_way.context);
    value.set(way.v4, SHAPE.csn_way.v4);
    value.set(way.v6, SHAPE.csn_way.v6);
    native().mapSet(this.#ways, u32(interface_), value, 0);
    native().attachInterface(`${this.#programs}way_out`, interface_, 0);
    native().attachInterface(`${this.#programs}way_in`, interface_, 1);
  }

  /** The interface is gone. */
  forget(interface_: number): void {
    native().mapDelete(this.#ways, u32(interface_));
  }

  /** Says of a context's networks whether they have a way out: then groups are addresses outside, too. */
  mark(context: number, isOpen: boolean): void {
    const shape = SHAPE.csn_network;
    const next = (key: Buffer | null) => native().mapNext(this.#networks, key, COOKIE_BYTES);
    for (let key = next(null); key; key = next(key)) {
      const value = native().mapGet(this.#networks, key, shape.size);
      if (value?.readUInt32LE(shape.context) !== context) continue;
      value.writeUInt32LE(isOpen ? NETWORK_OPEN : 0, shape.flags);
      native().mapSet(this.#networks, key, value, 0);
    }
  }
}
