/**
 * Memory that is shared: the record says who comes to hold what, until when; and whoever holds any counts as having
 * taken in what all the others did (bpf/memory.bpf.h). What goes through it is then found by who reads the record. [AUD-1]
 */
import { FLAG, KIND, OPS, SHAPE } from "../../src/kernel/index.ts";
import type { World } from "../inside.ts";
import { Party } from "../party.ts";
import { inodeOf, isFlow, records } from "./told.ts";
import { expectAll, file, newCompartment, type Scenario } from "./tools.ts";

const R = SHAPE.csn_record;
/** Long enough that another one does something meanwhile. */
const LOOP = 100_000;

const flagsOf = (record: Buffer): number => record[R.flags]!;
const isHeld = (record: Buffer): boolean =>
  record[R.kind] === KIND.FLOW && (flagsOf(record) & FLAG.HOLDS) !== 0;
const isAbout = (record: Buffer, inode: bigint): boolean =>
  [R.source, R.sink].some((at) => record.readBigUInt64LE(at) === inode);

/** `OPERATION way` of each record of holding, in their order; of a file, if that is given. */
function held(world: World, path?: string): string {
  return records(world)
    .filter((r) => isHeld(r) && (path === undefined || isAbout(r, inodeOf(path))))
    .map((r) => `${OPS[r.readUInt16LE(R.op)]} ${(flagsOf(r) & FLAG.BOTH) !== 0 ? "rw" : "r"}`)
    .join();
}

/** Two programs of A that hold `path` as memory, one of them perhaps to read, and a third that has nothing of it. */
function holders(
  world: World,
  path: string,
  way: "rw" | "r",
): { parties: [Party, Party, Party]; fault: string | null } {
  const parties = ["holds", "holds-too", "beside"].map((name) => {
    const party = Party.start(name);
    party.label(world.monitor, "A");
    return party;
  }) as [Party, Party, Party];
  const [one, two] = parties;
  const fault = expectAll(
    world,
    ["ok", one, `open rw ${path}`],
    ["ok", one, "f mmap rw shared"],
    ["ok", two, `open ${way} ${path}`],
    ["ok", two, `f mmap ${way} shared`],
  );
  return { parties, fault };
}

/** How many hold memory, once those that were ended a moment ago are gone. */
function holdersLeft(world: World): number | null {
  for (let was = world.monitor.holders(); ;) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    const now = world.monitor.holders();
    if (now === was) return now;
    was = now;
  }
}

/**
 * While `parties` do one thing again and again, another one reads what is new to it, some times.
 * @returns how many records each of them made of a file of its own
 */
function meanwhile(
  world: World,
  who: Party,
  parties: readonly Party[],
  command: string,
  paths: readonly string[],
): number[] {
  parties.forEach((party) => party.send(`repeat ${LOOP} ${command}`));
  const all: Buffer[] = [];
  for (let n = 0; n < 8; n++) {
    expectAll(world, ["ok", who, `open r ${file(world, "A")}`], ["ok", who, "f pread"]);
    all.push(...records(world));
  }
  parties.forEach((party) => party.receive(command));
  all.push(...records(world));
  return parties.map(
    ({ pid }, n) =>
      all.filter(
        (r) => r[R.kind] === KIND.FLOW && r.readUInt32LE(R.pid) === pid && isAbout(r, inodeOf(paths[n]!)),
      ).length,
  );
}

/** What `two` of the holders and the bystander do is told again while the first one learns, or is not. */
function relayed(world: World, way: "rw" | "r", command: string): string | null {
  const memory = file(world, "A");
  const { parties, fault } = holders(world, memory, way);
  const [one, two, beside] = parties;
  // for reading all have the same file: the memory itself
  const paths = command === "f pread" ? [memory, memory] : [file(world, "A"), file(world, "A")];
  const [reader, other] = [two, beside];
  const opened = expectAll(
    world,
    ["ok", reader, `open rw ${paths[0]}`],
    ["ok", other, `open rw ${paths[1]}`],
  );
  const found = meanwhile(world, one, [reader, other], command, paths);
  for (const party of parties) party.stop();
  if (fault ?? opened) return fault ?? opened;
  const [mine, others] = found as [number, number];
  if (mine < 4) return `what may have come through the memory was told ${mine} times`;
  // reading what is held: whoever does may get what holders learnt
  if (command === "f pread") return others < 4 ? `reading the memory was told ${others} times` : null;
  return others > 2 ? `of somebody who holds nothing it was told ${others} times` : null;
}

export const memoryScenarios: readonly Scenario[] = [
  {
    id: "memory/holding-is-said-once-of-each-way",
    row: "",
    run: (world) => {
      const path = file(world, "A");
      const known = expectAll(world, ["ok", "A", `open rw ${path}`], ["ok", "A", "f pread"]);
      records(world);
      const steps: [string, string][] = [
        // a command is something new for a holder, and what is held may have it, too: told again then, and once; at first
        // the file has what its new holder knew
        ["repeat 5 f mmap r private", "mmap r,mmap r"],
        ["repeat 5 f mmap r shared", "mmap r"],
        ["repeat 5 f mprotect rw", "mprotect rw"],
        ["repeat 5 f mmap rw shared", "mmap rw"],
        ["repeat 5 f mmap r private", "mmap r"],
        ["fork f mmap rw shared", "mmap rw"], // another process, which is told besides what it has from its parent
      ];
      const found = steps.map(([command]) => expectAll(world, ["ok", "A", command]) ?? held(world, path));
      world.party("A").ask("close");
      const wanted = steps.map(([, told]) => told);
      return known ?? (found.join(";") === wanted.join(";") ? null : `the record tells: ${found.join(";")}`);
    },
  },
  {
    id: "memory/what-one-learns-all-may-tell",
    row: "",
    run: (world) => relayed(world, "rw", "f pwrite"),
  },
  {
    id: "memory/who-only-reads-it-may-tell-it",
    row: "",
    run: (world) => relayed(world, "r", "f pwrite"),
  },
  {
    id: "memory/reading-what-others-hold",
    row: "",
    run: (world) => relayed(world, "rw", "f pread"),
  },
  {
    // a library of the host has no secrets, and nobody who has could write there
    id: "memory/not-of-what-has-no-secrets",
    row: "",
    run: (world) => {
      records(world);
      const fault = expectAll(
        world,
        ["ok", "A", "open r /data/bin/csn-actor"],
        ["ok", "A", "f mmap r private"],
      );
      const found = held(world);
      world.party("A").ask("close");
      return fault ?? (found === "" ? null : `the record tells: ${found}`);
    },
  },
  {
    id: "memory/a-child-has-it-until-it-runs-another-program",
    row: "",
    run: (world) => {
      const memory = file(world, "A");
      const party = Party.start("parent");
      party.label(world.monitor, "A");
      const fault = expectAll(world, ["ok", party, `open rw ${memory}`], ["ok", party, "f mmap rw shared"]);
      records(world);
      const forked = expectAll(world, ["ok", party, "exec f pread"]);
      const all = records(world);
      party.stop();
      const fork = all.find((r) => isFlow(r, "fork"));
      const release = all.filter((r) => isFlow(r, "exec") && isHeld(r));
      if (fault ?? forked) return fault ?? forked;
      if (fork === undefined || isHeld(fork)) return "its birth is not told as that of a process of its own";
      if (release.length !== 1) return `that it runs another program is told ${release.length} times`;
      const child = fork.readUInt32LE(R.sink + SHAPE.csn_entity.second);
      return release[0]!.readUInt32LE(R.pid) === child ? null : "of another process";
    },
  },
  {
    id: "memory/who-holds-none-any-more-is-forgotten",
    row: "",
    run: (world) => {
      const before = holdersLeft(world);
      const party = Party.start("ends");
      party.label(world.monitor, "A");
      const fault = expectAll(
        world,
        ["ok", party, `open rw ${file(world, "A")}`],
        ["ok", party, "f mmap rw shared"],
      );
      const holds = world.monitor.holders();
      const forked = expectAll(world, ["ok", party, "exec f pread"]); // a child that had it
      const after = world.monitor.holders();
      party.stop();
      const left = holdersLeft(world);
      if (before === null) return "there is no room to note any";
      if (fault ?? forked) return fault ?? forked;
      if (holds !== before + 1) return `one more holds memory, and is ${holds! - before} of ${holds}`;
      if (after !== holds) return `of a child that runs another program ${after! - holds} are left`;
      return left === before ? null : `it has ended, and ${left! - before} of it are left`;
    },
  },
  {
    id: "memory/two-processes-in-one-memory",
    row: "",
    run: (world) => {
      const party = Party.start("twin");
      party.label(world.monitor, "A");
      records(world);
      const fault = expectAll(world, ["ok", party, `vm open r ${file(world, "A")}`]);
      const forks = records(world).filter((r) => isFlow(r, "fork"));
      party.stop();
      return fault ?? (forks.length === 1 && isHeld(forks[0]!) ? null : "the record does not tell it");
    },
  },
  {
    id: "memory/segments-queues-and-memory-without-a-file",
    row: "",
    run: (world) => {
      const inside = newCompartment(world, "A");
      const { detail } = inside.ask("sysv shmmake 0");
      records(world);
      const steps: [string, string][] = [
        [`sysv shmat ${detail} 1`, "sysv r,mmap r"], // the kernel maps a file of its own
        [`sysv shmat ${detail} 0`, "sysv rw,mmap rw"],
        ["mq make /csn-held", "open rw"],
        ["mq remove /csn-held", ""],
        ["anonymous", "mmap rw"],
        ["zeros", "mmap rw"],
      ];
      const found = steps.map(([command]) => expectAll(world, ["ok", inside, command]) ?? held(world));
      inside.stop();
      return found.join(";") === steps.map(([, told]) => told).join(";")
        ? null
        : `the record tells: ${found.join(";")}`;
    },
  },
];
