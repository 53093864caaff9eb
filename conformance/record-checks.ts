/**
 * Properties of docs/model.md over the record of a real run: taken off a machine's disk, and read here.
 *
 * Guarantee: each check is independent of the code that it is about: property 2 is judged by model/reference.ts, property 4 by
 * asking the same of a log without what the reader may not see, and that merging loses nothing by asking the same of the log
 * without the records that tell nothing new [AUD-2].
 * Not covered: property 3, whose statements only the daemon has (conformance/e2e/accounts.ts).
 */
import { deepStrictEqual, fail, notStrictEqual, ok } from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  answer,
  AskError,
  FIELD,
  Graph,
  isRefused,
  reach,
  type Reader,
  readRecords,
  readTextPart,
  RECORD_FLAG,
  RECORD_KIND,
  type SegmentHeader,
  verify,
} from "../src/audit/index.ts";
import { type Context, isAll, parseContextKey } from "../src/label/index.ts";
import { flow, type Context as ModelContext, type Label } from "../model/reference.ts";

/** Where a machine's log is on its disk. */
const ON_DISK = "/.csn/log";
const MOST_ROOTS = 200;
const MOST_QUESTIONS = 40;

/** With its meaning: contexts of flows and events; null where the segment does not say. */
type Told = {
  segment: SegmentHeader;
  id: number;
  record: Buffer;
  source: Context | null;
  sink: Context | null;
};

export type Checked = { records: number; flows: number; repeats: number; readers: number; roots: number };

/** The machine must be off. @throws AssertionError */
export function checkDisk(disk: string, { hasRepeats }: { hasRepeats: boolean }): Checked {
  const folder = mkdtempSync(join(tmpdir(), "csn-record-"));
  try {
    mkdirSync(join(folder, "copy"));
    execFileSync("debugfs", ["-R", `rdump ${ON_DISK} ${join(folder, "copy")}`, disk], { stdio: "pipe" });
    return checkLog(join(folder, "copy/log"), { hasRepeats });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws AssertionError */
export function checkLog(folder: string, { hasRepeats }: { hasRepeats: boolean }): Checked {
  deepStrictEqual(verify(folder).findings, []);
  const told = [...read(folder)];
  const flows = told.filter(({ record }) => record[FIELD.kind] === RECORD_KIND.FLOW);
  notStrictEqual(flows.length, 0, "nothing is on the record");
  deepStrictEqual(flows.filter(isOpen).map(describe), [], "property 2");
  const readers = checkReaders(told);
  const repeats = flows.filter(({ record }) => hasFlag(record, RECORD_FLAG.REPEAT)).length;
  if (hasRepeats) notStrictEqual(repeats, 0, "nothing was repeated: the check would say nothing");
  const roots = hasRepeats ? checkMerging(told) : 0;
  return { records: told.length, flows: flows.length, repeats, readers, roots };
}

function* read(folder: string): Generator<Told> {
  let segment: SegmentHeader | null = null;
  let contexts = new Map<number, Context>();
  let text: Buffer[] = [];
  for (const stored of readRecords(folder)) {
    if (stored.segment !== segment) contexts = new Map();
    ({ segment } = stored);
    const { id, record } = stored;
    if (record[FIELD.kind] === RECORD_KIND.CONTEXT) {
      const part = readTextPart(record);
      if (part.part === 0) text = [];
      text.push(part.bytes);
      if (part.part === part.parts - 1)
        contexts.set(part.id, parseContextKey(Buffer.concat(text).toString()));
    }
    const of = (at: number) => (isDecision(record) ? (contexts.get(record.readUInt32LE(at)) ?? null) : null);
    yield { segment, id, record, source: of(FIELD.source_context), sink: of(FIELD.sink_context) };
  }
}

const hasFlag = (record: Buffer, flag: number) => (record[FIELD.flags]! & flag) !== 0;
const isDecision = (record: Buffer) =>
  record[FIELD.kind] === RECORD_KIND.FLOW || record[FIELD.kind] === RECORD_KIND.EVENT;

/** Property 2: data moved, and the rules do not let it. */
function isOpen({ record, source, sink }: Told): boolean {
  if (record[FIELD.verdict] !== 0 || hasFlag(record, RECORD_FLAG.OBSERVED)) return false;
  if (source === null || sink === null) return true;
  if (hasFlag(record, RECORD_FLAG.WIDE)) return !isOrdinary(source) || !isOrdinary(sink);
  const [a, b] = [modelOf(source), modelOf(sink)];
  return flow(a, b) !== "allow" || (hasFlag(record, RECORD_FLAG.BOTH) && flow(b, a) !== "allow");
}

/** Unlabelled, or base, which unlabelled programs may change [CTX-3]. */
function isOrdinary({ secrecy, integrity }: Context): boolean {
  return secrecy.length === 0 && (isAll(integrity) || integrity.length === 0);
}

function modelOf({ secrecy, integrity }: Context): ModelContext {
  const label = (tags: Context["secrecy"] | Context["integrity"]): Label =>
    isAll(tags) ? "ALL" : new Set<string>(tags);
  return { secrecy: label(secrecy), integrity: label(integrity) };
}

function describe({ id, record, source, sink }: Told): string {
  const op = record.readUInt16LE(FIELD.op);
  return `#${id} op ${op} flags ${record[FIELD.flags]}: ${JSON.stringify(source)} -> ${JSON.stringify(sink)}`;
}

/** Property 4: what a reader is answered is a function of what he may see. @returns how many readers */
function checkReaders(told: readonly Told[]): number {
  const whole = graphOf(told);
  const tags = [...new Set(told.flatMap(({ source, sink }) => [...tagsOf(source), ...tagsOf(sink)]))].sort();
  const clearances = [[], ...tags.slice(0, 6).map((tag) => [tag]), tags.slice(0, 2), tags.slice(1)];
  let answered = 0;
  for (const clearance of clearances) {
    const reader: Reader = { clearance, tags: Object.fromEntries(clearance.map((tag) => [tag, `t/${tag}`])), users: {}, host: "here" }; // prettier-ignore
    const part = graphOf(seenBy(told, clearance));
    const asks = questionsOf(whole, reader);
    for (const ask of asks) {
      const [a, b] = [answerOf(whole, reader, ask), answerOf(part, reader, ask)];
      if (a !== b) fail(`property 4: ${JSON.stringify({ clearance, ask })}\n${difference(a, b)}`);
      if (a.includes('"edges":[{')) answered++;
    }
  }
  ok(answered > 0 || tags.length === 0, "no question of any reader had an answer");
  return clearances.length;
}

/** Where two texts part, with some of each: an answer may have megabytes. */
function difference(whole: string, part: string): string {
  let at = 0;
  while (at < whole.length && whole[at] === part[at]) at++;
  const some = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 400), at + 200));
  return `from the whole log: …${some(whole)}…\nfrom what may be seen: …${some(part)}…`;
}

const tagsOf = (context: Context | null): readonly string[] =>
  context === null || isAll(context.secrecy) ? [] : context.secrecy;

/** The log without what this reader may not see: decisions, and the words that stand before an event and are its. */
function seenBy(told: readonly Told[], clearance: readonly string[]): Told[] {
  const seen: Told[] = [];
  let words: Told[] = [];
  for (const one of told) {
    if (one.record[FIELD.kind] === RECORD_KIND.DETAIL) {
      words.push(one);
      continue;
    }
    const isEvent = one.record[FIELD.kind] === RECORD_KIND.EVENT;
    if (!isDecision(one.record) || maySee(one, clearance)) seen.push(...(isEvent ? words : []), one);
    if (isEvent) words = [];
  }
  return seen;
}

/** [AUD-4], in words of its own. */
function maySee({ source, sink }: Told, clearance: readonly string[]): boolean {
  if (source === null || sink === null || isAll(source.secrecy) || isAll(sink.secrecy)) return false;
  const secrets = [...source.secrecy, ...sink.secrecy];
  return secrets.length > 0 && secrets.every((tag) => clearance.includes(tag));
}

type TraceAsk = { ask: "trace"; from?: string; to?: string; refused?: boolean };

/** From and to each of his tags, and what he is told of there. */
function questionsOf(graph: Graph, reader: Reader): TraceAsk[] {
  const asks: TraceAsk[] = Object.values(reader.tags).flatMap((tag) => [
    { ask: "trace", from: tag, refused: true },
    { ask: "trace", to: tag },
  ]);
  const names = new Set<string>();
  for (const ask of [...asks])
    for (const match of answerOf(graph, reader, ask).matchAll(/"name":"([^"\\]+)"/g)) names.add(match[1]!);
  for (const name of [...names].slice(0, MOST_QUESTIONS))
    asks.push({ ask: "trace", from: name }, { ask: "trace", to: name });
  return asks;
}

function answerOf(graph: Graph, reader: Reader, ask: TraceAsk): string {
  try {
    return JSON.stringify(answer(graph, reader, ask, 0));
  } catch (error) {
    if (error instanceof AskError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

function graphOf(told: readonly Told[]): Graph {
  const graph = new Graph();
  // one call for each run of records that follow each other
  for (let from = 0; from < told.length;) {
    let to = from + 1;
    while (to < told.length && told[to]!.segment === told[from]!.segment && told[to]!.id === told[to - 1]!.id + 1) to++; // prettier-ignore
    graph.add(Buffer.concat(told.slice(from, to).map(({ record }) => record)), told[from]!.id, told[from]!.segment); // prettier-ignore
    from = to;
  }
  return graph;
}

/** [AUD-2]: the log with each flow and the one without repeats say alike what reached what. @returns of how many */
function checkMerging(told: readonly Told[]): number {
  const full = graphOf(told);
  const reduced = graphOf(told.filter(({ record }) => !(record[FIELD.kind] === RECORD_KIND.FLOW && hasFlag(record, RECORD_FLAG.REPEAT)))); // prettier-ignore
  const byKey = new Map(Array.from({ length: reduced.entities.size }, (_, n) => [keyOf(reduced, n), n]));
  const step = Math.max(1, Math.ceil(full.entities.size / MOST_ROOTS));
  let asked = 0;
  for (let entity = 0; entity < full.entities.size; entity += step, asked++) {
    const name = keyOf(full, entity);
    const other = byKey.get(name);
    if (other === undefined) throw new Error(`[AUD-2]: ${name} is in no record but repeats`);
    for (const direction of ["from", "to"] as const)
      deepStrictEqual(
        reached(reduced, direction, other),
        reached(full, direction, entity),
        `[AUD-2]: what ${direction === "from" ? "came from" : "reached"} ${name}`,
      );
  }
  return asked;
}

function reached(graph: Graph, direction: "from" | "to", entity: number): string[] {
  const follows = Uint8Array.from({ length: graph.metas.size }, (_, n) => (isRefused(graph.metas.of(n)) ? 0 : 1)); // prettier-ignore
  const at = direction === "from" ? 0 : graph.flows.length - 1;
  const pass = reach(graph, { direction, roots: [{ entity, at }], follows });
  const found: string[] = [];
  for (let other = 0; other < graph.entities.size; other++)
    if (pass.label(other) !== -1) found.push(keyOf(graph, other));
  return found.sort();
}

/** The same in each graph of one log. */
function keyOf(graph: Graph, entity: number): string {
  const { kind, boot, first, second, third, port } = graph.entities.key(entity);
  return [kind, boot, first, second, third, port].join(" ");
}
