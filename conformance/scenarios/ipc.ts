/**
 * System V objects, POSIX queues and keys: their maker's, and judged at each use. [OP-6]
 *
 * The labelled parties of the suite have an IPC namespace each. To let two contexts meet in one, a second
 * process is forked there by hand: `roommates` are of different contexts and share a namespace.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { operation } from "../../model/reference.ts";
import { contextFrom } from "../../model/vectors.ts";
import { CONTEXTS, RELATIONS, type SubjectName } from "../cases.ts";
import type { World } from "../inside.ts";
import { labelProcess, Party } from "../party.ts";
import { compartment, expectAll, file, type Scenario, type Step } from "./tools.ts";

/** What the reference says of an operation of one context on an object of another. */
function verdict(op: string, subject: SubjectName, object: SubjectName): string {
  const context = contextFrom(CONTEXTS[subject]);
  const answer = operation(op, { in: context, out: context }, { object: contextFrom(CONTEXTS[object]) });
  return answer === "allow" ? "ok" : "EACCES";
}

/** Each call on an object that is there: the operation that it is. `{id}`: the object. */
const USES: readonly {
  readonly kind: "shm" | "msg" | "sem";
  readonly op: string;
  readonly command: string;
}[] = [
  { kind: "shm", op: "OP-1", command: "sysv shmstat {id}" },
  { kind: "shm", op: "OP-3", command: "sysv shmat {id} 0" },
  { kind: "shm", op: "OP-1", command: "sysv shmat {id} 1" },
  { kind: "shm", op: "OP-1", command: "sysv shmkey" },
  { kind: "shm", op: "OP-2", command: "sysv shmrm {id}" },
  { kind: "msg", op: "OP-2", command: "sysv msgsnd {id}" },
  { kind: "msg", op: "OP-3", command: "sysv msgrcv {id}" },
  { kind: "msg", op: "OP-1", command: "sysv msgstat {id}" },
  { kind: "msg", op: "OP-1", command: "sysv msgkey" },
  { kind: "msg", op: "OP-2", command: "sysv msgrm {id}" },
  { kind: "sem", op: "OP-3", command: "sysv semop {id}" },
  { kind: "sem", op: "OP-3", command: "sysv semzero {id}" },
  { kind: "sem", op: "OP-3", command: "sysv semvalue {id}" },
  { kind: "sem", op: "OP-2", command: "sysv semset {id}" },
  { kind: "sem", op: "OP-1", command: "sysv semkey" },
  { kind: "sem", op: "OP-2", command: "sysv semrm {id}" },
];

/** Two processes of two contexts in one IPC namespace that is not the host's. */
export function roommates(world: World, a: SubjectName, b: SubjectName): [Party, Party] {
  const first = Party.start(`mate-${a}`);
  first.ask("room");
  const second = Party.start(`mate-${b}`);
  second.ask(`enter ${first.pid}`);
  // U too: a child of the platform's is the platform
  for (const [party, name] of [[first, a], [second, b]] as const) party.label(world.monitor, name); // prettier-ignore
  return [first, second];
}

function sysv(kind: "shm" | "msg" | "sem", row: string): Scenario {
  return {
    id: `sysv/${kind}-between-contexts`,
    row,
    run: (world) => {
      for (const [subject, object] of RELATIONS) {
        if (object === "base") continue;
        const [user, owner] = roommates(world, subject, object);
        for (const { op, command } of USES.filter((use) => use.kind === kind)) {
          const key = 7000 + USES.findIndex((use) => use.command === command);
          const made = owner.ask(`sysv ${kind}make ${key}`);
          if (made.error !== "ok") return `${object}: make ${kind}: ${made.error}`;
          if (command.includes("msgrcv")) owner.ask(`sysv msgsnd ${made.detail}`);
          world.refusals();
          const allowed = verdict(op, subject, object) === "ok";
          // who may look but not take finds no message for it
          const looks = command.includes("msgrcv") && verdict("OP-1", subject, object) === "ok";
          const expected = allowed ? "ok" : looks ? "ENOMSG" : "EACCES";
          const text = command.includes("key") ? `${command} ${key}` : command.replace("{id}", made.detail);
          const fault = expectAll(world, [expected, user, text]);
          const refused = world.refusals().length;
          owner.ask(`sysv ${kind}rm ${made.detail}`);
          if (fault) return `${subject} on ${object}: ${fault}`;
          if (refused !== (allowed ? 0 : 1))
            return `${subject} on ${object}: \`${command}\`: ${refused} records`;
        }
        user.stop();
        owner.stop();
      }
      return null;
    },
  };
}

let users = 4700;
/** Who had no keyring until now: one that is made stays. */
export function nextUser(): number {
  return users++;
}

const KEY_USES: readonly (readonly [op: string, command: string])[] = [
  ["OP-1", "key read {id}"],
  ["OP-1", "key describe {id}"],
  ["OP-2", "key update {id}"],
  ["OP-2", "key revoke {id}"],
];

export const ipcScenarios: readonly Scenario[] = [
  sysv("shm", "I1"),
  sysv("msg", "I2"),
  sysv("sem", "I3"),
  {
    // each sort has numbers of its own, and what is told by a use of both directions counts for who learns it
    id: "sysv/each-use-that-tells-is-recorded",
    row: "I3",
    run: (world) => {
      const [one, other] = roommates(world, "A", "A");
      // each has taken in something: what it tells is not news for ever
      const path = file(world, "A");
      const learned = [one, other].map((party) => expectAll(world, ["ok", party, `open r ${path}`], ["ok", party, "f pread"], ["ok", party, "close"])); // prettier-ignore
      const [sem, msg] = ["sem", "msg"].map((kind) => one.ask(`sysv ${kind}make 7100`).detail);
      const told = (party: Party, command: string): boolean => {
        world.flows();
        party.ask(command);
        return world.flows().some(({ op, pid }) => op === "sysv" && pid === party.pid);
      };
      const uses: readonly (readonly [Party, string])[] = [
        [other, `sysv msgsnd ${msg}`], [other, `sysv semset ${sem}`],
        [one, `sysv semop ${sem}`], [other, `sysv semop ${sem}`], [one, `sysv semop ${sem}`],
      ]; // prettier-ignore
      const faults = uses.filter(([party, command]) => !told(party, command));
      for (const party of [one, other]) party.stop();
      const fault = learned.find((each) => each !== null);
      if (fault !== undefined) return fault;
      return faults.length === 0 ? null : `no record: ${faults.map(([, command]) => command).join(", ")}`;
    },
  },
  {
    id: "sysv/none-in-the-hosts-namespace",
    row: "I1",
    run: (world) => {
      const party = Party.start("in-the-host");
      party.label(world.monitor, "A");
      const fault = expectAll(
        world,
        ...["shm", "msg", "sem"].map((kind) => ["EACCES", party, `sysv ${kind}make 0`] as Step),
        ["EACCES", party, "sysv shminfo"],
        ["EACCES", party, "sysv msginfo"],
        ["EACCES", party, "sysv seminfo"],
      );
      party.stop();
      return fault;
    },
  },
  {
    id: "sysv/a-waiting-receiver-is-judged",
    row: "I2",
    run: async (world) => {
      // it waits, which is only looking; the sender, who would hand it the message, is asked for the receiver
      const [reader, owner] = roommates(world, "A", "U");
      const { detail } = owner.ask("sysv msgmake 7100");
      const wait = `sysv msgwait ${detail}`;
      reader.send(wait);
      await sleep(700);
      world.refusals();
      const fault = expectAll(world, ["ok", owner, `sysv msgsnd ${detail}`]);
      const records = world.refusals().length;
      const after = expectAll(
        world,
        ["ok", owner, `sysv msgrcv ${detail}`],
        ["ok", owner, `sysv msgrm ${detail}`],
      );
      const { error } = reader.receive(wait);
      reader.stop();
      owner.stop();
      return (
        fault ??
        after ??
        (error === "EIDRM" || error === "EINTR" ? (records > 0 ? null : "no record") : `it got ${error}`)
      );
    },
  },
  {
    id: "sysv/works-in-a-compartment",
    row: "I1",
    run: (world) => {
      const inside = compartment(world, "A");
      const steps: Step[] = [];
      for (const kind of ["shm", "msg", "sem"]) {
        const { error, detail } = inside.ask(`sysv ${kind}make 77`);
        if (error !== "ok") return `${kind}: ${error}`;
        for (const { command } of USES.filter(
          (use) => use.kind === kind && !use.command.includes("key") && !use.command.includes("msgrcv"),
        ))
          steps.push(["ok", inside, command.replace("{id}", detail)]);
      }
      return expectAll(world, ...steps);
    },
  },
  {
    id: "mqueue/of-the-compartment",
    row: "I4",
    run: (world) => {
      const inside = compartment(world, "A");
      return expectAll(
        world,
        ["ok", inside, "mq make /csn-q"],
        ["ok", inside, "mq send"],
        ["ok", inside, "mq receive"],
        ["ok", inside, "mq attr"],
        ["ok", inside, "mq remove /csn-q"],
        ["ENOENT", "U", "mq open /csn-q"],
      );
    },
  },
  {
    id: "mqueue/between-contexts",
    row: "I4",
    run: (world) => {
      const party = Party.start("queues");
      labelProcess(world.monitor, party.pid, "U");
      const fault = expectAll(world, ["ok", party, "mq make /csn-host"], ["ok", party, "mq send"]);
      party.label(world.monitor, "A");
      const after = expectAll(
        world,
        ["EACCES", party, "mq open /csn-host"],
        ["EACCES", party, "mq openr /csn-host"],
        ["EACCES", party, "mq make /csn-other"],
        ["EACCES", party, "mq remove /csn-host"],
      );
      party.stop();
      world.party("U").ask("mq remove /csn-host");
      return fault ?? after;
    },
  },
  {
    id: "key/between-contexts",
    row: "I8",
    run: (world) => {
      for (const [subject, object] of RELATIONS) {
        if (object === "base") continue;
        for (const [op, command] of KEY_USES) {
          const owner = world.party(object);
          owner.ask("key session");
          const made = owner.ask(`key add csn-${subject}`);
          if (made.error !== "ok") return `${object}: add: ${made.error}`;
          world.refusals();
          // possession decides too: a key with all rights for everybody leaves only the label to refuse
          expectAll(world, ["ok", owner, `key open ${made.detail}`]);
          const expected = verdict(op, subject, object);
          const fault = expectAll(world, [
            expected === "ok" ? "ok" : "EACCES|ENOKEY",
            subject,
            command.replace("{id}", made.detail),
          ]);
          if (fault) return `${subject} on ${object}: ${fault}`;
        }
      }
      return null;
    },
  },
  {
    id: "key/session-of-the-compartment",
    row: "I8",
    run: (world) => {
      const inside = compartment(world, "A");
      const made = inside.ask("key add csn-inside");
      if (made.error !== "ok") return `add: ${made.error}`;
      return expectAll(
        world,
        ["ok", inside, `key read ${made.detail}`], ["ok", inside, "key search csn-inside"], ["ok", inside, "key link"],
        ["EACCES|ENOKEY", "U", `key read ${made.detail}`], ["EACCES|ENOKEY", "A", `key userof ${nextUser()}`], ["EACCES|ENOKEY", inside, "key callout"],
      ); // prettier-ignore
    },
  },
  {
    id: "key/the-hosts-keyrings",
    row: "I8",
    run: (world) => {
      const party = Party.start("keys");
      labelProcess(world.monitor, party.pid, "U");
      const before = expectAll(world, ["ok", party, "key session"], ["ok", party, "key add csn-host"]);
      party.label(world.monitor, "A");
      const after = expectAll(
        world,
        ["EACCES", party, "key add csn-mine"],
        ["ok", party, "key search csn-host"],
        ["EACCES", party, "key link"],
      );
      party.stop();
      return before ?? after;
    },
  },
];
