/**
 * The brokers that bench/bus.ts measures, each a process of its own on the first processor.
 *
 * nats-server may use more than one thread, but no more than the one processor; its QoS 1 messages go through its store, as it can't
 * do without. Aedes is fetched from npm into a folder of its own, pinned to a version.
 */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureSystemPackages, findCommand } from "../src/setup/index.ts";
import type { Progress } from "../src/setup/index.ts";

/** For comparison alone: a broker in the same language. */
const AEDES = "aedes@1.2.0";
const WHY = "measure it beside the bus";

export interface Broker {
  readonly name: string;
  /** What it can do: the relay knows no acknowledgements. */
  readonly qos: readonly (0 | 1)[];
  readonly version: string;
  start(port: number): ChildProcess;
}

/** Ours and the relay; and the others, where they are there. @param folder for their files */
export function brokersIn(folder: string): Broker[] {
  const serve = (name: string, mode: string, qos: Broker["qos"]): Broker => ({
    name,
    qos,
    version: process.version,
    start: (port) => onFirstProcessor(process.execPath, ["--disable-warning=ExperimentalWarning", fileURLToPath(new URL("bus-serve.ts", import.meta.url)), mode, String(port)]), // prettier-ignore
  });
  return [
    serve("csn, unlabelled", "unlabelled", [0, 1]),
    serve("csn, contexts", "contexts", [0, 1]),
    serve("csn, attributes", "attributes", [0, 1]),
    serve("relay, no protocol", "relay", [0]),
    ...(findCommand("mosquitto") === null ? [] : [mosquitto(folder)]),
    ...(findCommand("nats-server") === null ? [] : [natsServer(folder)]),
  ];
}

/** Installs what is not there. @throws SetupError */
export async function ensurePeers(progress: Progress): Promise<void> {
  await ensureSystemPackages(
    ["mosquitto", "nats-server"].map((command) => ({ command, package: command, why: WHY })),
    progress,
  );
}

/** Fetches Aedes. */
export function aedesIn(folder: string): Broker {
  const install = spawnSync("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error", AEDES], { stdio: "inherit" }); // prettier-ignore
  if (install.status !== 0) throw new Error(`${AEDES} could not be installed`);
  const file = join(folder, "aedes.mjs");
  writeFileSync(file, `import { Aedes } from "aedes";\nimport { createServer } from "node:net";\nconst aedes = await Aedes.createBroker({ queueLimit: 100000 });\ncreateServer((socket) => { socket.setNoDelay(true); aedes.handle(socket); }).listen(Number(process.argv[2]), "127.0.0.1");\n`); // prettier-ignore
  return { name: "aedes", qos: [0, 1], version: AEDES, start: (port) => onFirstProcessor(process.execPath, [file, String(port)]) }; // prettier-ignore
}

/** Ends one, and waits until it is gone. */
export async function endOf(broker: ChildProcess): Promise<void> {
  if (broker.exitCode !== null || broker.signalCode !== null) return;
  broker.kill("SIGKILL");
  await once(broker, "exit");
}

function mosquitto(folder: string): Broker {
  return {
    name: "mosquitto",
    qos: [0, 1],
    version: firstLine("mosquitto", "-h"),
    start: (port) => {
      const file = join(folder, "mosquitto.conf");
      writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_inflight_messages 64\nmax_queued_messages 100000\nlog_dest none\n`); // prettier-ignore
      return onFirstProcessor("mosquitto", ["-c", file]);
    },
  };
}

function natsServer(folder: string): Broker {
  return {
    name: "nats-server",
    qos: [0, 1],
    version: firstLine("nats-server", "--version"),
    start: (port) => {
      const file = join(folder, "nats.conf");
      writeFileSync(file, `server_name: bench\nlisten: "127.0.0.1:${port + 1000}"\njetstream { store_dir: "${join(folder, "nats")}" }\nmqtt { listen: "127.0.0.1:${port}" }\n`); // prettier-ignore
      return onFirstProcessor("nats-server", ["-c", file]);
    },
  };
}

function firstLine(command: string, option: string): string {
  return spawnSync(command, [option], { encoding: "utf8" }).stdout.split("\n")[0] ?? "";
}

function onFirstProcessor(command: string, args: readonly string[]): ChildProcess {
  return spawn("taskset", ["-c", "0", command, ...args], { stdio: ["ignore", "ignore", "inherit"] });
}
