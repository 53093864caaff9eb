/**
 * Policy for addresses outside [NET-1], through the command line: who may set it, what a labelled program meets,
 * and that it lasts.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import { ROOT } from "../../src/setup/index.ts";
import type { Bench, Result } from "./bench.ts";
import type { Case } from "./suite.ts";

const TAG = "lab/patient";
const OTHER = "lab/trial";

type Rule = { address: string; context: { secrecy: string[]; integrity: string[] }; reachable: boolean };
type Record = {
  verdict: string;
  op: string;
  rule: string | null;
  tags: string[];
  source: { kind: string; name: string };
  sink: { kind: string; name: string; context: { secrecy: string[] } };
};

/** Prints for each endpoint how connect, and a datagram, end there: the name of the error. */
const PROBE = `
import errno, socket, sys, time
for end in sys.argv[1:]:
    host, port = end.rsplit("|", 1)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    begun = time.time()
    said = []
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        s = socket.socket(family, kind)
        s.settimeout(20)
        try:
            if kind == socket.SOCK_STREAM: s.connect((host, int(port)))
            else: s.sendto(b"x", (host, int(port)))
            said.append("ok")
        except OSError as error: said.append(errno.errorcode.get(error.errno, str(error)))
    print(end, *said, "slow" if time.time() - begun > 15 else "")
`;

function probe(b: Bench, tags: string, ...ends: string[]): Promise<Result> {
  return b.labelled(tags, [], ["python3", "-c", PROBE, ...ends]);
}

async function expectEnds(
  b: Bench,
  tags: string,
  expected: { [end: string]: "refused" | "let through" },
): Promise<void> {
  const { out, err } = await probe(b, tags, ...Object.keys(expected));
  const said = Object.fromEntries(
    out
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .map(([end, stream, datagram, ...slow]) => [
        end,
        // past the monitor there is no route yet: what comes then is the kernel's own answer
        stream === "EACCES" && datagram === "EACCES" && slow[0] !== "slow"
          ? "refused"
          : stream === "ENETUNREACH" && datagram === "ENETUNREACH"
            ? "let through"
            : `${stream} ${datagram}`,
      ]),
  );
  deepStrictEqual({ said, err }, { said: expected, err: "" });
}

const list = async (b: Bench) => JSON.parse(await b.ok("network", "list", "--json")) as Rule[];

async function records(b: Bench, ...args: string[]): Promise<Record[]> {
  const text = await b.ok("log", "--json", "-n", "100000", ...args);
  return text
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record);
}

/** As a user of the machine who owns nothing. */
function asUser(b: Bench, args: string): Promise<Result> {
  return b.shell(
    `cd /; CSN_SOCKET=/run/csn/csnd.sock setpriv --reuid=12345 --regid=12345 --clear-groups sh ${ROOT}/csn ${args}`,
  );
}

export const network: readonly Case[] = [
  {
    name: "network: what is no range of addresses is an error, and nothing is set",
    async run(b) {
      for (const tag of [TAG, OTHER]) await b.csn(["tag", "create", tag]);
      for (const address of ["10.2.3.4/16", "10.2.0.0/33", "10.2.0.1:0", "10.2.0.1:65536", "10.2.0.1:9-8", "127.0.0.1", "::1", "224.0.0.1", "fe80::1", "::ffff:10.0.0.1", "db.example.org:5432", ""])
        await b.fails("E_NETWORK_ADDRESS", ["network", "set", address, "--secrecy", TAG]); // prettier-ignore
      await b.fails("E_TAG_UNKNOWN", ["network", "set", "10.2.0.1", "--secrecy", "lab/nobody"]);
      await b.fails("E_USAGE", ["network", "set", "10.2.0.1"]);
      await b.fails("E_USAGE", ["network", "set", "10.2.0.1", "--secrecy", TAG, "--context", `S=${TAG}`]);
      await b.fails("E_NETWORK_UNKNOWN", ["network", "unset", "10.2.0.1"]);
      deepStrictEqual(await list(b), []);
    },
  },
  {
    name: "network: no address outside without a policy, and the refusal names address, port and rule",
    async run(b) {
      await expectEnds(b, TAG, {
        "10.2.0.1|5432": "refused",
        "2001:db8::1|443": "refused",
        "8.8.8.8|53": "refused",
      });
      const refused = await records(b, "--refused", "--tag", TAG);
      for (const [op, end] of [
        ["connect", "10.2.0.1:5432"],
        ["send", "10.2.0.1:5432"],
        ["connect", "[2001:db8::1]:443"],
        ["send", "8.8.8.8:53"],
      ] as const) {
        const record = refused.find((one) => one.op === op && one.sink.name === end);
        deepStrictEqual(
          record && [record.sink.kind, record.rule, record.tags, record.sink.context.secrecy],
          ["address", "FLOW-1", [TAG], []],
          `${op} ${end}`,
        );
      }
      const lines = await b.ok("log", "--refused", "-n", "1000");
      match(lines, /refused connect .*python3.* -> 10\.2\.0\.1:5432 \(unlabelled\) FLOW-1 lab\/patient/);
      const id = /10\.2\.0\.1:5432 .*#(\d+)$/m.exec(lines)?.[1] ?? "";
      match(await b.ok("explain", id), /csn network set 10\.2\.0\.1:5432 --secrecy lab\/patient/);
    },
  },
  {
    name: "network: set, the port that is meant and no other, the longest prefix decides, unset",
    async run(b) {
      match(
        await b.ok("network", "set", "10.2.0.0/16:5432", "--secrecy", TAG),
        /^10\.2\.0\.0\/16:5432: S=lab\/patient\n$/,
      );
      await b.ok("network", "set", "[2001:db8::]/32:443-444", "--context", `S=${TAG}`);
      await expectEnds(b, TAG, {
        "10.2.0.1|5432": "let through",
        "10.2.255.254|5432": "let through",
        "10.2.0.1|5433": "refused",
        "10.3.0.1|5432": "refused",
        "2001:db8::1|443": "let through",
        "2001:db8::1|444": "let through",
        "2001:db8::1|445": "refused",
        "2001:db9::1|443": "refused",
        "::ffff:10.2.0.1|5432": "let through",
        "::ffff:10.2.0.1|5433": "refused",
      });
      await expectEnds(b, OTHER, { "10.2.0.1|5432": "refused" }); // who has another tag
      await expectEnds(b, `${TAG},${OTHER}`, { "10.2.0.1|5432": "refused" }); // and who has one more

      await b.ok("network", "set", "10.0.0.0/8", "10.2.7.0/24:80", "--secrecy", OTHER);
      await b.ok("network", "set", "10.2.7.7", "--context", "unlabelled");
      await expectEnds(b, TAG, {
        "10.2.7.1|5432": "let through",
        "10.2.7.7|5432": "refused",
        "10.2.0.1|80": "refused",
      });
      await expectEnds(b, OTHER, {
        "10.2.7.1|80": "let through",
        "10.2.7.1|81": "let through",
        "10.2.7.1|5432": "refused",
        "10.2.7.7|80": "refused",
        "10.9.9.9|1": "let through",
        "11.0.0.1|80": "refused",
      });
      await b.fails("E_NETWORK_OVERLAP", ["network", "set", "10.2.0.0/16:5000-6000", "--secrecy", TAG]);
      await b.fails("E_NETWORK_UNKNOWN", ["network", "unset", "10.2.0.0/16"]);
      const ports = Array.from({ length: 17 }, (_, i) => `172.16.0.0/12:${2 * i + 1}`);
      await b.fails("E_NETWORK_LIMIT", ["network", "set", ...ports, "--secrecy", TAG]);
      await b.ok(
        "network",
        "unset",
        ...(await list(b)).map((rule) => rule.address).filter((text) => text.startsWith("172.16.")),
      );
      await b.ok("network", "unset", "10.0.0.0/8", "10.2.7.0/24:80", "10.2.7.7");
      await expectEnds(b, OTHER, { "10.2.7.1|80": "refused", "10.9.9.9|1": "refused" });
      await expectEnds(b, TAG, { "10.2.7.7|5432": "let through" });

      deepStrictEqual(
        (await list(b)).map((rule) => [rule.address, rule.context.secrecy, rule.reachable]),
        [
          ["10.2.0.0/16:5432", [TAG], false],
          ["[2001:db8::]/32:443-444", [TAG], false],
        ],
      );
      match(await b.ok("network", "list"), /^ADDRESS .*\n10\.2\.0\.0\/16:5432 +S=lab\/patient +no\n/);
      const changes = (await records(b)).filter((one) => one.op === "network").map((one) => one.sink.name);
      ok(
        changes.includes("10.2.0.0/16:5432") && changes.includes("[2001:db8::]/32:443-444"),
        changes.join(" "),
      );
      strictEqual(changes.filter((name) => name === "10.0.0.0/8").length, 2); // set, and unset
    },
  },
  {
    name: "network: loopback stays the context's own, whatever the policy says",
    async run(b) {
      await b.ok("network", "set", "0.0.0.0/0", "::/0", "--secrecy", OTHER);
      const talk = `
import socket
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    server = socket.create_server((host, 0), family=family)
    client = socket.create_connection(server.getsockname()[:2])
    server.accept()[0].sendall(b"hello")
    print(client.recv(5).decode())`;
      strictEqual((await b.labelled(TAG, [], ["python3", "-c", talk])).out, "hello\nhello\n");
      await expectEnds(b, OTHER, {
        "9.9.9.9|53": "let through",
        "2001:db9::9|53": "let through",
        "2001:db8::1|443": "refused",
      });
      await b.ok("network", "unset", "0.0.0.0/0", "::/0");
      await expectEnds(b, OTHER, { "9.9.9.9|53": "refused", "2001:db9::9|53": "refused" });
    },
  },
  {
    name: "network: only owners of the tags may, and nobody takes another's addresses",
    async run(b) {
      const denied = async (args: string, error = "E_NOT_PERMITTED") => {
        const { code, err } = await asUser(b, args);
        ok(
          code === 1 && err.startsWith(`csn: ${error}: `) && /^Hint: /m.test(err),
          `${args}: ${code} ${err}`,
        );
      };
      const allowed = async (args: string) => {
        const { code, err } = await asUser(b, args);
        deepStrictEqual({ args, code, err: code === 0 ? "" : err }, { args, code: 0, err: "" });
      };
      await denied(`network set 10.9.0.0/16 --secrecy ${TAG}`, "E_TAG_UNKNOWN");
      await denied("network set 10.9.0.0/16 --context unlabelled");
      await denied("network unset 10.2.0.0/16:5432");
      await b.shellOk("grep -q ^guest: /etc/passwd || echo 'guest:x:12345:12345::/:/bin/sh' >> /etc/passwd");
      await allowed("tag create guest/own");
      await denied("network set 10.2.1.0/24:5432 --secrecy guest/own"); // has decided for lab/patient
      await denied(`network set 10.9.0.0/16 --secrecy guest/own,${TAG}`, "E_TAG_UNKNOWN");
      await allowed("network set 10.2.1.0/24:5433 --secrecy guest/own");
      await allowed("network unset 10.2.1.0/24:5433");
      deepStrictEqual((await list(b)).length, 2);
    },
  },
  {
    name: "network: it is in force while the daemon is dead, when another takes over, and after the machine's restart",
    async run(b) {
      const inForce = () =>
        expectEnds(b, TAG, { "10.2.0.1|5432": "let through", "10.2.0.1|5433": "refused" });
      const restart = async () => {
        await b.ok("machine", "stop");
        const { code, err } = await b.csn(["machine", "start"]);
        strictEqual(code, 0, err);
      };
      for (const tag of [TAG, OTHER]) await b.csn(["tag", "create", tag]);
      await b.ok("network", "set", "10.2.0.0/16:5432", "[2001:db8::]/32:443-444", "--secrecy", TAG);
      const before = await list(b);
      strictEqual(before.length, 2);
      await b.shell("kill -9 $(cat /run/csn/daemon.pid)");
      await b.until("the daemon to be back", async () => (await b.csn(["status", "--json"])).code === 0);
      deepStrictEqual(await list(b), before);
      await inForce();
      await restart();
      deepStrictEqual(await list(b), before);
      await inForce();
      await b.ok("network", "unset", ...before.map((rule) => rule.address));
      await restart();
      deepStrictEqual(await list(b), []);
      await expectEnds(b, TAG, { "10.2.0.1|5432": "refused" });
    },
  },
];
