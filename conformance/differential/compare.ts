/**
 * Compares what the kernel did with what the model says: answers, refusals on record, and flows on record.
 */
import { constants } from "node:os";
import { VERDICTS } from "../../src/kernel/index.ts";
import type { ContextName } from "../cases.ts";
import type { Outcome, Refusal } from "./act.ts";
import { Provenance } from "./provenance.ts";
import type { Played } from "./stage.ts";
import { type Entity, entityOf, mayReach, type Move } from "./world.ts";

/** A flow record, its ends not yet known as entities of the model. */
export type FlowRecord = {
  readonly op: string;
  readonly verdict: number;
  readonly both: boolean;
  readonly time: bigint;
  /** Of who acts, and the entities' own names, for a person who looks for what happened. */
  readonly pid: number;
  readonly source: { readonly context: ContextName | null; readonly key: string };
  readonly sink: { readonly context: ContextName | null; readonly key: string };
};

const errnoNames = new Map(Object.entries(constants.errno).map(([name, n]) => [n, name]));
errnoNames.set(constants.errno.EAGAIN, "EAGAIN");
errnoNames.set(126, "ENOKEY"); // node does not know it
export const errnoName = (n: number): string => (n === 0 ? "ok" : (errnoNames.get(n) ?? String(n)));

/** What a disagreement is about, first, so that shrinking does not slip to another one. */
export type Fault = {
  readonly about: "answer" | "content" | "refusal" | "flow" | "machine";
  readonly text: string;
};

const CODES: Readonly<Record<Refusal["rule"], number>> = { "FLOW-1": 1, "FLOW-2": 2, "OBJ-3": 5, "OP-10": 6 };

const show = (record: FlowRecord): string =>
  `${record.op}:${VERDICTS[record.verdict]?.name} ${record.source.context}->${record.sink.context} (${record.source.key} -> ${record.sink.key}, by ${record.pid})`;

/** A context that has no name is the platform's. */
const mayMove = (from: ContextName | null, to: ContextName | null): boolean =>
  from === null || to === null || mayReach(from, to);

const isFor = (record: FlowRecord, { ops, rule, source, sink }: Refusal): boolean =>
  (ops as readonly string[]).includes(record.op) &&
  record.verdict === CODES[rule] &&
  ((record.source.context === source && record.sink.context === sink) ||
    // control is no direction
    (rule === "OP-10" && record.source.context === sink && record.sink.context === source));

/** The answer of one scene, and the refusals that were recorded meanwhile. */
export function compareAnswer(expected: Outcome, played: Played, records: readonly FlowRecord[]): Fault | null {
  const error = errnoName(played.error);
  const refused = records.filter(({ verdict }) => verdict !== 0);
  const seen = refused.map(show).join(", ");
  if (!expected.errors.includes(error)) {
    const { refusal } = expected;
    const why = refusal ? ` (${refusal.rule} ${refusal.source}->${refusal.sink})` : "";
    return { about: "answer", text: `the model says ${expected.errors.join("|")}${why}, the kernel ${error} [${seen}]` };
  }
  if (error === "ok" && expected.detail !== null && expected.detail !== normal(played.detail, expected.detail))
    return { about: "content", text: `the model says \`${expected.detail}\`, the kernel \`${played.detail}\`` };

  const wanted = [...expected.probes, ...(expected.refusal ? [expected.refusal] : [])];
  const fits = expected.tries
    ? expected.refusal === null ? refused.length === 0 : refused.length > 0 && refused.every((record) => isFor(record, expected.refusal!))
    : refused.length === wanted.length && wanted.every((refusal, n) => isFor(refused[n]!, refusal));
  if (fits) return null;
  const should = wanted.map(({ ops, rule, source, sink }) => `${ops.join("/")}:${rule} ${source}->${sink}`).join(", ");
  return { about: "refusal", text: `refusals that should be recorded: [${should}], recorded: [${seen}]` };
} // prettier-ignore

/** Names come in the file system's order. */
function normal(detail: string, expected: string): string {
  if (!detail.endsWith("/") || expected.endsWith("/")) return detail;
  return detail.slice(0, -1).split("/").sort().join("/");
}

/** The two accounts of who has whose data, side by side. */
export class Accounts {
  readonly #real = new Provenance();
  readonly #recorded = new Provenance();
  readonly #entities = new Map<string, Entity>();
  readonly #touched = new Set<Entity>();

  /** Says which entity of the model a record's key stands for, from now on. */
  knows(key: string, entity: Entity): void {
    this.#entities.set(key, entity);
  }

  /** What one scene did, and its records. `who` acts, its children included. */
  scene(who: number, moves: readonly Move[], records: readonly FlowRecord[]): Fault | null {
    for (const move of moves) {
      this.#real.add(move);
      this.#touched.add(move.to);
    }
    for (const record of records) {
      const { verdict, both, source, sink } = record;
      if (verdict !== 0) continue;
      if (!mayMove(source.context, sink.context) || (both && !mayMove(sink.context, source.context)))
        return { about: "flow", text: `Property 2: the record says that data moved: ${show(record)}` };
      const [from, to] = [source.key, sink.key].map((key) => this.#entity(key, who)) as [Entity, Entity];
      this.#recorded.add({ from, to });
      if (both) this.#recorded.add({ from: to, to: from });
    }
    for (const entity of this.#touched) {
      const [missing] = this.#recorded.lacks(this.#real, entity);
      if (missing !== undefined)
        return {
          about: "flow",
          text: `data of ${missing} reached ${entity}, and no path of records says so`,
        };
    }
    this.#touched.clear();
    return null;
  }

  #entity(key: string, who: number): Entity {
    // a process that is no party is a child of the one that acts
    return this.#entities.get(key) ?? (key.startsWith("process ") ? entityOf(who) : key);
  }
}
