/**
 * The questions that bench/questions.ts puts to a made-up log: each kind that there is.
 */
import { answer, type Ask, type Graph, PLATFORM, type Reader } from "../src/audit/index.ts";
import { tagOf } from "../src/audit/ask/testing.ts";
import { AUDITOR, GATE, nameOf, NS_BETWEEN, VENDOR } from "./made-up-log.ts";

/** Files that are used always, often and seldom. */
const STARTS = [1, 2, 50, 1001, 9001].map((ino) => `8:1:${ino}:1`);
const TAGS = { [tagOf(1)]: "lab/patient", [tagOf(2)]: "lab/trial" };
const ROOT_READER: Reader = { ...PLATFORM, tags: TAGS };
const OWNER: Reader = { ...ROOT_READER, clearance: [tagOf(1)] };

export type Row = { what: string; asks: readonly Ask[]; reader?: Reader };

/** @param count of the log's records */
export function questionRows(count: number): Row[] {
  const half = new Date((count * NS_BETWEEN) / 2e6).toISOString();
  const each = (what: string, ask: (start: string) => Ask, reader?: Reader): Row => ({ what, asks: STARTS.map(ask), ...(reader && { reader }) }); // prettier-ignore
  const never = { name: "q", from: "lab/patient", to: `uid:${VENDOR}`, never: true };
  const through = { name: "q", from: "lab/trial", to: `uid:${AUDITOR}`, through: [GATE] };
  return [
    each("`trace from FILE`", (from) => ({ ask: "trace", from })),
    each("`trace to FILE`", (to) => ({ ask: "trace", to })),
    each("`trace from FILE`, by the owner of one of two tags [AUD-4]", (from) => ({ ask: "trace", from }), OWNER),
    each("`trace from FILE --depth 4`", (from) => ({ ask: "trace", from, depth: 4 })),
    each("`trace from FILE --stop-at-gates`", (from) => ({ ask: "trace", from, stopAtGates: true })),
    each("`trace from FILE --until` half of it", (from) => ({ ask: "trace", from, until: half })),
    each("`trace from FILE --since` half of it", (from) => ({ ask: "trace", from, since: half })),
    each("`trace from FILE --refused`", (from) => ({ ask: "trace", from, refused: true })),
    each("`trace from FILE --to FILE`", (from) => ({ ask: "trace", from, to: "8:1:5:1" })),
    { what: "`trace from TAG`", asks: ["lab/patient", "lab/trial"].map((from): Ask => ({ ask: "trace", from })) },
    { what: "`trace from TAG --stop-at-gates`", asks: ["lab/patient", "lab/trial"].map((from): Ask => ({ ask: "trace", from, stopAtGates: true })) }, // prettier-ignore
    { what: "`trace to TAG`", asks: ["lab/patient", "lab/trial"].map((to): Ask => ({ ask: "trace", to })) },
    { what: "`trace from PATH`", asks: [1, 50, 9001].map((ino): Ask => ({ ask: "trace", from: nameOf(ino) })) }, // prettier-ignore
    { what: "`trace from program:NAME`", asks: [1, 2, 3].map((n): Ask => ({ ask: "trace", from: `program:program-${n}` })) }, // prettier-ignore
    each("`leak --of FILE --to PERSON`, who got nothing", (of) => ({ ask: "leak", of, to: `uid:${VENDOR}` })),
    each("`leak --of FILE --to PERSON`, who got some at the end", (of) => ({ ask: "leak", of, to: `uid:${AUDITOR}` })),
    each("`leak --of FILE --to outside`", (of) => ({ ask: "leak", of, to: "outside" })),
    { what: "`audit ask`: no path", asks: [{ ask: "questions", questions: [never] }] },
    { what: "`audit ask`: every path passes a gate", asks: [{ ask: "questions", questions: [through] }] },
    { what: "`audit ask`: and is older than 30 days", asks: [{ ask: "questions", questions: [{ ...through, olderThan: "30d" }] }] }, // prettier-ignore
    { what: "`report erasure OWNER`", asks: [{ ask: "erasure", of: "lab" }] },
  ]; // prettier-ignore
}

/** Each question of a row, to be asked. */
export function asking(graph: Graph, { asks, reader = ROOT_READER }: Row): (() => unknown)[] {
  const now = 1_000_000;
  return asks.map((ask) => () => answer(graph, reader, ask, now));
}
