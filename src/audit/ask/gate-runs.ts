/**
 * The runs of gates that a reader may see, by the contexts between which they let data pass.
 */
import type { Annotation, Graph, PipeId } from "../graph/index.ts";
import { ENTITY, OP } from "../record.ts";

/** A run, with the pipes at its ends as entities that occur, and the client of the bus that it is; -1: none that occurs. */
export type Run = {
  annotation: Annotation;
  inputs: readonly number[];
  outputs: readonly number[];
  client: number;
  isOver: boolean;
};
/** Runs between two contexts, in the order of the record; by pipe, those at whose ends it is. */
type Between = {
  runs: Run[];
  byInput: Map<number, Run>;
  byOutput: Map<number, Run>;
  byClient: Map<number, Run[]>;
};

export class GateRuns {
  readonly #between = new Map<string, Between>();

  /** @param sees by kind of flow */
  constructor(graph: Graph, sees: Uint8Array) {
    for (const annotation of graph.annotations) {
      const { op, meta, gate, boot } = annotation;
      if (op !== OP.gate || gate === null || sees[meta] === 0) continue;
      const { source, sink, verdict } = graph.metas.of(meta);
      if (verdict !== 0) continue;
      const pipes = (ids: readonly PipeId[]) =>
        ids
          .map(([second, first, third]) =>
            graph.entities.find(ENTITY.pipe, boot, BigInt(first), second, third),
          )
          .filter((entity) => entity !== -1);
      this.#add(`${source} ${sink}`, {
        annotation,
        inputs: pipes(gate.input),
        outputs: pipes(gate.output),
        client: gate.client === null ? -1 : graph.entities.find(ENTITY.client, boot, gate.client, 0, 0),
        isOver: gate.isOver,
      });
    }
  }

  between(from: number, to: number): readonly Run[] {
    return this.#between.get(`${from} ${to}`)?.runs ?? [];
  }

  *entries(): Generator<{ from: number; to: number; runs: readonly Run[] }> {
    for (const [key, { runs }] of this.#between) {
      const [from, to] = key.split(" ").map(Number) as [number, number];
      yield { from, to, runs };
    }
  }

  /** The first run that has one of these pipes at its input, or at its output. */
  withPipe(from: number, to: number, input: number, output: number): Run | null {
    const between = this.#between.get(`${from} ${to}`);
    const [a, b] = [between?.byInput.get(input), between?.byOutput.get(output)];
    if (a === undefined || b === undefined) return a ?? b ?? null;
    return a.annotation.record < b.annotation.record ? a : b;
  }

  /** The run that a client of the bus was at a flow: the last to have begun before, else the first to have ended after. */
  ofClient(from: number, to: number, client: number, flow: number): Run | null {
    const runs = this.#between.get(`${from} ${to}`)?.byClient.get(client) ?? [];
    const begun = runs.findLast(({ annotation, isOver }) => !isOver && annotation.flows <= flow);
    return begun ?? runs.find(({ annotation, isOver }) => isOver && annotation.flows > flow) ?? null;
  }

  #add(key: string, run: Run): void {
    const none: Between = { runs: [], byInput: new Map(), byOutput: new Map(), byClient: new Map() };
    const between = this.#between.get(key) ?? none;
    this.#between.set(key, between);
    between.runs.push(run);
    for (const pipe of run.inputs) note(between.byInput, pipe, run);
    if (run.client !== -1)
      between.byClient.set(run.client, [...(between.byClient.get(run.client) ?? []), run]);
    for (const pipe of run.outputs) note(between.byOutput, pipe, run);
  }
}

/** The first run that has the pipe; by the record of its end, if there is one: that says more. */
function note(by: Map<number, Run>, pipe: number, run: Run): void {
  const before = by.get(pipe);
  if (before === undefined || (!before.isOver && run.isOver)) by.set(pipe, run);
}
