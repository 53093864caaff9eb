/**
 * What labels cost where they matter: the scenario that SBUS was measured with (IC2E 2015). A server sends 5,000 lines of a log, one in five
 * critical, to four consoles: one that may see nothing, one that sees the head of what is critical (priority, timestamp, host), one
 * that sees all of what is critical, and one that sees everything; half way the second is relabelled to the third's context.
 *
 * In four ways: each console gets everything ("open"); without labels, each console has subscribed to what it would get with them
 * ("chosen", the same deliveries); with labels, all have asked for everything; and with labels where the server may not let down process
 * and content, so that they are taken out at the source ("quenched"). MQTT 5, QoS 1, on the loopback, the bus in a process of its own.
 * The four are measured in turns in one process each, warmed up by one run of the same.
 * Not covered: the record (the recorder counts and writes nothing), the gate that lets events down in examples/bus/syslog.
 *
 * Usage: sh tools/node.sh bench/bus-syslog.ts [--turns 5] [--lines 5000] [--log FILE] [--write]
 * Lines are the kernel's own log (dmesg), again and again, or a file's; `--write` puts the figures into docs/bench-bus-speed.md.
 */
import { execFileSync, fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { generate } from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import { Bus, identityOf, MqttServer } from "../src/bus/index.ts";
import { classifierOf } from "../src/bus/message/classifier.ts";
import { compileType } from "../src/bus/message/type.ts";
import { cut } from "../src/bus/mqtt/fixtures/testing.ts";
import { contextOf, integrityOf, parseTagId, secrecyOf, UNLABELLED } from "../src/label/index.ts";
import type { Context } from "../src/label/index.ts";
import { madeBy, putPart, spread, table } from "./bus-document.ts";
import { busyNanoseconds } from "./bus-load.ts";

const { values } = parseArgs({
  options: {
    serve: { type: "string" },
    turns: { type: "string", default: "5" },
    lines: { type: "string", default: "5000" },
    log: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
const WAYS = ["open", "chosen", "labels", "quenched"] as const;
type Way = (typeof WAYS)[number];
const CONSOLES = ["unclassified", "protected", "secret", "top-secret"] as const;
type Console = (typeof CONSOLES)[number];
/** One in so many is critical. */
const CRITICAL = 5;
/** Under way at most. */
const WINDOW = 50;
const [RAW, CRITICAL_TOPIC] = ["syslog/raw", "syslog/critical"];

const contextFrom = (...digits: string[]): Context => contextOf(secrecyOf(digits.map((digit) => parseTagId(digit.repeat(32)))), integrityOf([])); // prettier-ignore
const CONTEXTS: Readonly<Record<Console, Context>> = {
  unclassified: UNLABELLED,
  protected: contextFrom("a"),
  secret: contextFrom("a", "b"),
  "top-secret": contextFrom("a", "b", "c"),
};

/** The bus; it says its traffic when asked, and relabels a console when told so. */
async function serve(way: Way): Promise<void> {
  const isLabelled = way === "labels" || way === "quenched";
  const type = (topic: string, context: Context, attributes: readonly string[]) => ({
    type: compileType({ name: topic, topic, format: "json", schema: null, context, withheld: "remove", attributes: attributes.map((path) => ({ path, context: CONTEXTS.secret })) }),
    context,
  }); // prettier-ignore
  const types = [type(RAW, CONTEXTS["top-secret"], []), type(CRITICAL_TOPIC, CONTEXTS.protected, ["process", "content"])]; // prettier-ignore
  let recorded = 0;
  const bus = new Bus({
    classifier: isLabelled ? classifierOf(types) : { typeOf: () => null },
    recorder: { record: () => void recorded++ },
    mayControl: () => true,
    limits: { rate: 1e9, queuedMessages: 1e5 },
  });
  const lets = way === "quenched" ? [CONTEXTS.protected] : [CONTEXTS.protected, CONTEXTS.secret];
  const server = new MqttServer({
    bus,
    authenticator: {
      authenticate: async ({ username }) => {
        const isServer = username === "server";
        const context = CONTEXTS[isServer ? "top-secret" : (username as Console)];
        return identityOf(username ?? "", isLabelled ? context : UNLABELLED, isServer ? lets : []);
      },
    },
    version: "bench",
  });
  const { port } = await server.listen({ transport: "tcp", host: "127.0.0.1", port: 0 });
  process.on("disconnect", () => process.exit(0));
  process.on("message", (asked) => {
    if (asked === "relabel" || asked === "own") {
      const context = asked === "own" ? null : CONTEXTS.secret;
      if (isLabelled) bus.control({ principal: "root", name: "root" }, { action: "relabel", target: "protected", context }); // prettier-ignore
      return;
    }
    const { received = 0, sent = 0 } = server.traffic.counts().get("tcp") ?? {};
    process.send?.({ received, sent });
  });
  process.send?.({ port });
}

interface Figures {
  readonly seconds: number;
  readonly busySeconds: number;
  /** From the server to the bus, and from the bus to the consoles. */
  readonly received: number;
  readonly sent: number;
  /** Consoles' deliveries, and how many of them had no content. */
  readonly deliveries: number;
  readonly heads: number;
}

async function main(): Promise<void> {
  const lines = logLines(Number(values.lines));
  const loadBefore = loadavg()[0] as number;
  const figures = new Map<Way, Figures[]>(WAYS.map((way) => [way, []]));
  for (let turn = 0; turn < Number(values.turns); turn++)
    for (const way of WAYS) {
      const one = await runOf(way, lines);
      figures.get(way)?.push(one);
      console.log(way.padEnd(9), JSON.stringify(one));
    }
  const how = `sh tools/node.sh bench/bus-syslog.ts --turns ${values.turns} --lines ${values.lines}${values.log === undefined ? "" : " --log FILE"} --write`;
  const text = [madeBy(how, loadBefore), ...report(figures)];
  console.log(text.join("\n"));
  if (values.write) putPart("docs/bench-bus-speed.md", "syslog", text);
  process.exit(0);
}

/** As a server of a log would send them. */
function logLines(count: number): Buffer[] {
  const log = values.log === undefined ? execFileSync("dmesg", { encoding: "utf8" }) : readFileSync(values.log, "utf8"); // prettier-ignore
  const found = log.split("\n").filter((line) => line.trim() !== "");
  if (found.length === 0) throw new Error("expected lines in the log, found none");
  return Array.from({ length: count }, (_, n) => {
    const line = found[n % found.length] as string;
    const [, timestamp = "0", content = line] = /^\[\s*([\d.]+)\] (.*)$/.exec(line) ?? [];
    return Buffer.from(JSON.stringify({ priority: isCritical(n) ? 2 : 6, timestamp, host: "host", process: "kernel", content })); // prettier-ignore
  });
}

function isCritical(n: number): boolean {
  return n % CRITICAL === 0;
}

async function runOf(way: Way, lines: readonly Buffer[]): Promise<Figures> {
  const bus = fork(fileURLToPath(import.meta.url), ["--serve", way], { execArgv: ["--disable-warning=ExperimentalWarning"] }); // prettier-ignore
  try {
    const [{ port }] = (await once(bus, "message")) as [{ port: number }];
    const run = await Scenario.start(bus, port, way, lines);
    await run.once();
    const figures = await run.once();
    run.end();
    return figures;
  } finally {
    bus.kill("SIGKILL");
    await once(bus, "exit");
  }
}

/** The server and the consoles, connected. */
class Scenario {
  readonly #bus: ChildProcess;
  readonly #way: Way;
  readonly #lines: readonly Buffer[];
  readonly #server: Socket;
  readonly #consoles: readonly { count: number; heads: number }[];
  readonly #sockets: readonly Socket[];
  #acknowledged = 0;
  #heard: () => void = () => undefined;

  private constructor(bus: ChildProcess, way: Way, lines: readonly Buffer[], server: Socket, consoles: readonly { readonly name: Console; readonly socket: Socket }[]) {
    this.#bus = bus;
    this.#way = way;
    this.#lines = lines;
    this.#server = server;
    this.#sockets = [server, ...consoles.map(({ socket }) => socket)];
    hear(server, () => {
      this.#acknowledged++;
      this.#heard();
    });
    this.#consoles = consoles.map(({ socket }) => {
      const seen = { count: 0, heads: 0 };
      hear(socket, (packet) => {
        if ((packet[0] as number) >>> 4 !== 3) return;
        seen.count++;
        if (!packet.includes('"content"')) seen.heads++;
        socket.write(acknowledgement(packet));
        this.#heard();
      });
      return seen;
    });
  } // prettier-ignore

  static async start(bus: ChildProcess, port: number, way: Way, lines: readonly Buffer[]): Promise<Scenario> {
    const consoles = await Promise.all(
      CONSOLES.map(async (name) => {
        const socket = await client(port, name);
        for (const [at, topic] of topicsOf(way, name).entries()) {
          socket.write(written({ cmd: "subscribe", messageId: at + 1, subscriptions: [{ topic, qos: 1 }] }));
          await once(socket, "data");
        }
        return { name, socket };
      }),
    );
    return new Scenario(bus, way, lines, await client(port, "server"), consoles);
  }

  /** Sends all lines, and waits until everything has come that should. */
  async once(): Promise<Figures> {
    this.#bus.send("own");
    const before = await traffic(this.#bus);
    const [acknowledged, seen] = [this.#acknowledged, this.#seen];
    const expected = CONSOLES.map((name) => expectedOf(this.#way, name, this.#lines.length));
    const target = this.#consoles.map(({ count }, at) => count + (expected[at] as number));
    const [at, busy] = [performance.now(), busyNanoseconds(this.#bus)];
    let sent = 0;
    let isRelabelled = false;
    await new Promise<void>((done) => {
      this.#heard = () => {
        const answered = this.#acknowledged - acknowledged;
        if (!isRelabelled && answered >= this.#lines.length / 2) {
          isRelabelled = true;
          this.#bus.send("relabel");
        }
        const from = sent;
        while (sent < this.#lines.length && sent - answered < WINDOW) sent++;
        if (sent > from) this.#server.write(Buffer.concat(this.#lines.slice(from, sent).map((line, n) => published(line, from + n)))); // prettier-ignore
        if (answered === this.#lines.length && this.#consoles.every(({ count }, n) => count >= (target[n] as number))) done(); // prettier-ignore
      };
      this.#heard();
    });
    const seconds = (performance.now() - at) / 1000;
    const busySeconds = (busyNanoseconds(this.#bus) - busy) / 1e9;
    this.#heard = () => undefined;
    // Also what should not have come would have come by now.
    const after = await traffic(this.#bus);
    const [deliveries, heads] = [this.#seen[0] - seen[0], this.#seen[1] - seen[1]];
    const wanted = expected.reduce((sum, count) => sum + count, 0);
    if (deliveries !== wanted) throw new Error(`expected ${wanted} deliveries, found ${deliveries}`);
    return { seconds, busySeconds, received: after.received - before.received, sent: after.sent - before.sent, deliveries, heads }; // prettier-ignore
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  get #seen(): readonly [number, number] {
    let [count, heads] = [0, 0];
    for (const one of this.#consoles) {
      count += one.count;
      heads += one.heads;
    }
    return [count, heads];
  }
}

/** What a console asks for. */
function topicsOf(way: Way, name: Console): readonly string[] {
  if (way !== "chosen") return ["syslog/#"];
  if (name === "unclassified") return [];
  return name === "top-secret" ? [RAW, CRITICAL_TOPIC] : [CRITICAL_TOPIC];
}

/** How many messages a console gets. */
function expectedOf(way: Way, name: Console, lines: number): number {
  if (way === "open" || name === "top-secret") return lines;
  return name === "unclassified" ? 0 : Math.ceil(lines / CRITICAL);
}

async function traffic(bus: ChildProcess): Promise<{ received: number; sent: number }> {
  bus.send("traffic");
  const [answer] = (await once(bus, "message")) as [{ received: number; sent: number }];
  return answer;
}

function published(payload: Buffer, n: number): Buffer {
  const topic = isCritical(n) ? CRITICAL_TOPIC : RAW;
  return written({ cmd: "publish", topic, payload, qos: 1, messageId: (n % 60_000) + 1 });
}

function acknowledgement(publish: Buffer): Buffer {
  const start = 1 + ((publish[1] as number) >= 128 ? 2 : 1);
  const id = start + 2 + publish.readUInt16BE(start);
  return Buffer.from([0x40, 2, publish[id] as number, publish[id + 1] as number]);
}

function hear(socket: Socket, take: (packet: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.from(cut(Buffer.concat([rest, chunk]), take));
  });
}

async function client(port: number, username: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  await once(socket, "connect");
  socket.write(written({ cmd: "connect", clientId: username, username, clean: true, keepalive: 0, protocolVersion: 5, properties: { receiveMaximum: WINDOW } })); // prettier-ignore
  await once(socket, "data");
  return socket;
}

function written(packet: object): Buffer {
  return generate(packet as Packet, { protocolVersion: 5 });
}

function report(figures: ReadonlyMap<Way, readonly Figures[]>): string[] {
  const of = (way: Way, key: keyof Figures): number[] => (figures.get(way) ?? []).map((one) => one[key]);
  const ratios = (way: Way, key: keyof Figures, to: Way): string => {
    const other = of(to, key);
    return spread(of(way, key).map((value, turn) => value / (other[turn] as number)), (value) => value.toFixed(2)); // prettier-ignore
  };
  const seconds = (value: number): string => value.toFixed(3);
  const count = (value: number): string => Math.round(value).toLocaleString("en");
  const rows = WAYS.map((way) => [
    way,
    spread(of(way, "seconds"), seconds),
    spread(of(way, "busySeconds"), seconds),
    count(of(way, "deliveries")[0] as number),
    count(of(way, "heads")[0] as number),
    count(of(way, "received")[0] as number),
    count(of(way, "sent")[0] as number),
  ]);
  const beside = (["labels", "quenched"] as const).flatMap((way) =>
    (["open", "chosen"] as const).map((to) => [`${way} / ${to}`, ratios(way, "seconds", to), ratios(way, "busySeconds", to), ratios(way, "received", to), ratios(way, "sent", to)]),
  ); // prettier-ignore
  return [
    `${values.lines} lines ${values.log === undefined ? "of this computer's kernel log" : "of a file"}, one in ${CRITICAL} critical; four consoles, one of them relabelled half way. Medians, and how far the turns were apart.`,
    "",
    "- **open**: no labels, each console gets everything",
    "- **chosen**: no labels, each console has subscribed to what it would get with them: the same deliveries",
    "- **labels**: each console has asked for everything",
    "- **quenched**: with labels, and the server may not let down process and content: they are taken out at the source",
    "",
    ...table(["", "seconds", "of the bus's processor", "deliveries", "without content", "bytes to the bus", "bytes to the consoles"], rows), // prettier-ignore
    "",
    ...table(["", "seconds", "of the bus's processor", "bytes to the bus", "bytes to the consoles"], beside),
  ];
}

if (values.serve === undefined) await main();
else await serve(values.serve as Way);
