/**
 * A stream of Server-Sent Events for one client, which it can take up again where it was cut off.
 *
 * Guarantee: each event is judged when it is really written [MSG-3], also when it is written again after a cut. Events are numbered as
 * this client gets them, so that numbers tell nothing of what was withheld. A client that does not read is not waited for: what waits is
 * limited, and beyond that dropped, on the record.
 * Not covered: what waits is judged only when it is written, so that a full queue may have been filled by what is then withheld.
 */
import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { Bus } from "../bus.ts";
import type { Channel, Endpoint } from "../core/channel.ts";
import type { Message } from "../core/message.ts";
import type { LabelText } from "../labels.ts";
import type { Flushed, Turn } from "../mqtt/turn.ts";
import type { Party } from "../types.ts";
import { eventText } from "./outgoing.ts";

/** After so long without an event a comment says that the stream lives. Milliseconds. */
export const HEARTBEAT_MS = 15_000;
/** How long a cut stream waits for its client. Milliseconds. */
export const RESUME_MS = 60_000;
/** A client that takes nothing for so long is cut. Milliseconds. */
const STUCK_MS = 60_000;

interface Item {
  readonly message: Message;
  readonly channel: Channel;
  /** 0: not written yet. */
  number: number;
}

export class Stream implements Flushed {
  /** Nobody can guess it; it also takes the principal to take it up. */
  readonly id = randomBytes(16).toString("hex");
  readonly endpoint: Endpoint;
  readonly filters: string;
  /** When it ends; null: its client is there. Milliseconds since 1970. */
  endsAt: number | null = null;
  readonly #bus: Bus;
  readonly #labels: LabelText;
  #expiresAt = Infinity;
  readonly #turn: Pick<Turn, "mark"> | undefined;
  #response: ServerResponse | null = null;
  /** What was written to it in this turn has not left yet. */
  #held: ServerResponse | null = null;
  #isChoked = false;
  #wroteAt = 0;
  #waiting: Item[] = [];
  #written: Item[] = [];
  #bytes = 0;
  #last = 0;

  constructor(
    bus: Bus,
    labels: LabelText,
    turn: Pick<Turn, "mark"> | undefined,
    party: Party,
    filters: string,
  ) {
    this.#bus = bus;
    this.#turn = turn;
    this.#labels = labels;
    this.filters = filters;
    this.endpoint = bus.attach(party, (message, channel) => this.#take({ message, channel, number: 0 }));
  }

  /** Has this client been sent an event of this number? */
  hasWritten(number: number): boolean {
    return number <= this.#last;
  }

  /**
   * A client is there.
   *
   * @param from the last event that it got; 0 for a new stream
   * @param expiresAt when what proved its identity is no longer valid. Milliseconds since 1970
   */
  connect(response: ServerResponse, party: Party, from: number, expiresAt: number): void {
    this.#response?.destroy();
    this.endpoint.party = party;
    this.endpoint.isOnline = true;
    this.endsAt = null;
    this.#expiresAt = expiresAt;
    this.#response = response;
    this.#isChoked = false;
    const kept = [...this.#written, ...this.#waiting];
    const isGap = (kept.find(({ number }) => number > 0)?.number ?? this.#last + 1) > from + 1;
    this.#waiting = kept.filter(({ number }) => number === 0 || number > from);
    this.#written = [];
    this.#bytes = this.#waiting.reduce((sum, { message }) => sum + message.size, 0);
    response.on("error", () => {});
    response.on("drain", () => this.#drained(response));
    response.on("close", () => this.#closed(response));
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" });
    this.#write(`event: stream\ndata: ${JSON.stringify({ resumed: from > 0, gap: isGap })}\n\n`);
    this.#pump();
  } // prettier-ignore

  /** Called each second. False: the stream is over. */
  tick(now: number): boolean {
    if (now >= this.#expiresAt) return false;
    if (this.#response !== null && now - this.#wroteAt >= (this.#isChoked ? STUCK_MS : HEARTBEAT_MS)) {
      if (this.#isChoked) this.#response.destroy();
      else this.#write(":\n\n");
    }
    return this.endsAt === null || now < this.endsAt;
  }

  end(): void {
    this.#response?.destroy();
    this.#response = null;
    const left = this.#waiting.filter(({ number }) => number === 0);
    this.#waiting = [];
    this.#written = [];
    this.#bus.detach(this.endpoint);
    for (const { message, channel } of left) {
      this.#bus.dropped(message, channel, "away");
      this.#bus.release(message, channel);
    }
  }

  #take(item: Item): void {
    const { queuedMessages, queuedBytes } = this.#bus.limits;
    const { size } = item.message;
    while (this.#written.length > 0 && (this.#count() >= queuedMessages || this.#bytes + size > queuedBytes))
      this.#bytes -= this.#written.shift()!.message.size;
    if (this.#count() >= queuedMessages || this.#bytes + size > queuedBytes) {
      this.#bus.dropped(item.message, item.channel, "queue full");
      return;
    }
    this.#bytes += size;
    this.#waiting.push(item);
    this.#pump();
  }

  #count(): number {
    return this.#waiting.length + this.#written.length;
  }

  #pump(): void {
    while (this.#response !== null && !this.#isChoked) {
      const item = this.#waiting.shift();
      if (item === undefined) return;
      const view = this.#bus.open(item.message, item.channel);
      if (view === null) {
        this.#bytes -= item.message.size;
        continue;
      }
      if (item.number === 0) item.number = ++this.#last;
      this.#written.push(item);
      this.#write(`id: ${this.id}-${item.number}\ndata: ${eventText(view, this.#labels)}\n\n`);
    }
  }

  #write(text: string): void {
    if (this.#response === null) return;
    this.#wroteAt = this.#bus.now();
    this.#hold(this.#response);
    this.#response.write(text);
    this.#isChoked = this.#response.writableLength > this.#bus.limits.unsentBytes;
  }

  flush(): void {
    this.#held?.uncork();
    this.#held = null;
  }

  abandon(): void {
    this.#held?.destroy();
    this.#held = null;
  }

  /** Nothing leaves before the end of the turn. */
  #hold(response: ServerResponse): void {
    if (this.#turn === undefined || this.#held === response) return;
    this.#held = response;
    response.cork();
    this.#turn.mark(this);
  }

  #drained(response: ServerResponse): void {
    if (response !== this.#response) return;
    this.#isChoked = false;
    this.#wroteAt = this.#bus.now();
    this.#pump();
  }

  #closed(response: ServerResponse): void {
    if (response !== this.#response) return;
    this.#response = null;
    this.endpoint.isOnline = false;
    this.endsAt = this.#bus.now() + RESUME_MS;
  }
}
