/**
 * CloudEvents in, Server-Sent Events out, with clients that others wrote: `fetch`, and the CloudEvents SDK.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request as rawRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CloudEvent, HTTP } from "cloudevents";
import { contextKey } from "../../label/index.ts";
import { contextFromText } from "../../label/testing.ts";
import { Bus } from "../bus.ts";
import type { Limits } from "../limits.ts";
import { compileType } from "../message/type.ts";
import { classifierOf } from "../message/classifier.ts";
import { People } from "../mqtt/testing.ts";
import { Remembering } from "../testing.ts";
import { HttpServer } from "./server.ts";
import { HEARTBEAT_MS, RESUME_MS } from "./stream.ts";

const context = (...secrecy: string[]) => contextFromText({ secrecy, integrity: [] });
const key = (...secrecy: string[]) => contextKey(context(...secrecy));
const HOME = compileType({
  name: "home/sensor",
  topic: "home/#",
  format: "json",
  schema: { type: "object" },
  context: null,
  attributes: [{ path: "presence", context: context("presence") }],
  withheld: "remove",
});

const open: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of open) await end();
});

class World {
  readonly people = new People();
  readonly recorder = new Remembering();
  readonly bus: Bus;
  readonly server: HttpServer;
  port = 0;
  ahead = 0;

  constructor(limits: Partial<Limits> = {}) {
    const classifier = classifierOf([{ type: HOME, context: null }]);
    const now = () => Date.now() + this.ahead;
    this.bus = new Bus({ classifier, recorder: this.recorder, limits, now });
    this.server = new HttpServer({ bus: this.bus, authenticator: this.people });
    for (const name of ["ann", "ben"]) this.people.set(name, context());
  }

  async start(): Promise<this> {
    this.port = await this.server.listen({ host: "127.0.0.1", port: 0 });
    open.push(() => this.server.close());
    return this;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  async post(who: string, topic: string, headers: Record<string, string>, body: string | Buffer = ""): Promise<Response> {
    const answer = await fetch(this.url(`/topics/${topic}`), { method: "POST", headers: { ...as(who), ...headers }, body: new Uint8Array(Buffer.from(body)) });
    await answer.clone().text();
    return answer;
  } // prettier-ignore

  /** A small binary event. */
  async say(who: string, topic: string, data: unknown, more: Record<string, string> = {}): Promise<number> {
    return (await this.post(who, topic, { ...CE, "content-type": "application/json", ...more }, JSON.stringify(data))).status;
  } // prettier-ignore

  async listen(who: string, filters: string[], lastEventId?: string): Promise<Listener> {
    const query = filters.map((filter) => `filter=${encodeURIComponent(filter)}`).join("&");
    const headers = { ...as(who), ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }) };
    const abort = new AbortController();
    const answer = await fetch(this.url(`/events?${query}`), { headers, signal: abort.signal });
    assert.equal(answer.status, 200, await (answer.ok ? "" : answer.text()));
    return new Listener(answer, abort);
  }
}

const as = (who: string) => ({ authorization: `Basic ${Buffer.from(`${who}:x`).toString("base64")}` });
const CE = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t" };

type Sent = { id: string; event: string; data: Record<string, unknown> & { data?: unknown } };

/** Reads a stream as the HTML standard has it, as far as it is used here. */
class Listener {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #abort: AbortController;
  #text = "";
  comments = 0;

  constructor(answer: Response, abort: AbortController) {
    assert.match(answer.headers.get("content-type") ?? "", /^text\/event-stream/);
    this.#reader = answer.body!.getReader();
    this.#abort = abort;
  }

  async next(): Promise<Sent | null> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const lines = this.#text.slice(0, end).split("\n");
        this.#text = this.#text.slice(end + 2);
        if (lines.every((line) => line.startsWith(":"))) {
          this.comments++;
          continue;
        }
        const field = (name: string) => lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
        assert.equal(lines.length, field("id").length + field("event").length + field("data").length);
        return { id: field("id")[0] ?? "", event: field("event")[0] ?? "message", data: JSON.parse(field("data").join("\n")) };
      }
      const { value, done } = await this.#reader.read().catch(() => ({ value: undefined, done: true }));
      if (done || value === undefined) return null;
      this.#text += Buffer.from(value).toString();
    }
  } // prettier-ignore

  /** The next event of a publisher. */
  async event(): Promise<Sent> {
    for (;;) {
      const sent = await this.next();
      assert.ok(sent !== null, "the stream ended");
      if (sent.event === "message") return sent;
    }
  }

  async data(): Promise<unknown> {
    return (await this.event()).data.data;
  }

  stop(): void {
    this.#abort.abort();
  }
}

test("what the CloudEvents SDK sends in both modes comes out as the same event, stamped", async () => {
  const world = await new World().start();
  const listener = await world.listen("ben", ["plant/+"]);
  const made = new CloudEvent({ id: "a 1", source: "/plant/1?x=y", type: "valve.set", subject: "v", time: "2026-11-26T01:00:00.000Z", datacontenttype: "application/json", data: { set: 1.5, list: ["\u{1f600}", null] }, trace: "x\"y", count: 7 }); // prettier-ignore
  for (const mode of [HTTP.structured, HTTP.binary] as const) {
    const { headers, body } = mode(made);
    const answer = await world.post("ann", "plant/v1", headers as Record<string, string>, body as string);
    assert.equal(answer.status, 202);
    const { data } = await listener.event();
    const { ifcpublisher, ifccontext, ifctopic, ...rest } = data;
    assert.deepEqual([ifcpublisher, ifccontext, ifctopic], ["ann", key(), "plant/v1"]);
    const read = HTTP.toEvent({ headers: { "content-type": "application/cloudevents+json" }, body: JSON.stringify(rest) }) as CloudEvent<unknown>;
    const { count, ...expected } = made.toJSON();
    assert.deepEqual(JSON.parse(JSON.stringify(read)), { ...JSON.parse(JSON.stringify(expected)), count: String(count) });
  }
  listener.stop();
}); // prettier-ignore

test("data of each kind, in both modes", async () => {
  const world = await new World().start();
  const listener = await world.listen("ben", ["#"]);
  const bytes = Buffer.from([0, 255, 10]);
  const structured = (members: string) => world.post("ann", "x", { "content-type": "application/cloudevents+json; charset=utf-8" }, `{"specversion":"1.0","id":"1","source":"s","type":"t",${members}}`);
  const cases: readonly (readonly [send: () => Promise<Response>, data: unknown, base64: unknown])[] = [
    [() => structured('"data": 12345678901234567890123'), undefined, "raw"],
    [() => structured('"d\\u0061ta" : [ 1,\n 2 ]'), [1, 2], undefined],
    [() => structured('"data":"text"'), "text", undefined],
    [() => structured('"datacontenttype":"text/plain","data":"line\\nline"'), "line\nline", undefined],
    [() => structured(`"datacontenttype":"image/png","data_base64":"${bytes.toString("base64")}"`), undefined, bytes.toString("base64")],
    [() => structured('"datacontenttype":null'), undefined, undefined],
    [() => world.post("ann", "x", { ...CE, "content-type": "application/octet-stream" }, bytes), undefined, bytes.toString("base64")],
    [() => world.post("ann", "x", { ...CE, "content-type": "text/plain" }, "a\r\nb"), "a\r\nb", undefined],
    [() => world.post("ann", "x", { ...CE, "content-type": "application/json" }, '{"a":1,"a":2}'), undefined, Buffer.from('{"a":1,"a":2}').toString("base64")],
    [() => world.post("ann", "x", { ...CE, "content-type": "application/x+json" }, '{\n}'), {}, undefined],
    [() => world.post("ann", "x", CE), undefined, undefined],
  ];
  for (const [send, data, base64] of cases) {
    assert.equal((await send()).status, 202);
    const event = (await listener.event()).data;
    if (base64 === "raw") continue;
    assert.deepEqual([event.data, event["data_base64"]], [data, base64]);
  }
  listener.stop();
}); // prettier-ignore

test("what is no event is refused with its status, and nothing of it is published", async () => {
  const world = await new World().start();
  const json = { "content-type": "application/cloudevents+json" };
  const event = (members: string) => `{"specversion":"1.0","id":"1","source":"s","type":"t"${members}}`;
  const without = (name: string) => Object.fromEntries(Object.entries(CE).filter(([one]) => one !== name));
  const cases: readonly (readonly [about: string, status: number, headers: Record<string, string>, body?: string | Buffer])[] = [
    ["no attributes", 400, {}, "x"],
    ["no id", 400, without("ce-id")],
    ["no source", 400, without("ce-source")],
    ["no type", 400, without("ce-type")],
    ["no version", 400, without("ce-specversion")],
    ["another version", 400, { ...CE, "ce-specversion": "0.3" }],
    ["an empty id", 400, { ...CE, "ce-id": "" }],
    ["a line break in an attribute", 400, { ...CE, "ce-subject": "a%0ab" }],
    ["half a character", 400, { ...CE, "ce-subject": "%c3" }],
    ["a per cent sign alone", 400, { ...CE, "ce-subject": "100%" }],
    ["a name with a dash", 400, { ...CE, "ce-a-b": "1" }],
    ["no time", 400, { ...CE, "ce-time": "yesterday" }],
    ["the type of data as an attribute", 400, { ...CE, "ce-datacontenttype": "text/plain" }],
    ["a batch", 415, { "content-type": "application/cloudevents-batch+json" }, `[${event("")}]`],
    ["Avro", 415, { "content-type": "application/cloudevents+avro" }, "x"],
    ["another character set", 415, { "content-type": "application/cloudevents+json; charset=latin1" }, event("")],
    ["a list", 400, json, `[${event("")}]`],
    ["no JSON", 400, json, "{"],
    ["no UTF-8", 400, json, Buffer.from([0x22, 0xff, 0x22])],
    ["an attribute twice", 400, json, event(',"id":"2"')],
    ["data twice", 400, json, event(',"data":1,"d\\u0061ta":2')],
    ["a name twice in the data", 400, json, event(',"data":{"a":1,"a":2}')],
    ["data of both kinds", 400, json, event(',"data":1,"data_base64":"AA=="')],
    ["base64 that is none", 400, json, event(',"data_base64":"A A=="')],
    ["an object as attribute", 400, json, event(',"x":{}')],
    ["a fraction as attribute", 400, json, event(',"x":1.5')],
    ["a number of 33 bits", 400, json, event(',"x":2147483648')],
    ["a name in capitals", 400, json, event(',"IFCcontext":"x"')],
    ["data that is no text with a type that is no JSON", 400, json, event(',"datacontenttype":"text/plain","data":1')],
    ["a type of data that is none", 400, json, event(',"datacontenttype":"x","data":1')],
    ["a context that is none", 403, { ...CE, "ce-ifccontext": "everything" }],
  ];
  for (const [about, status, headers, body = ""] of cases) assert.equal((await world.post("ann", "x", headers, body)).status, status, about);
  for (const [topic, status] of [["a/%23", 400], ["%24SYS/x", 400], ["%ff", 400], ["", 400], ["a%00b", 400]] as const)
    assert.equal((await world.post("ann", topic, CE)).status, status, topic);
  assert.ok(!world.recorder.kinds().includes("accept"));
  assert.equal((await world.post("nobody", "x", CE)).status, 401);
  assert.equal((await fetch(world.url("/topics/x"), { method: "POST", headers: CE })).status, 401);
  assert.equal((await fetch(world.url("/topics/x"), { headers: as("ann") })).status, 405);
  assert.equal((await fetch(world.url("/else"), { headers: as("ann") })).status, 404);
  assert.equal((await fetch(world.url("/events"), { headers: as("ann") })).status, 400);
  assert.equal((await fetch(world.url("/events?filter=a%23"), { headers: as("ann") })).status, 400);
}); // prettier-ignore

test("headers that come twice, and levels that a URL would take away", async () => {
  const world = await new World().start();
  const listener = await world.listen("ben", ["#"]);
  const raw = (path: string, headers: string[]) =>
    new Promise<number>((done, fail) => {
      const request = rawRequest({ port: world.port, host: "127.0.0.1", method: "POST", path, headers: ["host", "x", "authorization", as("ann").authorization, ...headers] });
      request.on("response", (answer) => done(answer.resume().statusCode ?? 0)).on("error", fail);
      request.end();
    });
  const headers = Object.entries(CE).flat();
  assert.equal(await raw("/topics/x", [...headers, "ce-id", "2"]), 400);
  assert.equal(await raw("/topics/x", [...headers, "authorization", as("ben").authorization]), 401);
  assert.equal(await raw("/topics/a/../b", [...headers, "ce-subject", "%F0%9F%98%80 100%25", "ce-quoted", '"a\\"b"']), 202);
  const { ifctopic, subject, quoted } = (await listener.event()).data;
  assert.deepEqual([ifctopic, subject, quoted], ["a/../b", "\u{1f600} 100%", 'a"b']);
  listener.stop();
}); // prettier-ignore

test("labels: what is supplied is a wish and never arrives; what arrives is stamped [MSG-1, MSG-2]", async () => {
  const world = await new World().start();
  world.people.set("ann", context("house"));
  world.people.set("ben", context("house"));
  world.people.set("eve", context());
  world.people.set("cat", context("house", "presence"));
  const [ben, eve, cat] = [await world.listen("ben", ["#"]), await world.listen("eve", ["#"]), await world.listen("cat", ["#"])];
  const forged = { "ce-ifcpublisher": "root", "ce-ifctopic": "else", "ce-ifcx": "1" };
  assert.equal(await world.say("ann", "home/hall", { t: 1, presence: true }, forged), 202);
  const [seen, whole] = [await ben.event(), await cat.event()];
  assert.deepEqual(seen.data.data, { t: 1 });
  assert.deepEqual(whole.data.data, { t: 1, presence: true });
  for (const { data } of [seen, whole]) assert.deepEqual([data["ifcpublisher"], data["ifctopic"], data["ifccontext"], data["ifcx"]], ["ann", "home/hall", key("house"), undefined]);
  // a wish may raise
  assert.equal(await world.say("ann", "x", 2, { "ce-ifccontext": key("house", "presence") }), 202);
  assert.equal((await cat.event()).data["ifccontext"], key("house", "presence"));
  // and not lower
  assert.equal(await world.say("ann", "x", 3, { "ce-ifccontext": key() }), 403);
  // by now eve would have got what was for her: only this
  assert.equal(await world.say("eve", "x", 4), 202);
  const first = await eve.event();
  assert.equal(first.data.data, 4);
  assert.match(first.id, /-1$/, "numbers tell nothing of what was withheld");
  assert.equal(await ben.data(), 4);
  for (const one of [ben, eve, cat]) one.stop();
}); // prettier-ignore

test("a payload that is not as its type has it is refused, and a whole message that the type forbids", async () => {
  const world = await new World().start();
  assert.equal(await world.say("ann", "home/hall", [1]), 422);
  assert.equal((await world.post("ann", "home/hall", { ...CE, "content-type": "application/json" }, '{"presence":1,"presence":2}')).status, 422);
}); // prettier-ignore

test("a stream that was cut goes on after the last event that came, each judged anew [MSG-3]", async () => {
  const world = await new World().start();
  world.people.set("ann", context("s"));
  world.people.set("ben", context("s"));
  const listener = await world.listen("ben", ["x"]);
  for (const n of [1, 2, 3]) await world.say("ann", "x", n);
  const events = [await listener.event(), await listener.event(), await listener.event()];
  listener.stop();
  while (!cut(world)) await tick();
  await world.say("ann", "x", 4);
  const again = await world.listen("ben", ["x"], events[0]!.id);
  assert.deepEqual((await again.next())!.data, { resumed: true, gap: false });
  const rest = [await again.event(), await again.event(), await again.event()];
  assert.deepEqual(rest.map(({ data }) => data.data), [2, 3, 4]);
  assert.deepEqual(rest.slice(0, 2).map(({ id }) => id), events.slice(1).map(({ id }) => id));
  again.stop();
  while (!cut(world)) await tick();
  // no longer cleared: what was sent once is not sent again
  world.people.set("ben", context());
  world.people.set("eve", context());
  const third = await world.listen("ben", ["x"], events[0]!.id);
  await world.say("eve", "x", 5);
  assert.equal(await third.data(), 5);
  // taken up by two at once: the first is cut
  const fourth = await world.listen("ben", ["x"], events[0]!.id);
  while ((await third.next()) !== null);
  fourth.stop();
}); // prettier-ignore

const tick = () => new Promise((done) => setImmediate(done));
const cut = (world: World) => world.server.streams.waiting === 1;

test("a stream is taken up by its principal with the same filters only, and not for ever", async () => {
  const world = await new World().start();
  const listener = await world.listen("ben", ["x"]);
  await world.say("ann", "x", 1);
  const { id } = await listener.event();
  const isNew = async (who: string, filters: string[], last: string) => {
    const other = await world.listen(who, filters, last);
    const said = await other.next();
    other.stop();
    return (said!.data as { resumed?: boolean }).resumed === false;
  };
  assert.ok(await isNew("ann", ["x"], id));
  assert.ok(await isNew("ben", ["y"], id));
  assert.ok(await isNew("ben", ["x"], id.replace(/1$/, "2")));
  assert.ok(await isNew("ben", ["x"], `${"0".repeat(32)}-1`));
  assert.ok(await isNew("ben", ["x"], "1"));
  listener.stop();
  while (world.server.streams.waiting < world.server.streams.count) await tick();
  world.ahead = RESUME_MS + 1000;
  world.server.streams.tick(world.bus.now());
  assert.equal(world.server.streams.count, 0);
  assert.equal(world.bus.counts().endpoints, 0);
  assert.ok(await isNew("ben", ["x"], id));
}); // prettier-ignore

test("what a member of a group did not get before its stream ended goes to another", async () => {
  const world = await new World().start();
  const first = await world.listen("ben", ["$share/g/x"]);
  first.stop();
  while (world.server.streams.waiting === 0) await tick();
  await world.say("ann", "x", 1);
  const second = await world.listen("ann", ["$share/g/x"]);
  world.ahead = RESUME_MS + 1000;
  world.server.streams.tick(world.bus.now());
  assert.equal(await second.data(), 1);
  second.stop();
});

test("a quiet stream says that it lives; one whose proof has ended is ended", async () => {
  const world = await new World().start();
  const listener = await world.listen("ben", ["x"]);
  await listener.next();
  world.ahead = HEARTBEAT_MS + 1000;
  world.server.streams.tick(world.bus.now());
  await world.say("ann", "x", 1);
  await listener.event();
  assert.equal(listener.comments, 1);
  listener.stop();

  const brief = await new World().start();
  const { people } = brief;
  const authenticate = people.authenticate.bind(people);
  people.authenticate = async (hello) => {
    const identity = await authenticate(hello);
    return identity && { ...identity, expiresAt: Date.now() + 60_000 };
  };
  const ending = await brief.listen("ben", ["x"]);
  brief.ahead = 61_000;
  brief.server.streams.tick(brief.bus.now());
  while ((await ending.next()) !== null);
  assert.equal(brief.bus.counts().endpoints, 0);
});

test("who does not read is not waited for: others get all, and what does not fit is dropped on the record", async () => {
  const world = await new World({ queuedMessages: 20, unsentBytes: 100_000 }).start();
  const reading = await world.listen("ben", ["x"]);
  const stuck = connect(world.port, "127.0.0.1");
  stuck.pause();
  stuck.write(`GET /events?filter=x HTTP/1.1\r\nhost: x\r\nauthorization: ${as("ann").authorization}\r\n\r\n`);
  while (world.server.streams.count < 2) await tick();
  const large = "a".repeat(500_000);
  const isDropped = () => world.recorder.events.some(({ kind, reason }) => kind === "withhold" && reason === "queue full");
  let sent = 0;
  for (; !isDropped(); sent++) {
    assert.equal(await world.say("ann", "x", `${sent}${large}`), 202);
    assert.equal(await reading.data(), `${sent}${large}`);
  }
  assert.ok(sent > 20);
  // it takes nothing for a minute: its stream is cut
  world.ahead = 61_000;
  world.server.streams.tick(world.bus.now());
  while (world.server.streams.waiting === 0) await tick();
  stuck.destroy();
  reading.stop();
}); // prettier-ignore

test("limits: size of a request, streams of one principal, subscriptions of a stream, rate", async () => {
  const world = await new World({ packetBytes: 1000, rate: 5 }).start();
  assert.equal((await world.post("ann", "x", CE, "a".repeat(1001))).status, 429);
  assert.equal((await world.post("ann", "x", CE, "a".repeat(2001))).status, 413);
  const statuses: number[] = [];
  for (let i = 0; i < 10; i++) statuses.push(await world.say("ben", "x", i));
  assert.ok(statuses.includes(429) && statuses.includes(202));
  await manyStreams();
});

async function manyStreams(): Promise<void> {
  const world = await new World().start();
  const listeners: Listener[] = [];
  for (let i = 0; i < 100; i++) listeners.push(await world.listen("ann", ["x"]));
  assert.equal((await fetch(world.url("/events?filter=x"), { headers: as("ann") })).status, 429);
  for (const one of listeners) one.stop();
  const many = Array.from({ length: 33 }, (_, i) => `filter=${i}`).join("&");
  assert.equal((await fetch(world.url(`/events?${many}`), { headers: as("ben") })).status, 400);
}

test("a unix socket; and nothing is left when the server has ended", async () => {
  const folder = mkdtempSync(join(tmpdir(), "csn-http-"));
  const world = new World();
  const path = join(folder, "bus.sock");
  assert.equal(await world.server.listen({ path }), 0);
  const status = await new Promise((done, fail) => {
    const request = rawRequest({ socketPath: path, method: "POST", path: "/topics/x", headers: { ...as("ann"), ...CE } });
    request.on("response", (answer) => done(answer.resume().statusCode)).on("error", fail);
    request.end();
  });
  assert.equal(status, 202);
  await assert.rejects(world.server.listen({ path }), { code: "E_BUS_LISTEN" });
  await world.server.close();
  assert.equal(world.bus.counts().endpoints, 0);
  rmSync(folder, { recursive: true });
}); // prettier-ignore
