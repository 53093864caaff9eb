/**
 * Where data passes named gates: programs that read the input of a run, or wrote its output, and so let data on from one context of the
 * run to its other one.
 */
import type { Sight } from "./reader.ts";
import { eachWith } from "./flows.ts";
import { crossesAlone } from "./steps.ts";

export class Passages {
  /** All of those programs. */
  readonly programs = new Set<number>();
  readonly #between = new Map<string, Set<number>>();
  readonly #source: Int32Array;
  readonly #alone: readonly boolean[];

  /** @param names of the gates @param follows by kind of flow: not 0, it counts */
  constructor(sight: Sight, names: readonly string[], follows: Uint8Array) {
    const { graph } = sight;
    const metas = Array.from({ length: graph.metas.size }, (_, n) => graph.metas.of(n));
    this.#source = Int32Array.from(metas, ({ source }) => source);
    this.#alone = metas.map((_, n) => crossesAlone(graph, n));
    if (names.length > 0) this.#find(sight, new Set(names), follows);
  }

  /** Does data that a program holds under one context pass a gate when it goes on by a flow of a kind? */
  isPassed(program: number, held: number, kind: number): boolean {
    const goesOn = this.#source[kind]!;
    if (held === goesOn || this.#alone[kind]!) return false;
    return this.#between.get(`${held} ${goesOn}`)?.has(program) === true;
  }

  /** Those that read a run's input under what it takes, or write its output under what it gives. */
  #find({ graph, gateRuns }: Sight, wanted: ReadonlySet<string>, follows: Uint8Array): void {
    const inputs = new Map<number, Set<string>>();
    const outputs = new Map<number, Set<string>>();
    const note = (pipes: readonly number[], of: Map<number, Set<string>>, key: string) => {
      for (const pipe of pipes) {
        of.set(pipe, (of.get(pipe) ?? new Set()).add(key));
      }
    };
    const add = (program: number, context: number, keys: ReadonlySet<string> | undefined, end: 0 | 1) => {
      for (const key of keys ?? []) {
        if (Number(key.split(" ")[end]) !== context) continue;
        this.#between.set(key, (this.#between.get(key) ?? new Set()).add(program));
        this.programs.add(program);
      }
    };
    for (const { from, to, runs } of gateRuns.entries())
      for (const run of runs) {
        if (!wanted.has(run.annotation.gate!.name)) continue;
        if (run.client !== -1) add(run.client, from, new Set([`${from} ${to}`]), 0); // it reads and writes by itself
        note(run.inputs, inputs, `${from} ${to}`);
        note(run.outputs, outputs, `${from} ${to}`);
      }
    eachWith(graph, follows, [...new Set([...inputs.keys(), ...outputs.keys()])], (_, source, sink, kind) => {
      const meta = graph.metas.of(kind);
      add(sink, meta.sink, inputs.get(source), 0);
      add(source, meta.source, outputs.get(sink), 1);
    });
  }
}
