/**
 * What an HTTP client says of itself, as the bus's authenticators ask it.
 */
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import type { Hello, Origin } from "../mqtt/authenticator.ts";

/** null: credentials that can't be read count as nobody's, not as none. */
export function helloOf({ headersDistinct, socket }: IncomingMessage): Hello | null {
  const hello = { origin: originOf(socket), clientId: "http", username: null, password: null };
  const given = headersDistinct["authorization"] ?? [];
  if (given.length === 0) return hello;
  const [, scheme = "", value = ""] = /^(bearer|basic) +([\w.~+/=-]+)$/i.exec(given[0]!) ?? [];
  if (given.length > 1 || value === "") return null;
  if (scheme.toLowerCase() === "bearer") return { ...hello, password: Buffer.from(value) };
  const pair = Buffer.from(value, "base64");
  const colon = pair.indexOf(":");
  if (colon === -1) return null;
  return { ...hello, username: pair.subarray(0, colon).toString(), password: pair.subarray(colon + 1) };
}

function originOf(socket: IncomingMessage["socket"]): Origin {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined) return { transport: "unix", address: "", socket };
  const transport = socket instanceof TLSSocket ? "tls" : "tcp";
  return { transport, address: `${remoteAddress}:${remotePort}`, socket };
}
