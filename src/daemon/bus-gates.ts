/**
 * Gates on the bus: each gets the messages of some topics in its one context, a line each, and publishes in its other context what it
 * lets through. [GATE-1..3, MSG-3]
 *
 * Guarantee: the gate is a run like any other: its own program, with the digests that were granted to. That it runs is on the record
 * before it gets anything, and again what it did once it has ended. Each message is
 * judged for the context that the gate reads in, and what comes out is published in the one that it writes in. What it holds is asked at each
 * message, so that a grant that has ended ends it. A message that is no single line is left out, on the record.
 * Not covered: which line came of which message: a gate may gather them. A daemon that is killed takes with it how much those runs took in and
 * gave out that were under way: that they ran is on the record.
 */
import { BusGate, BusGateRemove, type BusGateView } from "../api/index.ts";
import {
  type Bus,
  type Channel,
  type Endpoint,
  isTopic,
  LIMITS,
  type Message,
  readFilter,
} from "../bus/index.ts";
import type { Context } from "../label/index.ts";
import { clientId } from "./bus-record.ts";
import { holdUntilTold } from "./carrying.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import { failureOf } from "./failure.ts";
import { ReadyGate } from "./gate-run.ts";
import { findGate } from "./gates.ts";
import type { Caller } from "./identity.ts";
import { parse } from "./parse.ts";
import { recordConfiguration } from "./run-events.ts";
import type { Stage } from "./stage.ts";

/** Who runs them: root set them up. */
const ROOT: Caller = { uid: 0, gid: 0, groups: [], name: "root" };
/** Bytes that wait for a gate, and of a line that it does not end. */
const MOST_WAITING = 1 << 22;
/** Before one that has ended is started again. */
const AGAIN_MS = 5000;
/** For a gate to end once there is nothing more to read. */
const PATIENCE_MS = 1000;
const NEWLINE = 10;

/** The bus, and what runs at the end of its turn. */
export type GateBus = { bus: Bus; mark: (flushed: { flush(): void; abandon(): void }) => void };
type Running = { ready: ReadyGate; stage: Stage; endpoint: Endpoint };

export class BusGates {
  readonly #csn: Csn;
  #on: GateBus | null = null;
  readonly #running = new Map<string, Running>();
  readonly #why = new Map<string, string>();
  readonly #waiting = new Map<string, NodeJS.Timeout>();

  constructor(csn: Csn) {
    this.#csn = csn;
  }

  /** All that were set up. @returns when each gets messages, or can't */
  async start(on: GateBus): Promise<void> {
    this.#on = on;
    await Promise.all(this.#csn.store.busGates.map((gate) => this.#begin(gate)));
  }

  /** What is in them still gets through, and each run is on the record when this ends. */
  async stop(): Promise<void> {
    await Promise.all(this.#csn.store.busGates.map(({ gate }) => this.#end(gate)));
    this.#on = null;
  }

  list(): BusGateView[] {
    return this.#csn.store.busGates.map((gate) => ({ ...gate, running: this.#running.has(gate.gate), why: this.#why.get(gate.gate) ?? "" })); // prettier-ignore
  }

  /** @throws CsnError, PolicyError: it can't run now, and nothing is changed */
  async set(caller: Caller, body: unknown): Promise<BusGateView> {
    const gate = parse(BusGate, body);
    if (!isTopic(gate.to, LIMITS) || gate.to.startsWith("$") || readFilter(gate.from, LIMITS)?.group !== null)
      throw new CsnError("E_BUS_CONTROL", `expected topics to get and one topic to publish, found ${JSON.stringify([gate.from, gate.to])}`, "`--from 'plant/+/request' --to plant/command`", 400); // prettier-ignore
    this.#ready(gate);
    await this.#change(gate.gate, gate);
    recordConfiguration(this.#csn, caller.uid, { bus: { gate } });
    return this.list().find((one) => one.gate === gate.gate)!;
  }

  /** @throws CsnError E_BUS_CONTROL */
  remove(caller: Caller, body: unknown): BusGateView {
    const { gate: name } = parse(BusGateRemove, body);
    const was = this.list().find(({ gate }) => gate === name);
    if (was === undefined)
      throw new CsnError("E_BUS_CONTROL", `expected a gate that is on the bus, found ${JSON.stringify(name)}`, "`csn bus gate list` shows them", 404); // prettier-ignore
    void this.#change(name, null);
    recordConfiguration(this.#csn, caller.uid, { bus: { gate: name, removed: true } });
    return was;
  }

  /** @throws CsnError, PolicyError: it can't run now */
  #ready({ gate, from, to }: BusGate): ReadyGate {
    const what = { input: `topics ${from}`, output: `topic ${to}`, client: clientId(nameOf(gate)) };
    return new ReadyGate(this.#csn, ROOT, findGate(this.#csn, ROOT, gate), what);
  }

  async #change(name: string, to: BusGate | null): Promise<void> {
    const others = this.#csn.store.busGates.filter(({ gate }) => gate !== name);
    void this.#end(name);
    this.#csn.store.busGates = to === null ? others : [...others, to];
    if (to !== null) await this.#begin(to);
  }

  async #begin(gate: BusGate): Promise<void> {
    const on = this.#on;
    if (on === null) return;
    try {
      const ready = this.#ready(gate);
      ready.begin();
      const stage = ready.start(ready.from);
      const endpoint = on.bus.attach(partyOf(gate.gate, () => ready.from), (message, channel) => this.#pass(gate.gate, message, channel)); // prettier-ignore
      this.#running.set(gate.gate, { ready, stage, endpoint });
      this.#why.delete(gate.gate);
      this.#publish(on, stage, gate, ready);
      holdUntilTold(stage.output, [stage.streams]);
      stage.errors.resume();
      void stage.ended.then(({ failure }) => this.#ended(gate, stage, failure));
      await stage.streams.told;
      if (this.#running.get(gate.gate)?.stage !== stage) return; // it has ended
      const result = on.bus.subscribe(endpoint, gate.from, { qos: 1, noLocal: true });
      if (!result.accepted) throw new Error(`its subscription was refused: ${result.reason}`);
    } catch (error) {
      void this.#end(gate.gate);
      this.#why.set(gate.gate, failureOf(error).body.error.message);
      this.#again(gate);
    }
  }

  /** A message for a gate leaves when its delivery is on the record. */
  #pass(name: string, message: Message, channel: Channel): void {
    const running = this.#running.get(name);
    const on = this.#on;
    if (running === undefined || on === null) return;
    const { ready, stage } = running;
    if (!ready.mayStill()) {
      on.bus.dropped(message, channel, "the gate may not any more");
      stage.kill();
      return;
    }
    if (stage.input.writableLength > MOST_WAITING)
      return on.bus.dropped(message, channel, "the gate is slow");
    const view = on.bus.open(message, channel);
    if (view === null) return;
    const line = Buffer.concat([view.payload, Buffer.of(NEWLINE)]);
    if (line.indexOf(NEWLINE) !== line.length - 1) return on.bus.dropped(message, channel, "no single line");
    on.mark({
      flush: () => {
        ready.input(line);
        stage.input.write(line);
      },
      abandon: () => stage.kill(),
    });
  }

  #publish({ bus }: GateBus, stage: Stage, { gate, to }: BusGate, ready: ReadyGate): void {
    const party = partyOf(gate, () => ready.to);
    let rest = Buffer.alloc(0);
    stage.output.on("data", (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
        if (end > 0) bus.publish(party, { topic: to, payload: Buffer.from(rest.subarray(0, end)), qos: 1 });
        rest = rest.subarray(end + 1);
      }
      if (rest.length > MOST_WAITING) stage.kill();
    });
  }

  #ended(gate: BusGate, stage: Stage, failure: string): void {
    if (this.#running.get(gate.gate)?.stage !== stage) return; // it was told to
    void this.#end(gate.gate);
    this.#why.set(gate.gate, failure === "" ? "its program ended" : failure);
    this.#again(gate);
  }

  #again(gate: BusGate): void {
    clearTimeout(this.#waiting.get(gate.gate));
    this.#waiting.set(gate.gate, setTimeout(() => void this.#begin(gate), AGAIN_MS).unref());
  }

  /** Asks it to end, and ends it when it does not. @returns when its run is on the record */
  async #end(name: string): Promise<void> {
    clearTimeout(this.#waiting.get(name));
    this.#waiting.delete(name);
    this.#why.delete(name);
    const running = this.#running.get(name);
    this.#running.delete(name);
    if (running === undefined) return;
    this.#on?.bus.detach(running.endpoint);
    const { stage } = running;
    stage.input.end();
    const late = setTimeout(() => stage.kill(), PATIENCE_MS);
    await stage.ended;
    clearTimeout(late);
    await new Promise((done) => setImmediate(done)); // its record is written behind its end
  }
}

const nameOf = (gate: string) => `gate:${gate}`;

const partyOf = (gate: string, context: () => Context) => ({
  principal: nameOf(gate),
  name: nameOf(gate),
  context,
  mayPublishAs: () => false,
});
