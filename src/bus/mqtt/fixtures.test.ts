/**
 * What real clients said (fixtures/*.json, made by tools/record-mqtt.ts), said again: the bus answers each as it did then,
 * packet by packet.
 *
 * Not covered: which of two connections is answered first. A client identifier that the bus made up may be another one.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { parser } from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import { cut, NOW } from "./fixtures/testing.ts";
import type { Capture, Fixture } from "./fixtures/testing.ts";
import { Loopback } from "./testing.ts";

const FOLDER = join(import.meta.dirname, "fixtures");

/** One client, as it was recorded. */
class Replayed {
  readonly #socket: Socket;
  readonly #got: string[] = [];
  #wake = (): void => {};

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    let rest: Buffer = Buffer.alloc(0);
    this.#socket.on("data", (chunk: Buffer) => {
      rest = cut(Buffer.concat([rest, chunk]), (packet) => this.#take(packet.toString("hex")));
    });
    for (const event of ["end", "error"]) this.#socket.on(event, () => this.#take("end"));
  }

  say(what: string): void {
    if (what === "end") this.#socket.end();
    else this.#socket.write(Buffer.from(what, "hex"));
  }

  async next(): Promise<string> {
    while (this.#got.length === 0) await new Promise<void>((done) => (this.#wake = done));
    return this.#got.shift() as string;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(what: string): void {
    this.#got.push(what);
    this.#wake();
  }
}

/** A packet with what may differ taken out. */
function plain(hex: string, isFive: boolean): unknown {
  if (!hex.startsWith("20") || !isFive) return hex;
  let read: Packet | null = null;
  const reader = parser({ protocolVersion: 5 });
  reader.on("packet", (packet) => (read = packet));
  reader.parse(Buffer.from(hex, "hex"));
  const { properties = {}, ...rest } = read as unknown as { properties?: Record<string, unknown> };
  const { assignedClientIdentifier, ...others } = properties;
  return {
    ...rest,
    properties: others,
    isAssigned: typeof assignedClientIdentifier === "string",
    length: null,
  };
}

async function replay({ lines }: Capture): Promise<void> {
  const loop = await new Loopback({ now: () => NOW }).start();
  const clients = new Map<string, Replayed>();
  const five = new Set<string>();
  try {
    for (const line of lines) {
      const [, number = "", mark, what = ""] = /^(\d+)([<>]) (.*)$/.exec(line) ?? [];
      const client = clients.get(number) ?? new Replayed(loop.port);
      clients.set(number, client);
      if (/^10(..){1,2}00044d51545405/.test(what)) five.add(number);
      if (mark === ">") client.say(what);
      else
        assert.deepEqual(plain(await client.next(), five.has(number)), plain(what, five.has(number)), line);
    }
  } finally {
    for (const client of clients.values()) client.destroy();
    await loop.stop();
  }
}

const files = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
test("there are fixtures of three clients", () => assert.equal(files.length, 3));
for (const file of files) {
  const { client, captures } = JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as Fixture;
  for (const capture of captures) test(`${client}: ${capture.name}`, () => replay(capture));
}
