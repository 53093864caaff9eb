/**
 * Gates behind a program: what it prints passes through them before anybody gets it. [GATE-3, TERM-1]
 *
 * Guarantee: the pipe into each gate has the context of what was written into it, so the kernel refuses what the gate
 * may not read; no part of the chain starts unless all may.
 */
import type { Readable } from "node:stream";
import { type Context, flowsTo } from "../label/index.ts";
import { holdUntilTold } from "./carrying.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import { ReadyGate } from "./gate-run.ts";
import { findGate } from "./gates.ts";
import type { Caller } from "./identity.ts";
import type { Stage, StageEnd, Streams } from "./stage.ts";

export type Tail = {
  readonly output: Readable;
  /** Error output of each gate, and who may see it. */
  readonly errors: readonly { from: Readable; context: Context; streams: Streams }[];
  readonly ended: Promise<StageEnd[]>;
  /** Of the last gate. */
  readonly streams: Streams;
  kill(): void;
};

export class Via {
  readonly #gates: readonly ReadyGate[];
  readonly #context: Context;

  /** @param context of the program. @throws CsnError E_GATE_INPUT, E_GATE_PRIVILEGE; PolicyError E_GATE_UNKNOWN */
  constructor(csn: Csn, caller: Caller, context: Context, names: readonly string[]) {
    this.#context = context;
    this.#gates = names.map((name) => new ReadyGate(csn, caller, findGate(csn, caller, name)));
    for (const [at, gate] of this.#gates.entries()) {
      if (flowsTo(this.#inputOf(at), gate.from)) continue;
      throw new CsnError(
        "E_GATE_INPUT",
        `expected gate \`${names[at]}\` to read what ${at === 0 ? "the program" : `\`${names[at - 1]}\``} writes, found that it may not`,
        "`csn gate show` tells what it reads; `csn check` which tags stand against it",
        403,
      );
    }
  }

  /** Of what comes out at the end. */
  get context(): Context {
    return this.#inputOf(this.#gates.length);
  }

  /** Just before the start. @throws CsnError, PolicyError: a gate may not run any more */
  begin(): void {
    for (const gate of this.#gates) gate.begin();
  }

  /** @param program of the program whose output it is */
  start(from: Readable, program: Streams): Tail {
    const stages: Stage[] = [];
    for (const [at, gate] of this.#gates.entries()) {
      const source = stages.at(-1)?.output ?? from;
      const before = stages.at(-1)?.streams ?? program;
      const stage = gate.start(this.#inputOf(at), { before });
      source.on("data", (bytes: Buffer) => gate.input(bytes));
      source.pipe(stage.input);
      holdUntilTold(source, [before, stage.streams]);
      stages.push(stage);
    }
    return {
      streams: stages.at(-1)!.streams,
      output: stages.at(-1)!.output,
      errors: stages.map(({ errors, streams }, at) => ({
        from: errors,
        context: this.#gates[at]!.errors,
        streams,
      })),
      ended: Promise.all(stages.map((stage) => stage.ended)),
      kill: () => stages.forEach((stage) => stage.kill()),
    };
  }

  #inputOf(at: number): Context {
    return at === 0 ? this.#context : this.#gates[at - 1]!.to;
  }
}
