/**
 * The record itself: what processes are called and when they begin and end, which flows are counted
 * instead of told again, and what happens when there is no room. [AUD-1] [AUD-2] [AUD-3]
 */
import { execFileSync, spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { KIND, PROCESS_PART, SHAPE, VERDICTS } from "../../src/kernel/index.ts";
import type { World } from "../inside.ts";
import { contextNamed, Party } from "../party.ts";
import { inodeOf, isFlow, records } from "./told.ts";
import { expectAll, file, launch, type Scenario } from "./tools.ts";

const R = SHAPE.csn_record;
const P = SHAPE.csn_process_record;
const D = SHAPE.csn_process;
const UNRECORDED = VERDICTS.findIndex(({ name }) => name === "refused_unrecorded");

const entity = (record: Buffer, at: number): string => record.toString("hex", at, at + SHAPE.csn_entity.size);

/** What the records tell of the process whose arguments begin so. */
function described(all: readonly Buffer[], begin: string): { id: string; parts: Buffer[] } | null {
  const parts = all.filter((record) => record[R.kind] === KIND.PROCESS);
  const at = parts.findIndex(
    (r) => r[P.part] === PROCESS_PART.ARGUMENTS && r.toString("utf8", PROCESS_PART.AT).startsWith(begin),
  );
  if (at === -1) return null;
  const id = entity(parts[at]!, P.entity);
  const first = parts.slice(0, at).findLastIndex((r) => entity(r, P.entity) === id && r[P.part] === 0);
  const of = parts.slice(first).filter((r) => entity(r, P.entity) === id);
  const next = of.findIndex((r, n) => n > 0 && r[P.part] === 0); // of a program that came after it
  return { id, parts: of.slice(0, next === -1 ? of.length : next).map((r) => r.subarray(PROCESS_PART.AT)) };
}

/** Children of a process under A open `path` until some are refused for want of room. Nobody empties the rings
 * meanwhile, so the process itself can't answer any more: it is ended. */
async function crowd(world: World, path: string): Promise<string | null> {
  const before = world.monitor.counters().refused;
  const party = Party.start("crowd");
  try {
    party.label(world.monitor, "A");
    party.send(`repeat 20000 fork open r ${path}`);
    for (let n = 0; n < 3000; n++) {
      if (world.monitor.counters().refused - before >= 200) return null;
      await sleep(20);
    }
    return "the rings did not fill";
  } finally {
    party.process.kill("SIGKILL");
  }
}

/** 500 readings of a file that nobody wrote, then one of what is new. */
function countsOf(world: World): string | null {
  const path = file(world, "A");
  const inode = inodeOf(path);
  const at = (record: Buffer, end: number) => record.readBigUInt64LE(end) === inode;
  const other = Party.start("writer");
  other.label(world.monitor, "A");
  records(world);
  const fault = expectAll(world, ["ok", "A", `open rw ${path}`], ["ok", "A", "repeat 500 f pread"]);
  records(world);
  const news = expectAll(
    world,
    ["ok", other, `open rw ${path}`],
    ["ok", other, "f pwrite"],
    ["ok", "A", "f pread"],
  );
  const mine = records(world).filter(
    (record) =>
      record[R.kind] === KIND.FLOW &&
      at(record, R.source) &&
      record.readUInt32LE(R.pid) === world.party("A").pid,
  );
  other.stop();
  world.party("A").ask("close");
  const counts = mine.map((record) => record.readUInt32LE(R.count));
  if (fault ?? news) return fault ?? news;
  return counts.length === 1 && counts[0]! >= 500 && counts[0]! <= 502
    ? null
    : `the counts are ${counts.join()}`;
}

/** A task remembers one object of those whose numbers end alike: of so many, one is like the first (CSN_MEMORY_SLOTS of bpf/abi.h). */
const MORE_THAN_REMEMBERED = 16;

export const recordScenarios: readonly Scenario[] = [
  {
    id: "record/what-is-remembered-is-of-one-object",
    row: "",
    run: (world) => {
      const first = file(world, "A");
      for (let n = 0; n < MORE_THAN_REMEMBERED; n++) {
        const other = file(world, "A");
        const known = expectAll(
          world,
          ["ok", "A", `open rw ${first}`],
          ["ok", "A", `openextra rw ${other}`],
          ["ok", "A", `with r ${file(world, "A")} read`],
        );
        records(world);
        // both may come of what was just read
        const fault = expectAll(world, ["ok", "A", "both write"]);
        const flows = records(world).filter((r) => r[R.kind] === KIND.FLOW);
        const written = new Set(flows.map((r) => r.readBigUInt64LE(R.sink)));
        if (known ?? fault) return known ?? fault;
        if (!written.has(inodeOf(first)) || !written.has(inodeOf(other)))
          return `of file ${n + 1} it is not told`;
      }
      return null;
    },
  },
  {
    id: "record/a-process-is-described",
    row: "",
    run: (world) => {
      records(world);
      const long = "x".repeat(400);
      const id = String(world.monitor.contexts.idOf(contextNamed("A")));
      const [tool, ...rest] = launch(id, "--cwd", "/data");
      spawnSync(
        tool!,
        [...rest, "/usr/bin/env", "--", "sh", "-c", ": a-marker; exit 3", "line\nbreak", long],
        {
          stdio: ["ignore", "ignore", "ignore", "pipe"],
        },
      );
      const all = records(world);
      const found = described(all, "sh\0-c\0: a-marker");
      if (found === null) return "no record has the arguments";
      const [process, path, ...rests] = found.parts;
      const program = path?.toString().replaceAll("\0", " ").trim() ?? "";
      if (!/^(dash|sh|bash) /.test(program)) return `the program is \`${program}\``;
      const words = Buffer.concat(rests).toString().split("\0");
      const expected = ["sh", "-c", ": a-marker; exit 3", "line\nbreak"];
      if (words.slice(0, 4).join("|") !== expected.join("|"))
        return `the arguments are ${JSON.stringify(words)}`;
      const bytes = Buffer.byteLength([...expected, long, ""].join("\0"));
      if (process!.readUInt32LE(D.argument_bytes) !== bytes)
        return `${process!.readUInt32LE(D.argument_bytes)} bytes of arguments, not ${bytes}`;
      if (process!.readUInt32LE(D.uid) !== 0) return "the user is wrong";
      if (process!.readBigUInt64LE(D.cgroup) === 0n) return "no cgroup";
      const born = all.find((record) => isFlow(record, "fork") && entity(record, R.sink) === found.id);
      if (born === undefined) return "no record of its birth";
      if (!entity(born, R.source).startsWith(process!.toString("hex", D.parent, D.parent + 12)))
        return "its birth has another parent than it has";
      const end = all.filter((record) => isFlow(record, "end") && entity(record, R.source) === found.id);
      if (end.length !== 1) return `${end.length} records of its end`;
      const code = Number(end[0]!.readBigUInt64LE(R.bytes));
      return code === 3 << 8 ? null : `its end tells ${code}`;
    },
  },
  {
    id: "record/repeats-are-counted",
    row: "",
    run: (world) => {
      // a task remembers eight things, each in a place of its number: a file may share that of the party's own FIFO, and then
      // the count goes to the sum of all (decision 18); three files after one another don't
      const found = [countsOf(world), countsOf(world), countsOf(world)];
      return found.includes(null) ? null : found.join("; ");
    },
  },
  {
    id: "record/a-read-that-waited",
    row: "",
    run: async (world) => {
      const path = `/data/f/${world.fresh()}`;
      execFileSync("mkfifo", [path]);
      world.monitor.setInode(path, contextNamed("A"));
      const inode = inodeOf(path);
      const [reader, writer] = [Party.start("waits"), Party.start("comes")];
      for (const party of [reader, writer]) party.label(world.monitor, "A");
      const opened = expectAll(world, ["ok", reader, `open rw ${path}`], ["ok", writer, `open rw ${path}`]);
      reader.send("f read");
      await sleep(300); // it is in the call by now; if not, the order is the same
      records(world);
      const written = expectAll(world, ["ok", writer, "f write"]);
      const { error } = reader.receive("f read");
      const told = records(world)
        .filter(
          (r) => r[R.kind] === KIND.FLOW && [R.source, R.sink].some((at) => r.readBigUInt64LE(at) === inode),
        )
        .map((r) => (r.readUInt32LE(R.pid) === reader.pid ? "read" : "write"));
      for (const party of [reader, writer]) party.stop();
      if (opened ?? written) return opened ?? written;
      return error === "ok" && told.join() === "write,read"
        ? null
        : `${error}; the record tells: ${told.join()}`;
    },
  },
  {
    id: "record/no-room-and-refused",
    row: "",
    run: async (world) => {
      const { monitor } = world;
      const [secret, mine] = [file(world, "B"), file(world, "A")];
      const trusted = Array.from({ length: 50 }, () => file(world, "V")); // what U reads of them is on record
      records(world);
      const before = monitor.counters();
      monitor.setOnFull(true);
      const full = await crowd(world, mine);
      const answers = trusted.map((path) => world.party("U").ask(`open r ${path}`).error);
      // who has no label can end a daemon that empties no ring any more
      const spared = Array.from(
        { length: 50 },
        () => world.party("U").ask(`other kill0 ${process.pid}`).error,
      );
      // a refusal by the rules keeps its room
      const refusal = expectAll(world, ["EACCES", "U", `open r ${secret}`]);
      monitor.setOnFull(false);
      const now = monitor.counters();
      const all = records(world).filter((record) => record[R.kind] === KIND.FLOW);
      if (full ?? refusal) return full ?? refusal;
      const of = (path: string, verdict: number): number => {
        const inode = inodeOf(path);
        return all.filter((r) => r[R.verdict] === verdict && r.readBigUInt64LE(R.source) === inode).length;
      };
      if (of(secret, 1) !== 1) return `${of(secret, 1)} records of the refusal by the rules`;
      if (now.lostRefused !== before.lostRefused) return "refusals were lost";
      if (!answers.includes("EACCES")) return "nothing was refused";
      if (spared.some((error) => error !== "ok"))
        return "a signal to the platform was refused for want of room";
      // another processor's ring may have had room for some
      const wrong = trusted.filter((path, n) => of(path, answers[n] === "ok" ? 0 : UNRECORDED) !== 1);
      if (wrong.length > 0) return `${wrong.length} of 50 have no record of their answer`;
      return (
        trusted
          .map((path) => expectAll(world, ["ok", "U", `open r ${path}`], ["ok", "U", "close"]))
          .find((fault) => fault !== null) ?? null
      );
    },
  },
  {
    id: "record/no-room-and-counted",
    row: "",
    run: async (world) => {
      const { monitor } = world;
      const [first, mine] = [file(world, "A"), file(world, "A")];
      monitor.setOnFull(true);
      const full = await crowd(world, first);
      monitor.setOnFull(false);
      const before = monitor.counters();
      const { detail } = world.party("A").ask(`repeat 20 open r ${mine}`);
      const { lost } = monitor.counters();
      records(world);
      if (full !== null) return full;
      if (detail !== "20") return `only ${detail} of 20 were allowed`;
      if (lost === before.lost) return "nothing was counted as lost";
      // what no record told of is news the next time
      const again = expectAll(world, ["ok", "A", "f pread"]);
      const inode = inodeOf(mine);
      const told = records(world).filter(
        (r) => r[R.kind] === KIND.FLOW && r.readBigUInt64LE(R.source) === inode,
      );
      world.party("A").ask("close");
      if (again !== null) return again;
      return told.length === 1 ? null : `${told.length} records of the next use`;
    },
  },
  {
    id: "record/in-the-order-of-decisions",
    row: "",
    run: (world) => {
      const { wrong, rings } = world.order;
      if (rings.size < 3) return `records of ${rings.size} rings only`;
      return wrong === 0 ? null : `${wrong} records came after later ones`;
    },
  },
];
