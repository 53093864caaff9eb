/**
 * The programs on a way out (bpf/way.bpf.c), packet by packet, and connections whose policy changes. [NET-1]
 *
 * The kernel runs a program on a packet that is given to it (BPF_PROG_TEST_RUN): at loopback, as if that were the
 * way's end in the host's network. So each fault of a packet is tried alone, also those that no program can
 * send. That the way itself works is for the system suite (e2e/way-out.ts).
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { bytesOf } from "../../src/api/index.ts";
import { type Fd, native, PINS, SHAPE } from "../../src/kernel/index.ts";
import type { ContextName } from "../cases.ts";
import type { Refusal, World } from "../inside.ts";
import { type Answer, contextNamed, setRange } from "../party.ts";
import { expectAll, type Scenario } from "./tools.ts";

const OURS = { v4: "247.0.0.16", v6: "fd5c:9a3e:71b4::10" };
/** Beside the machine's own 10.0.2.15/24, and in a network that the case gives it. */
const THEIRS = { v4: "10.0.2.9", v6: "2001:db8:9::9" };
const PORT = 5432;
const LOOPBACK = 1;
const TCP = 6;

type Fields = {
  v6?: boolean;
  ours?: string;
  theirs?: string;
  port?: number;
  protocol?: number;
  /** IPv4: first byte; fragment field. */
  head?: number;
  fragment?: number;
  ethertype?: number;
  from?: number;
  interface?: number;
};

function packet(leaves: boolean, f: Fields): string {
  const family = f.v6 ? "v6" : "v4";
  const [ours, theirs] = [bytesOf(f.ours ?? OURS[family]), bytesOf(f.theirs ?? THEIRS[family])];
  const [from, to] = leaves ? [ours, theirs] : [theirs, ours];
  const ports = Buffer.alloc(20);
  ports.writeUInt16BE(leaves ? 40000 : (f.port ?? PORT), 0);
  ports.writeUInt16BE(leaves ? (f.port ?? PORT) : 40000, 2);
  const ethernet = Buffer.alloc(14);
  ethernet.writeUInt16BE(f.ethertype ?? (f.v6 ? 0x86dd : 0x0800), 12);
  const ip = Buffer.alloc(f.v6 ? 40 : 20);
  if (f.v6) {
    ip[0] = 0x60;
    ip.writeUInt16BE(20, 4);
    ip[6] = f.protocol ?? TCP;
    ip[7] = 64;
    ip.set(from, 8);
    ip.set(to, 24);
  } else {
    ip[0] = f.head ?? 0x45;
    ip.writeUInt16BE(40, 2);
    ip.writeUInt16BE(f.fragment ?? 0, 6);
    ip[8] = 64;
    ip[9] = f.protocol ?? TCP;
    ip.set(from.subarray(12), 12);
    ip.set(to.subarray(12), 16);
  }
  return Buffer.concat([ethernet, ip, ports]).toString("hex");
}

/** What each does: passes; is refused, with a record of that verdict; or goes nowhere, as what is no program's. */
type Expected = "pass" | "secrecy" | "closed" | "silent";

function judged(world: World, leaves: boolean, fields: Fields, expected: Expected): string | null {
  forgetStopped();
  const { error, detail, refused } = run(world, leaves, fields);
  const verdicts = refused.map(({ verdict }) => ({ 1: "secrecy", 4: "closed" })[verdict] ?? verdict);
  const found = detail === "0" ? "pass" : (verdicts[0] ?? "silent");
  if (error === "ok" && found === expected && verdicts.length === (/pass|silent/.test(expected) ? 0 : 1))
    return null;
  return `${leaves ? "leaving" : "entering"} ${JSON.stringify(fields)}: expected ${expected}, found ${error} ${detail} [${verdicts.join()}]`;
}

function run(world: World, leaves: boolean, fields: Fields): Answer & { refused: Refusal[] } {
  world.refusals();
  const program = `${PINS}/program_way_${leaves ? "out" : "in"}`;
  const from = fields.from ?? (leaves ? 0 : 2);
  const answer = world
    .party("U")
    .ask(`pin packet ${program} ${fields.interface ?? LOOPBACK} ${from} ${packet(leaves, fields)}`);
  return { ...answer, refused: world.refusals() };
}

/** Both ways. */
const CASES: readonly (readonly [Expected, Fields])[] = [
  ["pass", {}],
  ["pass", { protocol: 17 }],
  ["pass", { v6: true }],
  ["pass", { v6: true, protocol: 17 }],
  ["secrecy", { port: 5433 }],
  ["secrecy", { v6: true, port: 5433 }],
  ["secrecy", { theirs: "10.0.2.10" }],
  ["secrecy", { theirs: "10.0.2.11" }],
  ["secrecy", { theirs: "10.0.2.12" }],
  ["closed", { ours: "247.0.0.17" }],
  ["closed", { v6: true, ours: "fd5c:9a3e:71b4::11" }],
  ["closed", { head: 0x46 }],
  ["closed", { fragment: 0x2000 }],
  ["closed", { fragment: 0x0100 }],
  ["closed", { v6: true, protocol: 0 }],
  ["closed", { v6: true, protocol: 43 }],
  ["closed", { v6: true, protocol: 44 }],
  ["closed", { v6: true, theirs: "::ffff:a00:209" }],
  ["closed", { v6: true, theirs: "fd5c:9a3e:71b4:9::1" }],
  ["closed", { theirs: "127.0.0.1" }],
  ["silent", { protocol: 1 }],
  ["silent", { v6: true, protocol: 58 }],
  ["silent", { ethertype: 0x0806 }],
  ["silent", { theirs: "239.1.1.1" }],
  ["silent", { theirs: "255.255.255.255" }],
  ["silent", { v6: true, theirs: "ff02::1" }],
  ["silent", { interface: 2 }],
];

/** Loopback is to be the way's end. Only in the map: with the programs on it, its own packets would stop. */
function setWay(world: World): void {
  const shape = SHAPE.csn_way;
  const value = Buffer.alloc(shape.size);
  value.writeUInt32LE(world.monitor.contexts.idOf(contextNamed("A")), shape.context);
  value.set(bytesOf(OURS.v4), shape.v4);
  value.set(bytesOf(OURS.v6), shape.v6);
  withMap("ways", (map) => native().mapSet(map, u32(LOOPBACK), value, 0));
}

function withMap<T>(name: string, use: (map: Fd) => T): T {
  const map = native().mapOpen(`${PINS}/${name}`);
  try {
    return use(map);
  } finally {
    native().closeFd(map);
  }
}

/** What was stopped so far is not counted any more. */
function forgetStopped(): void {
  withMap("stopped", (map) => {
    for (let key = native().mapNext(map, null, 24); key; key = native().mapNext(map, null, 24))
      native().mapDelete(map, key);
  });
}

function u32(n: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(n);
  return key;
}

function setPolicy(world: World): void {
  for (const [address, bits] of [["10.0.2.9", 32], ["10.0.2.15", 32], ["127.0.0.1", 32], ["239.1.1.1", 32], ["255.255.255.255", 32], ["2001:db8:9::9", 128], ["ff02::1", 128], ["fd5c:9a3e:71b4:9::1", 128]] as const)
    setRange(world.monitor, address, bits, [[PORT, PORT, "A"]]); // prettier-ignore
  setRange(world.monitor, "10.0.2.10", 32, [[0, 65535, "U"]]);
  setRange(world.monitor, "10.0.2.11", 32, [[0, 65535, "AB"]]); // may be told, may not answer
  setRange(world.monitor, "10.0.2.12", 32, [[0, 65535, "B"]]);
}

const ip = (...args: string[]) => execFileSync("ip", args, { stdio: "pipe" });

export const wayScenarios: readonly Scenario[] = [
  {
    id: "way/each-packet-by-its-real-addresses",
    row: "N6",
    run: (world) => {
      setPolicy(world);
      const uplink = readFileSync("/sys/class/net/eth0/ifindex", "utf8").trim();
      ip("-6", "address", "replace", "2001:db8:9::1/64", "dev", "eth0", "nodad");
      ip("-6", "route", "replace", "fd5c:9a3e:71b4:9::/64", "dev", "eth0");
      setWay(world);
      let fault: string | null = null;
      for (const [expected, fields] of CASES)
        for (const leaves of [true, false]) fault ??= judged(world, leaves, fields, expected);
      // to the host itself, and from it
      fault ??= judged(world, true, { theirs: "10.0.2.15" }, "closed");
      fault ??= judged(world, false, { from: 0 }, "closed");
      // to another way, and from it
      withMap("ways", (map) =>
        native().mapSet(map, u32(Number(uplink)), Buffer.alloc(SHAPE.csn_way.size), 0),
      );
      fault ??= judged(world, true, {}, "closed") ?? judged(world, false, { from: Number(uplink) }, "closed");
      world.monitor.ways.forget(Number(uplink));
      world.monitor.ways.forget(LOOPBACK);
      return fault ?? judged(world, true, {}, "silent");
    },
  },
  {
    id: "way/what-is-stopped-is-counted",
    row: "N6",
    run: (world) => {
      setPolicy(world);
      setWay(world);
      forgetStopped();
      const counts = Array.from({ length: 9 }, () =>
        run(world, true, { port: 9 }).refused.map(
          ({ count, op, source, port }) => `${count} ${op} ${source} ${port}`,
        ),
      );
      world.monitor.ways.forget(LOOPBACK);
      const id = world.monitor.contexts.idOf(contextNamed("A"));
      const expected = [1, 1, 0, 2, 0, 0, 0, 4, 0].map((n) => (n === 0 ? "" : `${n} send ${id} 9`));
      return counts.join("|") === expected.join("|") ? null : counts.join("|");
    },
  },
  {
    id: "way/a-connection-ends-with-its-policy",
    row: "N6",
    run: (world) => {
      const party = world.party("A");
      const id = world.monitor.contexts.idOf(contextNamed("A"));
      const far = (name: ContextName) => setRange(world.monitor, "10.9.0.1", 32, [[0, 65535, name]]);
      const inside = (...args: string[]) =>
        execFileSync("nsenter", [`--net=/proc/${party.pid}/ns/net`, "ip", ...args], { stdio: "pipe" });
      inside("address", "replace", "10.9.0.1/32", "dev", "lo"); // as if it were outside: it is no loopback address
      world.monitor.ways.mark(id, true);
      far("A");
      const before = expectAll(world, ["ok", "A", "sk new 0 2 2 0"], ["ok", "A", "sk bind 0 inet,10.9.0.1,7100"], ["ok", "A", "sk new 1 2 2 0"], ["ok", "A", "sk connect 1 inet,10.9.0.1,7100"], ["ok", "A", "sk send 1"], ["ok", "A", "sk recv 0"], ["ok", "A", "sk send 1"]); // prettier-ignore
      world.refusals();
      far("B");
      const after = expectAll(world, ["EACCES", "A", "sk send 1"], ["EACCES", "A", "sk recv 1"], ["EACCES", "A", "sk sendm 1"], ["ok", "A", "sk recv 0"]); // prettier-ignore
      const records = world.refusals().map(({ op, otherKind, port }) => `${op} ${otherKind} ${port}`);
      world.monitor.ways.mark(id, false);
      inside("address", "delete", "10.9.0.1/32", "dev", "lo");
      const closed = expectAll(world, ["ok", "A", "sk close 0"], ["ok", "A", "sk close 1"]);
      if (before ?? after ?? closed) return before ?? after ?? closed;
      const expected = ["send address 7100", "receive address 7100", "send address 7100"];
      return records.join() === expected.join() ? null : `records: ${records.join(", ")}`;
    },
  },
];
