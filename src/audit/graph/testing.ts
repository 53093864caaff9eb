/**
 * For tests: a host whose monitor records everything, beside one that leaves out what tells nothing new, as
 * bpf/decide.bpf.h does (news_of and take_note in bpf/news.bpf.h, took_in). [AUD-2]
 */
import type { End, Flow } from "../ask/testing.ts";

/** What a program does: read or write a thing, both at once, or act on another process. */
export type Act = { subject: number; does: "read" | "write" | "both" | "act"; object: number };

type Known = Map<string, number>;

export function simulate(
  acts: readonly Act[],
  ends: { process: (n: number) => End; object: (n: number) => End },
): { all: Flow[]; reduced: Flow[] } {
  const all: Flow[] = [];
  const reduced: Flow[] = [];
  const seen: Known = new Map();
  const subjects = new Map<number, number>();
  const objects = new Map<number, number>();
  let time = 0;
  for (const { subject, does, object } of acts) {
    time += 10;
    const [process, thing] = [ends.process(subject), ends.object(object)];
    const key = (write: boolean) => `${subject} ${object} ${write}`;
    if (does === "act") {
      if (subject === object) continue;
      const flow: Flow = { source: process, sink: ends.process(object), op: "signal", time };
      all.push(flow);
      reduced.push(flow);
      subjects.set(object, time);
      continue;
    }
    const flow: Flow =
      does === "read"
        ? { source: thing, sink: process, op: "read", time }
        : { source: process, sink: thing, op: "write", time, both: does === "both" };
    all.push(flow);
    const theirs = objects.get(object) ?? 0;
    const mine = subjects.get(subject) ?? 0;
    const learns = does !== "write" && !(theirs !== 0 && (seen.get(key(false)) ?? -1) >= theirs);
    const tells = does !== "read" && !(mine !== 0 && (seen.get(key(true)) ?? -1) >= mine);
    if (!learns && !tells) continue;
    reduced.push(flow);
    /** Whoever had all until then has what came since, which is his own. */
    const hasStill = (write: boolean, before: number): void => {
      if (before !== 0 && (seen.get(key(write)) ?? -1) >= before) seen.set(key(write), time);
    };
    if (learns || (does !== "read" && mine === 0)) {
      hasStill(true, mine);
      subjects.set(subject, time);
    }
    if (does !== "read" && (tells || theirs === 0)) {
      hasStill(false, theirs);
      objects.set(object, time);
    } else if (theirs === 0) objects.set(object, time);
    if (does !== "write") seen.set(key(false), objects.get(object)!);
    if (does !== "read") seen.set(key(true), subjects.get(subject)!);
  }
  return { all, reduced };
}
