/**
 * The bus killed with -9 at points of chance, with clients that go on: what was promised with QoS 1 and 2 is kept, and
 * nothing reaches who may not have it, before or after.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { MqttClient } from "mqtt";
import type { IClientOptions } from "mqtt";
import { chanceFrom } from "../../../model/fixtures.ts";
import { contextKey, UNLABELLED } from "../../label/index.ts";
import { contextFromText } from "../../label/testing.ts";
import { Client } from "../mqtt/testing.ts";
import type { People } from "./testing.ts";

const script = fileURLToPath(new URL("testing.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "csn-crash-"));
const children = new Set<ChildProcess>();
const clients = new Set<MqttClient>();
after(() => {
  for (const client of clients) client.end(true);
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** One bus, started again and again on the same socket and store. */
class Mortal {
  readonly #path: string;
  readonly #file: string;
  #child: ChildProcess | null = null;

  constructor(name: string) {
    this.#path = join(folder, `${name}.sock`);
    this.#file = join(folder, `${name}.db`);
  }

  async start(people: People): Promise<void> {
    const args = ["--disable-warning=ExperimentalWarning", script, this.#path, this.#file, JSON.stringify(people)]; // prettier-ignore
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    children.add(child);
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    assert.equal(said.toString(), "ready\n");
  }

  async kill(): Promise<void> {
    const child = this.#child as ChildProcess;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    children.delete(child);
  }

  /** A client whose session stays, and which comes back by itself. */
  client(username: string, clientId: string, options: IClientOptions = {}): Client {
    const properties = { sessionExpiryInterval: 3600, receiveMaximum: 20 };
    const mqtt = new MqttClient(() => connectSocket(this.#path), { username, clientId, protocolVersion: 5, clean: false, properties, reconnectPeriod: 20, keepalive: 0, ...options }); // prettier-ignore
    clients.add(mqtt);
    return new Client(mqtt);
  }
}

const COUNT = 120;
const OPEN = contextKey(UNLABELLED);
const SECRET = contextKey(contextFromText({ secrecy: ["x"], integrity: [] }));

test("killed six times under load: QoS 1 comes at least once, QoS 2 exactly once, and only to who is cleared", async () => {
  const people = { low: OPEN, high: SECRET };
  const bus = new Mortal("load");
  await bus.start(people);
  const low = bus.client("low", "low-reader");
  const high = bus.client("high", "high-reader");
  for (const reader of [low, high]) await reader.mqtt.subscribeAsync("t/#", { qos: 2 });
  const writers = [bus.client("low", "low-writer"), bus.client("high", "high-writer")] as const;

  const chance = chanceFrom(Number(process.env["CSN_SEED"] ?? 11));
  let acknowledged = 0;
  let killing = Promise.resolve();
  const deaths = new Set(Array.from({ length: 6 }, (_, n) => n * 70 + Math.floor(chance() * 60)));
  const said = async (writer: Client, word: string, qos: 1 | 2): Promise<void> => {
    await writer.say(`t/${qos}`, word, { qos });
    if (!deaths.has(acknowledged++)) return;
    killing = reborn(killing);
  };
  const reborn = async (before: Promise<void>): Promise<void> => {
    await before;
    await bus.kill();
    await bus.start(people);
  };
  const all: Promise<void>[] = [];
  for (let n = 0; n < COUNT; n++)
    for (const qos of [1, 2] as const)
      all.push(said(writers[0], `open ${n}`, qos), said(writers[1], `secret ${n}`, qos));
  await Promise.all(all);
  await killing;

  const words = (reader: Client, qos: 1 | 2, what: string): string[] =>
    reader.words.filter((word) => word.startsWith(`t/${qos}=${what}`));
  const expected = (qos: 1 | 2, what: string): string[] =>
    Array.from({ length: COUNT }, (_, n) => `t/${qos}=${what} ${n}`);
  for (const [reader, what] of [
    [low, "open"],
    [high, "open"],
    [high, "secret"],
  ] as const)
    // prettier-ignore
    for (const qos of [1, 2] as const) {
      while (new Set(words(reader, qos, what)).size < COUNT) await reader.until(reader.got.length + 1);
      const got = words(reader, qos, what);
      if (qos === 2) assert.deepEqual(got.toSorted(), expected(qos, what).toSorted(), "exactly once");
      else assert.deepEqual([...new Set(got)].toSorted(), expected(qos, what).toSorted(), "at least once");
    }
  assert.deepEqual(low.words.filter((word) => word.includes("secret")), []); // prettier-ignore
  for (const client of [low, high, ...writers]) client.mqtt.end(true);
  await bus.kill();
});

test("MSG-3: what waited and what is retained is judged after the restart by the contexts then", async () => {
  const bus = new Mortal("labels");
  await bus.start({ reader: SECRET, high: SECRET });
  const reader = bus.client("reader", "r");
  await reader.mqtt.subscribeAsync("t", { qos: 1 });
  reader.mqtt.end(true);
  const high = bus.client("high", "w");
  await high.say("t", "waits", { qos: 1 });
  await high.say("r", "retained", { qos: 1, retain: true });
  await bus.kill();
  high.mqtt.end(true);

  await bus.start({ reader: OPEN, high: SECRET });
  const back = bus.client("reader", "r");
  await back.mqtt.subscribeAsync("r", { qos: 1 });
  await back.settled();
  assert.deepEqual(back.words, []);
  const again = bus.client("high", "w2");
  await again.mqtt.subscribeAsync("r", { qos: 1 });
  await again.until(1);
  assert.deepEqual(again.words, ["r=retained"]);
  for (const client of [back, again]) client.mqtt.end(true);
  await bus.kill();
});

test("wills of those who were there, or whose delay ran, are published after the restart, once, and as secret as they were", async () => {
  const bus = new Mortal("wills");
  await bus.start({ low: OPEN, high: SECRET, shifty: SECRET, gone: OPEN });
  const readers = [bus.client("low", "low-reader"), bus.client("high", "high-reader")] as const;
  for (const { mqtt } of readers) await mqtt.subscribeAsync("will/#", { qos: 1 });
  const leaves = (username: string, word: string, willDelayInterval: number, options: IClientOptions = {}): Client =>
    bus.client(username, word, { will: { topic: `will/${word}`, payload: Buffer.from("x"), qos: 1, retain: false, properties: { willDelayInterval } }, ...options }); // prettier-ignore
  const passing = { clean: true, properties: { sessionExpiryInterval: 0 } };
  const dead = [
    leaves("low", "at-once", 0),
    leaves("low", "passing", 3600, passing),
    leaves("low", "delayed", 1),
    leaves("shifty", "secret", 0),
    leaves("gone", "nobody", 0),
  ];
  const back = leaves("low", "back", 3600);
  const polite = leaves("low", "polite", 0);
  const early = leaves("low", "early", 1);
  for (const client of [...dead, back, polite, early]) await client.say("t", "here", { qos: 1 });
  await polite.mqtt.endAsync();
  early.mqtt.end(true);
  await bus.kill();
  for (const { mqtt } of dead) mqtt.end(true);

  const people = { low: OPEN, high: SECRET, shifty: OPEN };
  await bus.start(people);
  const expected = ["at-once", "delayed", "early", "passing"].map((word) => `will/${word}`);
  const [low, high] = readers;
  const seen = (reader: Client): string[] => reader.got.filter(({ dup }) => !dup).map(({ topic }) => topic);
  const until = async (reader: Client, ...topics: string[]): Promise<void> => {
    while (!topics.every((topic) => reader.got.some((one) => one.topic === topic))) await reader.until(reader.got.length + 1); // prettier-ignore
  };
  await until(low, ...expected);
  await until(high, ...expected, "will/secret");
  await back.say("t", "back", { qos: 1 });
  await bus.kill();
  await bus.start(people);
  for (const { mqtt } of readers) await mqtt.subscribeAsync("other", { qos: 1 });
  const last = bus.client("low", "last");
  await last.say("other", "x", { qos: 1 });
  for (const reader of readers) await until(reader, "other");
  assert.deepEqual(seen(low).toSorted(), ["other", ...expected]);
  assert.deepEqual(seen(high).toSorted(), ["other", ...expected, "will/secret"]);
  for (const client of [back, last, ...readers]) client.mqtt.end(true);
  await bus.kill();
});
