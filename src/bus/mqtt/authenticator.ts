/**
 * Who is at the other end of a connection: asked once, when it says CONNECT.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Party } from "../types.ts";

/** Where a connection comes from. */
export interface Origin {
  readonly transport: "tcp" | "tls" | "websocket" | "unix";
  /** Address and port, or empty. */
  readonly address: string;
  /** For the peer's credentials or certificate. */
  readonly socket: Socket | TLSSocket;
}

/** What the other end says of itself. */
export interface Hello {
  readonly origin: Origin;
  readonly clientId: string;
  readonly username: string | null;
  readonly password: Uint8Array | null;
}

/** Somebody known; the bus makes the name from principal and client identifier. */
export interface Identity extends Pick<
  Party,
  "principal" | "process" | "context" | "mayPublishAs" | "tagNamed"
> {
  /** When what proved it is no longer valid, and the connection ends. Milliseconds since 1970. */
  readonly expiresAt?: number;
}

export interface Authenticator {
  /** Null: this is nobody that it knows. A rejection counts as that. */
  authenticate(hello: Hello): Promise<Identity | null>;
}
