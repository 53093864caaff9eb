/**
 * Runs in the machine: attaches the monitor, makes the parties, runs every case, and prints one JSON line
 * for each. Each case gets an object of its own, labelled by the platform just before.
 *
 * Of a refusal it checks the error, that it had no effect, and its record: exactly one, or for calls that
 * try several ways, one for each try, all of them right.
 */
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"; // prettier-ignore
import { execFileSync } from "node:child_process";
import { BASE, SEALED } from "../src/label/index.ts";
import {
  ENTITY_KINDS,
  FLAG,
  KIND,
  Monitor,
  native,
  OPS,
  type Ring,
  SHAPE,
  VERDICTS,
  type Interning,
} from "../src/kernel/index.ts";
import { ROOT } from "../src/setup/index.ts";
import { allCases, type Case, OBSERVED, SUBJECTS, type SubjectName } from "./cases.ts";
import { contextNamed, labelNetwork, Party, PROGRAM } from "./party.ts";
import { scenarios } from "./scenarios.ts";

/** The ring of all processors' refusals, beside one for each. */
const REFUSALS = -1;

/** Small, so that a case can fill them. */
const RING_BYTES = 256 * 1024;

const CONTENT = "secret content of this file\n";

export type Flow = {
  op: string;
  /** 0: allowed. */
  verdict: number;
  source: number;
  sink: number;
  pid: number;
  /** What is at the far end, and its port if it is an address. */
  otherKind: string;
  /** Its inode, if it is one. */
  otherInode: number;
  port: number;
  /** How many it stands for. */
  count: number;
  /** It happened, whatever the verdict. [SUBJ-5] */
  observed: boolean;
};

/** More than fit into all rings: programs that go on meanwhile make as many as are read. */
const MOST_AT_ONCE = 200_000;

export class World {
  readonly monitor: Monitor;
  readonly parties = new Map<SubjectName, Party>();
  /** The same, observed: they may cross every tag. [SUBJ-5] */
  readonly observed = new Map<SubjectName, Party>();
  readonly #ring: Ring;
  readonly #buffer = Buffer.alloc(SHAPE.csn_record.size * 60000);
  #serial = 0;

  /** Hooks that this kernel does not have. */
  readonly absent: readonly string[];

  private constructor({ monitor, absent }: { monitor: Monitor; absent: string[] }) {
    this.monitor = monitor;
    this.absent = absent;
    this.#ring = monitor.openRing();
  }

  static make(object?: string): World {
    for (const folder of ["/data/bin", "/data/io", "/data/f", "/data/mnt", "/data/d"]) mkdirSync(folder);
    copyFileSync(`${ROOT}/build/csn-actor`, PROGRAM);
    chmodSync(PROGRAM, 0o755);
    const parties = SUBJECTS.map((name) => [name, Party.start(name)] as const);
    const observed = OBSERVED.map((name) => [name, Party.start(`${name}-observed`)] as const);
    const rooms = parties.map(([name, party]) => (name === "U" ? "" : party.ask("room").detail));
    const world = new World(Monitor.attach(interning(), object, RING_BYTES));
    world.monitor.setInode("/", BASE, { selfOnly: true });
    world.monitor.setInode("/data", BASE);
    for (const [n, [name, party]] of parties.entries()) {
      if (name !== "U") labelNetwork(world.monitor, rooms[n]!, name);
      party.label(world.monitor, name);
      world.parties.set(name, party);
    }
    for (const [name, party] of observed) {
      party.label(world.monitor, name, SEALED);
      world.observed.set(name, party);
    }
    return world;
  }

  party(name: SubjectName): Party {
    const party = this.parties.get(name);
    if (!party) throw new Error(`no party ${name}`);
    return party;
  }

  /** Kinds of the records that the last `flows` saw. */
  readonly kinds = new Set<number>();
  /** The same records, as the rings had them. */
  raw: Buffer[] = [];
  /** Of all records so far: the newest time, how many came too late, and the newest time of each ring. */
  readonly order = { last: 0n, wrong: 0, rings: new Map<number, bigint>() };

  /** A name that nothing has yet. */
  fresh(): string {
    return `o${this.#serial++}`;
  }

  /** The refusals since the last call, in order. */
  refusals(): Flow[] {
    return this.flows().filter(({ verdict, observed }) => verdict !== 0 && !observed);
  }

  /** The same with what was allowed. */
  flows(): Flow[] {
    const found: Flow[] = [];
    this.kinds.clear();
    this.raw = [];
    // A record that somebody else has begun, and was interrupted in, hides those behind it.
    for (let n = 0; n < 50 && found.length < MOST_AT_ONCE; n++) {
      while (found.length < MOST_AT_ONCE && this.#drain(found));
      const { refused, lostRefused } = this.monitor.counters();
      if (this.#refused + lostRefused >= refused) break;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
    // packets that a way stopped are told of later, several at once: not to be waited for again
    const { refused, lostRefused } = this.monitor.counters();
    this.#refused = refused - lostRefused;
    return found;
  }

  /** How many refusals the records told of, in all. */
  #refused = 0;

  /** One that is later than all of its own ring is later than all of the others'. Where programs of one processor
   * interrupt each other, their records stand in one order and their times in another. */
  #order(time: bigint, ring: number): void {
    const newest = this.order.rings.get(ring) ?? 0n;
    if (time >= newest && time < this.order.last) this.order.wrong++;
    if (time > newest) this.order.rings.set(ring, time);
    if (time > this.order.last) this.order.last = time;
  }

  /** True when there may be more; what was read has its room back only when there is not. */
  #drain(found: Flow[]): boolean {
    const shape = SHAPE.csn_record;
    const used = native().ringDrain(this.#ring, this.#buffer);
    this.raw.push(Buffer.from(this.#buffer.subarray(0, used)));
    for (let at = 0; at < used; at += shape.size) {
      this.kinds.add(this.#buffer[at + shape.kind]!);
      if (this.#buffer[at + shape.kind] !== KIND.FLOW) continue;
      const verdict = this.#buffer[at + shape.verdict]!;
      const time = this.#buffer.readBigUInt64LE(at + shape.time);
      const observed = (this.#buffer[at + shape.flags]! & FLAG.OBSERVED) !== 0;
      this.#order(time, verdict !== 0 && !observed ? REFUSALS : this.#buffer.readUInt32LE(at + shape.cpu));
      if (verdict !== 0 && !observed) this.#refused++;
      const isSource = (this.#buffer[at + shape.flags]! & FLAG.ACTOR_IS_SOURCE) !== 0;
      found.push({
        op: OPS[this.#buffer.readUInt16LE(at + shape.op)] ?? "?",
        verdict,
        source: this.#buffer.readUInt32LE(at + shape.source_context),
        sink: this.#buffer.readUInt32LE(at + shape.sink_context),
        pid: this.#buffer.readUInt32LE(at + shape.pid),
        otherKind: ENTITY_KINDS[this.#buffer[at + (isSource ? shape.sink_kind : shape.source_kind)]!] ?? "?",
        otherInode: Number(this.#buffer.readBigUInt64LE(at + (isSource ? shape.sink : shape.source))),
        port: Number(this.#buffer.readBigUInt64LE(at + shape.bytes)),
        count: this.#buffer.readUInt32LE(at + shape.count),
        observed,
      });
    }
    return used > 0;
  }
}

function interning(): Interning {
  const numbers = new Map<string, number>();
  return {
    contexts: () => [],
    add: () => undefined,
    // not in the order of the ids
    tagNumber: (tag) => {
      const known = numbers.get(tag) ?? 1000 - numbers.size;
      numbers.set(tag, known);
      return known;
    },
  };
}

/** What a case acts on. */
type Place = { path: string; folder: string; before: string[] };

function makeObject(world: World, one: Case, first: Case["object"]): Place {
  const inFolder =
    one.kind === "new" || ["unlink", "rmdir", "rename", "link"].some((op) => one.channel.startsWith(op));
  const folder = inFolder ? `/data/d/${world.fresh()}` : "/data/f";
  if (inFolder) mkdirSync(folder);
  const path = `${folder}/${world.fresh()}`;
  if (one.kind === "file") {
    writeFileSync(path, CONTENT);
    if (one.channel.includes("xattr")) native().xattrSet(path, "user.csn", Buffer.from("value"));
  } else if (one.kind === "dir") {
    mkdirSync(path);
    if (one.channel !== "rmdir") writeFileSync(`${path}/x`, CONTENT);
  } else if (one.kind === "symlink") symlinkSync(PROGRAM, path);
  else if (one.kind === "fifo") execFileSync("mkfifo", [path]);
  else if (one.kind === "program") {
    copyFileSync(PROGRAM, path);
    chmodSync(path, 0o755);
  } else if (one.kind === "script") writeFileSync(path, `#!${PROGRAM}\n`, { mode: 0o755 });
  world.monitor.setInode(inFolder ? folder : path, contextNamed(first));
  return { path, folder, before: readdirSync(folder) };
}

const CODE = { "FLOW-1": [1, 4, 5, 6], "FLOW-2": [2, 4, 5, 6], labelled: [4] } as const;

/** Runs one case. Gives what is wrong, or null. */
export function runCase(world: World, one: Case): string | null {
  const party = one.mode === "observe" ? world.observed.get(one.subject)! : world.party(one.subject);
  let place: Place | null = null;
  let command = one.command;
  if (one.kind === "task")
    command = command.replace("{pid}", String(world.party(one.object as SubjectName).pid));
  else if (one.kind !== "door" && one.kind !== "own") {
    const later = one.before.length > 0;
    place = makeObject(world, one, later ? one.subject : one.object);
    const fill = (text: string): string =>
      text
        .replaceAll("{p}", place!.path)
        .replaceAll("{d}", place!.folder)
        .replaceAll("{n}", `${place!.folder}/new`);
    command = fill(command);
    for (const each of one.before) {
      const { error } = party.ask(fill(each));
      if (error !== "ok") return `\`${fill(each)}\`: ${error}`;
    }
    const onFolder = place.folder !== "/data/f";
    if (later) world.monitor.setInode(onFolder ? place.folder : place.path, contextNamed(one.object));
  } else {
    for (const each of one.before) {
      const { error } = party.ask(each);
      if (error !== "ok") return `\`${each}\`: ${error}`;
    }
  }
  // unlabelled parties try doors in a child, so that what opens stays there
  if (one.kind === "door" && one.subject === "U") command = `fork ${command}`;
  world.refusals();
  const { error, detail } = party.ask(command);
  let flows = world.flows();
  // held back behind a record that somebody else was interrupted in; refusals are waited for by their count
  if (one.mode === "observe" && error === "ok")
    for (let n = 0; n < 50 && flows.length === 0; n++) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      flows = world.flows();
    }
  const refused = flows.filter(({ verdict, observed }) => verdict !== 0 && !observed);
  const fault =
    one.mode === "observe"
      ? judgeObserved(world, one, error, flows)
      : judge(world, one, command, error, detail, refused, place);
  if (place) {
    party.ask("close");
    if (place.folder !== "/data/f") rmSync(place.folder, { recursive: true, force: true });
    else rmSync(place.path, { recursive: true, force: true });
  }
  if (one.kind === "own") party.ask("close");
  return fault;
}

/** What enforcing refuses happens, and is on the record as what enforcing says. [SUBJ-5] */
function judgeObserved(world: World, one: Case, error: string, flows: Flow[]): string | null {
  const seen = flows.map((r) => `${r.op}:${VERDICTS[r.verdict]?.name}${r.observed ? "!" : ""}`).join(" ");
  if (error !== "ok" && !one.fine.includes(error)) return `expected ok, found ${error} [${seen}]`;
  const against = flows.filter(({ verdict }) => verdict !== 0);
  if (against.some(({ observed }) => !observed)) return `observed, but recorded as refused [${seen}]`;
  const code = CODE[one.expect as "FLOW-1" | "FLOW-2"][0];
  const [mine, theirs] = [one.subject, one.object].map((name) =>
    world.monitor.contexts.idOf(contextNamed(name)),
  );
  // what the call goes on to is against the same rule; the first flow is the one that enforcing refuses
  const isRight = ({ verdict, source, sink }: Flow): boolean =>
    verdict === code && [`${mine},${theirs}`, `${theirs},${mine}`].includes(`${source},${sink}`);
  if (against.length === 0 && error !== "ok") return null; // this kernel has no such call
  return against.length > 0 && one.records.includes(against[0]!.op) && against.every(isRight)
    ? null
    : `expected observed records [${seen}]`;
}

function judge(
  world: World,
  one: Case,
  command: string,
  error: string,
  detail: string,
  refused: Flow[],
  place: Place | null,
): string | null {
  const seen = refused.map((r) => `${r.op}:${VERDICTS[r.verdict]?.name}`).join(" ");
  if (one.expect === "allow") {
    if (error !== "ok" && !one.fine.includes(error)) return `expected ok, found ${error} [${seen}]`;
    return refused.length === 0 ? null : `allowed, but recorded as refused [${seen}]`;
  }
  if (!one.errno.includes(error))
    return `expected ${one.errno.join(" or ")}, found ${error} ${detail} [${seen}]`;
  if (detail.includes("secret") || detail.includes("value")) return `refused, but gave \`${detail}\``;
  const codes: readonly number[] = CODE[one.expect];
  // on the way to a door a folder may be refused, by the flow rules
  const isRight = ({ op, verdict }: Flow): boolean =>
    one.records.includes(op) && (codes.includes(verdict) || (one.kind === "door" && op === "lookup"));
  const wrong = refused.find((each) => !isRight(each));
  if (wrong) return `wrong record [${seen}], expected ${one.records.join(" or ")}, ${one.expect}`;
  if (one.records.length > 0 && refused.length === 0 && error === "EACCES") return "refused, but no record";
  if (one.records.length > 0 && refused.length > one.tries)
    return `${refused.length} records for one refusal [${seen}]`;
  if (one.kind !== "door" && one.kind !== "own") {
    const [mine, theirs] = [one.subject, one.object].map((name) =>
      world.monitor.contexts.idOf(contextNamed(name)),
    );
    const off = refused.find(
      ({ source, sink }) => ![`${mine},${theirs}`, `${theirs},${mine}`].includes(`${source},${sink}`),
    );
    if (off) return `the record's contexts are ${off.source} and ${off.sink}, expected ${mine} and ${theirs}`;
  }
  return place && effect(one, place);
}

function effect(one: Case, place: Place): string | null {
  if (one.effect === "content" && readFileSync(place.path, "utf8") !== CONTENT)
    return "refused, but the content changed";
  if (one.effect === "names" || one.effect === "gone") {
    const after = readdirSync(place.folder);
    if (after.join() !== place.before.join()) return `refused, but the names are now ${after.join()}`;
  }
  return null;
}

function say(line: { id: string; row: string; fault: string | null; milliseconds?: number }): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function main(): Promise<void> {
  const only = process.argv[2]?.split("|");
  const begun = performance.now();
  const world = World.make();
  say({ id: "attach", row: "", fault: null, milliseconds: Math.round(performance.now() - begun) });
  for (const one of allCases()) {
    if (only && !only.some((name) => one.id.startsWith(name) || one.row === name || `${one.mode}/` === name))
      continue;
    let fault: string | null;
    try {
      fault = runCase(world, one);
    } catch (error) {
      fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    say({ id: one.id, row: one.row, fault });
  }
  const matrix = performance.now();
  say({ id: "matrix", row: "", fault: null, milliseconds: Math.round(matrix - begun) });
  for (const { id, row, run } of scenarios) {
    if (only && !only.some((name) => id.startsWith(name) || row === name || name === "scenarios")) continue;
    const start = performance.now();
    let fault: string | null;
    try {
      fault = await run(world);
    } catch (error) {
      fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    world.refusals();
    say({ id, row, fault, milliseconds: Math.round(performance.now() - start) });
  }
  Monitor.detach();
  say({ id: "mutants/load", row: "", fault: loading("mutants.bpf.o") });
  say({ id: "end", row: "", fault: null, milliseconds: Math.round(performance.now() - begun) });
  process.exit(0);
}

/** The build with switches runs on demand only (mutation.ts); that the kernel takes it is seen each time. */
function loading(object: string): string | null {
  try {
    Monitor.attach(interning(), object, RING_BYTES);
    Monitor.detach();
    return null;
  } catch (error) {
    return String(error);
  }
}

if (import.meta.main) await main();
