/**
 * The bus for HTTP clients: CloudEvents in (`POST /topics/TOPIC`), Server-Sent Events out (`GET /events?filter=FILTER`).
 *
 * Guarantee: each request is made by somebody that the authenticator knows; what comes in is judged by `Bus.publish`, what goes out by
 * `Bus.open`, as for any other client. A request costs no more than its limits: size, time, connections.
 * Pages of browsers from elsewhere can't publish: what is taken has headers for which a browser asks first, and it gets no permission.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { TlsOptions } from "node:tls";
import type { Bus } from "../bus.ts";
import { BusError } from "../error.ts";
import { KEYS, type LabelText, stripped, UNREADABLE } from "../labels.ts";
import type { Authenticator, Identity } from "../mqtt/authenticator.ts";
import { Traffic } from "../mqtt/traffic.ts";
import type { Turn } from "../mqtt/turn.ts";
import type { Party, Properties, PublishResult, Refusal } from "../types.ts";
import { readBinary } from "./binary.ts";
import { helloOf } from "./credentials.ts";
import { type CloudEvent, NoEvent } from "./event.ts";
import { Streams } from "./streams.ts";
import { readStructured } from "./structured.ts";

export type HttpListening =
  | { readonly host: string; readonly port: number; readonly tls?: TlsOptions }
  | { readonly path: string };

export interface HttpOptions {
  readonly bus: Bus;
  readonly authenticator: Authenticator;
  /** How contexts are written in `ifccontext`. Default: canonical, with the tags' ids. */
  readonly labels?: LabelText;
  /** An event is accepted, and events are sent, when what was kept in their turn is durable; without one, at once. */
  readonly turn?: Pick<Turn, "mark">;
}

/** Why the bus refused, as HTTP has it. */
const STATUS: Readonly<Record<Refusal, number>> = {
  topic: 400,
  context: 403,
  payload: 422,
  quota: 429,
  never: 403,
  forbidden: 403,
  failed: 503,
};

export class HttpServer {
  readonly streams: Streams;
  readonly traffic = new Traffic();
  /** Requests that were answered, by status. */
  readonly answered = new Map<number, number>();
  readonly #options: HttpOptions;
  readonly #labels: LabelText;
  readonly #servers: Server[] = [];
  readonly #clock: NodeJS.Timeout;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#labels = options.labels ?? KEYS;
    this.streams = new Streams(options.bus, this.#labels, options.turn);
    this.#clock = setInterval(() => this.streams.tick(options.bus.now()), 1000);
    this.#clock.unref();
  }

  /** Gives the port; 0 for a unix socket. @throws BusError E_BUS_LISTEN */
  async listen(on: HttpListening): Promise<number> {
    const { connectMilliseconds, sessions } = this.#options.bus.limits;
    const limits = { headersTimeout: connectMilliseconds, requestTimeout: connectMilliseconds, connectionsCheckingInterval: 1000 };
    const answer = (request: IncomingMessage, response: ServerResponse) => void this.#answer(request, response);
    const server = "tls" in on && on.tls !== undefined ? createHttps({ ...limits, ...on.tls }, answer) : createServer(limits, answer);
    server.maxConnections = sessions;
    const transport = "path" in on ? "http-unix" : "tls" in on && on.tls !== undefined ? "https" : "http";
    server.on("connection", (socket: Socket) => this.traffic.add(transport, socket));
    await new Promise<void>((done, fail) => {
      // later ones, such as when no descriptor is left: who is connected is served
      server.on("error", (error: Error) => {
        const where = "path" in on ? on.path : `${on.host}:${on.port}`;
        fail(new BusError("E_BUS_LISTEN", `expected to listen on \`${where}\`: ${error.message}`, "choose another address or end what listens there", error));
      });
      server.once("listening", done);
      if ("path" in on) server.listen(on.path);
      else server.listen(on.port, on.host);
    });
    this.#servers.push(server);
    const address = server.address();
    return typeof address === "object" ? (address as AddressInfo).port : 0;
  } // prettier-ignore

  /** Ends all streams and connections. */
  async close(): Promise<void> {
    clearInterval(this.#clock);
    this.streams.close();
    await Promise.all(
      this.#servers.map(
        (server) =>
          new Promise<void>((done) => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      ),
    );
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.once("close", () => {
      const { statusCode: status } = response;
      if (response.headersSent) this.answered.set(status, (this.answered.get(status) ?? 0) + 1);
    });
    try {
      const hello = helloOf(request);
      const identity = hello === null ? null : await this.#options.authenticator.authenticate(hello);
      if (identity === null) {
        response.setHeader("www-authenticate", 'Bearer, Basic realm="csn"');
        throw new NoEvent(401, "expected a token, a name and password, or a certificate that is known here");
      }
      // as it was written: a topic's levels may be `..`, which URL would take away
      const [, path = "", query = ""] = /^([^?]*)\??(.*)$/s.exec(request.url ?? "") ?? [];
      if (path === "/events") this.#stream(request, response, identity, new URLSearchParams(query));
      else if (path.startsWith("/topics/")) await this.#publish(request, response, identity, path);
      else throw new NoEvent(404, "expected /topics/TOPIC or /events?filter=FILTER");
    } catch (error) {
      if (error instanceof NoEvent) say(response, error.status, error.message);
      else say(response, 503, "the request could not be carried out");
    }
  }

  #stream(
    request: IncomingMessage,
    response: ServerResponse,
    identity: Identity,
    query: URLSearchParams,
  ): void {
    requireMethod(request, response, "GET");
    const lastEventId = request.headers["last-event-id"];
    const filters = query.getAll("filter");
    const id = typeof lastEventId === "string" ? lastEventId : "";
    const refusal = this.streams.open(
      response,
      partyOf(identity),
      filters,
      id,
      identity.expiresAt ?? Infinity,
    );
    if (refusal !== null) say(response, STATUS[refusal], `refused: ${refusal}`);
  }

  async #publish(request: IncomingMessage, response: ServerResponse, identity: Identity, path: string): Promise<void> {
    requireMethod(request, response, "POST");
    const topic = decodedTopic(path.slice("/topics/".length));
    const event = eventFrom(request, await bodyOf(request, this.#options.bus.limits.packetBytes));
    const result = this.#give(partyOf(identity), topic, event);
    const flush = () =>
      result.accepted ? response.writeHead(202).end() : say(response, STATUS[result.reason], `refused: ${result.reason}`);
    const { turn } = this.#options;
    if (turn === undefined) flush();
    else turn.mark({ flush, abandon: () => response.destroy() });
  } // prettier-ignore

  #give(party: Party, topic: string, event: CloudEvent): PublishResult {
    const { bus } = this.#options;
    const supplied = stripped(event.attributes, this.#labels, party);
    if (supplied === null) return bus.refuse(party, topic, "context", UNREADABLE);
    const { rest: userProperties, as } = supplied;
    const { contentType, payload } = event;
    const properties: Properties = { userProperties, ...(contentType === null ? {} : { contentType }) };
    return bus.publish(party, { topic, payload, qos: 1, properties, ...(as === undefined ? {} : { as }) });
  }
}

function partyOf({ principal, context, mayPublishAs, tagNamed }: Identity): Party {
  return { principal, name: `${principal}:http`, context, mayPublishAs, ...(tagNamed === undefined ? {} : { tagNamed }) }; // prettier-ignore
}

/** @throws NoEvent */
function eventFrom(request: IncomingMessage, body: Buffer): CloudEvent {
  const type = (request.headers["content-type"] ?? "").toLowerCase();
  if (!type.startsWith("application/cloudevents")) return readBinary(request.headersDistinct, body);
  if (/^application\/cloudevents\+json\s*(;\s*charset="?utf-8"?\s*)?$/.test(type))
    return readStructured(body);
  throw new NoEvent(
    415,
    "expected application/cloudevents+json in UTF-8, one event and no batch, or headers ce-…",
  );
}

/** @throws NoEvent when it is longer than the data of the longest message could be */
async function bodyOf(request: IncomingMessage, longest: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  // the answer still has to go out when the rest is not read
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > 2 * longest) throw new NoEvent(413, `expected at most ${2 * longest} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decodedTopic(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new NoEvent(400, "expected a topic in percent-encoded UTF-8");
  }
}

function requireMethod(request: IncomingMessage, response: ServerResponse, method: string): void {
  if (request.method === method) return;
  response.setHeader("allow", method);
  throw new NoEvent(405, `expected ${method}`);
}

function say(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // what was not read of a request does not count as the next
  response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ message }));
}
