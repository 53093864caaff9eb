/**
 * Runs in the machine: takes each check of the monitor out, one at a time, until a case fails.
 *
 * First every case runs once with nothing taken out, which tells in which cases a check makes a difference
 * (bpf/mutants.bpf.h): only those can catch its mutant, and a survivor has run through all of them. After
 * each mutant the case that caught it must pass again, so that none is caught by what another one left.
 */
import { execFileSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { Monitor, native, PINS } from "../src/kernel/index.ts";
import { type Context, SEALED } from "../src/label/index.ts";
import { ROOT } from "../src/setup/index.ts";
import { allCases, type SubjectName, SUBJECTS } from "./cases.ts";
import { runCase, World } from "./inside.ts";
import {
  EQUIVALENT,
  type Mutant,
  mutantsOf,
  type Outcome,
  type Result,
  SECOND_WALLS,
  type SecondWall,
} from "./mutants.ts";
import { labelNetwork, Party } from "./party.ts";
import { scenarios } from "./scenarios.ts";
import { endCompartments } from "./scenarios/tools.ts";
import { startWatchdog } from "./watchdog.ts";

const OBJECT = "mutants.bpf.o";
const HELD = 2;

/** One case or scenario, and what it showed with nothing taken out. */
type Probe = {
  readonly id: string;
  readonly channel: string;
  readonly refuses: boolean;
  /** Parties in which something may stay when it is not refused. */
  readonly lasts: readonly SubjectName[];
  readonly run: () => Promise<string | null> | string | null;
  milliseconds: number;
};

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const zero = Buffer.alloc(4);

class Mutation {
  readonly world = World.make(OBJECT);
  readonly mutants: readonly Mutant[];
  readonly #size: number;
  readonly #switches = native().mapOpen(`${PINS}/mutants`);
  readonly #made = native().mapOpen(`${PINS}/made`);
  readonly #verdicts = native().mapOpen(`${PINS}/verdicts`);
  readonly #beat = startWatchdog();
  readonly #probes: Probe[];
  readonly #spaces = new Map<SubjectName, string>();
  readonly #observedSpaces = new Map<SubjectName, string>();
  /** By mutant: the probes in which it held, and in which it was only reached. */
  readonly #held = new Map<string, Probe[]>();
  readonly #reached = new Map<string, Probe[]>();

  constructor() {
    const { mutants, size } = mutantsOf(`${ROOT}/build/${OBJECT}`);
    this.mutants = mutants;
    this.#size = size;
    for (const name of SUBJECTS) this.#spaces.set(name, spacesOf(this.world.party(name)));
    for (const [name, party] of this.world.observed) this.#observedSpaces.set(name, spacesOf(party));
    this.#probes = [
      ...allCases().map((one) => ({
        id: one.id,
        channel: one.channel,
        refuses: one.expect !== "allow",
        lasts: one.kind === "door" ? [one.subject] : one.kind === "task" ? [one.object as SubjectName] : [],
        run: () => runCase(this.world, one),
        milliseconds: 0,
      })),
      // those that an unmodified program runs in find only what refuses too much
      ...scenarios
        .filter(({ id }) => !id.startsWith("works/"))
        .map(({ id, run }) => ({
          id,
          channel: id,
          refuses: true,
          lasts: [],
          run: () => run(this.world),
          milliseconds: 0,
        })),
    ];
  }

  /** Takes out these and no others, and forgets what fired. */
  #take(...names: readonly string[]): void {
    const value = Buffer.alloc(this.#size);
    for (const name of names) {
      const mutant = this.mutants.find((each) => each.name === name);
      if (!mutant) throw new Error(`no mutant ${name}`);
      value[mutant.at] = 1;
    }
    native().mapSet(this.#switches, zero, value, 0);
  }

  async #run(probe: Probe): Promise<string | null> {
    this.#beat();
    try {
      return await probe.run();
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Every probe with nothing taken out. @returns those that fail even so */
  async survey(only: string | undefined): Promise<string[]> {
    const faults: string[] = [];
    for (const probe of this.#probes) {
      if (only && !probe.id.startsWith(only)) continue;
      this.#take();
      const begun = performance.now();
      const fault = await this.#run(probe);
      probe.milliseconds = performance.now() - begun;
      if (fault !== null) {
        faults.push(`${probe.id}: ${fault}`);
        await this.#repair(SUBJECTS);
        continue;
      }
      const value = native().mapGet(this.#switches, zero, this.#size)!;
      for (const { name, at } of this.mutants) {
        const fired = value[at + 1]!;
        if (fired === 0) continue;
        const found = fired & HELD ? this.#held : this.#reached;
        found.set(name, [...(found.get(name) ?? []), probe]);
      }
      if (probe.channel === probe.id) await this.#repair();
    }
    return faults;
  }

  /** The probes that can catch it: one of each channel first, refusals first, short ones first. */
  #candidates(name: string): Probe[] {
    const found = this.#held.get(name) ?? [];
    const round = new Map<Probe, number>();
    const seen = new Map<string, number>();
    const sorted = found.toSorted(
      (a, b) => Number(b.refuses) - Number(a.refuses) || a.milliseconds - b.milliseconds,
    );
    for (const probe of sorted) {
      round.set(probe, seen.get(probe.channel) ?? 0);
      seen.set(probe.channel, (seen.get(probe.channel) ?? 0) + 1);
    }
    const held = sorted.toSorted((a, b) => round.get(a)! - round.get(b)! || a.milliseconds - b.milliseconds);
    // a program that let it pass may have done something else: copied a context, written a record
    const reached = this.#wall(name) ? [] : (this.#reached.get(name) ?? []);
    return [...held, ...reached.toSorted((a, b) => a.milliseconds - b.milliseconds)];
  }

  /** Undoes what a mutant let happen: verdicts, what tasks remember, what was mounted, who is gone. */
  async #repair(restart: readonly SubjectName[] = []): Promise<void> {
    this.#take();
    this.#beat();
    clear(this.#verdicts);
    while (this.#unmounts("/data/mnt/o") || this.#unmounts("/data/mnt"));
    if (restart === SUBJECTS) {
      endCompartments();
      clear(this.#made); // what a mutant did not forget stays for the next object with its address
    }
    for (const name of SUBJECTS) {
      const party = this.world.party(name);
      if (!restart.includes(name) && this.#settle(party, name)) continue;
      party.stop();
      const fresh = Party.start(name);
      this.world.parties.set(name, fresh);
      if (name !== "U") labelNetwork(this.world.monitor, fresh.ask("room").detail, name);
      this.#spaces.set(name, spacesOf(fresh));
      fresh.label(this.world.monitor, name);
    }
    for (const [name, party] of this.world.observed) {
      if (!restart.includes(name) && this.#settle(party, name, SEALED)) continue;
      party.stop();
      const fresh = Party.start(`${name}-observed`);
      this.world.observed.set(name, fresh);
      this.#observedSpaces.set(name, spacesOf(fresh));
      fresh.label(this.world.monitor, name, SEALED);
    }
    this.world.refusals();
  }

  /** Makes a party as it was. @returns false when it is not there any more, or elsewhere */
  #settle(party: Party, name: SubjectName, crosses?: Context): boolean {
    try {
      party.label(this.world.monitor, name, crosses);
      for (const command of ["close", "watch stop"]) party.ask(command);
      return spacesOf(party) === (crosses === undefined ? this.#spaces : this.#observedSpaces).get(name);
    } catch {
      return false;
    }
  }

  #unmounts(path: string): boolean {
    try {
      execFileSync("umount", [path], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  }

  /** Does the case pass with these taken out? Leaves everything as before. */
  async #passes(probe: Probe, ...names: readonly string[]): Promise<string | null> {
    this.#take(...names);
    const fault = await this.#run(probe);
    await this.#repair(probe.lasts);
    return fault;
  }

  /** What stands before it on this kernel. */
  #wall(name: string): SecondWall | null {
    const wall = SECOND_WALLS[name];
    if (!wall) return null;
    const behind = wall.behind.filter((each) => !this.world.absent.includes(each.replace("hook/", "")));
    return behind.length === 0 ? null : { ...wall, behind };
  }

  async try(name: string): Promise<Result> {
    const result = (outcome: Outcome, by = "", fault = "", ran = 0): Result => ({
      mutant: name,
      outcome,
      by,
      fault,
      ran,
    });
    const [kind, program] = name.split("/") as [string, string];
    if (this.world.absent.includes(kind === "hook" ? program : kind)) return result("absent");
    const candidates = this.#candidates(name);
    const wall = this.#wall(name);
    const isExcused = wall !== null || name in EQUIVALENT;
    for (const [n, probe] of candidates.entries()) {
      this.#take(name);
      const fault = await this.#run(probe);
      if (fault === null) {
        if (probe.channel === probe.id) await this.#repair(); // it may have ended a party
        continue;
      }
      await this.#repair(probe.lasts);
      let again = await this.#run(probe);
      const anew = again === null ? [] : SUBJECTS;
      if (again !== null) {
        await this.#repair(SUBJECTS);
        again = await this.#run(probe);
      }
      // once more with it, from where it passed without: what fails only once has another cause
      await this.#repair(anew);
      this.#take(name);
      const confirmed = again === null && (await this.#run(probe)) !== null;
      await this.#repair(anew.length > 0 ? anew : probe.lasts);
      if (again === null && !confirmed) continue;
      if (again !== null) return result("survived", probe.id, `fails without it too: ${again}`, n + 1);
      return result(isExcused ? "stale" : "caught", probe.id, fault, n + 1);
    }
    await this.#repair();
    if (name in EQUIVALENT) return result("equivalent", "", "", candidates.length);
    const some = candidates.slice(0, 5).map(({ id }) => id);
    if (!wall) return result("survived", some.join(", "), "", candidates.length);
    const probe = this.#probes.find(({ id }) => id === wall.shown);
    if (!probe) return result("stale", wall.shown, "there is no such case", candidates.length);
    const without = await this.#passes(probe, ...wall.behind);
    if (without !== null) return result("stale", probe.id, `fails without the first wall: ${without}`);
    const both = await this.#passes(probe, name, ...wall.behind);
    if (both === null) return result("stale", probe.id, "passes without both");
    return result("second wall", probe.id, both, candidates.length);
  }
}

/** Empties a map whose keys have 8 bytes. */
function clear(map: number): void {
  for (let key = native().mapNext(map, null, 8); key !== null; key = native().mapNext(map, null, 8))
    native().mapDelete(map, key);
}

/** The name spaces that a party lives in. */
function spacesOf({ pid }: Party): string {
  return ["mnt", "user", "uts", "net", "ipc", "cgroup"]
    .map((space) => readlinkSync(`/proc/${pid}/ns/${space}`))
    .join();
}

async function main(): Promise<void> {
  const [only, survey] = process.argv.slice(2);
  const begun = performance.now();
  const mutation = new Mutation();
  const mark = (id: string): void => say({ mark: id, milliseconds: Math.round(performance.now() - begun) });
  mark("attached");
  for (const fault of await mutation.survey(survey)) say({ fault });
  mark("surveyed");
  for (const { name } of mutation.mutants) {
    if (only && !name.startsWith(only)) continue;
    const start = performance.now();
    const result = await mutation.try(name);
    say({ ...result, milliseconds: Math.round(performance.now() - start) });
  }
  mark("end");
  Monitor.detach();
  process.exit(0);
}

await main();
