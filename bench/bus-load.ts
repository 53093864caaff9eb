/**
 * The load on a broker: one publisher, some subscribers, MQTT 3.1.1 over TCP, 256-byte messages.
 *
 * The publisher keeps a bounded number of messages under way, so that nobody has to drop any; every one is waited for. What
 * a broker needs is told by the clock and, since the computer does other things as well, by the time that its threads spent
 * on a processor.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { generate } from "mqtt-packet";
import type { Packet } from "mqtt-packet";

export const TOPIC = "bench/topic";
export const PUBLISHER = "publisher";
export type QoS = 0 | 1;
/** Messages under way at most: with QoS 1 no more than each broker lets one client have. */
const WINDOW: Readonly<Record<QoS, number>> = { 0: 2000, 1: 50 };
const FIRST_ID = 1;
const IDS = 60_000;

/** 256 bytes of JSON with two attributes. */
const PAYLOAD = Buffer.from(JSON.stringify({ open: "x".repeat(120), secret: "y".repeat(111) }).padEnd(256));

/** What one measurement gives. */
export interface Measured {
  /** Deliveries per second by the clock, and per second of the broker's processor. */
  readonly rate: number;
  readonly perBusySecond: number;
}

/** The broker ended a connection. */
export class Ended extends Error {}

interface Subscriber {
  readonly socket: Socket;
  count: number;
  /** Bytes of one delivery; 0: none has come. */
  frameBytes: number;
}

/** A publisher and its subscribers, connected. */
export class Load {
  readonly #broker: ChildProcess;
  readonly #qos: QoS;
  readonly #publisher: Socket;
  readonly #subscribers: readonly Subscriber[];
  #sent = 0;
  #acknowledged = 0;
  #heard: () => void = () => undefined;
  #failed: (error: Ended) => void = () => undefined;
  #isOver = false;

  private constructor(broker: ChildProcess, qos: QoS, publisher: Socket, subscribers: readonly Subscriber[]) {
    this.#broker = broker;
    this.#qos = qos;
    this.#publisher = publisher;
    this.#subscribers = subscribers;
    publisher.on("data", (chunk: Buffer) => {
      this.#acknowledged += chunk.length / 4;
      this.#heard();
    });
    for (const subscriber of subscribers) this.#listen(subscriber);
    for (const socket of [publisher, ...subscribers.map((one) => one.socket)]) {
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        if (!this.#isOver) this.#failed(new Ended("the broker ended a connection"));
      });
    }
  }

  static async connect(broker: ChildProcess, port: number, qos: QoS, receivers: number): Promise<Load> {
    const sockets = await Promise.all(Array.from({ length: receivers }, (_, at) => subscribe(port, qos, at)));
    const publisher = await client(port, PUBLISHER);
    return new Load(broker, qos, publisher, sockets.map((socket) => ({ socket, count: 0, frameBytes: 0 }))); // prettier-ignore
  }

  /** Publishes so many, as fast as they arrive. @throws Ended */
  async run(messages: number): Promise<Measured> {
    const last = this.#sent + messages;
    const [at, busy] = [performance.now(), busyNanoseconds(this.#broker)];
    await new Promise<void>((done, fail) => {
      this.#failed = fail;
      this.#heard = () => {
        const arrived = this.#arrived;
        const isOver = arrived >= last && (this.#qos === 0 || this.#acknowledged >= last);
        if (isOver) done();
        else this.#publish(Math.min(last - this.#sent, this.#room(arrived)));
      };
      this.#heard();
    });
    this.#heard = () => undefined;
    const deliveries = messages * this.#subscribers.length;
    const seconds = (performance.now() - at) / 1000;
    return {
      rate: deliveries / seconds,
      perBusySecond: deliveries / ((busyNanoseconds(this.#broker) - busy) / 1e9),
    };
  }

  /** Publishes at a steady rate; gives the milliseconds that each delivery took, in order. @throws Ended */
  async latencies(perSecond: number, messages: number): Promise<number[]> {
    const first = this.#sent;
    const sentAt: number[] = [];
    const took: number[] = [];
    const seen = this.#subscribers.map(({ count }) => count);
    const start = performance.now();
    const clock = setInterval(() => {
      const now = performance.now();
      const due = Math.min(messages, Math.floor(((now - start) / 1000) * perSecond)) - (this.#sent - first);
      for (let n = 0; n < due; n++) sentAt.push(now);
      this.#publish(due);
    }, 1);
    await new Promise<void>((done, fail) => {
      this.#failed = fail;
      this.#heard = () => {
        const now = performance.now();
        for (const [at, { count }] of this.#subscribers.entries()) {
          for (let n = seen[at] as number; n < count; n++) took.push(now - (sentAt[n - first] as number));
          seen[at] = count;
        }
        if (this.#arrived >= first + messages) done();
      };
    });
    this.#heard = () => undefined;
    clearInterval(clock);
    return took.sort((a, b) => a - b);
  }

  end(): void {
    this.#isOver = true;
    for (const { socket } of this.#subscribers) socket.destroy();
    this.#publisher.destroy();
  }

  get #arrived(): number {
    let least = Infinity;
    for (const { count } of this.#subscribers) least = Math.min(least, count);
    return least;
  }

  #room(arrived: number): number {
    const window = WINDOW[this.#qos];
    const room = window - (this.#sent - arrived);
    return this.#qos === 0 ? room : Math.min(room, window - (this.#sent - this.#acknowledged));
  }

  #publish(count: number): void {
    if (count < 1) return;
    this.#publisher.write(Buffer.concat(Array.from({ length: count }, () => published(this.#qos, FIRST_ID + (this.#sent++ % IDS))))); // prettier-ignore
  }

  /** All deliveries have the same length; with QoS 1 each is acknowledged. */
  #listen(subscriber: Subscriber): void {
    const { socket } = subscriber;
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (subscriber.frameBytes === 0) subscriber.frameBytes = frameBytesOf(bytes);
      const { frameBytes } = subscriber;
      const frames = frameBytes === 0 ? 0 : Math.floor(bytes.length / frameBytes);
      if (this.#qos === 1 && frames > 0) socket.write(acknowledgements(bytes, frames, frameBytes));
      rest = bytes.subarray(frames * frameBytes);
      subscriber.count += frames;
      if (frames > 0) this.#heard();
    });
  }
}

/** Time that the broker's threads spent on a processor (proc(5), `schedstat`). */
export function busyNanoseconds({ pid }: ChildProcess): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]), 0); // prettier-ignore
}

/** 0: the length is not all there. */
function frameBytesOf(bytes: Buffer): number {
  if (bytes.length < 3) return 0;
  const isLong = (bytes[1] as number) >= 128;
  return isLong ? 3 + ((bytes[1] as number) & 127) + ((bytes[2] as number) << 7) : 2 + (bytes[1] as number);
}

function acknowledgements(bytes: Buffer, frames: number, frameBytes: number): Buffer {
  const said = Buffer.allocUnsafe(4 * frames);
  const idAt = ((bytes[1] as number) >= 128 ? 3 : 2) + 2 + TOPIC.length;
  for (let n = 0; n < frames; n++) {
    said.writeUInt16BE(0x4002, 4 * n);
    bytes.copy(said, 4 * n + 2, n * frameBytes + idAt, n * frameBytes + idAt + 2);
  }
  return said;
}

/** Made once. */
const frames = new Map<number, Buffer>();

function published(qos: QoS, id: number): Buffer {
  const key = qos === 0 ? 0 : id;
  let frame = frames.get(key);
  if (frame === undefined) frames.set(key, (frame = written({ cmd: "publish", topic: TOPIC, payload: PAYLOAD, qos, messageId: id }))); // prettier-ignore
  return frame;
}

async function subscribe(port: number, qos: QoS, at: number): Promise<Socket> {
  const socket = await client(port, `subscriber${at}`);
  socket.write(written({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: TOPIC, qos }] }));
  await once(socket, "data");
  return socket;
}

async function client(port: number, clientId: string): Promise<Socket> {
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    try {
      await once(socket, "connect");
      socket.write(written({ cmd: "connect", clientId, clean: true, keepalive: 0, protocolVersion: 4 }));
      await once(socket, "data");
      return socket;
    } catch {
      // The broker is not there yet.
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

function written(packet: object): Buffer {
  return generate(packet as Packet, { protocolVersion: 4 });
}
