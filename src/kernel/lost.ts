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
  readonly #told: Fd;
  readonly #counters: () => Counters;

  constructor(told: Fd, counters: () => Counters) {
    this.#told = told;
    this.#counters = counters;
  }

  /** Not told yet; null: nothing. */
  news(): LostCounts | null {
    const now = lostOf(this.#counters());
    const news = { ...now };
    for (const [at, kind] of LOST_KINDS.entries()) news[kind] -= this.#toldOf(at);
    return LOST_KINDS.some((kind) => news[kind] > 0) ? news : null;
  }

  /** These are on disk now. */
  told(news: LostCounts): void {
    for (const [at, kind] of LOST_KINDS.entries()) {
      const value = Buffer.alloc(8);
      value.writeBigUInt64LE(BigInt(this.#toldOf(at) + news[kind]));
      native().mapSet(this.#told, u32(at), value, 0);
    }
  }

  #toldOf(at: number): number {
    return Number(native().mapGet(this.#told, u32(at), 8)?.readBigUInt64LE() ?? 0n);
  }
}

function lostOf({ lost, lostRefused, lostNames, lostWide }: Counters): LostCounts {
  return {
    allowed: lost - lostRefused - lostWide,
    refused: lostRefused,
    described: lostNames,
    wide: lostWide,
  };
}
