/**
 * OpenLineage: each program that moved data is a run of a job, what it read its inputs, what it wrote its outputs.
 */
import { createHash } from "node:crypto";
import type { EntityText } from "../ask/entity.ts";
import type { Row } from "./rows.ts";

const SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

type Run = { process: EntityText; first: string; last: string; inputs: Map<string, EntityText>; outputs: Map<string, EntityText> }; // prettier-ignore

/** Refused flows moved nothing: they are not in it. */
export function* openLineage(rows: Iterable<Row>, host: string): Generator<string> {
  const namespace = `csn://${host}`;
  const runs = new Map<string, Run>();
  const runOf = (process: EntityText, time: string): Run => {
    const run = runs.get(process.id) ?? {
      process,
      first: time,
      last: time,
      inputs: new Map(),
      outputs: new Map(),
    };
    runs.set(process.id, run);
    run.last = time;
    return run;
  };
  for (const { from, to, time, verdict } of rows) {
    if (verdict === "refused") continue;
    if (to.kind === "process") runOf(to, time).inputs.set(from.id, from);
    if (from.kind === "process") runOf(from, time).outputs.set(to.id, to);
  }
  const dataset = ({ kind, name, id }: EntityText) => ({ namespace, name: `${kind}:${id}:${name}` });
  for (const { process, first, last, inputs, outputs } of runs.values()) {
    const common = {
      producer: "urn:csn",
      schemaURL: SCHEMA,
      run: { runId: uuidOf(`${host} ${process.id}`) },
      job: { namespace, name: process.name },
    };
    yield `${JSON.stringify({ eventType: "START", eventTime: first, ...common, inputs: [], outputs: [] })}\n`;
    yield `${JSON.stringify({ eventType: "COMPLETE", eventTime: last, ...common, inputs: Array.from(inputs.values(), dataset), outputs: Array.from(outputs.values(), dataset) })}\n`;
  }
}

/** The same text, the same UUID (version 8: whatever its maker likes). */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-"); // prettier-ignore
}
