/**
 * User name and password.
 *
 * Guarantee: passwords are kept as scrypt digests with a salt of their own and compared in constant time; an unknown name
 * takes as long as a wrong password.
 * Not covered: how often somebody tries, and that a password goes in the open over TCP without TLS.
 */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { Authenticator } from "../mqtt/authenticator.ts";
import type { Lookup } from "./known.ts";

const BYTES = 32;
/** Tried for names that there are not. */
const NOBODY = `${"00".repeat(16)}:${"00".repeat(BYTES)}`;

/** `SALT:DIGEST` in hexadecimal digits. */
export async function digestOf(password: Uint8Array, salt: Uint8Array = randomBytes(16)): Promise<string> {
  const digest = await new Promise<Buffer>((done, fail) =>
    scrypt(password, salt, BYTES, (error, made) => (error === null ? done(made) : fail(error))),
  );
  return `${Buffer.from(salt).toString("hex")}:${digest.toString("hex")}`;
}

/** @param digests of each user name, as {@link digestOf} makes them */
export function passwords(digests: ReadonlyMap<string, string>, lookup: Lookup): Authenticator {
  return {
    async authenticate({ username, password }) {
      if (username === null || password === null) return null;
      const kept = digests.get(username) ?? NOBODY;
      const given = await digestOf(password, Buffer.from(kept.slice(0, kept.indexOf(":")), "hex"));
      const isRight = given.length === kept.length && timingSafeEqual(Buffer.from(given), Buffer.from(kept));
      return isRight && digests.has(username) ? lookup(username) : null;
    },
  };
}
