/**
 * The bus, as this daemon runs it: its store, its listeners, its doors for programs of this host, its record. [MSG-1..3]
 *
 * Guarantee: nothing of a turn is kept or sent that is not on the record; contexts are asked at each use: of a process, the kernel,
 * of a client from elsewhere, policy. When the bus can't be had as it was set up, it is not there at all, and `status` says why.
 * It needs the monitor, which is attached as long as the bus is up.
 */
import { readFileSync } from "node:fs";
import type { TlsOptions } from "node:tls";
import { BusControl, type BusListening, type BusStatus, BusUp } from "../api/index.ts";
import {
  ANONYMOUS,
  ANONYMOUS_NAME,
  type Authenticator,
  Bus,
  BusStore,
  type Classifier,
  type ControlRequest,
  firstOf,
  HttpServer,
  identityOf,
  KEYS,
  type LabelText,
  metricsText,
  MqttServer,
  type Refusal,
  restore,
  type TypesInForce,
  typesInForce,
} from "../bus/index.ts";
import { type Context, isAll, isLabelled, LabelError, UNLABELLED } from "../label/index.ts";
import { join } from "node:path";
import { BusGates } from "./bus-gates.ts";
import { BusClients, busName, mayChange, requireControl, requireSteering } from "./bus-clients.ts";
import { contextNow, DOOR_VARIABLE, Doors } from "./bus-doors.ts";
import { BusRecorder } from "./bus-record.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import { failureOf } from "./failure.ts";
import { type Caller, userName } from "./identity.ts";
import { parse } from "./parse.ts";
import { recordConfiguration } from "./run-events.ts";
import { VERSION } from "./version.ts";
import { bookFor, readContext, tagNamed } from "./views.ts";

/** Contexts that clients may ask for besides those that something has: each takes one of the kernel's. */
const ASKED = 4096;
/** Numbers of messages go on from the clock, so that no two have the same one, after a restart either. */
const NUMBERS_PER_MS = 1000;
/** After its record could not be written. */
const ANEW_MS = 1000;

type Running = {
  bus: Bus;
  mqtt: MqttServer;
  http: HttpServer;
  store: BusStore;
  recorder: BusRecorder;
  doors: Doors;
  listening: BusListening[];
};

export class BusService {
  readonly clients: BusClients;
  readonly #gates: BusGates;
  readonly #csn: Csn;
  #running: Running | null = null;
  #why = "";
  #types: { seq: number; in: TypesInForce } | null = null;
  readonly #asked = new Set<string>();

  constructor(csn: Csn) {
    this.#csn = csn;
    this.clients = new BusClients(csn, (name, by) => this.#setAnew(name, by));
    this.#gates = new BusGates(csn);
  }

  get isUp(): boolean {
    return this.#running !== null;
  }

  /** As it was set up, if it was; does nothing when it runs. Never throws: `status` says what failed. */
  async start(): Promise<void> {
    try {
      const how = this.#csn.store.bus;
      if (how === null || this.#running !== null) return;
      this.#csn.attached();
      await this.#run(how);
      this.#why = "";
    } catch (error) {
      this.#why = failureOf(error).body.error.message;
      await this.stop();
    }
  }

  /** Sessions and what waits in them are kept. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    if (running === null) return;
    await this.#gates.stop();
    running.doors.close(this.#csn.monitor);
    await Promise.all([running.mqtt.close(), running.http.close()]);
    running.recorder.drop();
    try {
      running.store.close();
    } catch {
      // what could not be kept was told to nobody
    }
  }

  /** What could not be recorded did not happen: all that only memory has of it is given up, and the bus begins anew from the disk. */
  async #beginAnew(): Promise<void> {
    await this.stop();
    this.#why = "its record could not be written; it is tried again";
    setTimeout(() => void this.#again(), ANEW_MS).unref();
  }

  /** Until it runs, or was told to end. */
  async #again(): Promise<void> {
    await this.start();
    if (this.#running === null && this.#csn.store.bus !== null)
      setTimeout(() => void this.#again(), ANEW_MS).unref();
  }

  /** @throws CsnError E_BUS_DOWN */
  async up(caller: Caller, body: unknown): Promise<BusStatus> {
    requireSteering(caller);
    const how = parse(BusUp, body);
    const before = this.#csn.store.bus;
    await this.stop();
    this.#csn.store.bus = how;
    await this.start();
    if (this.#running === null) {
      const why = this.#why;
      this.#csn.store.bus = before;
      await this.start();
      throw new CsnError("E_BUS_DOWN", `the bus could not be started: ${why}`, "it is as it was before", 409);
    }
    recordConfiguration(this.#csn, caller.uid, { bus: how });
    return this.status(caller);
  }

  async down(caller: Caller): Promise<BusStatus> {
    requireSteering(caller);
    this.#csn.store.bus = null;
    await this.stop();
    recordConfiguration(this.#csn, caller.uid, { bus: null });
    return this.status(caller);
  }

  status(caller: Caller): BusStatus {
    const running = this.#running;
    const { monitor } = this.#csn;
    const isRoot = caller.uid === 0;
    const counts = running === null || !isRoot ? null : { ...running.bus.counts(), connections: running.mqtt.connections, sessions: running.mqtt.sessions.count, streams: running.http.streams.count }; // prettier-ignore
    return {
      up: running !== null,
      why: running === null ? this.#why : "",
      listening: isRoot ? (running?.listening ?? []) : [],
      anonymous: this.#csn.store.bus?.anonymous ?? false,
      socket: (monitor && running?.doors.socketFor(monitor, UNLABELLED)) ?? null,
      types: isRoot ? [...this.#typesNow().problems] : [],
      counts,
    };
  }

  /** For Prometheus; they tell of everybody's doings. @throws CsnError E_BUS_DOWN, E_NOT_PERMITTED */
  metrics(caller: Caller): string {
    requireSteering(caller);
    return metricsText(this.#up());
  }

  /** What a compartment of that context needs to get to the bus; null: there is none. */
  doorFor(context: Context): { volume: string; variables: Record<string, string> } | null {
    const { monitor } = this.#csn;
    if (this.#running === null || monitor === null || !isLabelled(context)) return null;
    const { volume, socket } = this.#running.doors.open(monitor, context);
    return { volume, variables: { [DOOR_VARIABLE]: socket } };
  }

  /** Gates on it are root's to set up: who owns a gate says who may use it, and root uses it here. */
  gatesFor(caller: Caller): BusGates {
    requireSteering(caller);
    return this.#gates;
  }

  /** @throws CsnError E_NOT_PERMITTED, E_BUS_DOWN, E_BUS_CONTROL; PolicyError E_TAG_UNKNOWN */
  control(caller: Caller, body: unknown): { done: true } {
    const asked = parse(BusControl, body);
    const book = bookFor(this.#csn.authority, caller);
    const request: ControlRequest =
      asked.action === "relabel"
        ? { ...asked, context: asked.context && readContext(asked.context, book) }
        : asked.action === "glass"
          ? { ...asked, context: readContext(asked.context, book) }
          : asked;
    requireControl(this.#csn, caller, request);
    const running = this.#up();
    const refusal = running.bus.control({ principal: caller.name, name: `${caller.name}:control` }, request);
    running.mqtt.turn.end(); // on the record before it is said to be done
    if (refusal !== null) throw refused(request, refusal);
    return { done: true };
  }

  /** Another context that a third party gave a client is over once it is set anew: what was said last counts. */
  #setAnew(client: string, by: string): void {
    const running = this.#running;
    if (running === null) {
      this.#csn.store.busAnew = [...new Set([...this.#csn.store.busAnew, client])];
      return;
    }
    const { relabelled } = running.bus.standing.write();
    const targets = relabelled.map(([target]) => target).filter((target) => target === client || target.startsWith(`${client}:`)); // prettier-ignore
    for (const target of targets)
      running.bus.control({ principal: by, name: `${by}:control` }, { action: "relabel", target, context: null }); // prettier-ignore
    running.mqtt.turn.end();
  }

  /** @throws CsnError E_BUS_DOWN */
  #up(): Running {
    if (this.#running !== null) return this.#running;
    throw new CsnError(
      "E_BUS_DOWN",
      "expected the bus to be up, found that it is not",
      "`csn bus up` starts it",
      409,
    );
  }

  async #run(how: BusUp): Promise<void> {
    const csn = this.#csn;
    // what plans a flush is made below: nothing is recorded before
    let plan: () => void = () => {};
    const recorder = new BusRecorder(csn.records, () => plan());
    const classifier = this.#classifier();
    const bus = new Bus({ classifier, recorder, mayControl: () => true }); // who may was asked before
    bus.continueAfter(Date.now() * NUMBERS_PER_MS);
    const store = new BusStore(join(csn.home, "bus.db"));
    const labels = this.#labels();
    const doors = new Doors((socket) => mqtt.accept(socket, { transport: "unix", address: "", socket }));
    const authenticator = firstOf([
      this.#doorkeeper(doors),
      this.clients.authenticator(how),
      ...(how.anonymous ? [ANONYMOUS] : []),
    ]);
    const record = () => {
      try {
        recorder.flush();
      } catch (error) {
        store.abandon(error);
        if (this.#running?.store === store) void this.#beginAnew();
        throw error;
      }
    };
    const mqtt: MqttServer = new MqttServer({
      bus,
      authenticator,
      labels,
      keeper: store,
      before: record,
      version: VERSION,
    });
    plan = () => mqtt.turn.plan();
    const http = new HttpServer({ bus, authenticator, labels, turn: mqtt.turn });
    this.#running = { bus, mqtt, http, store, recorder, doors, listening: [] };
    const anonymous = how.anonymous ? identityOf(ANONYMOUS_NAME, UNLABELLED) : null;
    const whoIs = (name: string) => this.clients.whoIs(name) ?? (name === ANONYMOUS_NAME ? anonymous : null);
    restore(store, bus, mqtt.sessions, classifier, whoIs);
    const anew = csn.store.busAnew;
    for (const client of anew) this.#setAnew(client, "root");
    if (anew.length > 0) csn.store.busAnew = [];
    doors.open(csn.attached(), UNLABELLED);
    for (const one of how.listen)
      this.#running.listening.push({ ...one, port: await listen(mqtt, http, one) });
    await this.#gates.start({ bus, mark: (flushed) => mqtt.turn.mark(flushed) });
  }

  /** Types as policy has them now. */
  #classifier(): Classifier {
    return {
      typeOf: (topic) => this.#typesNow().classifier.typeOf(topic),
      floorOf: (filter) => this.#typesNow().classifier.floorOf(filter),
    };
  }

  #typesNow(): TypesInForce {
    const { seq, state } = this.#csn.authority.world;
    if (this.#types?.seq !== seq) this.#types = { seq, in: typesInForce(state) };
    return this.#types.in;
  }

  /** Tags written by their numbers, which tell nothing, and read by those or by names that their sender may know; those that there are, and not too many contexts. */
  #labels(): LabelText {
    return {
      write: (context) => KEYS.write(context),
      read: (text, sender) => {
        const context = KEYS.read(text, sender);
        for (const label of [context.secrecy, context.integrity])
          if (isAll(label) || label.some((tag) => this.#csn.authority.tag(tag) === undefined))
            throw new LabelError("E_CONTEXT_KEY", "expected tags that there are");
        const key = KEYS.write(context);
        if (!this.#asked.has(key) && this.#asked.size >= ASKED)
          throw new LabelError("E_CONTEXT_KEY", "too many contexts");
        this.#asked.add(key);
        return context;
      },
    };
  }

  /** Knows who came in by a door: the user, by the kernel's word. */
  #doorkeeper(doors: Doors): Authenticator {
    return {
      authenticate: async ({ origin: { socket } }) => {
        const visitor = doors.visitor(socket);
        if (visitor === null) return null;
        const { pid, uid, gid, groups } = visitor;
        const caller: Caller = { uid, gid, groups, name: userName(uid) };
        return {
          principal: busName(this.#csn, caller),
          process: { pid, uid },
          context: () => contextNow(this.#csn.monitor, visitor),
          mayPublishAs: (wanted) => mayChange(this.#csn, caller, visitor.context, wanted),
          tagNamed: (name) => tagNamed(this.#csn.authority, caller, name),
        };
      },
    };
  }
}

async function listen(
  mqtt: MqttServer,
  http: HttpServer,
  { transport, host, port, tls }: BusListening,
): Promise<number> {
  const secured = tls === undefined ? {} : { tls: readTls(tls) };
  if (transport === "http") return http.listen({ host, port, ...secured });
  if (transport === "websocket") return (await mqtt.listen({ transport, host, port, ...secured })).port;
  if (transport === "tls") {
    if (secured.tls === undefined)
      throw new CsnError(
        "E_BAD_REQUEST",
        "expected a certificate and a key for TLS, found none",
        "`--cert FILE --key FILE`",
        400,
      );
    return (await mqtt.listen({ transport, host, port, tls: secured.tls })).port;
  }
  return (await mqtt.listen({ transport, host, port })).port;
}

/** Clients may show a certificate and need not: who shows none that counts is asked for a password. */
function readTls({ cert, key, ca }: NonNullable<BusListening["tls"]>): TlsOptions {
  const read = (path: string) => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw new CsnError(
        "E_BAD_REQUEST",
        `expected a PEM file at \`${path}\`: ${(error as Error).message}`,
        "give paths as the machine that enforces sees them",
        400,
      );
    }
  };
  const own = { cert: read(cert), key: read(key), minVersion: "TLSv1.2" as const };
  return ca === undefined ? own : { ...own, ca: read(ca), requestCert: true, rejectUnauthorized: false };
}

function refused({ action }: ControlRequest, refusal: Refusal): CsnError {
  const why: Record<Refusal, string> = {
    topic: "what it names is not there, or is no filter, or a time or reason is missing",
    context: "a context is lacking",
    payload: "the payload is not as declared",
    quota: "a limit is reached",
    never: "that channel could never carry anything",
    forbidden: "nobody of that name is connected, or it is isolated",
    failed: "it could not be recorded or kept",
  };
  return new CsnError(
    "E_BUS_CONTROL",
    `\`${action}\` was refused: ${why[refusal]}`,
    "`csn bus status` and `csn log` tell more",
    409,
  );
}
