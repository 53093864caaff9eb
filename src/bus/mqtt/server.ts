/**
 * The bus for MQTT clients, 3.1.1 and 5, on any number of listeners.
 *
 * Guarantee: a connection that fails ends alone; strangers (who have not said who they are) are limited in number and
 * time; at `close`, sessions and what waits in them are kept.
 */
import type { Duplex } from "node:stream";
import { BASE, PLATFORM_IN } from "../../label/index.ts";
import type { Bus } from "../bus.ts";
import { KEYS } from "../labels.ts";
import type { LabelText } from "../labels.ts";
import type { Limits } from "../limits.ts";
import type { Authenticator, Origin } from "./authenticator.ts";
import { REASON } from "./codec/malformed.ts";
import { Connection } from "./connection.ts";
import { NOTHING_KEPT } from "./keeper.ts";
import type { Keeper } from "./keeper.ts";
import { listen } from "./listen.ts";
import type { Listener, Listening } from "./listen.ts";
import { Sessions } from "./sessions.ts";
import { Traffic } from "./traffic.ts";
import { Turn } from "./turn.ts";

/** Which limit ended a connection, where its reason tells. */
const LIMIT_OF: Readonly<Record<number, keyof Limits>> = {
  [REASON.tooLarge]: "packetBytes",
  [REASON.receiveMaximum]: "inflight",
  [REASON.topicAlias]: "topicAliases",
  [REASON.keepAlive]: "keepAliveSeconds",
};

export interface MqttOptions {
  readonly bus: Bus;
  readonly authenticator: Authenticator;
  /** How contexts are written in user properties. Default: canonical, with the tags' ids. */
  readonly labels?: LabelText;
  /** Keeps sessions, and makes them durable at the end of each turn. */
  readonly keeper?: Keeper & { commit(): void };
  /** Called at the end of a turn before what was kept is made durable; when it throws, nothing of the turn is kept or sent. */
  readonly before?: () => void;
  /** Shown under `$SYS/broker/version`. */
  readonly version: string;
}

export class MqttServer {
  readonly sessions: Sessions;
  /** At its end, what was kept is durable, then what was said is sent. */
  readonly turn: Turn;
  readonly traffic = new Traffic();
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Connections that were refused or cut, by MQTT 5's reason code. */
  readonly ended = new Map<number, number>();
  readonly #options: MqttOptions;
  readonly #labels: LabelText;
  readonly #connections = new Set<Connection>();
  /** Those of them that have not yet said who they are. */
  readonly #strangers = new Set<Connection>();
  readonly #listeners: Listener[] = [];
  readonly #clock: NodeJS.Timeout;
  readonly #said = new Map<string, string>();
  #isClosing = false;

  constructor(options: MqttOptions) {
    const { bus, keeper } = options;
    this.#options = options;
    this.#labels = options.labels ?? KEYS;
    this.sessions = new Sessions({ bus, keeper: keeper ?? NOTHING_KEPT, labels: this.#labels });
    this.turn = new Turn(() => {
      options.before?.();
      keeper?.commit();
    });
    this.startedAt = bus.now();
    this.#clock = setInterval(() => this.tick(), 1000);
    this.#clock.unref();
    this.#say("version", `csn ${options.version}`, true);
  }

  /** @throws BusError E_BUS_LISTEN */
  async listen(on: Listening): Promise<Listener> {
    const { packetBytes } = this.#options.bus.limits;
    const listener = await listen(on, packetBytes, (stream, origin) => this.accept(stream, origin));
    this.#listeners.push(listener);
    return listener;
  }

  /** Takes a connection that somebody else accepted. */
  accept(stream: Duplex, origin: Origin): void {
    const { bus, authenticator } = this.#options;
    if (this.#isClosing || this.#strangers.size >= bus.limits.strangers) {
      bus.events.write("refuse", { reason: "connection: too many that have not said who they are" });
      bus.events.tally.hit("strangers");
      this.#count(REASON.quota);
      stream.on("error", () => {});
      stream.destroy();
      return;
    }
    const { sessions, turn } = this;
    const met = (connection: Connection): void => void this.#strangers.delete(connection);
    const closed = (connection: Connection): void => {
      met(connection);
      this.#connections.delete(connection);
    };
    const ended = (reason: number): void => this.#count(reason);
    const parts = { bus, sessions, authenticator, labels: this.#labels, turn, met, closed, ended };
    this.traffic.add(origin.transport, origin.socket);
    const connection = new Connection(stream, origin, parts);
    this.#connections.add(connection);
    this.#strangers.add(connection);
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** What has its time; called each second. */
  tick(): void {
    const { bus } = this.#options;
    const now = bus.now();
    for (const connection of [...this.#connections]) connection.tick(now);
    this.sessions.tick();
    bus.tick();
    this.#report(now);
    // What was ended or published by it is kept now, and not only when somebody says something.
    this.turn.plan();
  }

  /** Ends the listeners and the connections, with a word to clients that understand it. Sessions stay. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#clock);
    const closing = this.#listeners.map((listener) => listener.close());
    for (const connection of [...this.#connections]) connection.cut(REASON.shuttingDown, "the bus is closed");
    this.turn.end();
    await Promise.all(closing);
  }

  #count(reason: number): void {
    this.ended.set(reason, (this.ended.get(reason) ?? 0) + 1);
    const limit = LIMIT_OF[reason];
    if (limit !== undefined) this.#options.bus.events.tally.hit(limit);
  }

  /** What has changed is said anew. Numbers tell of everybody's doings, and are for who is cleared for everything. */
  #report(now: number): void {
    const { bus } = this.#options;
    this.#say("uptime", String(Math.floor((now - this.startedAt) / 10_000) * 10), true);
    const { messages, subscriptions, retained, unrecorded } = bus.counts();
    const counts = { connections: this.connections, sessions: this.sessions.count, messages, subscriptions, retained, unrecorded }; // prettier-ignore
    for (const [name, count] of Object.entries(counts)) this.#say(name, String(count), false);
  }

  #say(name: string, value: string, isForAll: boolean): void {
    if (this.#said.get(name) === value) return;
    this.#said.set(name, value);
    const context = isForAll ? BASE : PLATFORM_IN;
    this.#options.bus.announce(`$SYS/broker/${name}`, Buffer.from(value), context);
  }
}
