/**
 * The examples of examples/bus, as anybody would run them: their own policy, mosquitto's clients, gates on the bus, certificates,
 * lines of the machine's own kernel log. [MSG-1..3, GATE-1]
 *
 * 500 lines; `CSN_LINES=5000` for as many as were published (each later start of a daemon reads what they leave on the record). Their
 * content is real; every fifth is called critical, as in the published measurement.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../src/setup/index.ts";
import type { Bench } from "./bench.ts";
import { listening, remote, setClient, status, under } from "./bus.ts";
import type { Case } from "./suite.ts";

const LINES = Number(process.env.CSN_LINES ?? 500);
/** In one go: what a slow console may have waiting is limited. */
const BATCH = 250;
const [TCP, TLS] = [1883, 8883];
const OPS = {
  protected: "ops/duty",
  secret: "ops/duty,ops/detail",
  everything: "ops/duty,ops/detail,ops/everything",
};

/** Applies an example's policy, with csn's own folder where a package would have it. */
async function apply(b: Bench, name: string): Promise<void> {
  const folder = join(b.home, `example-${name}`);
  cpSync(join(ROOT, "examples/bus", name), folder, { recursive: true });
  for (const file of readdirSync(folder).filter((one) => one.endsWith(".yaml"))) {
    const text = readFileSync(join(folder, file), "utf8");
    writeFileSync(join(folder, file), text.replaceAll("/usr/local/share/csn", ROOT));
  }
  await b.ok("policy", "apply", folder);
}

const linesOf = ({ out }: { out: string }) => out.split("\n").filter((line) => line !== "");

type Line = { priority: number; timestamp: string; host: string; process?: string; content?: string };

export const busExamples: readonly Case[] = [
  {
    name: "bus examples: prepare",
    async run(b) {
      for (const name of ["ops", "home", "plant"])
        await b.ok("principal", "create", name, "--type", "tenant");
      await b.shellOk(`mkdir -p /data/tls /data/syslog && cd /data/tls
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=devices 2>/dev/null
        for n in localhost home/kitchen home/stranger; do f=$(basename $n)
          openssl req -newkey rsa:2048 -nodes -keyout $f.key -out $f.csr -subj "/CN=$(echo $n | sed 's|/|\\\\/|')" 2>/dev/null
          openssl x509 -req -in $f.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out $f.pem 2>/dev/null; done
        openssl req -x509 -newkey rsa:2048 -nodes -keyout forged.key -out forged.pem -days 30 -subj "/CN=home\\/kitchen" 2>/dev/null`);
      const tls = [
        "--cert",
        "/data/tls/localhost.pem",
        "--key",
        "/data/tls/localhost.key",
        "--ca",
        "/data/tls/ca.pem",
      ];
      await b.ok("bus", "up", "--tcp", `127.0.0.1:${TCP}`, "--tls", `127.0.0.1:${TLS}`, ...tls);
      ok((await status(b)).up);
    },
  },
  {
    name: "bus examples: a server's log, its critical events let down by a gate, four consoles, one relabelled on the way",
    async run(b) {
      await apply(b, "syslog");
      await b.ok("bus", "gate", "set", "ops/let-down", "--from", "syslog/raw", "--to", "syslog/critical");
      await b.shellOk(`python3 ${ROOT}/examples/bus/syslog/make-lines.py ${LINES} > /data/syslog/lines`);
      const consoles = [["hall", ""], ["duty", OPS.protected], ["detail", OPS.secret], ["all", OPS.everything]] as const; // prettier-ignore
      for (const [name, tags] of consoles)
        await setClient(b, `ops/${name}`, ...(tags === "" ? [] : ["--secrecy", tags]));
      const critical = LINES / 5;
      // what each is to have got before it ends; the one in the hall only hears the end
      const counts = { hall: 1, duty: critical + 1, detail: critical + 1, all: LINES + critical + 1 };
      const got = await listening(b, () => consoles.map(([name]) => remote(b, "sub", `ops/${name}`, `-q 1 -t 'syslog/#' -C ${counts[name]} -W 550`))); // prettier-ignore
      const send = async (from: number, to: number) => {
        for (let at = from; at < to; at += BATCH) {
          const script = `sed -n ${at + 1},${Math.min(at + BATCH, to)}p /data/syslog/lines | mosquitto_pub --unix "$CSN_BUS" -q 1 -t syslog/raw -l`;
          strictEqual(
            (await b.csn(under(OPS.everything, script, ["--volume", "/data/syslog:/data/syslog:ro"]))).code,
            0,
          );
        }
      };
      await send(0, LINES / 2);
      // the gate has let down what it had
      await b.until("half of it", async () => (await passed(b)) >= critical / 2);
      await b.ok("bus", "relabel", "ops/duty", "--secrecy", OPS.secret);
      await send(LINES / 2, LINES);
      await b.until("all of it", async () => (await passed(b)) >= critical);
      const { socket } = await status(b);
      await b.shellOk(`mosquitto_pub --unix ${socket} -t syslog/end -m '{}' -q 1`);
      const texts = await Promise.all(got.map(async ({ ended }) => linesOf(await ended)));
      const [hall, duty, detail, all] = texts.map((lines) => lines.map((line) => JSON.parse(line) as Line)) as [Line[], Line[], Line[], Line[]]; // prettier-ignore
      deepStrictEqual([hall.length, duty.length, detail.length, all.length], Object.values(counts));
      const isHead = ({ process, content }: Line) => process === undefined && content === undefined;
      deepStrictEqual(duty.slice(0, critical / 2).filter(isHead).length, critical / 2, "heads only");
      deepStrictEqual(
        duty.slice(critical / 2, critical).filter(isHead).length,
        0,
        "all of it, once relabelled",
      );
      deepStrictEqual(
        detail.slice(0, critical).filter((line) => line.priority !== 2 || isHead(line)),
        [],
      );
      await b.ok("bus", "gate", "remove", "ops/let-down");
    },
  },
  {
    name: "bus examples: a home's sensors with certificates; the care home sees the climate, the daughter also who is there",
    async run(b) {
      await apply(b, "home");
      await b.ok("bus", "client", "set", "home/kitchen", "--secrecy", "home/climate", "--certificate");
      await setClient(b, "home/care", "--secrecy", "home/climate");
      await setClient(b, "home/daughter", "--secrecy", "home/climate,home/presence");
      const [care, daughter] = await listening(b, () => [
        remote(b, "sub", "home/care", "-q 1 -t home/+/sensor -C 1 -W 300"),
        remote(b, "sub", "home/daughter", "-q 1 -t home/+/sensor -C 1 -W 300"),
      ]);
      const device = (name: string, payload: string) =>
        b.shell(
          `mosquitto_pub -h localhost -p ${TLS} --cafile /data/tls/ca.pem --cert /data/tls/${name}.pem --key /data/tls/${name}.key -q 1 -t home/kitchen/sensor -m '${payload}'`,
        );
      const reading = '{"at":"09:00","temperature":21.5,"presence":true}';
      ok((await device("stranger", reading)).code !== 0, "signed, but not known");
      ok((await device("forged", reading)).code !== 0, "known, but not signed");
      strictEqual((await device("kitchen", reading)).code, 0);
      deepStrictEqual(JSON.parse((await care.ended).out), { at: "09:00", temperature: 21.5 });
      deepStrictEqual(JSON.parse((await daughter.ended).out), JSON.parse(reading));
    },
  },
  {
    name: "bus examples: an actuator obeys only what a gate has held against a schema [FLOW-2, GATE-1]",
    async run(b) {
      await apply(b, "plant");
      await b.ok(
        "bus",
        "gate",
        "set",
        "plant/validate",
        "--from",
        "plant/1/request",
        "--to",
        "plant/1/command",
      );
      await setClient(b, "plant/valve", "--integrity", "plant/validated");
      const [valve] = await listening(b, () => [
        remote(b, "sub", "plant/valve", "-q 1 -t plant/1/command -C 2 -W 300"),
      ]);
      const { socket } = await status(b);
      const say = (topic: string, text: string) =>
        b.shell(`mosquitto_pub --unix ${socket} -V mqttv5 -q 1 -t ${topic} -m '${text}'`);
      await say("plant/1/command", '{"valve":"inlet","set":79}'); // straight, without the gate
      await say("plant/1/request", '{"valve":"inlet","set":1000}'); // more than the plant stands
      await say("plant/1/request", '{"valve":"inlet","set":1}\n{"valve":"inlet","set":2}'); // two in one
      await say("plant/1/request", '{"valve":"inlet","set":40}');
      await say("plant/1/request", '{"valve":"outlet","set":7,"by":"eve"}');
      await say("plant/1/request", '{"valve":"outlet","set":8}');
      deepStrictEqual(linesOf(await valve.ended), [
        '{"valve":"inlet","set":40}',
        '{"valve":"outlet","set":8}',
      ]);
      await b.ok("bus", "gate", "remove", "plant/validate");
      await b.ok("bus", "down");
    },
  },
  {
    name: "bus examples: the demo of the three",
    run: (b) => b.demo("bus"),
  },
];

/** How many messages the gate has published. */
async function passed(b: Bench): Promise<number> {
  const { out } = await b.csn(["log", "--json", "-n", "100000"]);
  return out
    .split("\n")
    .filter(
      (line) =>
        line.includes('"op":"publish"') && line.includes("gate:ops") && line.includes("syslog/critical"),
    ).length;
}
