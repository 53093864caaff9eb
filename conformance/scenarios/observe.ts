/**
 * Observed subjects: what happens all the same, what does not, and what the record says. [SUBJ-5]
 *
 * The matrix runs them with every tag to cross (cases.ts); here they may cross some.
 */
import { execFileSync } from "node:child_process";
import { type Context, contextOf, integrityOf, secrecyOf } from "../../src/label/index.ts";
import { idOf } from "../../src/label/testing.ts";
import type { ContextName } from "../cases.ts";
import type { Flow, World } from "../inside.ts";
import { contextNamed, labelProcess, Party } from "../party.ts";
import { expectAll, file, folder, type Scenario } from "./tools.ts";

const tags = (secrecy: readonly string[], integrity: readonly string[] = []): Context =>
  contextOf(secrecyOf(secrecy.map(idOf)), integrityOf(integrity.map(idOf)));

/** A party that may cross these tags. */
function observed(
  world: World,
  name: ContextName,
  crosses: Context,
  run: (party: Party) => string | null,
): string | null {
  const party = Party.start(`observed-${name}`);
  try {
    party.label(world.monitor, name, crosses);
    world.flows();
    return run(party);
  } finally {
    party.stop();
  }
}

/** What the record says of the last steps: observed and refused flows, in order. */
function said(world: World): string {
  return world
    .flows()
    .filter(({ verdict }) => verdict !== 0)
    .map(({ verdict, observed: is }) => `${is ? "observed" : "refused"} ${verdict}`)
    .join(", ");
}

const found = (world: World, expected: string): string | null => {
  const text = said(world);
  return text === expected ? null : `expected on the record [${expected}], found [${text}]`;
};

/** The two ends of what it did against the rules. */
const ends = (world: World, flows: readonly Flow[], from: ContextName, to: ContextName): boolean =>
  flows.every(
    ({ source, sink }) =>
      source === world.monitor.contexts.idOf(contextNamed(from)) &&
      sink === world.monitor.contexts.idOf(contextNamed(to)),
  );

export const observeScenarios: readonly Scenario[] = [
  {
    id: "observe/only-the-tags-that-it-may-cross",
    row: "F1",
    run: (world) =>
      observed(world, "U", tags(["a"]), (party) => {
        const [a, b, ab] = [file(world, "A"), file(world, "B"), file(world, "AB")];
        return (
          expectAll(world, ["ok", party, `with r ${a} read`]) ??
          found(world, "observed 1") ??
          expectAll(world, ["EACCES", party, `open r ${b}`], ["EACCES", party, `open r ${ab}`]) ??
          found(world, "refused 1, refused 1")
        );
      }),
  },
  {
    id: "observe/a-read-that-waited",
    row: "F1",
    run: (world) =>
      observed(world, "U", tags(["a"]), (party) => {
        const path = `/data/f/${world.fresh()}`;
        execFileSync("mkfifo", [path]);
        world.monitor.setInode(path, contextNamed("A"));
        const writer = Party.start("comes");
        writer.label(world.monitor, "A");
        const opened = expectAll(world, ["ok", party, `open rw ${path}`], ["ok", writer, `open rw ${path}`]);
        party.send("f read");
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
        const first = said(world);
        const written = expectAll(world, ["ok", writer, "f write"]);
        const { error } = party.receive("f read");
        writer.stop();
        if (opened ?? written) return opened ?? written;
        if (error !== "ok" || !first.startsWith("observed 1")) return `${error}, and before it [${first}]`;
        return found(world, "observed 1");
      }),
  },
  {
    id: "observe/each-direction-for-itself",
    row: "F1",
    run: (world) =>
      observed(world, "U", tags(["a"]), (party) =>
        // reading it crosses `a`, writing it would vouch for it with `v`
        expectAll(
          world,
          ["ok", party, `open r ${file(world, "AV")}`],
          ["EACCES", party, `open rw ${file(world, "AV")}`],
          ["EACCES", party, `open rw ${file(world, "V")}`],
        ),
      ),
  },
  {
    id: "observe/what-is-vouched-for",
    row: "F1",
    run: (world) =>
      observed(world, "U", tags([], ["v"]), (party) => {
        const [v, w] = [file(world, "V"), file(world, "W")];
        return (
          expectAll(world, ["ok", party, `with rw ${v} write`], ["EACCES", party, `open rw ${w}`]) ??
          found(world, "observed 2, refused 2") ??
          expectAll(world, ["EACCES", party, `open r ${file(world, "A")}`])
        );
      }),
  },
  {
    id: "observe/its-own-label-goes-out-only-with-the-tag",
    row: "F1",
    run: (world) =>
      observed(world, "A", tags(["a"]), (party) =>
        expectAll(world, ["ok", party, `with rw ${file(world, "U")} write`]),
      ) ??
      observed(world, "A", tags(["b"]), (party) =>
        expectAll(
          world,
          ["EACCES", party, `open rw ${file(world, "U")}`],
          ["EACCES", party, `open rw ${file(world, "B")}`],
          ["ok", party, `open r ${file(world, "B")}`],
        ),
      ),
  },
  {
    id: "observe/told-once-and-again-when-there-is-news",
    row: "F1",
    run: (world) =>
      observed(world, "U", tags(["a"]), (party) => {
        const path = file(world, "A");
        const open = expectAll(world, ["ok", party, `open r ${path}`], ["ok", party, "f read"]);
        const flows = world.flows().filter(({ verdict }) => verdict !== 0);
        if (open !== null) return open;
        if (flows.length !== 1 || !ends(world, flows, "A", "U"))
          return `expected one record from A to U, found ${flows.length}`;
        return (
          expectAll(world, ["ok", party, "f pread"], ["ok", party, "f pread"]) ??
          found(world, "") ??
          expectAll(world, ["ok", "A", `with w ${path} write`], ["ok", party, "f pread"]) ??
          found(world, "observed 1")
        );
      }),
  },
  {
    id: "observe/doors-stay-closed-and-labels-stay-on",
    row: "K4",
    run: (world) =>
      observed(world, "A", tags(["a", "b"]), (party) => {
        const [open, secret] = [folder(world, "U"), folder(world, "B")];
        return expectAll(
          world,
          ["EACCES|EPERM", party, "door mount"],
          ["EACCES|EPERM", party, "door bpf"],
          ["EACCES", party, "socket 17 3 0"],
          ["ok", party, `open rw+creat ${secret}/x`],
          ["EACCES", party, `link ${secret}/x ${open}/x`],
          ["EACCES", party, `rename ${secret}/x ${open}/x 0`],
          ["EACCES|EPERM", party, `setlabel ${secret}/x`],
        );
      }),
  },
  {
    id: "observe/children-are-observed-and-others-are-not",
    row: "T1",
    run: (world) =>
      observed(world, "U", tags(["a"]), (party) => {
        const path = file(world, "A");
        return expectAll(
          world,
          ["ok", party, `open r ${path}`],
          ["ok", party, "fork f read"],
          ["ok", party, "exec f pread"],
          ["EACCES", "U", `open r ${path}`],
        );
      }),
  },
  {
    id: "observe/processes",
    row: "T2",
    run: (world) =>
      observed(world, "U", tags(["a"], ["v"]), (party) => {
        const pid = (name: "A" | "V" | "W" | "AB") => world.party(name).pid;
        return (
          expectAll(world, ["ok", party, `other kill0 ${pid("V")}`]) ??
          found(world, "observed 2") ??
          expectAll(world, ["EACCES", party, `other kill0 ${pid("W")}`]) ??
          found(world, "refused 2") ??
          expectAll(world, ["ok", party, `other getsid ${pid("A")}`]) ??
          found(world, "observed 1") ??
          expectAll(world, ["EACCES|EPERM", party, `other attach ${pid("AB")}`])
        );
      }),
  },
  {
    // what it takes in and what it gives out differ: whoever controls it makes a gate of it
    id: "observe/no-control-of-a-gate",
    row: "T2",
    run: (world) =>
      observed(world, "U", tags(["a"]), (party) => {
        const gate = Party.start("gate");
        try {
          gate.label(world.monitor, "A");
          labelProcess(world.monitor, gate.pid, "A", "U");
          return (
            expectAll(world, ["EACCES|EPERM", party, `other attach ${gate.pid}`]) ?? found(world, "refused 6")
          );
        } finally {
          gate.stop();
        }
      }),
  },
];
