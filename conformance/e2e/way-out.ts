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
s.settimeout(5)
told = False
while True:
    try:
        s.sendall(b"x")
        if s.recv(1) != b"x": raise OSError(0, "end")
    except TimeoutError: continue # the answer was stopped on its way: the next try is told so
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
  JSON.parse(await b.ok("network", "list", "--json")) as {
    address: string;
    reachable: boolean;
    why: string;
  }[];

/** A labelled program that talks; `said` has what it printed. */
async function talking(b: Bench, host: string): Promise<Running> {
  const running = b.begin([
    "run",
    "--release",
    "--secrecy",
    TAG,
    "--",
    "python3",
    "-c",
    KEEP_TALKING,
    host,
    "7001",
  ]);
  let out = "";
  running.child.stdout!.on("data", (chunk: Buffer) => (out += chunk.toString()));
  await b.until("the program to talk", () => Promise.resolve(/talking|stopped/.test(out)));
  match(out, /^talking/);
  return running;
}

export const wayOut: readonly Case[] = [
  {
    name: "outside: what policy allows is reached, by TCP and UDP, IPv4 and IPv6, and nothing else",
    async run(b) {
      await outside(b);
      await expectTalk(b, TAG, { [`${V4}|7001`]: "EACCES EACCES" });
      strictEqual(await b.shellOk("ls /sys/class/net | grep -c '^csn' || true"), "0\n");
      await b.ok("network", "set", `${V4}:7001`, `[${V6}]:7001`, "--secrecy", TAG);
      deepStrictEqual(
        (await rules(b))
          .filter(({ address }) => address.includes("7001"))
          .map(({ reachable, why }) => [reachable, why]),
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
  {
    name: "outside: nothing by a route of one's own, another's address, in pieces, to the host, or from there",
    async run(b) {
      await b.ok("network", "set", "192.0.2.1:7001", "10.0.2.15:22", "--secrecy", TAG);
      await b.shellOk("setsid python3 -m http.server --bind 192.0.2.1 7001 </dev/null >/tmp/host.log 2>&1 &");
      const before = await told(b);
      const tricks = `
import errno, socket
def attempt(name, work, kind=socket.SOCK_STREAM):
    try:
        s = socket.socket(socket.AF_INET, kind)
        s.settimeout(5)
        print(name, work(s))
    except TimeoutError: print(name, "nothing")
    except OSError as error: print(name, errno.errorcode.get(error.errno, str(error)))
def talk(s, to):
    s.connect(to)
    s.sendall(b"hello")
    return s.recv(10).decode()
def freebind(s):
    s.setsockopt(socket.SOL_IP, 15, 1)
    s.bind(("192.0.2.77", 0))
    return talk(s, ("${V4}", 7001))
def routed(s):
    s.setsockopt(socket.SOL_IP, socket.IP_OPTIONS, bytes([131, 7, 4, 192, 0, 2, 3, 0]))
    return talk(s, ("${V4}", 7001))
def options(s):
    s.setsockopt(socket.SOL_IP, socket.IP_OPTIONS, bytes([7, 7, 4, 0, 0, 0, 0, 0]))
    return talk(s, ("${V4}", 7001))
def pieces(s):
    s.setsockopt(socket.SOL_IP, 10, 0)
    s.sendto(b"x" * 4000, ("${V4}", 7001))
    return len(s.recv(5000))
attempt("source", freebind)
attempt("route", routed)
attempt("options", options)
attempt("pieces", pieces, socket.SOCK_DGRAM)
attempt("host", lambda s: talk(s, ("192.0.2.1", 7001)))
attempt("daemon", lambda s: talk(s, ("10.0.2.15", 22)))
attempt("ping", lambda s: 0, socket.SOCK_RAW)
attempt("group", lambda s: s.sendto(b"x", ("239.1.2.3", 7001)), socket.SOCK_DGRAM)
attempt("all", lambda s: s.sendto(b"x", ("192.0.2.255", 7001)), socket.SOCK_DGRAM)
attempt("plain", lambda s: talk(s, ("${V4}", 7001)))
`;
      const { out, err } = await b.labelled(TAG, [], ["python3", "-c", tricks]);
      deepStrictEqual({ out: out.trim().split("\n"), err }, {
        out: ["source ENETUNREACH", "route EPERM", "options nothing", "pieces nothing", "host nothing", "daemon nothing", "ping EACCES", "group EACCES", "all EACCES", "plain hello"],
        err: "",
      }); // prettier-ignore
      const news = (await told(b)).slice(before.length);
      deepStrictEqual(news.trim().split("\n").sort(), ["connection 7001 192.0.2.1", "end 7001"]);
      match(await b.shellOk("cat /tmp/host.log"), /^Serving [^\n]*\n$/); // and no request
      const stopped = (await refusals(b)).filter(({ source }) => source.kind === "socket");
      for (const end of ["192.0.2.1:7001", "10.0.2.15:22", V4])
        ok(stopped.some(({ sink }) => sink.name === end), `${end}: ${JSON.stringify(stopped)}`); // prettier-ignore
      await b.ok("network", "unset", "192.0.2.1:7001", "10.0.2.15:22");
    },
  },
  {
    name: "outside: two contexts do not meet, and nobody comes in from outside",
    async run(b) {
      await b.ok("network", "set", "[::]/0:7100", "0.0.0.0/0:7100", "--secrecy", OTHER);
      const listen = `
import os, socket
servers = [socket.create_server((host, 7100), family=family) for family, host in ((socket.AF_INET, ""), (socket.AF_INET6, "::"))]
import subprocess
own = [line.split()[3].split("/")[0] for line in subprocess.run(["ip", "-o", "address", "show", "dev", "out", "scope", "global"], capture_output=True, text=True).stdout.splitlines()]
print("at", *own, flush=True)
servers[0].settimeout(60)
try: print("came", servers[0].accept()[1])
except TimeoutError: print("nobody")
`;
      const running = b.begin(["run", "--release", "--secrecy", TAG, "--", "python3", "-c", listen]);
      let out = "";
      running.child.stdout!.on("data", (chunk: Buffer) => (out += chunk.toString()));
      await b.until("the program to listen", () => Promise.resolve(out.includes("\n")));
      const [v4, v6] = out.trim().split(" ").slice(1);
      match(`${v4} ${v6}`, /^247\.\S+ fd5c:\S+$/);
      const { out: said } = await b.labelled(OTHER, [], ["python3", "-c", TALK, `${v4}|7100`, `${v6}|7100`]);
      ok(!said.includes("hello") && !said.includes("nothing"), said);
      // as a neighbour, who knows the way, and as an unlabelled program of the host
      await b.ok("network", "set", `${V4}:7100`, "--secrecy", TAG);
      const knock = `python3 -c '${TALK.replaceAll("10", "3")}' '${v4}|7100'`;
      match(
        await b.shellOk(`ip netns exec outside ${knock}`),
        /7100 (nothing|EHOSTUNREACH) (nothing|EHOSTUNREACH)/,
      );
      match(await b.shellOk(knock), /7100 \S+ \S+\n/);
      strictEqual((await running.ended).out.split("\n")[1], "nobody");
      await b.ok("network", "unset", `${V4}:7100`, "[::]/0:7100", "0.0.0.0/0:7100");
    },
  },
  {
    name: "outside: a policy that is taken away stops a running connection, and the way out goes",
    async run(b) {
      const running = await talking(b, V4);
      const before = await told(b);
      await b.ok("network", "unset", `${V4}:7001`);
      match((await running.ended).out, /^talking\nstopped EACCES\n$/);
      const news = (await told(b)).slice(before.length);
      ok(!news.includes("end"), news); // not even its end gets there
      const refused = await refusals(b);
      for (const kind of ["process", "socket"])
        ok(refused.some(({ op, source, sink }) => ["send", "receive"].includes(op) && [source, sink].some((one) => one.name === `${V4}:7001`) && [source, sink].some((one) => one.kind === kind)), kind); // prettier-ignore
      // its IPv6 address still has a way; then there is none
      strictEqual(await b.shellOk("ls /sys/class/net | grep -c '^csn'"), "1\n");
      await b.ok("network", "unset", `[${V6}]:7001`);
      strictEqual(await b.shellOk("ls /sys/class/net | grep -c '^csn' || nft list table inet csn 2>&1 | grep -c 'No such'"), "0\n1\n"); // prettier-ignore
    },
  },
  {
    name: "outside: a program that runs gets its way when policy comes, and loses it to another context",
    async run(b) {
      const wait = `
import socket, time
while True:
    try:
        s = socket.create_connection(("${V4}", 7001), timeout=60)
        break
    except PermissionError: time.sleep(0.2)
    except OSError as error:
        if error.errno not in (101, 113): raise
        time.sleep(0.2)
${KEEP_TALKING.replace(/s = socket.create_connection.*/, "")}`;
      const running = b.begin(["run", "--release", "--secrecy", TAG, "--", "sh", "-c", 'echo begun; exec python3 -c "$1"', "sh", wait]); // prettier-ignore
      let out = "";
      running.child.stdout!.on("data", (chunk: Buffer) => (out += chunk.toString()));
      await b.until("it to begin", () => Promise.resolve(out.includes("begun")));
      await b.ok("network", "set", `${V4}:7001`, "--secrecy", TAG);
      await b.until("the program to talk", () => Promise.resolve(/talking|stopped/.test(out)));
      await b.ok("network", "set", `${V4}:7001`, "--secrecy", OTHER);
      strictEqual((await running.ended).out, "begun\ntalking\nstopped EACCES\n");
      await b.ok("network", "set", `${V4}:7001`, "--secrecy", TAG);
    },
  },
  {
    name: "outside: packets are judged while the daemon is dead, and the next one goes on from there",
    async run(b) {
      const running = await talking(b, V4);
      await b.shellOk(
        "kill -STOP $(cat /run/csn/daemon.pid); sleep 3; kill -CONT $(cat /run/csn/daemon.pid)",
      );
      strictEqual(running.child.exitCode, null);
      running.child.kill("SIGTERM");
      await running.ended;
      await b.shell("kill -9 $(cat /run/csn/daemon.pid)");
      await b.until("the daemon to be back", async () => (await b.csn(["status", "--json"])).code === 0);
      strictEqual(await b.shellOk("ls /sys/class/net | grep -c '^csn'"), "1\n");
      await expectTalk(b, TAG, { [`${V4}|7001`]: "hello hello", [`${V4}|7002`]: "EACCES EACCES" });
      // by the daemon itself: the command would stop the machine, too
      const { programs } = JSON.parse(
        await b.shellOk(
          `curl -sf --unix-socket /run/csn/csnd.sock -X POST -H 'content-type: application/json' -d '{"force":true}' http://csnd/v1/down`,
        ),
      ) as { programs: number };
      strictEqual(programs, 0);
      strictEqual(await b.shellOk("ls /sys/class/net | grep -c '^csn' || true"), "0\n");
      await expectTalk(b, TAG, { [`${V4}|7001`]: "hello hello", [`${V4}|7002`]: "EACCES EACCES" });
    },
  },
  {
    name: "outside: where the host can't or may not, it is said, and nothing leaves",
    async run(b) {
      const reach = async () => (await rules(b)).find(({ address }) => address === `${V4}:7001`);
      await b.ok("network", "set", "203.0.113.5", "--secrecy", TAG);
      match((await rules(b)).find(({ address }) => address === "203.0.113.5")!.why, /no route/);
      await b.shellOk("echo 0 > /proc/sys/net/ipv4/ip_forward");
      match((await reach())!.why, /forwards no IPv4: `sysctl net\.ipv4\.ip_forward=1`/);
      await b.ok("network", "set", "203.0.113.6", "--secrecy", TAG);
      await expectTalk(b, TAG, { [`${V4}|7001`]: "ENETUNREACH ENETUNREACH" });
      await b.shellOk("echo 1 > /proc/sys/net/ipv4/ip_forward; mv /usr/sbin/nft /usr/sbin/nft.away");
      match((await reach())!.why, /`nft`, found none: install the package `nftables`/);
      await b.shellOk("mv /usr/sbin/nft.away /usr/sbin/nft; ip route add 247.0.0.0/16 dev world");
      match((await reach())!.why, /route to `247\.0\.0\.0\/16`/);
      await b.shellOk("ip route del 247.0.0.0/16 dev world");
      await expectTalk(b, TAG, { [`${V4}|7001`]: "hello hello" });
      await b.ok("network", "unset", "203.0.113.5", "203.0.113.6", `${V4}:7001`);
      await b.shellOk("ip link del world; ip netns del outside");
    },
  },
];
