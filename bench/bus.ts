/**
 * How many messages a second the bus carries, beside other brokers in the same run: one to one and one to ten, QoS 0 and 1, without
 * labels, with contexts, and with an attribute taken out for the receivers; and how long a message takes at half of mosquitto's load.
 * Beside it a relay that only copies bytes (the floor for Node.js), mosquitto, nats-server (its MQTT) and Aedes.
 *
 * Each broker is a process on one processor, the load comes from another. Brokers are measured in turns, so that what else the computer
 * does meets all of them; the median of the turns counts. Each is warmed up with as many messages as are then measured.
 * The ratio is that of the deliveries per second of processor time to mosquitto's in the same turn.
 * Not covered: TLS, persistence, many publishers.
 *
 * Usage: sh tools/node.sh bench/bus.ts [--turns 3] [--messages 60000] [--peers] [--only NAME] [--load 'QoS 0'] [--write]
 * `--peers` fetches what is missing of the others; `--write` puts the figures into docs/bench-bus-speed.md.
 */
import { type ChildProcess, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { silent } from "../src/setup/index.ts";
import { aedesIn, type Broker, brokersIn, endOf, ensurePeers } from "./bus-brokers.ts";
import { Ended, Load, type Measured, type QoS } from "./bus-load.ts";
import { madeBy, median, putPart, spread, table } from "./bus-document.ts";

const { values } = parseArgs({
  options: {
    turns: { type: "string", default: "3" },
    messages: { type: "string", default: "60000" },
    peers: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    load: { type: "string", default: "" },
    write: { type: "boolean", default: false },
  },
});
/** QoS 1 takes longer in every broker: fewer are measured. */
const LOADS = [
  { qos: 0, receivers: 1, share: 1 },
  { qos: 0, receivers: 10, share: 1 / 3 },
  { qos: 1, receivers: 1, share: 1 / 3 },
  { qos: 1, receivers: 10, share: 1 / 6 },
] as const;
const REFERENCE = "mosquitto";
/** Messages of which each one's time is measured. */
const TIMED = 20_000;
let port = 21_883;

await main();

/** By load and broker, what each turn gave; null: the broker ended a connection. */
type Results = Map<string, Map<string, (Measured | null)[]>>;

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "csn-bench-"));
  if (values.peers) await ensurePeers(silent);
  const all = [...brokersIn(folder), ...(values.peers ? [aedesIn(folder)] : [])];
  const brokers = all.filter(({ name }) => name.startsWith(values.only));
  // The load on the other processor.
  spawnSync("taskset", ["-a", "-p", "2", String(process.pid)]);
  const loadBefore = loadavg()[0] as number;
  try {
    const results: Results = new Map();
    for (let turn = 0; turn < Number(values.turns); turn++)
      for (const broker of brokers) await measure(broker, results);
    const lines = [...speedLines(brokers, results), "", ...(await latencyLines(brokers, results))];
    console.log(lines.join("\n"));
    const how = `sh tools/node.sh bench/bus.ts --turns ${values.turns} --messages ${values.messages}${values.peers ? " --peers" : ""} --write`;
    if (values.write)
      putPart("docs/bench-bus-speed.md", "speed", [madeBy(how, loadBefore), ...versions(all), "", ...lines]);
  } finally {
    rmSync(folder, { recursive: true, maxRetries: 3 });
  }
  process.exit(0);
}

function nameOf({ qos, receivers }: { readonly qos: QoS; readonly receivers: number }): string {
  return `QoS ${qos}, 1 to ${receivers}`;
}

async function measure(broker: Broker, results: Results): Promise<void> {
  const child = broker.start(++port);
  try {
    for (const load of LOADS) {
      if (!broker.qos.includes(load.qos) || !nameOf(load).startsWith(values.load)) continue;
      const name = nameOf(load);
      const messages = Math.round(Number(values.messages) * load.share);
      const measured = await carried(child, load, messages);
      const of = results.get(name) ?? new Map<string, (Measured | null)[]>();
      results.set(name, of);
      of.set(broker.name, [...(of.get(broker.name) ?? []), measured]);
      const said =
        measured === null
          ? "it ended a connection"
          : `${text(measured.rate).padStart(10)} deliveries/s ${text(measured.perBusySecond).padStart(10)} per second of its processor`;
      console.log(`${broker.name.padEnd(18)} ${name.padEnd(15)} ${said}`); // prettier-ignore
    }
  } finally {
    await endOf(child);
  }
}

/** Null: the broker ended a connection. */
async function carried(
  child: ChildProcess,
  { qos, receivers }: (typeof LOADS)[number],
  messages: number,
): Promise<Measured | null> {
  const clients = await Load.connect(child, port, qos, receivers);
  try {
    await clients.run(messages);
    return await clients.run(messages);
  } catch (error) {
    if (error instanceof Ended) return null;
    throw error;
  } finally {
    clients.end();
  }
}

function speedLines(brokers: readonly Broker[], results: Results): string[] {
  const loads = LOADS.map(nameOf);
  const of = (load: string, broker: string) => results.get(load)?.get(broker) ?? [];
  const each = (key: keyof Measured) => (load: string, broker: string) =>
    spread(
      of(load, broker).flatMap((one) => (one === null ? [] : [one[key]])),
      text,
    );
  const ratio = (load: string, broker: string): string => {
    const other = of(load, REFERENCE);
    const ratios = of(load, broker).flatMap((one, turn) => {
      const beside = other[turn] ?? null;
      return one === null || beside === null ? [] : [one.perBusySecond / beside.perBusySecond];
    });
    return spread(ratios, (value) => value.toFixed(2));
  };
  const part = (title: string, value: (load: string, broker: string) => string): string[] => [
    `**${title}**`,
    "",
    ...table(["", ...loads], brokers.map(({ name }) => [name, ...loads.map((load) => value(load, name))])), // prettier-ignore
    "",
  ];
  return [
    ...part("Deliveries per second of the broker's processor", each("perBusySecond")),
    ...part(`The same in ${REFERENCE}'s of the same turn`, ratio),
    ...part("Deliveries per second by the clock, the broker and the load each on a processor that others use too", each("rate")), // prettier-ignore
  ];
}

function text(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** Each at half of what mosquitto carried by the clock, one to one. */
async function latencyLines(brokers: readonly Broker[], results: Results): Promise<string[]> {
  const rows: string[][] = [];
  for (const qos of [0, 1] as const) {
    const rates = results.get(nameOf({ qos, receivers: 1 }))?.get(REFERENCE) ?? [];
    if (rates.length === 0) continue;
    const perSecond = Math.round(median(rates.flatMap((one) => (one === null ? [] : [one.rate]))) / 2);
    for (const broker of brokers) {
      if (!broker.qos.includes(qos)) continue;
      const child = broker.start(++port);
      try {
        const load = await Load.connect(child, port, qos, 1);
        await load.run(Math.round(Number(values.messages) / 3));
        const took = await load.latencies(perSecond, TIMED);
        load.end();
        const at = (share: number): string => (took[Math.floor(took.length * share)] as number).toFixed(2);
        rows.push([broker.name, `QoS ${qos}, ${text(perSecond)}/s`, at(0.5), at(0.99)]);
      } finally {
        await endOf(child);
      }
    }
  }
  if (rows.length === 0) return [];
  return [
    `**Milliseconds from a message's sending to its arrival, one to one, at half of what ${REFERENCE} carried by the clock**`,
    "",
    ...table(["", "load", "median", "99th percentile"], rows),
  ];
}

function versions(brokers: readonly Broker[]): string[] {
  const others = brokers.filter(({ version }) => version !== process.version);
  return [`Beside it: ${others.map(({ name, version }) => version.startsWith(name) ? version : `${name}: ${version}`).join("; ")}.`]; // prettier-ignore
}
