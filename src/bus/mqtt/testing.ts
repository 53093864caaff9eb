/**
 * For tests with clients that others wrote: a bus on the loopback, and mqtt.js with promises. Not part of the product.
 */
import { connect } from "mqtt";
import type { IClientOptions, IPublishPacket, MqttClient } from "mqtt";
import { UNLABELLED } from "../../label/index.ts";
import type { Context, TagId } from "../../label/index.ts";
import { Bus, MqttServer } from "../index.ts";
import type { Authenticator, BusOptions, Identity, MqttOptions } from "../index.ts";
import { Remembering, UNTYPED } from "../testing.ts";

/** User names are principals; their contexts can be changed. */
export class People implements Authenticator {
  readonly contexts = new Map<string, Context>();
  readonly privileges = new Map<string, Context>();
  /** Tags by name, which everybody knows. */
  readonly tags = new Map<string, TagId>();

  async authenticate({ username }: { readonly username: string | null }): Promise<Identity | null> {
    if (username === null || !this.contexts.has(username)) return null;
    return {
      principal: username,
      context: () => this.contexts.get(username) as Context,
      mayPublishAs: (wanted) => this.privileges.get(username) === wanted,
      tagNamed: (name) => this.tags.get(name) ?? null,
    };
  }

  set(name: string, context: Context): void {
    this.contexts.set(name, context);
  }
}

export class Loopback {
  readonly recorder = new Remembering();
  readonly people = new People();
  readonly bus: Bus;
  readonly server: MqttServer;
  /** Added to the bus's clock. Milliseconds. */
  ahead = 0;
  port = 0;
  readonly #clients: MqttClient[] = [];

  constructor(bus: Partial<BusOptions> = {}, server: Partial<MqttOptions> = {}) {
    const now = (): number => Date.now() + this.ahead;
    this.bus = new Bus({ classifier: UNTYPED, recorder: this.recorder, mayControl: () => true, now, ...bus });
    this.server = new MqttServer({ bus: this.bus, authenticator: this.people, version: "test", ...server });
    for (const name of ["ann", "ben"]) this.people.set(name, UNLABELLED);
  }

  async start(): Promise<this> {
    const listener = await this.server.listen({ transport: "tcp", host: "127.0.0.1", port: 0 });
    this.port = listener.port;
    return this;
  }

  async client(username: string, options: IClientOptions = {}): Promise<Client> {
    const mqtt = connect(`mqtt://127.0.0.1:${this.port}`, {
      username,
      reconnectPeriod: 0,
      keepalive: 0,
      protocolVersion: 5,
      ...options,
    });
    this.#clients.push(mqtt);
    // Before it is connected: what waits for a session comes at once.
    const client = new Client(mqtt);
    await new Promise((done, fail) => {
      mqtt.once("connect", done);
      mqtt.once("error", fail);
      mqtt.once("close", () => fail(new Error("closed")));
    });
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.end(true);
    await this.server.close();
  }
}

/** What a client got, and a way to wait for it. */
export class Client {
  readonly mqtt: MqttClient;
  readonly got: IPublishPacket[] = [];
  #waiting: { count: number; done: () => void }[] = [];

  constructor(client: MqttClient) {
    this.mqtt = client;
    client.on("message", (_topic, _payload, packet) => {
      this.got.push(packet);
      this.#waiting = this.#waiting.filter(({ count, done }) => {
        if (this.got.length < count) return true;
        done();
        return false;
      });
    });
    client.on("error", () => {});
  }

  get words(): string[] {
    return this.got.map(({ topic, payload }) => `${topic}=${payload.toString()}`);
  }

  /** Until so many messages came. */
  async until(count: number): Promise<this> {
    if (this.got.length < count)
      await new Promise<void>((done) => {
        this.#waiting.push({ count, done });
      });
    return this;
  }

  /** Until all that was sent before has come back: the bus answers in order. */
  async settled(): Promise<this> {
    await this.mqtt.subscribeAsync("settled/nothing");
    return this;
  }

  say(
    topic: string,
    word: string,
    options: Parameters<MqttClient["publishAsync"]>[2] = {},
  ): Promise<unknown> {
    return this.mqtt.publishAsync(topic, word, options);
  }

  /** Goes away; `isRude`: without a word. */
  async leave(isRude = false): Promise<void> {
    const closed = new Promise<void>((done) => this.mqtt.once("close", () => done()));
    if (isRude) this.mqtt.stream.destroy();
    else this.mqtt.end();
    await closed;
  }
}
