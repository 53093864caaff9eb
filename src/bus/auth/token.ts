/**
 * JSON Web Tokens, given as the password (the user name may be anything).
 *
 * Guarantee: a token counts only with a signature by one of the keys, with an algorithm that belongs to it, for this
 * audience, and within its time; the connection ends when the token does. A token without an end is refused.
 */
import { jwtVerify } from "jose";
import type { CryptoKey, JWTVerifyGetKey, KeyObject } from "jose";
import type { Authenticator } from "../mqtt/authenticator.ts";
import type { Lookup } from "./known.ts";

export interface TokenOptions {
  /** A key, or what finds it (`createLocalJWKSet`, `createRemoteJWKSet` of jose). */
  readonly key: CryptoKey | KeyObject | JWTVerifyGetKey;
  readonly algorithms: readonly string[];
  readonly audience: string;
  readonly issuer: string;
  /** By how much clocks may differ. Seconds. */
  readonly skewSeconds?: number;
}

export function tokens(
  { key, algorithms, audience, issuer, skewSeconds = 30 }: TokenOptions,
  lookup: Lookup,
  now: () => number,
): Authenticator {
  const getKey: JWTVerifyGetKey = typeof key === "function" ? key : async () => key;
  return {
    async authenticate({ password }) {
      const token = password && Buffer.from(password).toString();
      if (token === null || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return null;
      try {
        const { payload } = await jwtVerify(token, getKey, {
          algorithms: [...algorithms],
          audience,
          issuer,
          clockTolerance: skewSeconds,
          currentDate: new Date(now()),
          requiredClaims: ["exp", "sub"],
        });
        const identity = lookup(payload.sub ?? "");
        return identity && { ...identity, expiresAt: ((payload.exp ?? 0) + skewSeconds) * 1000 };
      } catch {
        return null;
      }
    },
  };
}
