/**
 * Sockets on a real kernel: everything works within one context, nothing between two. [NET-1] [NET-2]
 *
 * The parties of the suite live in a network of their context each; U in the host's.
 */
import { BASE } from "../../src/label/index.ts";
import { operation } from "../../model/reference.ts";
import { contextFrom } from "../../model/vectors.ts";
import { CONTEXTS, RELATIONS, type SubjectName } from "../cases.ts";
import type { World } from "../inside.ts";
import { contextNamed, labelNetwork, labelProcess, Party, setRange } from "../party.ts";
import { compartment, expectAll, folder, newCompartment, type Scenario, type Step } from "./tools.ts";

const [UNIX, INET, INET6] = [1, 2, 10];
const [STREAM, DGRAM, SEQPACKET] = [1, 2, 5];

let nextPort = 20000;

/** Connection-oriented: one side listens, both talk. All in one process, with the backlog between. */
function stream(who: SubjectName | Party, family: number, type: number, address: string): Step[] {
  const say = (command: string): Step => ["ok", who, command];
  return [
    say(`sk new 0 ${family} ${type} 0`), say(`sk bind 0 ${address}`), say("sk listen 0"), say("sk name 0"),
    say(`sk new 1 ${family} ${type} 0`), say(`sk connect 1 ${address}`), say("sk accept 0 2"),
    say("sk send 1 hello"), say("sk peek 2"), say("sk recv 2"), say("sk send 2 back"), say("sk recv 1"),
    say("sk sendm 1"), say("sk recvm 2"), say("sk peer 1"), say("sk opt 1"), say("sk setopt 1"),
    say("sk file 1 write"), say("sk file 2 read"), say("sk shut 1"), say("sk recv 2"), say("sk send 2 still"), say("sk recv 1"),
    say("sk close 0"), say("sk close 1"), say("sk close 2"),
  ]; // prettier-ignore
}

/** Datagrams: connected, unconnected and many in one call. */
function datagrams(who: SubjectName | Party, family: number, address: string): Step[] {
  const say = (command: string): Step => ["ok", who, command];
  return [
    say(`sk new 0 ${family} ${DGRAM} 0`), say(`sk bind 0 ${address}`),
    say(`sk new 1 ${family} ${DGRAM} 0`), say(`sk sendto 1 ${address}`), say("sk recv 0"),
    say(`sk connect 1 ${address}`), say("sk send 1"), say("sk recv 0"), say("sk sendm 1"), say("sk recvm 0"),
    say("sk sendm 1"), say("sk recv 0"), say("sk recv 0"), say("sk peer 1"), say("sk close 0"), say("sk close 1"),
  ]; // prettier-ignore
}

const INETS = (): [number, string][] => [
  [INET, `inet,127.0.0.1,${nextPort++}`],
  [INET, `inet,127.9.8.7,${nextPort++}`],
  [INET6, `inet6,::1,${nextPort++}`],
  [INET6, `inet6,::ffff:127.0.0.1,${nextPort++}`],
];

/** May two sockets of these contexts be joined? Of the reference: both ways. */
function mayJoin(a: SubjectName, b: SubjectName): boolean {
  const context = contextFrom(CONTEXTS[a]);
  return operation("OP-3", { in: context, out: context }, { object: contextFrom(CONTEXTS[b]) }) === "allow";
}

/**
 * A Unix server of one context, and a client of another that finds its path open: the platform gives the
 * path to the client, so that only the sockets can refuse.
 */
function acrossUnix(type: number): Scenario {
  const name = type === STREAM ? "stream" : type === DGRAM ? "dgram" : "seqpacket";
  return {
    id: `unix/${name}-between-contexts`,
    row: type === DGRAM ? "U2" : "U1",
    run: (world) => {
      for (const [client, object] of RELATIONS) {
        if (object === "base") continue;
        const server = object;
        const home = folder(world, server);
        const address = `unix,${home}/s`;
        const ready = expectAll(
          world,
          ["ok", server, `sk new 0 ${UNIX} ${type} 0`],
          ["ok", server, `sk bind 0 ${address}`],
          ...(type === DGRAM ? [] : [["ok", server, "sk listen 0"] as Step]),
          ["ok", client, `sk new 1 ${UNIX} ${type} 0`],
        );
        if (ready) return ready;
        world.monitor.setInode(home, BASE, { selfOnly: true });
        world.monitor.setInode(`${home}/s`, contextNamed(client));
        world.refusals();
        const joined = mayJoin(client, server);
        const expected = joined ? "ok" : "EACCES";
        const steps: Step[] = [[expected, client, `sk connect 1 ${address}`]];
        if (type === DGRAM) steps.push([expected, client, `sk sendto 1 ${address}`]);
        const fault = expectAll(world, ...steps);
        const refused = world.refusals();
        const idOf = (who: SubjectName): number => world.monitor.contexts.idOf(contextNamed(who));
        const isRight = refused.every(({ source, sink }) =>
          [`${idOf(client)},${idOf(server)}`, `${idOf(server)},${idOf(client)}`].includes(
            `${source},${sink}`,
          ),
        );
        const arrived = type === DGRAM && !joined && world.party(server).ask("sk recv 0").error === "ok";
        for (const who of [client, server]) for (const n of [0, 1]) world.party(who).ask(`sk close ${n}`);
        if (fault) return fault;
        if (arrived) return `${client} to ${server}: refused, but it arrived`;
        if (refused.length !== (joined ? 0 : steps.length) || !isRight)
          return `${client} to ${server}: ${refused.length} records of refusals, of ${steps.length} tries: ${JSON.stringify(refused)}`;
      }
      return null;
    },
  };
}

/** A process that lives in a network of its own; labelled from outside. */
function roomed(world: World, name: string, network: SubjectName, context: SubjectName): Party {
  const party = Party.start(name);
  const { detail } = party.ask("room");
  if (network !== "U") labelNetwork(world.monitor, detail, network);
  party.label(world.monitor, context); // U too: a child of the platform's is the platform
  return party;
}

export const socketScenarios: readonly Scenario[] = [
  {
    id: "network/tcp-within-a-context",
    row: "N1",
    run: (world) =>
      expectAll(
        world,
        ...(["A", "V", "AV", "U"] as const).flatMap((who) =>
          INETS().flatMap(([family, address]) => stream(who, family, STREAM, address)),
        ),
      ),
  },
  {
    id: "network/udp-within-a-context",
    row: "N2",
    run: (world) =>
      expectAll(
        world,
        ...(["A", "V", "U"] as const).flatMap((who) =>
          INETS().flatMap(([family, address]) => datagrams(who, family, address)),
        ),
      ),
  },
  {
    id: "network/out-of-band-reuse-and-fast-open",
    row: "N1",
    run: (world) => {
      const address = `inet,127.0.0.1,${nextPort++}`;
      return expectAll(
        world,
        ["ok", "A", `sk new 0 ${INET} ${STREAM} 0`], ["ok", "A", "sk reuseport 0"], ["ok", "A", `sk bind 0 ${address}`], ["ok", "A", "sk listen 0"],
        ["ok", "A", `sk new 3 ${INET} ${STREAM} 0`], ["ok", "A", "sk reuseport 3"], ["ok", "A", `sk bind 3 ${address}`],
        ["ok", "A", `sk new 1 ${INET} ${STREAM} 262`], ["ok", "A", `sk connect 1 ${address}`], ["ok", "A", "sk accept 0 2"],
        ["ok", "A", `sk new 1 ${INET} ${STREAM} 0`], ["ok", "A", `sk fastopen 1 ${address}`], ["ok", "A", "sk accept 0 2"],
        ["ok", "A", "sk recv 2"], ["ok", "A", "sk oob 1"], ["ok", "A", "sk recvoob 2"],
        ...[0, 1, 2, 3].map((n) => ["ok", "A", `sk close ${n}`] as const),
      ); // prettier-ignore
    },
  },
  {
    id: "network/multicast-stays-in-it",
    row: "N2",
    run: (world) => {
      const port = nextPort++;
      const fault = expectAll(
        world,
        ["ok", "A", `sk new 0 ${INET} ${DGRAM} 0`], ["ok", "A", `sk bind 0 inet,0.0.0.0,${port}`], ["ok", "A", "sk join 0 224.7.7.7"],
        ["ok", "U", `sk new 0 ${INET} ${DGRAM} 0`], ["ok", "U", `sk bind 0 inet,0.0.0.0,${port}`], ["ok", "U", "sk join 0 224.7.7.7"],
        ["ok", "A", `sk new 1 ${INET} ${DGRAM} 0`], ["ok", "A", `sk sendto 1 inet,224.7.7.7,${port}`], ["ok", "A", "sk recv 0"],
        ["EAGAIN", "U", "sk recv 0"],
      ); // prettier-ignore
      for (const who of ["A", "U"] as const) for (const n of [0, 1]) world.party(who).ask(`sk close ${n}`);
      return fault;
    },
  },
  {
    id: "network/nothing-between-contexts",
    row: "N1",
    run: (world) => {
      const port = nextPort++;
      const steps: Step[] = [];
      for (const who of ["A", "U"] as const)
        steps.push(
          ["ok", who, `sk new 0 ${INET} ${STREAM} 0`], ["ok", who, `sk bind 0 inet,0.0.0.0,${port + (who === "A" ? 0 : 1)}`], ["ok", who, "sk listen 0"],
          ["ok", who, `sk new 4 ${INET6} ${DGRAM} 0`], ["ok", who, `sk bind 4 inet6,::,${port + (who === "A" ? 0 : 1)}`],
        ); // prettier-ignore
      for (const who of ["B", "AB", "AV", "U"] as const)
        steps.push(
          ["ok", who, `sk new 1 ${INET} ${STREAM} 0`],
          ["ECONNREFUSED", who, `sk connect 1 inet,127.0.0.1,${port}`],
        );
      for (const who of ["A", "B"] as const)
        steps.push(
          ["ok", who, `sk new 1 ${INET} ${STREAM} 0`], ["ECONNREFUSED", who, `sk connect 1 inet,127.0.0.1,${port + 1}`],
          ["ok", who, `sk new 2 ${INET6} ${DGRAM} 0`], ["ok", who, `sk sendto 2 inet6,::1,${port + 1}`],
        ); // prettier-ignore
      steps.push(["EAGAIN", "U", "sk recv 4"], ["EAGAIN", "A", "sk recv 4"]);
      const fault = expectAll(world, ...steps);
      for (const who of ["A", "B", "AB", "AV", "U"] as const)
        for (const n of [0, 1, 2, 4]) world.party(who).ask(`sk close ${n}`);
      return fault;
    },
  },
  {
    id: "network/addresses-outside",
    row: "N5",
    run: (world) => {
      const outside = [
        "inet,10.2.0.1,5432",
        "inet,8.8.8.8,53",
        "inet6,2001:db8::1,443",
        "inet6,::ffff:10.2.0.1,5432",
      ];
      const [a, u] = [world.monitor.contexts.idOf(contextNamed("A")), 0];
      setRange(world.monitor, "10.2.0.0", 16, []); // no policy yet, however often this runs
      for (const [type, command] of [[STREAM, "connect"], [DGRAM, "connect"], [DGRAM, "sendto"], [STREAM, "fastopen"], [DGRAM, "sendmto"]] as const)
        for (const address of outside) {
          const family = address.startsWith("inet6") ? INET6 : INET;
          expectAll(world, ["ok", "A", `sk new 1 ${family} ${type} 0`]);
          if (command === "sendmto") expectAll(world, ["ok", "A", `sk connect 1 ${family === INET ? "inet,127.0.0.1,9" : "inet6,::1,9"}`]);
          world.refusals();
          const fault = expectAll(world, ["EACCES", "A", `sk ${command} 1 ${address}`]);
          const [refused, ...more] = world.refusals();
          if (fault) return fault;
          if (!refused || more.length > 0 || refused.source !== a || refused.sink !== u || refused.verdict !== 1)
            return `${command} ${address}: records ${JSON.stringify([refused, ...more])}`;
          if (refused.otherKind !== "address" || refused.port !== Number(address.split(",").at(-1)))
            return `${command} ${address}: the record names ${refused.otherKind} and port ${refused.port}`;
        } // prettier-ignore
      // a send without a family is one to IPv4 (net/ipv4/udp.c)
      return expectAll(
        world,
        ["ok", "A", `sk new 1 ${INET} ${DGRAM} 0`],
        ["EACCES", "A", "sk sendto 1 unspec,10.2.0.1,53"],
        ["ok", "A", "sk close 1"],
      );
    },
  },
  {
    id: "network/policy-for-addresses",
    row: "N5",
    run: (world) => {
      setRange(world.monitor, "10.2.0.0", 16, [
        [5432, 5432, "A"],
        [6000, 6010, "B"],
      ]);
      setRange(world.monitor, "10.2.3.0", 24, [[0, 65535, "U"]]);
      const tcp = (who: SubjectName, expected: string, address: string): Step[] => [
        ["ok", who, `sk new 1 ${INET} ${STREAM} 0`],
        [expected, who, `sk connect 1 ${address}`],
        ["ok", who, "sk close 1"],
      ];
      const fine = "ENETUNREACH"; // past the monitor: this network has no way out
      return expectAll(
        world,
        ...tcp("A", fine, "inet,10.2.0.1,5432"), ...tcp("B", "EACCES", "inet,10.2.0.1,5432"), ...tcp("AB", "EACCES", "inet,10.2.0.1,5432"),
        ...tcp("AV", "EACCES", "inet,10.2.0.1,5432"), ...tcp("V", "EACCES", "inet,10.2.0.1,5432"),
        ...tcp("A", "EACCES", "inet,10.2.0.1,5433"), ...tcp("B", fine, "inet,10.2.255.255,6005"), ...tcp("A", "EACCES", "inet,10.2.255.255,6005"),
        ...tcp("A", "EACCES", "inet,10.2.3.9,5432"), ...tcp("A", "EACCES", "inet,10.3.0.1,5432"),
      ); // prettier-ignore
    },
  },
  {
    id: "network/only-in-one-of-its-own-context",
    row: "N1",
    run: (world) => {
      const families = [[UNIX, STREAM, 0], [INET, STREAM, 0], [INET6, DGRAM, 0], [16, 3, 0]] as const; // prettier-ignore
      const wrong: [string, SubjectName, SubjectName][] = [["intruder", "A", "U"], ["misplaced", "B", "A"], ["homeless", "U", "A"]]; // prettier-ignore
      for (const [name, network, context] of wrong) {
        const party = roomed(world, name, network, context);
        for (const [family, type, protocol] of families) {
          world.refusals();
          const fault = expectAll(world, ["EACCES", party, `socket ${family} ${type} ${protocol}`]);
          const records = world.refusals().length;
          if (fault ?? records !== 1) return fault ?? `${name}: ${records} records`;
        }
        party.stop();
      }
      const right = roomed(world, "at-home", "A", "A");
      const fault = expectAll(
        world,
        ...families.map(([f, t, p]) => ["ok", right, `socket ${f} ${t} ${p}`] as const),
      );
      right.stop();
      return fault;
    },
  },
  {
    id: "network/sockets-from-before-the-label",
    row: "U4",
    run: (world) => {
      const party = Party.start("early");
      labelProcess(world.monitor, party.pid, "U");
      const { detail } = party.ask("room");
      const uses = [
        "sk send 1",
        "sk recv 1",
        "sk peek 1",
        "sk sendm 1",
        "sk recvm 1",
        "sk name 1",
        "sk peer 1",
        "sk opt 1",
        "sk setopt 1",
        "sk shut 1",
        "sk file 1 write",
        "sk file 1 read",
        "sk file 1 fionread",
        "sk splice 1",
        "sk listen 0",
        "sk accept 0 5",
        "sk bindonly 3 inet,127.0.0.1,0",
        "sk connect 3 inet,127.0.0.1,9",
        "sk sendfile 1",
      ];
      const before = expectAll(
        world,
        ["ok", party, `sk new 0 ${INET} ${STREAM} 0`], ["ok", party, "sk bind 0 inet,127.0.0.1,9999"], ["ok", party, "sk listen 0"],
        ["ok", party, `sk new 1 ${INET} ${STREAM} 0`], ["ok", party, "sk connect 1 inet,127.0.0.1,9999"], ["ok", party, `sk new 3 ${INET} ${STREAM} 0`],
        ["ok", party, "open r /data/bin/csn-actor"],
      ); // prettier-ignore
      labelNetwork(world.monitor, detail, "A");
      party.label(world.monitor, "A");
      world.refusals();
      const after: string[] = [];
      for (const use of uses) {
        const fault = expectAll(world, ["EACCES", party, use]);
        const records = world.refusals().length;
        if (fault ?? records !== 1) after.push(fault ?? `\`${use}\`: ${records} records`);
      }
      party.stop();
      return before ?? (after.length === 0 ? null : after.join("; "));
    },
  },
  ...[STREAM, DGRAM, SEQPACKET].map(acrossUnix),
  {
    id: "unix/within-a-context",
    row: "U1",
    run: (world) => {
      const home = folder(world, "A");
      return expectAll(
        world,
        ...stream("A", UNIX, STREAM, `unix,${home}/stream`).filter(([, , c]) => !c.startsWith("sk oob")),
        ...stream("A", UNIX, SEQPACKET, `unix,${home}/packets`), ...stream("A", UNIX, STREAM, "abs,csn-name"),
        ...datagrams("A", UNIX, `unix,${home}/dgram`), ...datagrams("A", UNIX, "abs,csn-other"),
        ["ok", "A", `sk new 0 ${UNIX} ${STREAM} 0`], ["ok", "A", "sk bind 0 auto"], ["ok", "A", "sk close 0"],
        ["ok", "A", "socketpair stream"], ["ok", "A", "socketpair dgram"], ["ok", "A", "socketpair seqpacket"],
      ); // prettier-ignore
    },
  },
  {
    id: "unix/abstract-names-are-of-the-network",
    row: "N4",
    run: (world) => {
      const fault = expectAll(
        world,
        ["ok", "A", `sk new 0 ${UNIX} ${STREAM} 0`], ["ok", "A", "sk bind 0 abs,csn-shared"], ["ok", "A", "sk listen 0"],
        ["ok", "U", `sk new 0 ${UNIX} ${STREAM} 0`], ["ECONNREFUSED", "U", "sk connect 0 abs,csn-shared"], ["ok", "U", "sk bind 0 abs,csn-shared"],
        ["ok", "B", `sk new 0 ${UNIX} ${STREAM} 0`], ["ECONNREFUSED", "B", "sk connect 0 abs,csn-shared"], ["ok", "B", "sk bind 0 abs,csn-shared"],
      ); // prettier-ignore
      for (const who of ["A", "B", "U"] as const) world.party(who).ask("sk close 0");
      return fault;
    },
  },
  {
    id: "descriptor/passed-within-a-context",
    row: "U5",
    run: (world) => {
      const kinds = ["eventfd", "epoll", "timer", "memfd", "inotify"];
      const [server, client] = [compartment(world, "A"), newCompartment(world, "A")];
      const steps: Step[] = [
        ["ok", server, `sk new 0 ${UNIX} ${STREAM} 0`], ["ok", server, "sk bind 0 abs,csn-pass"], ["ok", server, "sk listen 0"],
        ["ok", client, `sk new 1 ${UNIX} ${STREAM} 0`], ["ok", client, "sk connect 1 abs,csn-pass"], ["ok", server, "sk accept 0 2"],
      ]; // prettier-ignore
      for (const kind of kinds) steps.push(["ok", client, `sk pass 1 ${kind}`], ["ok", server, "sk take 2"]);
      steps.push(["ok", client, "sk pass 1 eventfd"], ["ok", server, "sk take 2"], ["ok", server, "f read"]);
      const fault = expectAll(world, ...steps, ["ok", server, "close"]);
      for (const n of [0, 2]) server.ask(`sk close ${n}`);
      client.stop();
      return fault;
    },
  },
  {
    id: "network/shared-by-runs-of-one-context",
    row: "N1",
    run: (world) => {
      const [server, client, other] = [
        compartment(world, "A"),
        newCompartment(world, "A"),
        compartment(world, "B"),
      ];
      const port = nextPort++;
      const fault = expectAll(
        world,
        ["ok", server, `sk new 0 ${INET} ${STREAM} 0`], ["ok", server, `sk bind 0 inet,127.0.0.1,${port}`], ["ok", server, "sk listen 0"],
        ["ok", client, `sk new 1 ${INET} ${STREAM} 0`], ["ok", client, `sk connect 1 inet,127.0.0.1,${port}`], ["ok", server, "sk accept 0 2"],
        ["ok", client, "sk send 1 across"], ["ok", server, "sk recv 2"],
        ["ok", other, `sk new 1 ${INET} ${STREAM} 0`], ["ECONNREFUSED", other, `sk connect 1 inet,127.0.0.1,${port}`],
        ["EACCES", client, `sk connect 1 inet,10.9.9.9,80`],
        ["ok", client, "socket 16 3 0"], ["EACCES", client, "socket 17 3 0"], ["EACCES", client, "socket 2 3 1"],
      ); // prettier-ignore
      for (const n of [0, 2]) server.ask(`sk close ${n}`);
      client.stop();
      return fault;
    },
  },
  {
    id: "network/another-subject-of-a-context-cannot-take-one",
    row: "N4",
    run: (world) => {
      // setns by descriptor of a labelled process: its files of /proc are its own, and a pidfd asks to trace
      const fresh = Party.start("thief");
      labelProcess(world.monitor, fresh.pid, "U");
      const a = world.party("A").pid;
      const fault = expectAll(
        world,
        ["EACCES", fresh, `open r /proc/${a}/ns/net`],
        ["EACCES|EPERM", fresh, `enter ${a}`],
      );
      fresh.stop();
      return fault;
    },
  },
];
