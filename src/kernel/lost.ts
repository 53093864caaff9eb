/**
 * What found no room in the kernel's rings, by kind. [AUD-3]
 *
 * Guarantee: what `news` gives is given again until `told`; the map that remembers it is as old as the counters, so
 * neither a daemon that ends in between nor one that attaches anew leaves any of it out.
 */
import { u32 } from "./contexts.ts";
import type { Counters } from "./monitor.ts";
import { type Fd, native } from "./native.ts";

export const LOST_KINDS = ["allowed", "refused", "described", "wide"] as const;
/** `described`: descriptions of what took part, told again when they are asked for. `wide`: nobody in it is labelled. */
export type LostKind = (typeof LOST_KINDS)[number];
export type LostCounts = Record<LostKind, number>;

export class Lost {
  readonly #map: Fd;
  readonly #counters: () => Counters;
  /** As the map has it, which nobody else writes. */
  readonly #told: LostCounts;

  constructor(told: Fd, counters: () => Counters) {
    this.#map = told;
    this.#counters = counters;
    this.#told = Object.fromEntries(LOST_KINDS.map((kind, at) => [kind, read(told, at)])) as LostCounts;
  }

  /** Not told yet; null: nothing. */
  news(): LostCounts | null {
    const news = lostOf(this.#counters());
    for (const kind of LOST_KINDS) news[kind] -= this.#told[kind];
    return LOST_KINDS.some((kind) => news[kind] > 0) ? news : null;
  }

  /** These are on disk now. */
  told(news: LostCounts): void {
    for (const [at, kind] of LOST_KINDS.entries()) {
      this.#told[kind] += news[kind];
      const value = Buffer.alloc(8);
      value.writeBigUInt64LE(BigInt(this.#told[kind]));
      native().mapSet(this.#map, u32(at), value, 0);
    }
  }
}

function read(map: Fd, at: number): number {
  return Number(native().mapGet(map, u32(at), 8)?.readBigUInt64LE() ?? 0n);
}

function lostOf({ lost, lostRefused, lostNames, lostWide }: Counters): LostCounts {
  return {
    allowed: lost - lostRefused - lostWide,
    refused: lostRefused,
    described: lostNames,
    wide: lostWide,
  };
}
