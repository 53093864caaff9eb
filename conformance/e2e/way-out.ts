/**
 * The way out [NET-1]: real connections from labelled programs to another network namespace of the machine, which
 * plays the outside: 192.0.2.2 and 2001:db8:7::2, with echoing servers at ports 7001 and 7002.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import type { Bench, Running } from "./bench.ts";
import type { Case } from "./suite.ts";

const TAG = "lab/outside";
const OTHER = "lab/elsewhere";
const V4 = "192.0.2.2";
const V6 = "2001:db8:7::2";
const TOLD = "/tmp/outside.log";

type Record = {
  verdict: string;
  op: string;
  count: number;
  source: { kind: string; name: string };
  sink: { kind: string; name: string };
};

/** Echoes at both ports, TCP and UDP, and writes what it saw: connections, ends, datagrams' senders. */
const SERVER = `
import socket, threading
log = open("${TOLD}", "a", buffering=1)
def talk(c, port):
    try:
        while True:
            data = c.recv(4096)
            if not data: break
            c.sendall(data)
        log.write(f"end {port}\\n")
    except OSError as error: log.write(f"cut {port} {error}\\n")
def stream(family, port):
    s = socket.create_server(("::" if family == socket.AF_INET6 else "${V4}", port), family=family)
    while True:
        c, who = s.accept()
        log.write(f"connection {port} {who[0]}\\n")
        threading.Thread(target=talk, args=(c, port), daemon=True).start()
def datagrams(family, port):
    s = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(("::" if family == socket.AF_INET6 else "${V4}", port))
    while True:
        data, who = s.recvfrom(4096)
        log.write(f"datagram {port} {who[0]}\\n")
        s.sendto(data, who)
threads = [threading.Thread(target=f, args=(family, port)) for f in (stream, datagrams) for family in (socket.AF_INET, socket.AF_INET6) for port in (7001, 7002)]
for t in threads: t.start()
log.write("ready\\n")
`;

/** For each endpoint: what a line sent there by TCP, and by UDP, ends with. */
const TALK = `
import errno, socket, sys
for end in sys.argv[1:]:
    host, port = end.rsplit("|", 1)
    said = []
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
        s.settimeout(10)
        try:
            s.connect((host, int(port)))
            s.sendall(b"hello")
            said.append(s.recv(100).decode())
        except TimeoutError: said.append("nothing")
        except OSError as error: said.append(errno.errorcode.get(error.errno, str(error)))
    print(end, *said)
`;

/** Talks until it can't, then says why. */
const KEEP_TALKING = `
import errno, socket, sys, time
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=60)
told = False
while True:
    try:
        s.sendall(b"x")
        if s.recv(1) != b"x": raise OSError(0, "end")
    except OSError as error:
        print("stopped", errno.errorcode.get(error.errno, str(error)), flush=True)
        break
    if not told: print("talking", flush=True)
    told = True
    time.sleep(0.1)
`;

async function outside(b: Bench): Promise<void> {
  for (const tag of [TAG, OTHER]) await b.csn(["tag", "create", tag]);
  await b.shellOk(`
    ip netns list | grep -q outside && exit
    ip netns add outside
    ip link add world type veth peer name eth netns outside
    ip address add 192.0.2.1/24 dev world && ip -6 address add 2001:db8:7::1/64 dev world nodad && ip link set world up
    ip netns exec outside sh -c 'ip link set lo up; ip address add ${V4}/24 dev eth; ip address add 192.0.2.3/24 dev eth
      ip -6 address add ${V6}/64 dev eth nodad; ip link set eth up
      ip route add default via 192.0.2.1; ip -6 route add default via 2001:db8:7::1'
    printf '%s' '${SERVER.replaceAll("'", `'"'"'`)}' > /tmp/outside.py
    ip netns exec outside setsid python3 /tmp/outside.py </dev/null >/tmp/outside.err 2>&1 &
    for i in $(seq 100); do grep -q ready ${TOLD} 2>/dev/null && exit; sleep 0.3; done; cat /tmp/outside.err; exit 1`);
}

async function expectTalk(b: Bench, tags: string, expected: { [end: string]: string }): Promise<void> {
  const { out, err } = await b.labelled(tags, [], ["python3", "-c", TALK, ...Object.keys(expected)]);
  const said = Object.fromEntries(
    out
      .trim()
      .split("\n")
      .map((line) => [line.split(" ")[0]!, line.split(" ").slice(1).join(" ")]),
  );
  deepStrictEqual({ said, err }, { said: expected, err: "" });
}

const told = (b: Bench) => b.shellOk(`cat ${TOLD}`);

async function refusals(b: Bench): Promise<Record[]> {
  const text = await b.ok("log", "--json", "--refused", "-n", "100000");
  return text
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record);
}

const rules = async (b: Bench) =>
  JSON.parse(await b.ok("network", "list", "--json")) as { address: string; reachable: boolean; why: string }[];

/** A labelled program that talks; `said` has what it printed. */
async function talking(b: Bench, host: string): Promise<Running> {
  const running = b.begin(["run", "--release", "--secrecy", TAG, "--", "python3", "-c", KEEP_TALKING, host, "7001"]);
  let out = "";
  running.child.stdout!.on("data", (chunk: Buffer) => (out += chunk.toString()));
  await b.until("the program to talk", () => Promise.resolve(/talking|stopped/.test(out)));
  match(out, /^talking/);
  return running;
}

export const wayOut: readonly Case[] = [
  {
    name: "way out: what policy allows is reached, by TCP and UDP, IPv4 and IPv6, and nothing else",
    async run(b) {
      await outside(b);
      await expectTalk(b, TAG, { [`${V4}|7001`]: "EACCES EACCES" });
      strictEqual(await b.shellOk("ls /sys/class/net | grep -c '^csn' || true"), "0\n");
      await b.ok("network", "set", `${V4}:7001`, `[${V6}]:7001`, "--secrecy", TAG);
      deepStrictEqual(
        (await rules(b)).filter(({ address }) => address.includes("7001")).map(({ reachable, why }) => [reachable, why]),
        [
          [true, ""],
          [true, ""],
        ],
      );
      await expectTalk(b, TAG, {
        [`${V4}|7001`]: "hello hello",
        [`${V6}|7001`]: "hello hello",
        [`::ffff:${V4}|7001`]: "hello hello",
        [`${V4}|7002`]: "EACCES EACCES",
        [`${V6}|7002`]: "EACCES EACCES",
        "192.0.2.3|7001": "EACCES EACCES",
      });
      await expectTalk(b, OTHER, { [`${V4}|7001`]: "EACCES EACCES" });
      const seen = await told(b);
      ok(!seen.includes(" 7002"), seen);
      match(seen, /connection 7001 192\.0\.2\.1\n/); // the host's address, not the network's own
    },
  },
];
