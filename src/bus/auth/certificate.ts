/**
 * Client certificates (mutual TLS).
 *
 * Guarantee: only a certificate that TLS found to be signed by one of the listener's authorities counts. The name is the
 * subject's common name, of which there must be exactly one; the connection ends when the certificate does.
 */
import { TLSSocket } from "node:tls";
import type { Authenticator } from "../mqtt/authenticator.ts";
import type { Lookup } from "./known.ts";

export function certificates(lookup: Lookup): Authenticator {
  return {
    async authenticate({ origin: { socket } }) {
      if (!(socket instanceof TLSSocket) || !socket.authorized) return null;
      const { subject, valid_to: end } = socket.getPeerCertificate();
      const name: unknown = subject?.CN;
      const expiresAt = Date.parse(end);
      if (typeof name !== "string" || Number.isNaN(expiresAt)) return null;
      const identity = lookup(name);
      return identity && { ...identity, expiresAt };
    },
  };
}
