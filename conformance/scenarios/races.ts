/**
 * Races: labels are set and taken off, content changes and memory runs short, while programs of other contexts
 * try without a pause. The kernel suite of 7.3 runs fully preemptible (`preempt=full`).
 *
 * The oracle is the content itself: the secret stands in the file only while the label does, so nobody below
 * may ever see it; and each refusal counted by the kernel is a record, or counted as lost. A call that was let
 * in before the label goes on (docs/threats.md, G-13), so the secret waits until both have begun anew.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { SubjectName } from "../cases.ts";
import type { World } from "../inside.ts";
import { contextNamed } from "../party.ts";
import { expectAll, folder, type Scenario } from "./tools.ts";

const SECRET = "topsecret";
const SPY_MS = 1500;

type Seen = { tries: number; let: number; seen: number };

/** Both spy at once while `change` is called again and again. */
async function spied(
  world: World,
  spies: readonly (readonly [SubjectName, call: string, path: string])[],
  change: (settle: () => Promise<void>) => void | Promise<void>,
): Promise<{ fault: string | null; results: Seen[]; rounds: number }> {
  const commands = spies.map(([, call, path]) => `spy ${SECRET} ${call} ${path}`);
  for (const [n, [who]] of spies.entries()) world.party(who).send(commands[n]!);
  const settle = async (): Promise<void> => {
    for (const [who] of spies) await world.party(who).nextTry();
  };
  const end = Date.now() + SPY_MS;
  let rounds = 0;
  try {
    for (; Date.now() < end; rounds++) {
      await change(settle);
      await sleep(1);
    }
  } finally {
    for (const [who] of spies) process.kill(world.party(who).pid, "SIGHUP");
  }
  const results = spies.map(([who], n) => {
    const [tries, let_, seen] = world.party(who).receive(commands[n]!).detail.split("/").map(Number);
    return { tries: tries!, let: let_!, seen: seen! };
  });
  const told = results.findIndex(({ seen }) => seen > 0);
  const idle = results.findIndex(({ tries }) => tries < 20);
  const fault =
    told !== -1
      ? `${spies[told]!.join(" ")} saw the secret ${results[told]!.seen} times in ${results[told]!.tries} tries`
      : idle !== -1
        ? `${spies[idle]!.join(" ")} tried only ${results[idle]!.tries} times`
        : rounds < 1
          ? "nothing was changed meanwhile"
          : null;
  return { fault, results, rounds };
}

/** In place and of one length, so that a mapping never ends before its file. */
function fill(path: string, text: string): void {
  writeFileSync(path, text.padEnd(16, "."), { flag: "r+" });
}

/** The secret is there only while the label is. */
async function secretOnlyUnderLabel(world: World, file: string, settle: () => Promise<void>): Promise<void> {
  world.monitor.setInode(file, contextNamed("A"));
  await settle();
  fill(file, SECRET);
  fill(file, "public");
  world.monitor.clearInode(file);
}

export const raceScenarios: readonly Scenario[] = [
  ...(["read", "map", "pread"] as const).map((call): Scenario => ({
    id: `race/${call}-while-labels-come-and-go`,
    row: "F1",
    run: async (world) => {
      const path = `/data/f/${world.fresh()}`;
      writeFileSync(path, "public".padEnd(16, "."));
      const open = expectAll(world, ["ok", "U", `open rw ${path}`], ["ok", "B", `open r ${path}`]);
      if (open) return open;
      const { fault } = await spied(world, [["U", call, path], ["B", call, path]], (settle) => secretOnlyUnderLabel(world, path, settle)); // prettier-ignore
      world.refusals();
      for (const who of ["U", "B"] as const) world.party(who).ask("close");
      return fault;
    },
  })),
  {
    id: "race/below-a-folder-that-is-labelled-and-not",
    row: "F5",
    run: async (world) => {
      const home = folder(world, null, "/data/f");
      mkdirSync(`${home}/in`);
      writeFileSync(`${home}/in/x`, "public".padEnd(16, "."));
      const { fault } = await spied(world, [["U", "read", `${home}/in/x`], ["B", "names", `${home}/in`]], async (settle) => {
        world.monitor.setInode(home, contextNamed("A"));
        await settle();
        fill(`${home}/in/x`, SECRET);
        writeFileSync(`${home}/in/${SECRET}`, "");
        rmSync(`${home}/in/${SECRET}`);
        fill(`${home}/in/x`, "public");
        world.monitor.clearInode(home);
      }); // prettier-ignore
      world.refusals();
      return fault;
    },
  },
  {
    id: "race/caches-dropped-under-load",
    row: "F1",
    run: async (world) => {
      const home = folder(world, "A", "/data/f");
      writeFileSync(`${home}/x`, `${SECRET}\n`);
      const { fault } = await spied(world, [["U", "read", `${home}/x`], ["B", "ask", `${home}/x`]], () => writeFileSync("/proc/sys/vm/drop_caches", "3")); // prettier-ignore
      world.refusals();
      return fault;
    },
  },
  {
    id: "race/memory-runs-short",
    row: "F1",
    run: async (world) => {
      const home = folder(world, "A", "/data/f");
      writeFileSync(`${home}/x`, `${SECRET}\n`);
      const held: Buffer[] = [];
      const free = (): number =>
        Number(/MemAvailable: *(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))![1]) / 1024;
      const { fault } = await spied(world, [["U", "read", `${home}/x`], ["B", "map", `${home}/x`]], () => {
        if (free() > 120) held.push(Buffer.alloc(32 * 1024 * 1024, 1));
      }); // prettier-ignore
      held.length = 0;
      world.refusals();
      return fault;
    },
  },
  {
    id: "race/writes-while-trust-comes-and-goes",
    row: "F1",
    run: async (world) => {
      const path = `/data/f/${world.fresh()}`;
      writeFileSync(path, "plain\n");
      const open = expectAll(world, ["ok", "U", `open rw ${path}`]);
      let tampered = 0;
      const { fault } = await spied(world, [["U", "write", path], ["B", "read", path]], async (settle) => {
        world.monitor.setInode(path, contextNamed("V"));
        await settle();
        writeFileSync(path, "vouched for\n");
        if (readFileSync(path, "utf8") !== "vouched for\n") tampered++;
        world.monitor.clearInode(path);
      }); // prettier-ignore
      world.refusals();
      world.party("U").ask("close");
      return open ?? fault ?? (tampered === 0 ? null : `written to ${tampered} times while it was trusted`);
    },
  },
  {
    id: "race/every-refusal-is-a-record-or-counted",
    row: "F1",
    run: async (world) => {
      const home = folder(world, "A", "/data/f");
      writeFileSync(`${home}/x`, `${SECRET}\n`);
      world.refusals();
      const before = world.monitor.counters();
      let records = 0;
      const { fault, results } = await spied(world, [["U", "read", `${home}/x`], ["B", "ask", `${home}/x`], ["V", "names", home]], () => {
        records += world.refusals().length;
      }); // prettier-ignore
      records += world.refusals().length;
      const now = world.monitor.counters();
      const [refused, lost] = [now.refused - before.refused, now.lost - before.lost];
      const tries = results.reduce((sum, each) => sum + each.tries, 0);
      if (fault) return fault;
      if (refused !== tries) return `${tries} tries, ${refused} refused`;
      return records + lost >= refused && records <= refused
        ? null
        : `${refused} refused, ${records} records, ${lost} lost`;
    },
  },
];
