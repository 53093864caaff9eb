/**
 * The bus on a real kernel, with mosquitto's clients: programs of this host by their context, clients from elsewhere by policy's,
 * what is on the record, and what outlives the daemon. [MSG-1..3]
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import { generateKeyPairSync } from "node:crypto";
import { SignJWT } from "jose";
import { ROOT } from "../../src/setup/index.ts";
import type { Bench, Result, Running } from "./bench.ts";
import { callAs, USERS } from "./people.ts";
import type { Case } from "./suite.ts";

const [WARD, LAB] = ["bus/ward", "bus/lab"];
const PORT = 1883;
const HOST = `-h 127.0.0.1 -p ${PORT}`;
const PASSWORD = "correct horse";
const ISSUER = "https://login.example";
const webKey = generateKeyPairSync("ec", { namedCurve: "P-256" });
/** A web token for a name. */
const webToken = (name: string, end: string, key = webKey.privateKey) =>
  new SignJWT({}).setProtectedHeader({ alg: "ES256" }).setSubject(name).setIssuer(ISSUER).setAudience("csn").setExpirationTime(end).sign(key); // prettier-ignore

type Status = { up: boolean; counts: Record<string, number>; socket: string; listening: { port: number }[] };
type Entry = {
  verdict: string;
  op: string;
  rule: string | null;
  source: { kind: string; name: string };
  sink: { kind: string; name: string };
};

export const status = async (b: Bench) => JSON.parse(await b.ok("bus", "status", "--json")) as Status;

const subscriptions = async (b: Bench) => (await status(b)).counts["subscriptions"]!;

/** Begins them, and waits until each has its one subscription. */
export async function listening<T extends readonly Running[]>(b: Bench, begin: () => T): Promise<T> {
  const before = await subscriptions(b);
  const begun = begin();
  await b.until(
    `${begun.length} subscriptions`,
    async () => (await subscriptions(b)) === before + begun.length,
  );
  return begun;
}

async function records(b: Bench, op: string, verdict?: string): Promise<Entry[]> {
  const lines = (await b.ok("log", "--json", "-n", "3000")).trim().split("\n");
  return lines
    .map((line) => JSON.parse(line) as Entry)
    .filter((entry) => entry.op === op && (verdict === undefined || entry.verdict === verdict));
}

/** A program under tags; what it writes to its output is released. */
export const under = (tags: string, script: string, more: readonly string[] = []) => [
  "run",
  "--release",
  "--secrecy",
  tags,
  ...more,
  "--",
  "sh",
  "-c",
  script,
];

const subscribe = (b: Bench, tags: string, options: string): Running =>
  b.begin(under(tags, `exec mosquitto_sub --unix "$CSN_BUS" ${options}`));

const unlabelled = (b: Bench, socket: string, options: string): Running =>
  b.begin(["machine", "exec", "--", "sh", "-c", `exec mosquitto_sub --unix ${socket} ${options}`]);

const publish = (b: Bench, tags: string, options: string): Promise<Result> =>
  b.csn(under(tags, `mosquitto_pub --unix "$CSN_BUS" ${options}`));

/** On the host, without a label, by name and password. */
export const remote = (
  b: Bench,
  program: "sub" | "pub",
  user: string,
  options: string,
  password = PASSWORD,
): Running =>
  b.begin([
    "machine",
    "exec",
    "--",
    "sh",
    "-c",
    `exec mosquitto_${program} ${HOST} -u ${user} -P '${password}' ${options}`,
  ]);

export const setClient = (b: Bench, name: string, ...more: string[]): Promise<Result> =>
  b.csn(["bus", "client", "set", name, "--password-stdin", ...more], { input: `${PASSWORD}\n` });

export const bus: readonly Case[] = [
  {
    name: "bus: it comes up, and a program finds it; before that there is none",
    async run(b) {
      await b.ok("tag", "create", WARD, LAB);
      await b.shellOk(
        "mkdir -p /data/bus/ward /data/bus/out && echo '37.2 miller' > /data/bus/ward/f && chmod 777 /data/bus/out",
      );
      await b.ok("label", "set", "/data/bus/ward", "--secrecy", WARD);
      await b.ok("label", "set", "/data/bus/out", "--secrecy", WARD);
      match((await b.csn(under(WARD, 'echo "${CSN_BUS-none}"'))).out, /^none$/m);
      match(await b.fails("E_BUS_DOWN", ["bus", "isolate", "nobody"]), /not/);
      await b.shellOk(
        `echo '${webKey.publicKey.export({ type: "spki", format: "pem" }).toString()}' > /data/bus/jwt.pem`,
      );
      await b.fails("E_BUS_DOWN", ["bus", "up", "--jwt-key", "/data/bus/ward/f", "--jwt-issuer", ISSUER]);
      await b.ok(
        "bus",
        "up",
        "--tcp",
        `127.0.0.1:${PORT}`,
        "--jwt-key",
        "/data/bus/jwt.pem",
        "--jwt-issuer",
        ISSUER,
      );
      ok((await status(b)).up);
      match((await b.csn(under(WARD, "ls -l $CSN_BUS"))).out, /^s.*mqtt\.sock$/m);
    },
  },
  {
    name: "bus: a message goes to who is cleared, and who is not hears nothing, on the record",
    async run(b) {
      const { socket } = await status(b);
      const [ward, lab, open] = await listening(b, () => [
        subscribe(b, WARD, "-t 'news/#' -C 2 -W 300 -v"),
        subscribe(b, LAB, "-t 'news/#' -C 1 -W 300 -v"),
        unlabelled(b, socket, "-t 'news/#' -C 1 -W 300 -v"),
      ]);
      strictEqual((await publish(b, WARD, "-t news/ward -m secret -q 1")).code, 0);
      await b.shellOk(`mosquitto_pub --unix ${socket} -t news/open -m open -q 1`);
      deepStrictEqual((await ward.ended).out.trim().split("\n"), ["news/ward secret", "news/open open"]);
      deepStrictEqual((await lab.ended).out.trim(), "news/open open");
      deepStrictEqual((await open.ended).out.trim(), "news/open open");
      const told = (await records(b, "deliver")).filter(({ source }) => source.name.endsWith("news/ward"));
      deepStrictEqual(told.map(({ verdict, rule }) => `${verdict} ${rule}`).sort(), [
        "allowed null",
        "refused FLOW-1",
        "refused FLOW-1",
      ]);
      strictEqual(
        (await records(b, "publish")).filter(({ sink }) => sink.name.endsWith("news/ward")).length,
        1,
      );
    },
  },
  {
    name: "bus: from the file that a publisher read to the file that a subscriber wrote, the trace goes through the bus",
    async run(b) {
      const volumes = ["--volume", "/data/bus:/data/bus"];
      const script = 'mosquitto_sub --unix "$CSN_BUS" -t ward/file -C 1 -W 300 > /data/bus/out/got';
      const [sub] = await listening(b, () => [b.begin(under(WARD, script, volumes))]);
      strictEqual(
        (
          await b.csn(
            under(WARD, 'mosquitto_pub --unix "$CSN_BUS" -t ward/file -q 1 -f /data/bus/ward/f', volumes),
          )
        ).code,
        0,
      );
      strictEqual((await sub.ended).code, 0);
      strictEqual((await b.csn(under(WARD, "cat /data/bus/out/got", volumes))).out.trim(), "37.2 miller");
      const { nodes } = JSON.parse(
        await b.ok("trace", "from", "/data/bus/ward/f", "--to", "/data/bus/out/got", "--json"),
      ) as { nodes: { kind: string; name: string }[] };
      // both programs' own ends of their doors are on ways of their own
      deepStrictEqual(
        nodes
          .filter(({ kind }) => kind !== "socket")
          .map(({ kind, name }) => `${kind} ${name.slice(name.lastIndexOf("/") + 1)}`),
        ["file f", "process mosquitto_pub", "message file", "process mosquitto_sub", "file got"],
      );
    },
  },
  {
    name: "bus: another context's door is closed, whoever knocks, and so is the one of programs without a label [NET-2]",
    async run(b) {
      await b.csn(under(WARD, "true")); // its door is there
      const script = `for s in /doors/*/mqtt.sock; do mosquitto_pub --unix $s -t x -m x 2>&1 && echo in $s; done; mosquitto_pub --unix "$CSN_BUS" -t x -m x && echo own`;
      const { out } = await b.csn(under(LAB, script, ["--volume", "/run/csn/bus:/doors:ro"]));
      deepStrictEqual(
        out
          .split("\n")
          .filter((line) => /^(in|own)/.test(line))
          .map((line) => line.split(" ")[0]),
        ["in", "own"],
        out,
      );
      const outside = await b.shell(
        "for s in /run/csn/bus/*/mqtt.sock; do mosquitto_pub --unix $s -t x -m x 2>/dev/null && echo in $s; done; true",
      );
      deepStrictEqual(outside.out.trim().split("\n"), ["in /run/csn/bus/0/mqtt.sock"]);
    },
  },
  {
    name: "bus: a client from elsewhere has the context that policy gives it, from message to message",
    async run(b) {
      strictEqual((await setClient(b, "bus/console", "--secrecy", WARD)).code, 0);
      strictEqual((await setClient(b, "visitor")).code, 0);
      const [console, visitor] = await listening(b, () => [
        remote(b, "sub", "bus/console", "-t 'c/#' -C 4 -W 500 -q 1 -i one"),
        remote(b, "sub", "visitor", "-t 'c/#' -C 1 -W 500 -q 1"),
      ]);
      const say = (text: string) => publish(b, WARD, `-t c/1 -m ${text} -q 1`);
      strictEqual((await say("first")).code, 0);
      await b.ok("bus", "isolate", "bus/console");
      await say("while-isolated");
      await b.ok("bus", "isolate", "bus/console", "--off");
      await say("second");
      await b.ok("bus", "relabel", "bus/console", "--secrecy", LAB);
      await say("while-relabelled");
      await b.ok("bus", "relabel", "bus/console", "--off");
      await say("third");
      await b.ok("bus", "relabel", "bus/console", "--secrecy", LAB);
      await setClient(b, "bus/console", "--secrecy", WARD); // what was said last counts
      await say("fourth");
      deepStrictEqual((await console.ended).out.trim().split("\n"), ["first", "second", "third", "fourth"]);
      strictEqual((await remote(b, "pub", "visitor", "-t c/2 -m hello -q 1").ended).code, 0);
      strictEqual((await visitor.ended).out.trim(), "hello");
      const wrong = await remote(b, "pub", "visitor", "-t c/2 -m x -q 1 -V mqttv5", "wrong password").ended;
      ok(wrong.code !== 0, wrong.out);
      ok((await b.shell(`mosquitto_pub ${HOST} -t c/2 -m x`)).code !== 0, "nobody is anonymous");
      await b.ok("bus", "client", "set", "bus/web", "--jwt");
      const web = async (token: Promise<string>) => (await remote(b, "pub", "x", "-t c/3 -m x -q 1 -V mqttv5", await token).ended).code === 0; // prettier-ignore
      ok(await web(webToken("bus/web", "1h")));
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      for (const bad of [
        webToken("bus/web", "-1h"),
        webToken("bus/console", "1h"),
        webToken("bus/web", "1h", privateKey),
      ])
        ok(!(await web(bad)));
      await b.ok("bus", "client", "remove", "visitor");
      ok((await remote(b, "pub", "visitor", "-t c/2 -m x -q 1 -V mqttv5").ended).code !== 0);
    },
  },
  {
    name: "bus: broken glass lets in for a time and a reason; what is diverted goes through its gate",
    async run(b) {
      for (const name of ["doctor", "checker"]) await setClient(b, name);
      const [doctor] = await listening(b, () => [remote(b, "sub", "doctor", "-t 'g/#' -C 2 -W 500 -q 1")]);
      await publish(b, WARD, "-t g/1 -m before -q 1");
      await b.ok("bus", "glass", "doctor", "--secrecy", WARD, "--reason", "room 4", "--for", "1h");
      await publish(b, WARD, "-t g/1 -m pulse -q 1");
      await b.ok("bus", "divert", "g/2", "checker");
      const [checker] = await listening(b, () => [remote(b, "sub", "checker", "-t g/2 -C 1 -W 500 -q 1")]);
      const { socket } = await status(b);
      await b.shellOk(`mosquitto_pub --unix ${socket} -t g/2 -m unchecked -q 1`);
      strictEqual((await checker.ended).out.trim(), "unchecked");
      strictEqual((await remote(b, "pub", "checker", "-t g/2 -m checked -q 1").ended).code, 0);
      deepStrictEqual((await doctor.ended).out.trim().split("\n"), ["pulse", "checked"]);
      match(await b.ok("mine", "--as", "bus"), /configure .*glass doctor 3600 s: room 4/); // its owner is told
      await b.ok("bus", "divert", "g/2", "--off");
      for (const [reason, time] of [[" ", "1h"], ["x", "25h"]] as const)
        await b.fails("E_BUS_CONTROL", ["bus", "glass", "doctor", "--secrecy", WARD, "--reason", reason, "--for", time]); // prettier-ignore
    },
  },
  {
    name: "bus: a sender may raise what it sends; lower it only by its user's privileges, and never as root's program [CHG-1]",
    async run(b) {
      const tags = JSON.parse(await b.ok("tag", "list", "--json")) as { id: string; name: string }[];
      const id = tags.find(({ name }) => name === WARD)!.id;
      const { socket } = await status(b);
      const [ward, open] = await listening(b, () => [
        subscribe(b, WARD, "-t 'as/#' -C 1 -W 300"),
        unlabelled(b, socket, "-t 'as/#' -C 1 -W 300"),
      ]);
      const raised = `S=${id};I=`;
      const as = (context: string) => `-V mqttv5 -D publish user-property ifccontext '${context}'`;
      strictEqual(
        (await b.shell(`mosquitto_pub --unix ${socket} -t as/up -m raised -q 1 ${as(raised)}`)).code,
        0,
      );
      strictEqual((await ward.ended).out.trim(), "raised");
      const lowered = await publish(b, WARD, `-t as/down -m lowered -q 1 ${as("S=;I=")}`);
      match(lowered.out + lowered.err, /not authori[sz]ed|135/i);
      await b.shellOk(`mosquitto_pub --unix ${socket} -t as/end -m end -q 1`);
      strictEqual((await open.ended).out.trim(), "end");
    },
  },
  {
    name: "bus: its counts, for root alone",
    async run(b) {
      match(await b.ok("bus", "metrics"), /^csn_bus_messages_delivered_total [1-9]\d*$/m);
      const [answer] = await callAs(b, "ann", [{ method: "GET", path: "/v1/bus/metrics" }]);
      strictEqual(answer!.status, 403);
    },
  },
  {
    name: "bus: who is no root does not run it, and names and steers only clients of his own",
    async run(b) {
      const answers = await callAs(b, "ann", [
        { method: "PUT", path: "/v1/bus", body: { listen: [], anonymous: true } },
        { method: "DELETE", path: "/v1/bus" },
        { method: "POST", path: "/v1/bus/control", body: { action: "isolate", target: "x", isolated: true } },
        {
          method: "PUT",
          path: "/v1/bus/clients",
          body: { name: "bus/console", context: {}, proof: "certificate" },
        },
        {
          method: "PUT",
          path: "/v1/bus/clients",
          body: { name: `uid:${USERS.ann}`, context: {}, proof: "certificate" },
        },
        { method: "GET", path: "/v1/bus/clients" },
      ]);
      deepStrictEqual(
        answers.slice(0, 5).map(({ status: code }) => code),
        [403, 403, 403, 403, 400],
      );
      deepStrictEqual(answers[5]!.body, []);
      // what is his own he steers himself, and gives it nothing that is not his to give
      const as = async (args: string) =>
        (await b.shell(`cd /; CSN_SOCKET=/run/csn/csnd.sock setpriv --reuid=61177 --regid=61177 --clear-groups sh ${ROOT}/csn ${args}`)).code; // prettier-ignore
      strictEqual(await as("bus client set uid-61177/phone --certificate"), 0);
      strictEqual(await as("bus isolate uid-61177/phone:any"), 0);
      strictEqual(await as(`bus glass uid-61177/phone --secrecy ${WARD} --reason why --for 1m`), 1);
      strictEqual(await as("bus isolate bus/console"), 1);
      strictEqual(await as("bus divert '#' uid-61177/phone"), 1);
    },
  },
  {
    name: "bus: what waits and what is retained outlives the daemon (SIGKILL), and is judged when it is taken",
    async run(b) {
      await setClient(b, "keeper", "--secrecy", WARD);
      const first = remote(b, "sub", "keeper", "-t 'k/#' -q 1 -c -i kept -W 2");
      await first.ended;
      strictEqual((await publish(b, WARD, "-t k/1 -m waits -q 1")).code, 0);
      strictEqual((await publish(b, WARD, "-t k/2 -m retained -q 1 -r")).code, 0);
      await b.shell("kill -9 $(cat /run/csn/daemon.pid)");
      await b.until("the bus to be back", async () => {
        const { code, out } = await b.csn(["bus", "status", "--json"]);
        return code === 0 && (JSON.parse(out) as Status).up;
      });
      await setClient(b, "nosy");
      strictEqual((await remote(b, "sub", "nosy", "-t 'k/#' -W 5").ended).out, "");
      const again = await remote(b, "sub", "keeper", "-t 'k/#' -q 1 -c -i kept -C 2 -W 300").ended;
      deepStrictEqual(again.out.trim().split("\n"), ["waits", "retained"]);
      match((await b.csn(under(WARD, 'mosquitto_sub --unix "$CSN_BUS" -t k/2 -C 1 -W 300'))).out, /retained/);
    },
  },
  {
    name: "bus: a program that has changed its context gets nothing more by its old door [CHG-3]",
    async run(b) {
      const script = `import os, socket, struct, subprocess, sys
s = socket.socket(socket.AF_UNIX); s.connect(os.environ["CSN_BUS"])
def text(t): return struct.pack(">H", len(t)) + t
s.send(b"\\x10" + b"\\x0c" + text(b"MQTT") + b"\\x04\\x02\\x00\\x00" + text(b""))
print(s.recv(4).hex())
r = subprocess.run([sys.argv[1], "context", "change", "--add", sys.argv[2]], capture_output=True, text=True)
print("changed" if r.returncode == 0 else r.stderr.split(":")[1].strip())
try: s.send(b"\\xc0\\x00"); print("answer", s.recv(2).hex())
except OSError as e: print(e.strerror)`;
      const { out } = await b.csn([
        "run",
        "--release",
        "--secrecy",
        WARD,
        "--",
        "python3",
        "-c",
        script,
        `${ROOT}/csn`,
        LAB,
      ]);
      match(out, /^20020000$/m);
      ok(
        /E_ENDPOINT|Permission denied/.test(out) && !/answer d000/.test(out.slice(out.indexOf("changed"))),
        out,
      );
    },
  },
  {
    name: "bus: what can't be recorded does not happen: the disk full, the bus is away, and comes back without what was sent meanwhile",
    async run(b) {
      await setClient(b, "keeper");
      const keeper = (options: string) =>
        remote(b, "sub", "keeper", `-t 'full/#' -q 1 -c -i full ${options}`).ended;
      await keeper("-W 2");
      await b.shellOk(
        "fallocate -l $(($(df -k --output=avail /data | tail -1) - 64))K /data/fill; (head -c 1M /dev/zero > /data/fill2; :) 2>/dev/null; sync",
      );
      const { socket } = await status(b);
      const acknowledged: string[] = [];
      for (let n = 0; (await status(b)).up; n++) {
        const { code } = await b.shell(`mosquitto_pub --unix ${socket} -t full/1 -m ${n} -q 1`);
        if (code === 0) acknowledged.push(String(n));
      }
      await b.shellOk("rm /data/fill /data/fill2; sync");
      await b.until("the bus to be back", async () => (await status(b)).up);
      const got = (await keeper("-W 5")).out.trim().split("\n").filter(Boolean);
      const told = (await records(b, "publish", "allowed")).filter(({ sink }) =>
        sink.name.endsWith("full/1"),
      );
      deepStrictEqual(got, acknowledged);
      ok(told.length >= got.length, "something was delivered of which the record does not tell");
    },
  },
  {
    name: "bus: a client that is set anew while the bus is down is not what it was relabelled to before",
    async run(b) {
      await setClient(b, "bus/console");
      await b.ok("bus", "relabel", "bus/console", "--secrecy", WARD);
      await b.ok("bus", "down");
      await setClient(b, "bus/console");
      await b.ok("bus", "up", "--tcp", `127.0.0.1:${PORT}`);
      await publish(b, WARD, "-t anew/1 -m secret -q 1 -r");
      const { socket } = await status(b);
      await b.shellOk(`mosquitto_pub --unix ${socket} -t anew/2 -m open -q 1 -r`);
      const got = await remote(b, "sub", "bus/console", "-t 'anew/#' -C 1 -W 300 -q 1").ended;
      strictEqual(got.out.trim(), "open");
      const second = await remote(b, "sub", "bus/console", "-t anew/1 -W 3 -q 1").ended;
      strictEqual(second.out, "");
    },
  },
  {
    name: "bus: down is down: doors closed, and labelled programs go on without it",
    async run(b) {
      await b.ok("bus", "down");
      strictEqual((await status(b)).up, false);
      match((await b.csn(under(WARD, 'echo "${CSN_BUS-none}"'))).out, /^none$/m);
      strictEqual((await b.shellOk("ls /run/csn/bus")).trim(), "");
    },
  },
];
