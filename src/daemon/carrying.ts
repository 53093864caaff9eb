/**
 * Bytes that the daemon carries from one program's stream to the next one's, as flows of their own. [AUD-1, AUD-2]
 *
 * Guarantee: between a record of what came into the first and the first record of who read it from the second stands one that says that
 * it was carried; whoever may see what is in the streams may see it. What tells nothing new is not told again. Bytes wait
 * until the launchers have told which streams they are of (`holdUntilTold`).
 *
 * Not covered: what comes out of a program that is killed before its launcher has told; whatever it would go to is killed too.
 */
import type { Readable } from "node:stream";
import { ENTITY_KINDS } from "../kernel/index.ts";
import type { Context } from "../label/index.ts";
import type { Csn } from "./csn.ts";
import type { Watched } from "./records.ts";
import { entityOf, type Streams } from "./stage.ts";

const PIPE = ENTITY_KINDS.indexOf("pipe");

/**
 * Lets nothing out of `from` before it is told which streams those programs have: both launchers tell it before their
 * programs start, but the first may have printed all it has by the time the second one tells. To be called when all who
 * listen to `from` do so.
 */
export function holdUntilTold(from: Readable, programs: readonly Streams[]): void {
  from.pause();
  void Promise.all(programs.map(({ told }) => told)).then(() => from.resume());
}

/** From one stream, `device:inode:generation`, to another; undefined: its launcher ended without telling. */
export class Carrying {
  readonly #csn: Csn;
  readonly #context: Context;
  readonly #uid: number;
  #watch: Watched | null = null;

  constructor(csn: Csn, context: Context, uid: number) {
    this.#csn = csn;
    this.#context = context;
    this.#uid = uid;
  }

  /** Before it writes into the second. */
  carry(from: string | undefined, to: string | undefined): void {
    if (from === undefined || to === undefined) return;
    const { records } = this.#csn;
    const entity = entityOf(from);
    this.#watch ??= records.watch(entity);
    if (!this.#watch.hasNews()) return;
    records.event({
      op: "carry",
      verdict: 0,
      sourceKind: PIPE,
      sinkKind: PIPE,
      source: this.#context,
      sink: this.#context,
      sourceEntity: entity,
      sinkEntity: entityOf(to),
      pid: process.pid,
      uid: this.#uid,
      bytes: 0,
    });
  }

  end(): void {
    this.#watch?.end();
  }
}
