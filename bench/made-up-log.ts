/**
 * Records of a made-up host of the usual shape, for bench/questions.ts: programs that live for some forty flows, read files of
 * which few are read often, talk through pipes, write files, under two contexts. Whatever is new is named by a record, as the
 * kernel does it. Of fifty flows one is refused, and now and then a gate takes the second tag off. One flow at the end reaches a
 * person; nothing reaches the other one.
 */
import {
  contextRecords,
  contextWith,
  DISK,
  file,
  flowRecord,
  gateRecords,
  header,
  nameRecord,
  pipe,
  principal,
  process,
} from "../src/audit/ask/testing.ts";
import { Graph } from "../src/audit/index.ts";
import { ENTITY, FIELD, NAME_FIELD, OP, RECORD_KIND } from "../src/audit/record.ts";

const BYTES = 96;
/** Records that are made before they are read: a chunk's buffer is used again. */
const CHUNK = 1 << 14;
const HEADER = header();
/** Sees what was written; is shown nothing. */
export const VENDOR = 61001;
export const AUDITOR = 61002;
const PIPE_DEVICE = 13;
/** What a file is called: its number at the end. */
const DIGITS = 10;
const FILE_NAME = `part-${"0".repeat(DIGITS)}`;
export const nameOf = (ino: number) => `/data/registry/part-${String(ino).padStart(DIGITS, "0")}`;
/** Between two records: about as fast as a kernel makes them. */
export const NS_BETWEEN = 10_000;
/** Every fourth program and file has both tags. */
const TRIAL = 4;
/** One of so many flows is refused. */
const REFUSED = 50;
export const GATE = "lab/gate";
/** Pipes of gates, and their programs, are numbered from here on. */
const GATES = 0x40000000;

/** xorshift: the same log for the same seed. */
function random(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

/** @returns processor time of reading it, in seconds */
export function makeLog(
  count: number,
  spend: (work: () => void) => number,
): { graph: Graph; seconds: number } {
  const graph = new Graph();
  const begin = [1, 2].map((id) => contextRecords(id, contextWith(id === 1 ? [1] : [1, 2])));
  const refused = flowRecord({ source: file(1), sink: principal(VENDOR), from: 1, to: 0, verdict: 1, op: "release", event: true }); // prettier-ignore
  graph.add(Buffer.concat([...begin, refused]), 1, HEADER);
  let [first, seconds] = [100, 0];
  for (const chunk of chunks(count)) {
    seconds += spend(() => graph.add(chunk, first, HEADER));
    first += chunk.length / BYTES;
  }
  const time = (count + 10) * NS_BETWEEN;
  const end = [
    flowRecord({ source: file(1), sink: process(99), from: 1, to: 1, time }),
    flowRecord({ source: process(99), sink: principal(AUDITOR), from: 1, to: 1, op: "release", event: true, time: time + 1 }), // prettier-ignore
  ];
  graph.add(Buffer.concat(end), first, HEADER);
  return { graph, seconds };
}

function* chunks(count: number): Generator<Buffer> {
  const next = random(7);
  const chunk = Buffer.alloc(CHUNK * BYTES);
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  const files = Math.max(1000, Math.floor(count / 20));
  const named = new Uint8Array(files + 1);
  const programs = Array.from({ length: 8 }, (_, n) => nameRecord(process(0), `program-${n}`));
  const aFile = nameRecord(file(0), "data", "registry", FILE_NAME);
  let pid = 100;
  /** Of this chunk, and of all. */
  const made = { here: 0, before: 0 };
  const take = (): number => made.here++ * BYTES;
  /** @returns a process, which is named first */
  const start = (): number => {
    pid++;
    const record = programs[pid % programs.length]!;
    record.writeBigUInt64LE(BigInt(1000 + pid), NAME_FIELD.entity);
    record.writeUInt32LE(pid, NAME_FIELD.entity + 8);
    record.copy(chunk, take());
    return pid;
  };
  const pids = Array.from({ length: 64 }, start);
  while (made.before < count) {
    while (made.here < CHUNK - 4 && made.before + made.here < count) {
      const slot = next(64);
      if (next(40) === 0) pids[slot] = start();
      const writes = next(3) === 0;
      const isPipe = next(4) === 0;
      // few are used often
      const isTrial = pids[slot]! % TRIAL === 0;
      const ino = isPipe ? pipeOf(pids[slot]!, next(2)) : allowed(1 + Math.floor((next(1 << 20) / (1 << 20)) ** 3 * (files - TRIAL)), isTrial, writes); // prettier-ignore
      if (!isPipe && named[ino] === 0) {
        named[ino] = 1;
        aFile.writeBigUInt64LE(BigInt(ino), NAME_FIELD.entity);
        aFile.write(String(ino).padStart(DIGITS, "0"), NAME_FIELD.name + FILE_NAME.length - DIGITS, "latin1");
        aFile.copy(chunk, take());
      }
      writeFlow(chunk, view, take(), {
        writes,
        isPipe,
        ino,
        pid: pids[slot]!,
        time: (made.before + made.here) * NS_BETWEEN,
        isRefused: next(REFUSED) === 0,
      });
    }
    yield chunk.subarray(0, made.here * BYTES);
    made.before += made.here;
    made.here = 0;
    const [trial, other] = [pids.find((one) => one % TRIAL === 0), pids.find((one) => one % TRIAL !== 0)];
    if (trial !== undefined && other !== undefined) {
      const run = gateRun(trial, other, made.before * NS_BETWEEN);
      yield run;
      made.before += run.length / BYTES;
    }
  }
}

/** A gate's program has both tags, and what it writes the first one. */
function gateRun(before: number, after: number, time: number): Buffer {
  const at = GATES + time / NS_BETWEEN;
  const [input, gate, output] = [pipe(at), process(at), pipe(at + 1)];
  const streams = (ino: number) => ({ streams: [`${PIPE_DEVICE}:${ino}:0`] });
  return Buffer.concat([
    flowRecord({ source: process(before), sink: input, from: 2, to: 2, op: "write", time }),
    flowRecord({ source: input, sink: gate, from: 2, to: 2, time }),
    flowRecord({ source: gate, sink: output, from: 1, to: 1, op: "write", time }),
    gateRecords({ gate: GATE, user: "root", input: streams(at), output: streams(at + 1) }, { from: 2, to: 1, time }),
    flowRecord({ source: output, sink: process(after), from: 1, to: 1, time }),
  ]); // prettier-ignore
}

/** Programs of the second context write to its files only, and those of the first read none of them. */
function allowed(ino: number, isTrial: boolean, writes: boolean): number {
  const isTrials = ino % TRIAL === 0;
  if (isTrial && writes) return ino - (ino % TRIAL) + TRIAL;
  return isTrials && !isTrial ? ino + 1 : ino;
}

/** A few programs of one context share a pipe. */
function pipeOf(pid: number, which: number): number {
  const group = pid - (pid % (2 * TRIAL)) + 1;
  return pid % TRIAL === 0 ? group : group + 1 + which;
}

type Made = {
  writes: boolean;
  isPipe: boolean;
  ino: number;
  pid: number;
  time: number;
  isRefused: boolean;
};

function writeFlow(
  chunk: Buffer,
  view: DataView,
  at: number,
  { writes, isPipe, ino, pid, time, isRefused }: Made,
): void {
  chunk.fill(0, at, at + BYTES);
  const program = at + (writes ? FIELD.source : FIELD.sink);
  const thing = at + (writes ? FIELD.sink : FIELD.source);
  const mine = pid % TRIAL === 0 ? 2 : 1;
  const its = isPipe ? mine : ino % TRIAL === 0 ? 2 : 1;
  chunk[at] = 3;
  chunk[at + FIELD.kind] = RECORD_KIND.FLOW;
  chunk[at + FIELD.verdict] = isRefused ? 1 : 0;
  chunk[at + (writes ? FIELD.source_kind : FIELD.sink_kind)] = ENTITY.process;
  chunk[at + (writes ? FIELD.sink_kind : FIELD.source_kind)] = isPipe ? ENTITY.pipe : ENTITY.file;
  chunk.writeUInt16LE(writes ? OP.write : OP.open, at + FIELD.op);
  view.setUint32(at + FIELD.time, time % 2 ** 32, true);
  view.setUint32(at + FIELD.time + 4, Math.floor(time / 2 ** 32), true);
  view.setUint32(at + FIELD.source_context, writes ? mine : its, true);
  view.setUint32(at + FIELD.sink_context, writes ? its : mine, true);
  view.setUint32(program, 1000 + pid, true);
  view.setUint32(program + 8, pid, true);
  view.setUint32(thing, ino, true);
  view.setUint32(thing + 8, isPipe ? PIPE_DEVICE : DISK, true);
  view.setUint32(thing + 12, isPipe ? 0 : 1, true);
}
