/**
 * What policy says about those who prove a name: principal, context, and what they may publish beyond it.
 */
import { contextEquals, UNLABELLED } from "../../label/index.ts";
import type { Context } from "../../label/index.ts";
import type { Authenticator, Hello, Identity } from "../mqtt/authenticator.ts";

/** Looks somebody up by the name that was proved; null: not known. Asked at CONNECT. */
export type Lookup = (name: string) => Identity | null;

/** Somebody with a fixed context. @param privileges contexts in which it may publish besides */
export function identityOf(
  principal: string,
  context: Context,
  privileges: readonly Context[] = [],
): Identity {
  const mayPublishAs = (wanted: Context): boolean => privileges.some((one) => contextEquals(one, wanted));
  return { principal, context: () => context, mayPublishAs };
}

export const ANONYMOUS_NAME = "anonymous";

/** Anybody, who gives no name: unlabelled, without privileges. */
export const ANONYMOUS: Authenticator = {
  async authenticate({ username, password, origin }: Hello) {
    // Who shows a certificate or a password is somebody, or nobody.
    if (username !== null || password !== null || origin.transport === "unix") return null;
    return identityOf(ANONYMOUS_NAME, UNLABELLED);
  },
};

/** The first that knows who it is. */
export function firstOf(authenticators: readonly Authenticator[]): Authenticator {
  return {
    async authenticate(hello) {
      for (const authenticator of authenticators) {
        const identity = await authenticator.authenticate(hello);
        if (identity !== null) return identity;
      }
      return null;
    },
  };
}
