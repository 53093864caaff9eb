/**
 * Does the bus grow? Many idle connections and fewer busy ones against one bus in a process of its own, for minutes, with its
 * memory and open descriptors sampled.
 *
 * Idle clients subscribe and say nothing but pings. Busy ones publish with QoS 1 to each other at a fixed rate, with an
 * attribute taken out for half of them, keep retained messages up to date, and some come and go: with and without a word,
 * with a session that stays and without. Every message that was accepted for a client that is there has to arrive.
 * The heap is what is left after a collection, so that garbage is not taken for growth. It grew when the least of the last
 * third of the samples is more than 3 % above that of the second third; the first third warms up. The least, because the
 * heap also has what waits for slow clients, which comes and goes.
 * `--transport tls` and `websocket` are those; with `--store`, sessions outlive their connections and all that waits for them is
 * on disk before anything is acknowledged. Clients have 10 s to say who they are, as ever: where the computer has no time for that,
 * ask for fewer of them at a time (`--together`).
 * Not covered: HTTP. The recorder counts and writes nothing.
 *
 * Usage: sh tools/node.sh bench/bus-soak.ts [--minutes 5] [--idle 10000] [--busy 1000] [--rate 1000] [--churn 10]
 *   [--transport tcp] [--store] [--together 200] [--write]
 * `--write` puts the figures into docs/bench-bus.md. Exit code 1 when it grew or lost something.
 */
import { execFileSync, fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { generate } from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import { createWebSocketStream, WebSocket } from "ws";
import {
  Bus,
  BusStore,
  identityOf,
  type Listening,
  metricsText,
  MqttServer,
  restore,
} from "../src/bus/index.ts";
import { cut } from "../src/bus/mqtt/fixtures/testing.ts";
import { classifierOf } from "../src/bus/testing.ts";
import { contextOf, integrityOf, parseTagId, secrecyOf, UNLABELLED } from "../src/label/index.ts";
import { madeBy, putPart, table } from "./bus-document.ts";

const { values } = parseArgs({
  options: {
    serve: { type: "string" },
    transport: { type: "string", default: "tcp" },
    store: { type: "boolean", default: false },
    together: { type: "string", default: "200" },
    minutes: { type: "string", default: "5" },
    idle: { type: "string", default: "10000" },
    busy: { type: "string", default: "1000" },
    rate: { type: "string", default: "1000" },
    churn: { type: "string", default: "10" },
    write: { type: "boolean" },
  },
});
const TRANSPORTS = ["tcp", "tls", "websocket"] as const;
type Transport = (typeof TRANSPORTS)[number];
const STORE = "bus.db";
const transport = transportOf(values.transport);
/** Seconds that a session stays, with `--store`. */
const STAYS = 3600;
const PING_SECONDS = 30;
/** Files that a process has open besides its connections. */
const SPARE = 100;
const GROWTH = 1.03;
const PAYLOAD = Buffer.from(JSON.stringify(["open", "secret", `pad${"x".repeat(230)}`]));

interface Sample {
  readonly seconds: number;
  readonly rss: number;
  /** After a collection. */
  readonly heap: number;
  readonly descriptors: number;
  readonly busySeconds: number;
  readonly deliveries: number;
}

/** The bus; it answers each message with what it uses, until its parent is gone. @param folder of its store and certificate */
async function serve(folder: string): Promise<void> {
  const secret = contextOf(secrecyOf([parseTagId("f".repeat(32))]), integrityOf([]));
  const names = JSON.parse(PAYLOAD.toString()) as string[];
  const attributes = Object.fromEntries(names.map((name) => [name, name === "secret" ? secret : UNLABELLED]));
  const types = [{ topic: "busy/+", context: UNLABELLED, withheld: "remove" as const, attributes }];
  const classifier = classifierOf(types);
  const bus = new Bus({ classifier, recorder: { record: () => undefined } });
  const store = values.store ? new BusStore(join(folder, STORE)) : null;
  const server = new MqttServer({
    bus,
    authenticator: {
      authenticate: async ({ username }) => identityOf(username ?? "nobody", username === "cleared" ? secret : UNLABELLED, [UNLABELLED, secret]),
    },
    version: "soak",
    ...(store === null ? {} : { keeper: store }),
  }); // prettier-ignore
  if (store !== null) restore(store, bus, server.sessions, classifier);
  const { port } = await server.listen(listeningIn(folder));
  process.on("disconnect", () => process.exit(0));
  process.on("message", () => {
    globalThis.gc?.();
    process.send?.({ heap: process.memoryUsage().heapUsed, metrics: metricsText({ bus, mqtt: server }) });
  });
  process.send?.({ port });
}

function transportOf(text: string): Transport {
  const known = TRANSPORTS.find((one) => one === text);
  if (known === undefined) throw new Error(`expected one of ${TRANSPORTS.join(", ")}, found \`${text}\``);
  return known;
}

function listeningIn(folder: string): Listening {
  const at = { host: "127.0.0.1", port: 0 };
  if (transport !== "tls") return { transport, ...at };
  return { transport, ...at, tls: { cert: readFileSync(join(folder, "cert.pem")), key: readFileSync(join(folder, "key.pem")) } }; // prettier-ignore
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "csn-soak-"));
  if (transport === "tls")
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")], { stdio: "pipe" }); // prettier-ignore
  try {
    await soak(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
  process.exit();
}

async function soak(folder: string): Promise<void> {
  const loadBefore = loadavg()[0] as number;
  const [minutes, idle, busy, rate, churn] = [values.minutes, values.idle, values.busy, values.rate, values.churn].map(Number) as [number, number, number, number, number]; // prettier-ignore
  requireDescriptors(idle + busy + SPARE);
  const bus = fork(fileURLToPath(import.meta.url), ["--serve", folder, "--transport", transport, ...(values.store ? ["--store"] : [])], { execArgv: ["--expose-gc", "--disable-warning=ExperimentalWarning"] }); // prettier-ignore
  try {
    const [{ port }] = (await once(bus, "message")) as [{ port: number }];
    const load = new Load(port);
    await load.addAll(idle, "idle");
    await load.addAll(busy, "busy");
    console.log(`${idle} idle and ${busy} busy clients are connected`);
    load.start(rate, churn);
    const samples = await sampled(bus, minutes);
    await load.stop();
    const { metrics } = await ask(bus);
    const verdict = judge(samples, idle + busy, load);
    if (values.store) verdict.lines.push(`the store at the end: ${sizeIn(folder)}`);
    console.log(`\n${metrics.replaceAll(/^#.*\n/gm, "")}\n${verdict.lines.join("\n")}`);
    if (values.write === true)
      write({ minutes, idle, busy, rate, churn }, loadBefore, samples, verdict.lines);
    process.exitCode = verdict.isFine ? 0 : 1;
  } finally {
    bus.kill("SIGKILL");
    await once(bus, "exit");
  }
}

/** Of the store and of what is written to it next. */
function sizeIn(folder: string): string {
  const files = readdirSync(folder).filter((name) => name.startsWith(STORE));
  return files
    .map((name) => `\`${name}\` ${(statSync(join(folder, name)).size / 2 ** 20).toFixed(1)} MiB`)
    .join(", ");
}

/** Both processes have a file open for each connection. Node.js has raised its own limit as far as it may. */
function requireDescriptors(needed: number): void {
  const found = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  if (found === "unlimited" || Number(found) >= needed) return;
  console.error(`expected to be allowed ${needed} open files, found ${found}; run \`ulimit -n ${needed}\` as root first, or ask for fewer clients`); // prettier-ignore
  process.exit(2);
}

async function sampled(bus: ChildProcess, minutes: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  const seconds = Math.max(2, minutes);
  const start = performance.now();
  console.log("    s   rss MiB  heap MiB  descriptors  processor s  deliveries");
  while (performance.now() - start < minutes * 60_000) {
    await new Promise((done) => setTimeout(done, seconds * 1000));
    const { heap, metrics } = await ask(bus);
    const stat = readFileSync(`/proc/${bus.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    const sample = {
      seconds: (performance.now() - start) / 1000,
      rss: Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${bus.pid}/status`, "utf8"))?.[1]) / 1024,
      heap: heap / 2 ** 20,
      descriptors: readdirSync(`/proc/${bus.pid}/fd`).length,
      busySeconds: (Number(stat[11]) + Number(stat[12])) / 100,
      deliveries: Number(/^csn_bus_messages_delivered_total (\d+)/m.exec(metrics)?.[1]),
    };
    samples.push(sample);
    console.log(row(sample));
  }
  return samples;
}

function row({ seconds, rss, heap, descriptors, busySeconds, deliveries }: Sample): string {
  const parts = [seconds.toFixed(0).padStart(5), rss.toFixed(1).padStart(9), heap.toFixed(1).padStart(9), String(descriptors).padStart(12), busySeconds.toFixed(1).padStart(12), String(deliveries).padStart(11)]; // prettier-ignore
  return parts.join(" ");
}

async function ask(bus: ChildProcess): Promise<{ heap: number; metrics: string }> {
  bus.send("sample");
  const [answer] = (await once(bus, "message")) as [{ heap: number; metrics: string }];
  return answer;
}

function judge(
  samples: readonly Sample[],
  clients: number,
  load: Load,
): { isFine: boolean; lines: string[] } {
  const third = Math.floor(samples.length / 3);
  if (third === 0)
    return { isFine: false, lines: ["too few samples to say anything: more minutes are needed"] };
  const least = (key: keyof Sample, from: number, to?: number): number => Math.min(...samples.slice(from, to).map((sample) => sample[key])); // prettier-ignore
  const lines: string[] = [];
  let isFine = true;
  for (const key of ["heap", "rss", "descriptors"] as const) {
    const [before, after] = [least(key, third, 2 * third), least(key, 2 * third)];
    // Pages that the allocator keeps come and go; the heap after a collection is the measure.
    const hasGrown = after > before * GROWTH;
    isFine &&= !hasGrown || key === "rss";
    const unit = key === "descriptors" ? "" : " MiB";
    lines.push(`${key}: at least ${before.toFixed(1)}${unit}, then ${after.toFixed(1)}${unit}: ${hasGrown ? "GREW" : "flat"}`); // prettier-ignore
  }
  const missing = load.published - load.received;
  isFine &&= missing === 0 && load.lost === 0;
  lines.push(`${load.published} messages to clients that were there, ${missing} missing; ${load.lost} of ${clients} connections ended by the bus; ${load.came} clients came anew, ${load.late} too slowly`); // prettier-ignore
  return { isFine, lines };
}

/** One client. */
interface Client {
  readonly name: string;
  readonly kind: "idle" | "busy" | "passing";
  socket: Duplex;
  isThere: boolean;
  id: number;
}

/** All clients, and what they do. */
class Load {
  published = 0;
  received = 0;
  /** Connections that the bus ended, of those that were to stay. */
  lost = 0;
  /** Clients that came anew and did not say in time who they are. */
  late = 0;
  came = 0;
  readonly #port: number;
  readonly #clients: Client[] = [];
  #clocks: NodeJS.Timeout[] = [];
  #next = 0;

  constructor(port: number) {
    this.#port = port;
  }

  async addAll(count: number, kind: Client["kind"]): Promise<void> {
    const together = Number(values.together);
    for (let at = 0; at < count; at += together)
      await Promise.all(Array.from({ length: Math.min(together, count - at) }, (_, n) => this.#add(`${kind}${at + n}`, kind))); // prettier-ignore
  }

  /** @param rate messages a second in all  @param churn clients that come and go each second */
  start(rate: number, churn: number): void {
    const busy = this.#clients.filter(({ kind }) => kind === "busy");
    const ping = written({ cmd: "pingreq" });
    const every = (milliseconds: number, act: () => void): void => void this.#clocks.push(setInterval(act, milliseconds)); // prettier-ignore
    let due = 0;
    let at = performance.now();
    every(50, () => {
      const now = performance.now();
      due = Math.min(due + ((now - at) / 1000) * rate, rate);
      at = now;
      for (; due >= 1; due--) this.#publish(busy);
    });
    let pinged = 0;
    every(1000, () => {
      for (let n = 0; n < this.#clients.length / PING_SECONDS; n++) this.#clients[pinged++ % this.#clients.length]?.socket.write(ping); // prettier-ignore
      for (let n = 0; n < churn; n++) void this.#pass(n);
    });
  }

  /** No more is published, and what is owed has its time to come. */
  async stop(): Promise<void> {
    for (const clock of this.#clocks) clearInterval(clock);
    for (let n = 0; n < 100 && this.received < this.published; n++) await new Promise((done) => setTimeout(done, 100)); // prettier-ignore
  }

  #publish(busy: readonly Client[]): void {
    const from = busy[this.#next++ % busy.length] as Client;
    const to = busy[(this.#next * 7) % busy.length] as Client;
    from.id = (from.id % 60_000) + 1;
    this.published++;
    const retain = this.#next % 50 === 0;
    from.socket.write(written({ cmd: "publish", topic: `busy/${to.name}`, payload: PAYLOAD, qos: 1, messageId: from.id, retain })); // prettier-ignore
  }

  /** A client that comes, says something, and goes: with a word or without, with a session that stays a moment or without. */
  async #pass(n: number): Promise<void> {
    const name = `passing${this.came++ % 500}`;
    const client = await this.#add(name, "passing", n % 2 === 0 ? 5 : 0);
    client.socket.write(written({ cmd: "publish", topic: `passing/${n}`, payload: "x", qos: 2, messageId: 1, properties: { userProperties: { a: "b" } } })); // prettier-ignore
    await new Promise((done) => setTimeout(done, 500));
    client.isThere = false;
    if (n % 3 === 0) client.socket.destroy();
    else client.socket.end(written({ cmd: "disconnect", reasonCode: 0 }));
  }

  async #add(name: string, kind: Client["kind"], expiry = 0): Promise<Client> {
    const { socket, open } = opened(this.#port);
    const client: Client = { name, kind, socket, isThere: true, id: 0 };
    socket.on("error", () => undefined);
    socket.on("close", () => {
      if (!client.isThere) return;
      if (kind === "passing") this.late++;
      else this.lost++;
    });
    const met = new Promise<void>((done) => {
      let rest: Buffer = Buffer.alloc(0);
      socket.on("data", (chunk: Buffer) => {
        rest = Buffer.from(cut(Buffer.concat([rest, chunk]), (packet) => this.#hear(client, packet, done)));
      });
    });
    await open;
    const will = kind === "passing" ? { will: { topic: "passing/gone", payload: "x", qos: 1 } } : {};
    const username = name.endsWith("0") ? "cleared" : "dev";
    socket.write(written({ cmd: "connect", clientId: name, username, clean: true, keepalive: 300, protocolVersion: 5, properties: { sessionExpiryInterval: values.store && kind !== "passing" ? STAYS : expiry }, ...will })); // prettier-ignore
    const topic = kind === "passing" ? "passing/+" : `${kind}/${name}`;
    socket.write(written({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 1, rh: 2 }] }));
    await met;
    if (kind !== "passing") this.#clients.push(client);
    return client;
  }

  #hear(client: Client, packet: Buffer, met: () => void): void {
    const type = (packet[0] as number) >>> 4;
    if (type === 9) met();
    if (type !== 3) return;
    if (client.kind === "busy") this.received++;
    if (((packet[0] as number) & 6) === 0) return;
    const start = 1 + ((packet[1] as number) >= 128 ? 2 : 1);
    const id = start + 2 + packet.readUInt16BE(start);
    client.socket.write(Buffer.from([0x40, 2, packet[id] as number, packet[id + 1] as number]));
  }
}

/** A connection, and when it stands. */
function opened(port: number): { socket: Duplex; open: Promise<unknown> } {
  if (transport === "websocket") {
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}`, "mqtt");
    const socket = createWebSocketStream(webSocket);
    return { socket, open: once(webSocket, "open") };
  }
  if (transport === "tls") {
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
    socket.setNoDelay(true);
    return { socket, open: once(socket, "secureConnect") };
  }
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  return { socket, open: once(socket, "connect") };
}

function written(packet: object): Buffer {
  return generate(packet as Packet, { protocolVersion: 5 });
}

type Asked = Readonly<Record<"minutes" | "idle" | "busy" | "rate" | "churn", number>>;

function write(asked: Asked, loadBefore: number, samples: readonly Sample[], lines: readonly string[]): void {
  const { minutes, idle, busy, rate, churn } = asked;
  const shown = samples.filter((_, at) => at % Math.ceil(samples.length / 12) === 0 || at === samples.length - 1); // prettier-ignore
  const rows = shown.map(({ seconds, rss, heap, descriptors, busySeconds, deliveries }) => [seconds.toFixed(0), rss.toFixed(1), heap.toFixed(1), String(descriptors), busySeconds.toFixed(1), String(deliveries)]); // prettier-ignore
  const how = `${transport === "tcp" ? "" : ` --transport ${transport}`}${values.store ? " --store" : ""}${values.together === "200" ? "" : ` --together ${values.together}`}`;
  const command = `sh tools/node.sh bench/bus-soak.ts --minutes ${minutes} --idle ${idle} --busy ${busy} --rate ${rate} --churn ${churn}${how} --write`;
  putPart("docs/bench-bus.md", values.store ? "store" : transport, [
    madeBy(command, loadBefore),
    `${idle} idle connections and ${busy} busy ones against one bus in a process of its own; ${rate} messages a second with QoS 1 among the busy ones, an attribute taken out for most of them; ${churn} clients a second come and go.${values.store ? " Sessions stay, and what waits for them is on disk before anything is acknowledged." : ""} The heap is what is left after a collection.`,
    "",
    ...table(["seconds", "rss, MiB", "heap, MiB", "descriptors", "processor, s", "deliveries"], rows),
    "",
    ...lines.map((line) => `- ${line}`),
  ]);
}

if (values.serve === undefined) await main();
else await serve(values.serve);
