/**
 * For tests: a host whose monitor records everything, beside one that leaves out what tells nothing new, as
 * bpf/decide.bpf.h does (news_of and take_note in bpf/news.bpf.h, took_in). [AUD-2] And who knows of whom by what
 * happened there.
 */
import fc from "fast-check";
import { type End, type Flow, nothing } from "../ask/testing.ts";

/**
 * What a program does: read or write a thing, both at once, or act on another process; come to hold a thing, or to see
 * it only; begin another process, with memory of its own or in one memory with it; run another program; end.
 */
export type Act = {
  subject: number;
  does: "read" | "write" | "both" | "act" | "hold" | "view" | "fork" | "share" | "exec" | "end";
  object: number;
};

const DOES = ["read", "write", "read", "write", "both", "act", "hold", "view", "hold", "fork", "share", "exec", "end"] as const; // prettier-ignore
/** Of four processes and five things. */
export const anyAct = fc.record<Act>({
  subject: fc.nat(3),
  does: fc.constantFrom(...DOES),
  object: fc.nat(4),
});

type Ends = { process: (n: number) => End; object: (n: number) => End };

/** Of so many processes and things at one time; a number whose process ended is that of a new one. */
const NUMBERS = 100;

export function simulate(acts: readonly Act[], ends: Ends): { all: Flow[]; reduced: Flow[] } {
  const all: Flow[] = [];
  const reduced: Flow[] = [];
  const kernel = new Kernel();
  /** By number: how many processes had it before. */
  const begun = new Map<number, number>();
  const processOf = (n: number) => n + NUMBERS * (begun.get(n) ?? 0);
  let time = 0;
  for (const { subject: number, does, object } of acts) {
    time += 10;
    kernel.now = time;
    const subject = processOf(number);
    const [process, thing] = [ends.process(subject), ends.object(object)];
    const tell = (flow: Omit<Flow, "time">, isNews: boolean) => {
      const told = { ...flow, time };
      all.push(told);
      if (isNews) reduced.push(told);
    };
    switch (does) {
      case "act": {
        if (number === object) break;
        tell({ source: process, sink: ends.process(processOf(object)), op: "signal" }, true);
        kernel.tookIn(processOf(object));
        break;
      }
      case "fork":
      case "share": {
        if (number === object) break;
        // who had the number before is over
        tell({ source: ends.process(processOf(object)), sink: nothing, op: "end" }, true);
        begun.set(object, (begun.get(object) ?? 0) + 1);
        const child = processOf(object);
        const holds = does === "share";
        tell({ source: process, sink: ends.process(child), op: "fork", holds }, true);
        kernel.forked(subject, child, holds);
        break;
      }
      case "exec":
        tell({ source: process, sink: nothing, op: "exec", holds: true }, true);
        kernel.ran(subject);
        break;
      case "end":
        tell({ source: process, sink: nothing, op: "end" }, true);
        begun.set(number, (begun.get(number) ?? 0) + 1);
        break;
      case "hold":
      case "view": {
        const both = does === "hold";
        const flow: Flow = both
          ? { source: process, sink: thing, op: "mmap", holds: true, both }
          : { source: thing, sink: process, op: "mmap", holds: true };
        tell(flow, true);
        kernel.use(subject, object, true, both);
        kernel.holds(subject, object);
        break;
      }
      case "read":
      case "write":
      case "both": {
        const flow: Flow =
          does === "read"
            ? { source: thing, sink: process, op: "read" }
            : { source: process, sink: thing, op: "write", both: does === "both" };
        tell(flow, kernel.use(subject, object, does !== "write", does !== "read"));
      }
    }
  }
  return { all, reduced };
}

/** What the monitor knows of subjects and objects: times at which they last took in something new, as in bpf/news.bpf.h. */
class Kernel {
  now = 0;
  /** One time for all who hold memory, and all that is held. */
  #memory = 0;
  readonly #holders = new Set<number>();
  readonly #held = new Set<number>();
  readonly #subjects = new Map<number, number>();
  readonly #objects = new Map<number, number>();
  readonly #seen = new Map<string, number>();
  /** By object: from when until when those who hold memory got nothing new but from it. */
  readonly #answered = new Map<number, { since: number; until: number }>();
  /** By process: its subject's number, another one for each program that it runs. */
  readonly #ids = new Map<number, number>();
  #lastId = 0;

  /** @returns is it news? */
  use(process: number, object: number, reads: boolean, writes: boolean): boolean {
    const id = this.#idOf(process);
    const [read, write] = [`${id} ${object} read`, `${id} ${object} write`];
    const isOne = this.#holders.has(id) && this.#held.has(object);
    let [mine, theirs] = [this.#mine(id), this.#theirs(object)];
    const learns = reads && (theirs === 0 || (this.#seen.get(read) ?? -1) < theirs);
    const told = this.#seen.get(write) ?? -1;
    const tells = writes && (mine === 0 || (told < mine && !(this.#holders.has(id) && this.#isAnswer(object, told, mine)))); // prettier-ignore
    if (!learns && !tells) return false;
    /** Whoever had all until then has what came since, which is his own. */
    const hasStill = (key: string, before: number, next: number): void => {
      if (before !== 0 && (this.#seen.get(key) ?? -1) >= before) this.#seen.set(key, next);
    };
    if (learns || (writes && mine === 0)) {
      const next = later(mine, this.now);
      this.#setMine(id, next);
      hasStill(write, mine, next);
      if (this.#holders.has(id)) this.#answers(object, mine, next);
      if (isOne && theirs === mine) theirs = next;
      mine = next;
    }
    if (writes && (tells || theirs === 0)) {
      const next = later(theirs, this.now);
      this.#setTheirs(object, next);
      hasStill(read, theirs, next);
      if (isOne && mine === theirs) mine = next;
      theirs = next;
    } else if (theirs === 0) {
      theirs = this.now;
      this.#setTheirs(object, theirs);
    }
    if (reads) this.#seen.set(read, theirs);
    if (writes) this.#seen.set(write, mine);
    return true;
  }

  /** Did all that holders got since one of them told an object come from there? */
  #isAnswer(object: number, told: number, mine: number): boolean {
    const span = this.#answered.get(object);
    return span !== undefined && told >= span.since && mine <= span.until;
  }

  #answers(object: number, before: number, until: number): void {
    const known = this.#answered.get(object);
    this.#answered.set(object, { since: known?.until === before ? known.since : before, until });
  }

  /** In another way than from an object. */
  tookIn(process: number): void {
    const id = this.#idOf(process);
    this.#setMine(id, later(this.#mine(id), this.now));
  }

  holds(process: number, object: number): void {
    this.#becomesHolder(this.#idOf(process));
    if (this.#held.has(object)) return;
    this.#held.add(object);
    this.#moveMemory();
  }

  forked(parent: number, child: number, isOneMemory: boolean): void {
    const id = this.#idOf(child);
    if (isOneMemory) {
      this.#becomesHolder(this.#idOf(parent));
      this.#becomesHolder(id);
    } else if (this.#holders.has(this.#idOf(parent))) this.#becomesHolder(id);
    else this.#subjects.set(id, this.now);
  }

  ran(process: number): void {
    this.#ids.set(process, ++this.#lastId);
  }

  #idOf(process: number): number {
    const id = this.#ids.get(process) ?? ++this.#lastId;
    this.#ids.set(process, id);
    return id;
  }

  #becomesHolder(id: number): void {
    if (this.#holders.has(id)) return;
    this.#holders.add(id);
    this.#moveMemory();
  }

  #moveMemory(): void {
    this.#memory = later(this.#memory, this.now);
  }

  #mine(id: number): number {
    return this.#holders.has(id) ? this.#memory : (this.#subjects.get(id) ?? 0);
  }

  #theirs(object: number): number {
    return this.#held.has(object) ? this.#memory : (this.#objects.get(object) ?? 0);
  }

  #setMine(id: number, time: number): void {
    if (this.#holders.has(id)) this.#memory = time;
    else this.#subjects.set(id, time);
  }

  #setTheirs(object: number, time: number): void {
    if (this.#held.has(object)) this.#memory = time;
    else this.#objects.set(object, time);
  }
}

function later(than: number, now: number): number {
  return now > than ? now : than + 1;
}

/**
 * Who knows of whom, by the flows themselves and nothing else: after each of them all that is held together is made equal.
 */
export class Truth {
  readonly #knows = new Map<string, Set<string>>();
  /** By process: what it holds, and whether it may write there. */
  readonly #holds = new Map<string, Map<string, boolean>>();
  /** By process: which common memory it is in. */
  readonly #common = new Map<string, number>();
  #lastCommon = 0;

  /** Takes what happens into account. */
  see({ source, sink, op, both, holds }: Flow): void {
    const [from, to] = [keyOf(source), keyOf(sink)];
    if (op === "end" || op === "exec") {
      this.#holds.delete(from);
      this.#common.delete(from);
      return;
    }
    this.#flow(from, to);
    if (both === true) this.#flow(to, from);
    if (op === "fork") this.#fork(from, to, holds === true);
    else if (holds === true && both === true) this.#hold(from, to, true);
    else if (holds === true) this.#hold(to, from, false);
    while (this.#spread());
  }

  /** All pairs: who reached whom. */
  pairs(): Set<string> {
    const pairs = new Set<string>();
    for (const [to, known] of this.#knows) for (const from of known) pairs.add(`${from} > ${to}`);
    return pairs;
  }

  #knownTo(key: string): Set<string> {
    const known = this.#knows.get(key) ?? new Set([key]);
    this.#knows.set(key, known);
    return known;
  }

  #flow(from: string, to: string): boolean {
    const known = this.#knownTo(to);
    const before = known.size;
    for (const one of this.#knownTo(from)) known.add(one);
    return known.size > before;
  }

  #hold(process: string, object: string, writes: boolean): void {
    const held = this.#holds.get(process) ?? new Map<string, boolean>();
    this.#holds.set(process, held);
    held.set(object, writes || held.get(object) === true);
  }

  #fork(parent: string, child: string, isOneMemory: boolean): void {
    for (const [object, writes] of this.#holds.get(parent) ?? []) this.#hold(child, object, writes);
    if (!isOneMemory) return;
    const common = this.#common.get(parent) ?? ++this.#lastCommon;
    this.#common.set(parent, common);
    this.#common.set(child, common);
  }

  #spread(): boolean {
    let isNew = false;
    for (const [process, held] of this.#holds)
      for (const [object, writes] of held) {
        if (this.#flow(object, process)) isNew = true;
        if (writes && this.#flow(process, object)) isNew = true;
      }
    for (const [one, common] of this.#common)
      for (const [other, its] of this.#common) if (common === its && this.#flow(one, other)) isNew = true;
    return isNew;
  }
}

const keyOf = ({ kind, first }: End): string => `${kind} ${first}`;
