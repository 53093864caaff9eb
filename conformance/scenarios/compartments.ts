/**
 * What the monitor notes of a compartment whose context is to change: that it is not alone any more, since a
 * descriptor went out or in, or somebody outside looked into one of its processes. [CHG-3]
 *
 * The changes themselves are cases of the system suite (`change: …`).
 */
import { native, PINS } from "../../src/kernel/index.ts";
import type { World } from "../inside.ts";
import { contextNamed, Party } from "../party.ts";
import { programOf } from "./namespaces.ts";
import { expectAll, launch, type Scenario, type Step } from "./tools.ts";

const NUMBER = 4711;
/** bpf/abi.h: CSN_MAX_COMPARTMENTS. */
const MOST = 65536;

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

class Notes {
  readonly #map = native().mapOpen(`${PINS}/shared`);

  /** Whether it was noted; then forgets it. */
  take(): boolean {
    const noted = native().mapGet(this.#map, u32(NUMBER), 4) !== null;
    if (noted) native().mapDelete(this.#map, u32(NUMBER));
    return noted;
  }

  /** As long as no other compartment can be noted. */
  whileFull<T>(run: () => T): T {
    const others = Array.from({ length: MOST }, (_, n) => u32(n + 1_000_000));
    try {
      for (const key of others) native().mapSet(this.#map, key, u32(1), 0);
      return run();
    } finally {
      for (const key of others)
        if (native().mapGet(this.#map, key, 4) !== null) native().mapDelete(this.#map, key);
    }
  }

  close(): void {
    native().closeFd(this.#map);
  }
}

function withCompartment(world: World, run: (party: Party, notes: Notes) => string | null): string | null {
  const id = String(world.monitor.contexts.idOf(contextNamed("A")));
  const party = Party.launched("noted", world.monitor, "A", launch(id, "--compartment", String(NUMBER)));
  const notes = new Notes();
  try {
    return run(party, notes);
  } finally {
    notes.take();
    notes.close();
    party.stop();
  }
}

/** Two Unix sockets of the party: what is sent over 1 arrives at 0. */
const pair = (party: Party): Step[] => [
  ["ok", party, "sk new 0 1 2 0"], ["ok", party, "sk bind 0 abs,noted"],
  ["ok", party, "sk new 1 1 2 0"], ["ok", party, "sk connect 1 abs,noted"],
]; // prettier-ignore

/** Each step and what it leaves behind. */
function expectNotes(world: World, notes: Notes, ...steps: [noted: boolean, ...Step][]): string | null {
  for (const [noted, ...step] of steps) {
    notes.take();
    const fault = expectAll(world, step);
    if (fault !== null) return fault;
    if (notes.take() !== noted) return `\`${step[2]}\`: expected ${noted ? "a note" : "none"}`;
  }
  return null;
}

export const compartmentScenarios: readonly Scenario[] = [
  {
    id: "compartment/notes-descriptors-in-and-out",
    row: "U5",
    run: (world) =>
      withCompartment(world, (party, notes) =>
        expectAll(world, ...pair(party)) ??
        expectNotes(world, notes,
          [false, "ok", party, "sk send 1 plain"], [false, "ok", party, "sk recv 0"],
          [true, "ok", party, "sk pass 1 memfd"], [true, "ok", party, "sk take 0"],
          // its children are in it too
          [true, "ok", party, "fork sk pass 1 memfd"])), // prettier-ignore
  },
  {
    id: "compartment/notes-who-looks-into-it",
    row: "T4",
    run: (world) =>
      withCompartment(world, (party, notes) => {
        const pid = programOf(party.process.pid!);
        return expectNotes(world, notes,
          [true, "ok", "A", `other proc:environ ${pid}`], [true, "ok", "A", `other getfd ${pid}`],
          [false, "ok", "A", `other proc:stat ${pid}`], [false, "EACCES|EPERM", "U", `other proc:environ ${pid}`],
          [false, "ok", party, "other proc:environ 1"]); // prettier-ignore
      }),
  },
  {
    id: "compartment/refuses-what-cannot-be-noted",
    row: "U5",
    run: (world) =>
      withCompartment(world, (party, notes) => {
        const fault = expectAll(world, ...pair(party));
        if (fault !== null) return fault;
        const failed = notes.whileFull(() => party.ask("sk pass 1 memfd").error);
        if (failed !== "ENOMEM") return `expected ENOMEM, found ${failed}`;
        return party.ask("sk recv 0").error === "EAGAIN" ? null : "it was sent";
      }),
  },
];
