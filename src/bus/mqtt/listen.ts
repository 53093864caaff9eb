/**
 * Where clients connect: TCP, TLS, WebSocket (also over TLS), and a unix socket.
 *
 * Guarantee: each gives a stream of bytes and says where it comes from; closing one closes no connection that stands.
 * Not covered: who may open a unix socket is the folder's mode.
 */
import { createServer as createHttp } from "node:http";
import { createServer as createHttps } from "node:https";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTls } from "node:tls";
import type { TlsOptions, TLSSocket } from "node:tls";
import { createWebSocketStream, WebSocketServer } from "ws";
import { BusError } from "../error.ts";
import type { Origin } from "./authenticator.ts";

export type Listening =
  | { readonly transport: "tcp"; readonly host: string; readonly port: number }
  /** @see node:tls; `requestCert` for clients that show one */
  | { readonly transport: "tls"; readonly host: string; readonly port: number; readonly tls: TlsOptions }
  | {
      readonly transport: "websocket";
      readonly host: string;
      readonly port: number;
      readonly tls?: TlsOptions;
    }
  | { readonly transport: "unix"; readonly path: string };

export interface Listener {
  /** The port that it got; 0 for a unix socket. */
  readonly port: number;
  close(): Promise<void>;
}

export type Accept = (stream: Duplex, origin: Origin) => void;

/** @throws BusError E_BUS_LISTEN */
export async function listen(on: Listening, longest: number, accept: Accept): Promise<Listener> {
  const server = serverFor(on, longest, accept);
  await new Promise<void>((done, fail) => {
    server.once("error", (error: Error) => {
      const where = on.transport === "unix" ? on.path : `${on.host}:${on.port}`;
      const hint = "choose another address or end what listens there";
      fail(new BusError("E_BUS_LISTEN", `expected to listen on \`${where}\`: ${error.message}`, hint, error));
    });
    server.once("listening", done);
    if (on.transport === "unix") server.listen(on.path);
    else server.listen(on.port, on.host);
  });
  // When no descriptor is left, say, somebody is not accepted; those who are connected are served.
  server.on("error", () => {});
  const address = server.address();
  return {
    port: typeof address === "object" ? (address as AddressInfo).port : 0,
    close: () => new Promise((done) => server.close(() => done())),
  };
}

function serverFor(on: Listening, longest: number, accept: Accept): Server {
  const take = (socket: Socket | TLSSocket): void => {
    socket.setNoDelay(true);
    // The other end may be gone without a word.
    socket.setKeepAlive(true, 60_000);
    accept(socket, { transport: on.transport, address: addressOf(socket), socket });
  };
  if (on.transport === "websocket") return webSockets(on.tls, longest, accept);
  if (on.transport !== "tls") return createServer(take);
  const server = createTls({ handshakeTimeout: 10_000, ...on.tls }, take);
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

function webSockets(tls: TlsOptions | undefined, maxPayload: number, accept: Accept): Server {
  const server = tls === undefined ? createHttp(refuse) : createHttps(tls, refuse);
  const sockets = new WebSocketServer({
    server,
    maxPayload,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has("mqtt") ? "mqtt" : false),
  });
  // It repeats the server's, which `listen` looks after.
  sockets.on("error", () => {});
  sockets.on("connection", (webSocket, request) => {
    if (webSocket.protocol !== "mqtt") {
      webSocket.close(1002, "expected the subprotocol mqtt");
      return;
    }
    const { socket } = request;
    socket.setNoDelay(true);
    const stream = createWebSocketStream(webSocket);
    // MQTT 5, section 6: text frames are not MQTT.
    webSocket.on("message", (_data, isBinary) => {
      if (!isBinary) webSocket.close(1003, "expected binary frames");
    });
    accept(stream, { transport: "websocket", address: addressOf(socket), socket });
  });
  return server;
}

function refuse(_request: unknown, response: { writeHead(status: number): { end(): void } }): void {
  response.writeHead(426).end();
}

function addressOf({ remoteAddress, remotePort }: Socket): string {
  return remoteAddress === undefined ? "" : `${remoteAddress}:${remotePort}`;
}
