/**
 * Metrics, read by a parser that others wrote, and by the rules of the exposition format 0.0.4.
 */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, test } from "node:test";
import { UNLABELLED } from "../label/index.ts";
import { contextFromText } from "../label/testing.ts";
import { HttpServer, metricsText } from "./index.ts";
import { Loopback } from "./mqtt/testing.ts";

interface Read {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly metrics: readonly { readonly value: string; readonly labels?: Readonly<Record<string, string>> }[];
}

// It has no types, and is no ES module.
const parse = createRequire(import.meta.url)("parse-prometheus-text-format") as (text: string) => Read[];

/** Words that clients chose, in all their places. */
const SECRET = 'patient-"7"\n';
const loop = await new Loopback({ limits: { rate: 20, retainedPerPrincipal: 1, packetBytes: 2000 } }).start();
const http = new HttpServer({ bus: loop.bus, authenticator: loop.people });
const sources = { bus: loop.bus, mqtt: loop.server, http };
after(async () => {
  await http.close();
  await loop.stop();
});

function read(): Map<string, Read> {
  return new Map(parse(metricsText(sources)).map((family) => [family.name, family]));
}

/** One value; of a family with labels the one whose label is `label`, 0 when it is not there. */
function value(name: string, label?: string): number {
  const samples = read().get(`csn_bus_${name}`)?.metrics ?? [];
  const found = samples.find(({ labels = {} }) => label === undefined || Object.values(labels).includes(label)); // prettier-ignore
  return Number(found?.value ?? 0);
}

test("what happens is counted: received, delivered, withheld, dropped, refused, limits, connections, bytes", async () => {
  loop.people.set(
    "high",
    contextFromText({ secrecy: [SECRET.replaceAll(/[^a-z0-9-]/g, "")], integrity: [] }),
  );
  loop.people.set(SECRET, UNLABELLED);
  const high = await loop.client("high");
  const low = await loop.client(SECRET, { clientId: SECRET });
  for (const client of [high, low]) await client.mqtt.subscribeAsync(`${SECRET}/#`, { qos: 1 });
  await high.say(`${SECRET}/1`, "secret", { qos: 1 });
  await low.say(`${SECRET}/2`, "open", { qos: 0 });
  await high.until(2);
  await low.until(1);
  assert.equal(value("messages_received_total"), 2);
  assert.equal(value("messages_accepted_total"), 2);
  assert.equal(value("messages_delivered_total"), 3);
  assert.equal(value("messages_withheld_total", "flow_1"), 1);
  assert.equal(value("connections", "tcp"), 2);
  assert.equal(value("sessions"), 2);
  assert.equal(value("subscriptions"), 2);
  const [received, sent] = [value("received_bytes_total", "tcp"), value("sent_bytes_total", "tcp")];
  assert.ok(received > 100 && sent > 100);

  await low.say("kept", "1", { qos: 1, retain: true });
  await assert.rejects(low.say("kept/too", "1", { qos: 1, retain: true }));
  await assert.rejects(low.say("$SYS/x", "1", { qos: 1 }));
  assert.deepEqual([value("requests_refused_total", "quota"), value("requests_refused_total", "topic")], [1, 1]); // prettier-ignore
  assert.equal(value("limit_hits_total", "retained"), 1);
  for (let n = 0; n < 25; n++) await low.say("many", "1", { qos: 1 }).catch(() => {});
  assert.ok(value("limit_hits_total", "rate") > 0);

  // A session that waits has something in its queue, and QoS 0 is dropped for it.
  const stays = { clientId: "stays", clean: false, properties: { sessionExpiryInterval: 60 } };
  const away = await loop.client("ann", stays);
  await away.mqtt.subscribeAsync("wait", { qos: 1 });
  await away.leave();
  const sender = await loop.client("ben");
  await sender.say("wait", "1", { qos: 1 });
  await sender.say("wait", "2", { qos: 0 });
  await sender.settled();
  assert.equal(value("queued_messages"), 1);
  assert.ok(value("queued_bytes") > 0);
  assert.equal(value("messages_dropped_total", "away"), 1);

  await assert.rejects(loop.client("nobody"));
  assert.equal(value("connections_ended_total", "not_authorized"), 1);
  for (const client of [high, low, sender]) await client.leave();
  while (value("connections", "tcp") > 0) await new Promise((done) => setImmediate(done));
  assert.ok(
    value("received_bytes_total", "tcp") > received,
    "bytes of connections that are gone stay counted",
  );
  assert.equal(value("connections_opened_total", "tcp"), 5);
});

test("attributes that were taken out, HTTP, and time are counted", async () => {
  const port = await http.listen({ host: "127.0.0.1", port: 0 });
  const authorization = `Basic ${Buffer.from("ann:x").toString("base64")}`;
  const event = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/x", "ce-type": "t", authorization };
  const post = (headers: Record<string, string>): Promise<Response> => fetch(`http://127.0.0.1:${port}/topics/x`, { method: "POST", headers, body: "1" }); // prettier-ignore
  assert.equal((await post(event)).status, 202);
  assert.equal((await post({})).status, 401);
  assert.deepEqual([value("http_responses_total", "202"), value("http_responses_total", "401")], [1, 1]);
  assert.ok(value("connections_opened_total", "http") > 0);
  const before = value("uptime_seconds");
  loop.ahead += 5000;
  assert.ok(value("uptime_seconds") >= before + 5);
});

test("no label has a word that a client chose, and the text keeps the format", () => {
  const text = metricsText(sources);
  assert.equal(text.includes("patient"), false);
  assert.equal(text.endsWith("\n"), true);
  const seen = new Set<string>();
  const samples = new Set<string>();
  let family = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const [, kind, name = ""] = /^# (HELP|TYPE) (csn_bus_[a-z_]+) ./.exec(line) ?? [];
    if (kind === "HELP") {
      assert.equal(seen.has(name), false, `${name} comes once`);
      seen.add((family = name));
    } else if (kind === "TYPE") {
      assert.equal(name, family);
      assert.equal(line.endsWith(" counter"), name.endsWith("_total"), `${name}: counters end in _total`);
    } else {
      assert.match(line, /^csn_bus_[a-z_]+(\{(reason|limit|transport|code)="[a-z0-9_-]+"\})? \d+(\.\d+)?$/);
      assert.equal(line.startsWith(family), true, `${line} stands in its family`);
      const sample = line.replace(/ \S+$/, "");
      assert.equal(samples.has(sample), false, "no sample twice");
      samples.add(sample);
    }
  }
  assert.equal(read().size, seen.size);
});
