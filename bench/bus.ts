/**
 * How many messages a second the bus carries, beside other brokers in the same run: one to one and one to ten, QoS 0 and 1,
 * without labels, with contexts, and with an attribute taken out for the receivers. Beside it run mosquitto and nats-server
 * (its MQTT) where they are installed, and Aedes, which is fetched from npm into a folder of its own when asked for.
 *
 * Each broker is a process on one processor, the load comes from another. The publisher keeps a bounded number of
 * messages under way, so nobody drops any; what is counted is what subscribers received, by the clock and, for machines
 * that do other things as well, by the broker's own time on its processor.
 * The ratio is that of the deliveries per second of processor time to mosquitto's.
 * Not covered: TLS, persistence, latency. The recorder counts and writes nothing. nats-server may use more than one thread,
 * but no more than the one processor; of nats-server, with QoS 1 messages go through its store, as it can't do without.
 *
 * Usage: sh tools/node.sh bench/bus.ts [--seconds 3] [--aedes] [--only NAME]
 */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { generate } from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import { Bus, identityOf, MqttServer } from "../src/bus/index.ts";
import { classifierOf } from "../src/bus/testing.ts";
import { contextOf, integrityOf, parseTagId, secrecyOf, UNLABELLED } from "../src/label/index.ts";

const { values } = parseArgs({ options: { serve: { type: "string" }, port: { type: "string" }, seconds: { type: "string", default: "3" }, aedes: { type: "boolean" }, only: { type: "string" } } }); // prettier-ignore
/** The version that is fetched; a broker in the same language, for comparison alone. */
const AEDES = "aedes@1.2.0";
const TOPIC = "bench/topic";
/** Messages under way at most, per subscriber with QoS 1 and in all with QoS 0. */
const WINDOW = { 0: 2000, 1: 50 } as const;
/** 256 bytes; a list, so that attributes can be taken out of it. */
const PAYLOAD = Buffer.from(JSON.stringify(["open", "secret", `pad${"x".repeat(234)}`]).padEnd(256));

/** Made once. */
const frames = new Map<number, Buffer>();

const tags = Array.from({ length: 4 }, (_, n) => parseTagId(String(n).repeat(32)));
const clearance = contextOf(secrecyOf(tags), integrityOf([]));
const secret = contextOf(secrecyOf([...tags, parseTagId("f".repeat(32))]), integrityOf([]));

if (values.serve === undefined) await main();
else await serve(values.serve, Number(values.port));

/** A bus of ours, until it is killed. */
async function serve(mode: string, port: number): Promise<void> {
  const context = mode === "unlabelled" ? UNLABELLED : clearance;
  const names = JSON.parse(PAYLOAD.toString()) as string[];
  const attributes = Object.fromEntries(names.map((name) => [name, name === "secret" ? secret : context]));
  const types = mode === "attributes" ? [{ topic: TOPIC, context: null, withheld: "remove" as const, attributes }] : []; // prettier-ignore
  let recorded = 0;
  const recorder = { record: () => void recorded++ };
  const bus = new Bus({ classifier: classifierOf(types), recorder, limits: { rate: 1e9, unsentBytes: 1 << 24, queuedMessages: 1e5, queuedBytes: 1 << 28 } }); // prettier-ignore
  const authenticator = { authenticate: async () => identityOf("bench", context, [secret]) };
  const server = new MqttServer({ bus, authenticator, version: "bench" });
  await server.listen({ transport: "tcp", host: "127.0.0.1", port });
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "csn-bench-"));
  const brokers: [name: string, start: (port: number) => ChildProcess][] = ["unlabelled", "contexts", "attributes"].map((mode) => [`csn, ${mode}`, (port) => onProcessor(0, process.execPath, ["--disable-warning=ExperimentalWarning", fileURLToPath(import.meta.url), "--serve", mode, "--port", String(port)])]); // prettier-ignore
  if (spawnSync("mosquitto", ["-h"]).error === undefined)
    brokers.push([
      "mosquitto",
      (port) => {
        const file = join(folder, "mosquitto.conf");
        writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 64\nmax_queued_messages 100000\n`); // prettier-ignore
        return onProcessor(0, "mosquitto", ["-c", file]);
      },
    ]);
  else console.log("mosquitto is not installed: not measured");
  if (spawnSync("nats-server", ["--version"]).error === undefined)
    brokers.push([
      "nats-server",
      (port) => {
        const file = join(folder, "nats.conf");
        writeFileSync(file, `server_name: bench\nlisten: "127.0.0.1:${port + 1000}"\njetstream { store_dir: "${join(folder, "nats")}" }\nmqtt { listen: "127.0.0.1:${port}" }\n`); // prettier-ignore
        return onProcessor(0, "nats-server", ["-c", file]);
      },
    ]);
  else console.log("nats-server is not installed: not measured");
  if (values.aedes === true) brokers.push(["aedes", startAedes(folder)]);

  // The load on the other processor.
  spawnSync("taskset", ["-p", "2", String(process.pid)]);
  let port = 21_883;
  const rates: Rate[] = [];
  for (const [name, start] of brokers.filter(([one]) => one.startsWith(values.only ?? ""))) {
    const broker = start(++port);
    try {
      for (const qos of [0, 1] as const)
        for (const receivers of [1, 10]) {
          const { rate, perBusySecond } = await measure(port, broker, qos, receivers, Number(values.seconds) * 1000); // prettier-ignore
          const text = (value: number): string => Math.round(value).toLocaleString("en").padStart(10);
          rates.push({ name, load: `QoS ${qos}, 1 to ${receivers}`, perBusySecond });
          console.log(`${name.padEnd(16)} QoS ${qos}  1 to ${String(receivers).padEnd(2)} ${text(rate)} deliveries/s ${text(perBusySecond)} per second of its processor`); // prettier-ignore
        }
    } finally {
      broker.kill("SIGKILL");
      await once(broker, "exit");
    }
  }
  for (const line of ratios(rates)) console.log(line);
  rmSync(folder, { recursive: true });
  process.exit(0);
}

interface Rate {
  readonly name: string;
  readonly load: string;
  readonly perBusySecond: number;
}

/** Each broker's deliveries per second of its processor, in mosquitto's. */
function ratios(rates: readonly Rate[]): string[] {
  return rates.flatMap(({ name, load, perBusySecond }) => {
    const other = rates.find((one) => one.name === "mosquitto" && one.load === load);
    if (other === undefined || other.name === name) return [];
    return [`${name.padEnd(16)} ${load.padEnd(15)} ${(perBusySecond / other.perBusySecond).toFixed(2)} times mosquitto`]; // prettier-ignore
  });
}

/** Fetches Aedes, and gives what starts it. */
function startAedes(folder: string): (port: number) => ChildProcess {
  const install = spawnSync("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error", AEDES], { stdio: "inherit" }); // prettier-ignore
  if (install.status !== 0) throw new Error(`${AEDES} could not be installed`);
  const file = join(folder, "aedes.mjs");
  writeFileSync(file, `import { Aedes } from "aedes";\nimport { createServer } from "node:net";\nconst aedes = await Aedes.createBroker({ queueLimit: 100000 });\ncreateServer(aedes.handle).listen(Number(process.argv[2]), "127.0.0.1");\n`); // prettier-ignore
  return (port) => onProcessor(0, process.execPath, [file, String(port)]);
}

function onProcessor(processor: number, command: string, args: readonly string[]): ChildProcess {
  return spawn("taskset", ["-c", String(processor), command, ...args], { stdio: "ignore" });
}

interface Measured {
  readonly rate: number;
  readonly perBusySecond: number;
}

/** Deliveries per second, in all. */
async function measure(
  port: number,
  broker: ChildProcess,
  qos: 0 | 1,
  receivers: number,
  milliseconds: number,
): Promise<Measured> {
  const subscribers = await Promise.all(Array.from({ length: receivers }, (_, at) => subscriber(port, qos, at))); // prettier-ignore
  const publisher = await client(port, "publisher");
  const received = (): number => Math.min(...subscribers.map(({ count }) => count));
  let sent = 0;
  let acknowledged = 0;
  publisher.on("data", (chunk: Buffer) => (acknowledged += chunk.length / 4));
  let isOver = false;
  const say = (): void => {
    const room = WINDOW[qos] - (sent - received());
    const open = qos === 0 ? room : Math.min(room, 50 - (sent - acknowledged));
    if (isOver || open < 1) return;
    publisher.write(Buffer.concat(Array.from({ length: open }, () => published(qos, (sent++ % 60_000) + 1))));
  };
  const clock = setInterval(say, 0);
  for (const { socket } of subscribers) socket.on("data", say);
  await new Promise((done) => setTimeout(done, milliseconds / 3));
  const total = (): number => subscribers.reduce((sum, { count }) => sum + count, 0);
  const [before, at, busy] = [total(), performance.now(), busySeconds(broker)];
  await new Promise((done) => setTimeout(done, milliseconds));
  const count = total() - before;
  const rate = count / ((performance.now() - at) / 1000);
  const perBusySecond = count / (busySeconds(broker) - busy);
  isOver = true;
  clearInterval(clock);
  for (const { socket } of subscribers) socket.destroy();
  publisher.destroy();
  return { rate, perBusySecond };
}

/** Time that it spent on a processor, in user mode and in the kernel (proc(5), fields 14 and 15, in 1/100 s). */
function busySeconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function published(qos: 0 | 1, id: number): Buffer {
  const key = qos * 100_000 + (qos === 0 ? 0 : id);
  let frame = frames.get(key);
  if (frame === undefined) frames.set(key, (frame = written({ cmd: "publish", topic: TOPIC, payload: PAYLOAD, qos, messageId: id }))); // prettier-ignore
  return frame;
}

/** Counts publications, and acknowledges them. */
async function subscriber(port: number, qos: 0 | 1, at: number): Promise<{ socket: Socket; count: number }> {
  const socket = await client(port, `subscriber${at}`);
  socket.write(written({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: TOPIC, qos }] }));
  await once(socket, "data");
  const state = { socket, count: 0 };
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    const acks: number[] = [];
    for (;;) {
      const long = (bytes[from + 1] ?? 0) >= 128 ? 2 : 1;
      const length = long === 2 ? ((bytes[from + 1] ?? 0) & 127) + ((bytes[from + 2] ?? 0) << 7) : (bytes[from + 1] ?? 0); // prettier-ignore
      const end = from + 1 + long + length;
      if (bytes.length < from + 3 || end > bytes.length) break;
      const id = from + 1 + long + 2 + TOPIC.length;
      if (qos === 1) acks.push(0x40, 2, bytes[id] as number, bytes[id + 1] as number);
      state.count++;
      from = end;
    }
    rest = bytes.subarray(from);
    if (acks.length > 0) socket.write(Buffer.from(acks));
  });
  return state;
}

async function client(port: number, clientId: string): Promise<Socket> {
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    try {
      await once(socket, "connect");
      socket.write(written({ cmd: "connect", clientId, clean: true, keepalive: 0, protocolVersion: 4 }));
      await once(socket, "data");
      return socket;
    } catch {
      // The broker is not there yet.
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

function written(packet: object): Buffer {
  return generate(packet as Packet, { protocolVersion: 4 });
}
