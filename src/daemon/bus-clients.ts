/**
 * Who may connect to the bus from elsewhere: names, how each is proved, and the context that policy gives it.
 *
 * Guarantee: a client has the context that is stored now, at each message, and none once it was removed; that a third party gave it
 * another one is over with that. Who gives it one must be
 * able to let out what is secret in it and to vouch for what it vouches for, as for addresses [NET-1]: what the client does with
 * what it gets, nobody checks.
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  type Authenticator,
  type ControlRequest,
  certificates,
  digestOf,
  firstOf,
  type Identity,
  passwords,
  tokens,
} from "../bus/index.ts";
import { type BusClient, BusClientRemove, BusClientSet, type BusUp } from "../api/index.ts";
import { type Context, contextKey, parseContextKey } from "../label/index.ts";
import { NO_USER } from "../policy/index.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import { type Caller, requireRoot } from "./identity.ts";
import { parse } from "./parse.ts";
import { requireChange, requireRelease } from "./privileges.ts";
import { recordConfiguration } from "./run-events.ts";
import type { StoredClient } from "./store.ts";
import { bookFor, readContext, tagNamed, viewContext } from "./views.ts";

const SHORTEST_PASSWORD = 8;
/** No colon: what follows one is the client's identifier. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@/-]{0,63}$/;

export class BusClients {
  readonly #csn: Csn;
  #clients: Map<string, StoredClient & { now: Context }>;

  readonly #setAnew: (name: string, by: string) => void;

  /** @param setAnew called before a client gets another context, or none */
  constructor(csn: Csn, setAnew: (name: string, by: string) => void) {
    this.#csn = csn;
    this.#setAnew = setAnew;
    this.#clients = this.#read();
  }

  /** Certificate, token or password, as the client's entry says. @throws CsnError when the key of web tokens can't be read */
  authenticator({ jwt }: Pick<BusUp, "jwt">): Authenticator {
    const provedBy = (proof: StoredClient["proof"]) => (name: string) => this.#identity(name, proof);
    const token: Authenticator = {
      authenticate: async ({ password }) => {
        const text = password === null ? "" : Buffer.from(password).toString();
        const principal = text.startsWith("csn_") ? this.#csn.authority.principalBy(text) : null;
        return principal === null ? null : this.#identity(principal, "token");
      },
    };
    const known: Authenticator = {
      authenticate: (hello) => {
        const digests = new Map(Array.from(this.#clients.values()).flatMap(({ name, digest }) => (digest === null ? [] : [[name, digest] as const]))); // prettier-ignore
        return passwords(digests, provedBy("password")).authenticate(hello);
      },
    };
    const web = jwt === undefined ? [] : [tokens({ key: readKey(jwt.key), algorithms: [jwt.algorithm], audience: jwt.audience, issuer: jwt.issuer }, provedBy("jwt"), Date.now)]; // prettier-ignore
    return firstOf([certificates(provedBy("certificate")), ...web, token, known]);
  }

  list(caller: Caller): BusClient[] {
    const mine = [...this.#clients.values()].filter(({ name }) => isOwn(this.#csn, caller, name));
    return mine.map((client) => this.#view(client, caller));
  }

  /** @throws CsnError E_BUS_CLIENT, E_NOT_PERMITTED; PolicyError E_TAG_UNKNOWN */
  async set(caller: Caller, body: unknown): Promise<BusClient> {
    const request = parse(BusClientSet, body);
    const { name, proof, password, principal = null } = request;
    if (!NAME.test(name))
      throw bad("a name of letters, digits and `_.@/-`, at most 64", JSON.stringify(name));
    requireOwn(this.#csn, caller, name);
    const { authority } = this.#csn;
    const context = readContext(request.context, bookFor(authority, caller));
    requireRelease(authority, caller, context, "give a client of the bus that context");
    if (principal !== null && caller.uid !== 0 && principal !== authority.holderOf(caller))
      throw bad("yourself as the principal whose privileges it may use", JSON.stringify(principal));
    if ((proof === "password") !== (password !== undefined))
      throw bad(
        "a password for a client that is known by one, and else none",
        password === undefined ? "none" : "one",
      );
    if (password !== undefined && Buffer.byteLength(password) < SHORTEST_PASSWORD)
      throw bad(`a password of at least ${SHORTEST_PASSWORD} bytes`, `one of ${Buffer.byteLength(password)}`);
    const digest = password === undefined ? null : await digestOf(Buffer.from(password));
    const client = { name, context: contextKey(context), proof, digest, principal };
    this.#setAnew(name, caller.name);
    this.#csn.store.putBusClient(client);
    this.#clients = this.#read();
    this.#tell(caller, { client: name, proof, context: client.context, principal });
    return this.#view({ ...client, now: context }, caller);
  }

  /** @throws CsnError E_BUS_CLIENT, E_NOT_PERMITTED */
  remove(caller: Caller, body: unknown): BusClient {
    const { name } = parse(BusClientRemove, body);
    requireOwn(this.#csn, caller, name);
    const client = this.#clients.get(name);
    if (client === undefined) throw bad("a client that is known", JSON.stringify(name));
    this.#setAnew(name, caller.name);
    this.#csn.store.removeBusClient(name);
    this.#clients = this.#read();
    this.#tell(caller, { client: name, removed: true });
    return this.#view(client, caller);
  }

  /** Of whom one can't ask for a proof any more, as its will is published after a restart; null: nobody that is known. */
  whoIs(name: string): Identity | null {
    const client = this.#clients.get(name);
    return client === undefined ? null : this.#identity(name, client.proof);
  }

  #identity(name: string, proof: StoredClient["proof"]): Identity | null {
    const isKnown = this.#clients.get(name)?.proof === proof;
    if (!isKnown) return null;
    return {
      principal: name,
      context: () => {
        const client = this.#clients.get(name);
        if (client === undefined || client.proof !== proof) throw new Error("it is not known any more");
        return client.now;
      },
      mayPublishAs: (wanted) => {
        const client = this.#clients.get(name);
        if (client === undefined || client.principal === null) return false;
        return mayChange(this.#csn, callerOf(client.principal), client.now, wanted);
      },
      tagNamed: (tag) => {
        const principal = this.#clients.get(name)?.principal ?? null;
        return principal === null ? null : tagNamed(this.#csn.authority, callerOf(principal), tag);
      },
    };
  }

  #read(): Map<string, StoredClient & { now: Context }> {
    return new Map(
      this.#csn.store
        .busClients()
        .map((client) => [client.name, { ...client, now: parseContextKey(client.context) }]),
    );
  }

  #view({ name, proof, principal, now }: StoredClient & { now: Context }, caller: Caller): BusClient {
    return { name, proof, principal, context: viewContext(now, bookFor(this.#csn.authority, caller)) };
  }

  #tell(caller: Caller, what: object): void {
    recordConfiguration(this.#csn, caller.uid, { bus: what });
  }
}

/** Whose privileges a client may use. */
function callerOf(principal: string): Caller {
  return { uid: NO_USER, gid: NO_USER, groups: [], name: principal, principal };
}

function readKey(path: string): KeyObject {
  try {
    return createPublicKey(readFileSync(path));
  } catch (error) {
    throw new CsnError("E_BAD_REQUEST", `expected a public key in PEM at \`${path}\`: ${(error as Error).message}`, "give a path as the machine that enforces sees it", 400); // prettier-ignore
  }
}

/** May somebody publish in that context though the other does not flow there? Root's programs may not by being root's. */
export function mayChange(csn: Csn, caller: Caller, from: Context, to: Context): boolean {
  if (caller.uid === 0) return false;
  try {
    requireChange(csn.authority, caller, from, to, "publish in it");
    return true;
  } catch {
    return false;
  }
}

/** How the bus is run is the platform's own affair. */
export function requireSteering(caller: Caller): void {
  requireRoot(caller, "run and steer the bus");
}

/**
 * Who may steer whom: root all; others what is theirs, clients of their own name, with contexts that they could give these anyway.
 *
 * @throws CsnError E_NOT_PERMITTED
 */
export function requireControl(csn: Csn, caller: Caller, request: ControlRequest): void {
  if (caller.uid === 0) return;
  if (request.action === "divert") return requireSteering(caller); // others' messages go there, too
  requireOwn(csn, caller, request.target.split(":", 1)[0]!);
  if ("context" in request && request.context !== null)
    requireRelease(csn.authority, caller, request.context, "give a client of the bus that context");
}

/** @throws CsnError E_NOT_PERMITTED */
function requireOwn(csn: Csn, caller: Caller, name: string): void {
  if (isOwn(csn, caller, name)) return;
  const own = busName(csn, caller);
  throw new CsnError(
    "E_NOT_PERMITTED",
    `expected a client of ${caller.name}'s own, found ${JSON.stringify(name)}`,
    `name it \`${own}\` or \`${own}/...\`, or ask root`,
    403,
  );
}

function isOwn(csn: Csn, caller: Caller, name: string): boolean {
  if (caller.uid === 0) return true;
  const own = busName(csn, caller);
  return name === own || name.startsWith(`${own}/`);
}

/** What a user of this host is called on the bus; no colon: what follows one is the client's identifier. */
export function busName(csn: Csn, caller: Caller): string {
  return caller.uid === 0 ? "root" : csn.authority.holderOf(caller).replace(":", "-");
}

function bad(expected: string, found: string): CsnError {
  return new CsnError(
    "E_BUS_CLIENT",
    `expected ${expected}, found ${found}`,
    "`csn bus client --help` shows examples",
    400,
  );
}
