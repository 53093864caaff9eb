/**
 * Records what real MQTT clients and the bus say to each other, for src/bus/mqtt/fixtures: a proxy between them writes down
 * each packet. Clients: mosquitto's command-line clients, mqtt.js, and Eclipse Paho for Python.
 *
 * A client that does not get what it should is an error, and nothing is written.
 * Usage: sh tools/node.sh tools/record-mqtt.ts
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import type { IClientOptions } from "mqtt";
import { Proxy, NOW } from "../src/bus/mqtt/fixtures/testing.ts";
import type { Capture, Fixture } from "../src/bus/mqtt/fixtures/testing.ts";
import { Loopback } from "../src/bus/mqtt/testing.ts";
import { ensureSystemPackages, type Need } from "../src/setup/index.ts";
import { root } from "./files.ts";

const why = "record what MQTT clients say";
const PYTHON = "/usr/bin/python3";
const needs: readonly Need[] = [
  { command: "mosquitto_pub", package: "mosquitto-clients", why },
  { files: [PYTHON], package: "python3", why },
  { files: ["/usr/lib/python3/dist-packages/paho/mqtt/client.py"], package: "python3-paho-mqtt", why },
];
const FOLDER = join(root, "src/bus/mqtt/fixtures");
const VERSIONS = [4, 5] as const;
const QOS = [0, 1, 2] as const;
const SUBACK = /< 90/;

/** What runs against one bus, through one proxy. */
class Scene {
  readonly commands: string[] = [];
  readonly proxy: Proxy;
  readonly #running: ChildProcess[] = [];

  constructor(proxy: Proxy) {
    this.proxy = proxy;
  }

  /** Starts a program; PORT among its arguments is the proxy's. */
  start(program: string, ...args: readonly string[]): Running {
    this.commands.push([program, ...args].join(" "));
    const real = args.map((arg) => arg.replaceAll("PORT", String(this.proxy.port)));
    const child = spawn(program, real, { stdio: ["ignore", "pipe", "inherit"] });
    this.#running.push(child);
    return new Running(child);
  }

  /** Runs a program to its end. @throws when it fails */
  async run(program: string, ...args: readonly string[]): Promise<string> {
    return this.start(program, ...args).ended();
  }

  end(): void {
    for (const child of this.#running) child.kill("SIGKILL");
  }
}

class Running {
  readonly child: ChildProcess;
  #said = "";
  readonly #exit: Promise<unknown[]>;

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on("data", (chunk: Buffer) => (this.#said += chunk.toString()));
    this.#exit = once(child, "close");
  }

  async ended(): Promise<string> {
    const [code] = await this.#exit;
    if (code !== 0) throw new Error(`${this.child.spawnargs.join(" ")} ended with ${String(code)}`);
    return this.#said;
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.#exit;
  }
}

type Scenario = readonly [name: string, play: (scene: Scene) => Promise<void>];

function expect(found: string, expected: string): void {
  if (found !== expected)
    throw new Error(`expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
}

const AT = ["-h", "127.0.0.1", "-p", "PORT", "-u"] as const;
const versioned = (version: 4 | 5): string[] => ["-V", version === 4 ? "mqttv311" : "mqttv5"];
const named = (version: 4 | 5): string => (version === 4 ? "3.1.1" : "5");

const mosquitto: Scenario[] = VERSIONS.flatMap((version) => {
  const pub = ["mosquitto_pub", ...versioned(version), ...AT, "ann"] as const;
  const sub = ["mosquitto_sub", ...versioned(version), ...AT, "ben"] as const;
  const exchanges = QOS.map((qos): Scenario => [
    `MQTT ${named(version)}, QoS ${qos}`,
    async (scene) => {
      const receiver = scene.start(...sub, "-i", "receiver", "-t", "home/#", "-q", `${qos}`, "-C", "2");
      await scene.proxy.until(SUBACK);
      await scene.run(...pub, "-i", "sender", "-t", "home/kitchen", "-m", "warm", "-q", `${qos}`);
      await scene.run(...pub, "-i", "sender", "-t", "home/kitchen", "-m", "warmer", "-q", `${qos}`);
      expect(await receiver.ended(), "warm\nwarmer\n");
    },
  ]);
  return [
    ...exchanges,
    [
      `MQTT ${named(version)}, retained, then cleared`,
      async (scene) => {
        await scene.run(...pub, "-t", "home/door", "-m", "open", "-r", "-q", "1");
        expect(await scene.run(...sub, "-t", "home/+", "-C", "1"), "open\n");
        await scene.run(...pub, "-t", "home/door", "-n", "-r");
        expect(await scene.run(...sub, "-t", "home/+", "-E"), "");
      },
    ],
    [
      `MQTT ${named(version)}, a will of a client that is killed`,
      async (scene) => {
        const watch = scene.start(...sub, "-i", "watch", "-t", "gone/#", "-q", "1", "-C", "1");
        await scene.proxy.until(SUBACK);
        const will = [
          "--will-topic",
          "gone/dev",
          "--will-payload",
          "bye",
          "--will-qos",
          "1",
          "--will-retain",
        ];
        const dying = scene.start(...sub, "-i", "dying", "-t", "nothing", ...will);
        await scene.proxy.until(SUBACK, 2);
        await dying.kill();
        expect(await watch.ended(), "bye\n");
      },
    ],
    [
      `MQTT ${named(version)}, a session that waits`,
      async (scene) => {
        const stays = version === 4 ? ["-c"] : ["-c", "-x", "600"];
        const session = [...sub, "-i", "stays", ...stays, "-t", "later", "-q", "2"] as const;
        await scene.run(...session, "-E");
        for (const qos of ["1", "2"]) await scene.run(...pub, "-t", "later", "-m", `qos ${qos}`, "-q", qos);
        expect(await scene.run(...session, "-C", "2"), "qos 1\nqos 2\n");
      },
    ],
  ];
});

const five: Scenario[] = [
  [
    "MQTT 5, properties of all kinds",
    async (scene) => {
      const asked = ["-D", "connect", "receive-maximum", "5", "-D", "connect", "maximum-packet-size", "2000", "-D", "connect", "user-property", "who", "ben", "-D", "subscribe", "user-property", "k", "v"]; // prettier-ignore
      const receiver = scene.start("mosquitto_sub", "-V", "5", ...AT, "ben", "-i", "receiver", ...asked, "-t", "data/+", "-q", "2", "--retain-as-published", "-C", "1"); // prettier-ignore
      await scene.proxy.until(SUBACK);
      const given = ["content-type text/plain", "correlation-data 17", "response-topic answers/ann", "payload-format-indicator 1", "message-expiry-interval 60", "user-property a 1", "user-property a 2"]; // prettier-ignore
      const properties = given.flatMap((property) => ["-D", "publish"].concat(property.split(" ")));
      await scene.run("mosquitto_pub", "-V", "5", ...AT, "ann", "-t", "data/x", "-m", "17 °C", "-q", "2", "-r", ...properties); // prettier-ignore
      expect(await receiver.ended(), "17 °C\n");
    },
  ],
  [
    "MQTT 5, topic alias, identifier by the bus, several messages",
    async (scene) => {
      const receiver = scene.start(
        "mosquitto_sub",
        "-V",
        "5",
        ...AT,
        "ben",
        "-t",
        "many/#",
        "-q",
        "1",
        "-C",
        "3",
      );
      await scene.proxy.until(SUBACK);
      await scene.run("mosquitto_pub", "-V", "5", ...AT, "ann", "-t", "many/aliased", "-m", "again", "-q", "1", "-D", "publish", "topic-alias", "3", "--repeat", "3"); // prettier-ignore
      expect(await receiver.ended(), "again\nagain\nagain\n");
    },
  ],
  [
    "MQTT 5, request and response (mosquitto_rr)",
    async (scene) => {
      const server = scene.start(
        "mosquitto_sub",
        "-V",
        "5",
        ...AT,
        "ben",
        "-t",
        "ask",
        "-C",
        "1",
        "-F",
        "%R %D",
      );
      await scene.proxy.until(SUBACK);
      const asking = scene.start("mosquitto_rr", "-V", "5", ...AT, "ann", "-t", "ask", "-e", "answers/ann", "-m", "time?", "-q", "1"); // prettier-ignore
      expect((await server.ended()).trim().split(" ")[0] ?? "", "answers/ann");
      await scene.run("mosquitto_pub", "-V", "5", ...AT, "ben", "-t", "answers/ann", "-m", "noon", "-q", "1");
      expect(await asking.ended(), "noon\n");
    },
  ],
];

/** One mqtt.js client that speaks with itself. */
function mqttJs(version: 4 | 5): Scenario[] {
  const options: IClientOptions = {
    username: "ann",
    clientId: "js",
    protocolVersion: version,
    reconnectPeriod: 0,
  };
  return QOS.map((qos) => [
    `MQTT ${named(version)}, QoS ${qos}: subscribe, publish, unsubscribe`,
    async ({ proxy, commands }) => {
      commands.push(`mqtt.connect(${JSON.stringify(options)}): subscribe, publish, unsubscribe, end`);
      const client = await connectAsync(`mqtt://127.0.0.1:${proxy.port}`, options);
      const got = new Promise<string>((done) => client.once("message", done));
      const details = version === 5 ? { properties: { subscriptionIdentifier: 9, userProperties: { s: "t" } }, rap: true } : {}; // prettier-ignore
      await client.subscribeAsync(["js/#", "other/+/x"], { qos, ...details });
      const more = version === 5 ? { properties: { userProperties: { a: ["1", "2"] }, contentType: "text/plain" } } : {}; // prettier-ignore
      await client.publishAsync("js/topic", "päyload", { qos, ...more });
      expect(await got, "js/topic");
      await client.unsubscribeAsync("js/#");
      await client.endAsync();
    },
  ]);
}

const PAHO = `
import sys
import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.packettypes import PacketTypes
port, version, qos = (int(one) for one in sys.argv[1:])
client = mqtt.Client(client_id="py", protocol=version)
client.username_pw_set("ann")
got = []
properties = None
if version == 5:
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = [("a", "1"), ("b", "2")]
    properties.MessageExpiryInterval = 30
def connected(client, userdata, flags, reason, *rest):
    client.subscribe("py/#", qos)
def subscribed(client, userdata, mid, *rest):
    client.publish("py/topic", "one", qos=qos, retain=True, properties=properties)
def message(client, userdata, message):
    got.append(message.payload.decode())
    if len(got) == 1:
        client.unsubscribe("py/#")
def unsubscribed(client, userdata, mid, *rest):
    client.disconnect()
client.on_connect, client.on_subscribe, client.on_message, client.on_unsubscribe = connected, subscribed, message, unsubscribed
client.connect("127.0.0.1", port)
client.loop_forever()
print(" ".join(got))
`;

const paho: Scenario[] = VERSIONS.flatMap((version) =>
  QOS.map((qos): Scenario => [
    `MQTT ${named(version)}, QoS ${qos}: subscribe, publish retained, unsubscribe`,
    async (scene) => {
      const said = await scene.run(PYTHON, "-c", PAHO, "PORT", String(version), String(qos));
      expect(said, "one\n");
      scene.commands.splice(0, Infinity, `PAHO of tools/record-mqtt.ts, version ${version}, QoS ${qos}`);
    },
  ]),
);

async function record([name, play]: Scenario): Promise<Capture> {
  const loop = await new Loopback({ now: () => NOW }).start();
  const proxy = await new Proxy(loop.port).start();
  const scene = new Scene(proxy);
  try {
    await play(scene);
    // Until the bus has ended what its clients have.
    while (loop.server.connections > 0) await new Promise((done) => setTimeout(done, 10));
    const ends = (mark: string): number => proxy.lines.filter((line) => line.endsWith(`${mark} end`)).length;
    while (ends("<") < ends(">")) await new Promise((done) => setTimeout(done, 10));
    return { name, commands: scene.commands, lines: proxy.lines };
  } catch (error) {
    throw new Error(`${name}: ${String(error)}\n${proxy.lines.join("\n")}`, { cause: error });
  } finally {
    scene.end();
    await loop.stop();
    await proxy.stop();
  }
}

async function versionOf(program: string, ...args: readonly string[]): Promise<string> {
  const running = new Running(spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] }));
  return (await running.ended().catch(() => "")).split("\n")[0] ?? "";
}

await ensureSystemPackages(needs, { step: (text) => console.error(text), done: () => undefined });
const debian = (name: string): Promise<string> => versionOf("dpkg-query", "-W", "-f", "${Version}", name);
const { version: mqttVersion } = (await import("mqtt/package.json", { with: { type: "json" } })).default;
const all: readonly (readonly [file: string, client: string, scenarios: readonly Scenario[]])[] = [
  ["mosquitto", `mosquitto clients ${await debian("mosquitto-clients")}`, [...mosquitto, ...five]],
  ["mqtt-js", `mqtt.js ${mqttVersion}`, VERSIONS.flatMap(mqttJs)],
  ["paho-python", `paho-mqtt for Python ${await debian("python3-paho-mqtt")}`, paho],
];
for (const [file, client, scenarios] of all) {
  const captures: Capture[] = [];
  for (const scenario of scenarios) captures.push(await record(scenario));
  const fixture: Fixture = { client, captures };
  writeFileSync(join(FOLDER, `${file}.json`), `${JSON.stringify(fixture, null, 1)}\n`);
  console.log(`${file}: ${captures.length} captures`);
}
await new Running(spawn(join(root, "node_modules/.bin/oxfmt"), [FOLDER])).ended();
process.exit(0);
