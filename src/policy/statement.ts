/**
 * Statements: what a principal says, signed, in one order. The state of the world is a fold over them (world.ts).
 *
 * Guarantee: a statement verifies only as it was signed, in the realm and at the place in the order where it was
 * made: it names the realm, its number and the hash of the one before, so that none can be forged, replayed,
 * reordered, or left out in the middle.
 * Not covered: leaving out the newest ones, which only somebody who saw them can notice (checkpoints of the record).
 *
 * Ed25519 (RFC 8032) over `csn statement v1\n` and the canonical text: JSON with sorted keys and no spaces
 * (RFC 8785 restricted to strings, whole numbers, booleans and null).
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import type { TagId, TagName } from "../label/index.ts";
import type { Pattern } from "./pattern.ts";

/** Take on secrecy, let out; claim integrity, drop it. Each for one tag. */
export type Privilege = "s+" | "s-" | "i+" | "i-";
export const PRIVILEGES: readonly Privilege[] = ["s+", "s-", "i+", "i-"];

/** Who can hold privileges: a principal by name, or a gate as it is defined now: `gate:OWNER/NAME@DEFINITION`. */
export type Holder = string;

export type PrincipalKind = "person" | "tenant" | "service";

/** Tags by name; sorted. */
export type LabelText = readonly string[];
export type ContextText = { readonly secrecy: LabelText; readonly integrity: LabelText };

/** What a gate is; its hash is its definition, and grants are made to that. [GATE-1] */
export type GateText = {
  readonly program: string;
  /** sha256 of the program's bytes, hexadecimal. */
  readonly digest: string;
  readonly args: readonly string[];
  /** Files that it also reads and that decide what it does (scripts, schemas), with their digests. */
  readonly files: readonly { readonly path: string; readonly digest: string }[];
  readonly in: ContextText;
  readonly out: ContextText;
  /** Tags that `in` has besides, each only while its owner lets this gate drop it: `owner/name`, `owner/name:*`,
   * or any owner's: a star for the owner. */
  readonly consent: readonly string[];
  readonly purpose: string;
};

/** What is said. Times are ISO 8601 in UTC; null: without end. */
export type Body =
  | { readonly kind: "genesis"; readonly key: string }
  | {
      readonly kind: "principal";
      readonly name: string;
      readonly type: PrincipalKind;
      readonly key: string;
      /** Who keeps the private key: the daemon for a local user, or its owner. */
      readonly custody: "daemon" | "own";
      readonly uid: number | null;
    }
  /** Written by the platform: which local user a principal is that was none. */
  | { readonly kind: "bind"; readonly name: string; readonly uid: number }
  | {
      readonly kind: "rotate";
      readonly name: string;
      readonly key: string;
      readonly custody: "daemon" | "own";
    }
  /** Who shows a text with this SHA-256 (hexadecimal) is this principal, until then. The text itself is nowhere. */
  | { readonly kind: "token"; readonly hash: string; readonly until: string | null; readonly note: string }
  | { readonly kind: "untoken"; readonly hash: string }
  | { readonly kind: "tag"; readonly tags: readonly { readonly name: TagName; readonly id: TagId }[] }
  | { readonly kind: "open"; readonly tag: Pattern; readonly privilege: Privilege; readonly open: boolean }
  | {
      readonly kind: "grant";
      readonly id: string;
      readonly to: Holder;
      readonly tag: Pattern;
      readonly privileges: readonly Privilege[];
      /** With the grant option. */
      readonly delegate: boolean;
      readonly until: string | null;
      readonly purpose: string;
      /** The grant that this one derives from; null: the owner's own. */
      readonly via: string | null;
    }
  | { readonly kind: "revoke"; readonly grant: string }
  | {
      readonly kind: "gate";
      readonly name: string;
      readonly gate: GateText;
      readonly users: readonly string[];
    }
  | { readonly kind: "ungate"; readonly name: string }
  | { readonly kind: "conflict"; readonly name: string; readonly tags: readonly Pattern[] }
  | { readonly kind: "unconflict"; readonly name: string }
  | { readonly kind: "context"; readonly name: string; readonly context: ContextText }
  | { readonly kind: "uncontext"; readonly name: string }
  /** Written by the platform: what a holder's programs have carried. [COI-1] */
  | { readonly kind: "held"; readonly holder: Holder; readonly tags: readonly TagName[] }
  /** Policy that other parts obey: Network, Host, MessageType. */
  | { readonly kind: "document"; readonly type: string; readonly name: string; readonly spec: string | null };

/** The platform's own name among principals. */
export const PLATFORM = "platform";

export type Unsigned = {
  /** Which log: the hash of its first statement; empty in that one. */
  readonly realm: string;
  readonly seq: number;
  /** Hash of the statement before, hexadecimal; empty in the first. */
  readonly prev: string;
  readonly at: string;
  readonly by: string;
  readonly body: Body;
};
/** signature: base64. */
export type Statement = Unsigned & { readonly signature: string };

/** The text that is signed and hashed. */
export function canonical(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new TypeError(`expected a whole number, found ${value}`);
    return String(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const fields = Object.entries(value as Record<string, unknown>)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(",")}}`;
}

const DOMAIN = "csn statement v1\n";

function signedText({ realm, seq, prev, at, by, body }: Unsigned): Buffer {
  return Buffer.from(DOMAIN + canonical({ realm, seq, prev, at, by, body }));
}

/** @param key an Ed25519 private key */
export function signStatement(unsigned: Unsigned, key: KeyObject): Statement {
  return { ...unsigned, signature: sign(null, signedText(unsigned), key).toString("base64") };
}

/** @param key as `publicText` writes it */
export function verifyStatement(statement: Statement, key: string): boolean {
  try {
    const signature = Buffer.from(statement.signature, "base64");
    // one text for each signature, since the hash is over the text: decoding overlooks spaces and the like
    if (signature.toString("base64") !== statement.signature) return false;
    return verify(null, signedText(statement), publicKey(key), signature);
  } catch {
    return false;
  }
}

export function hashStatement(statement: Statement): string {
  return createHash("sha256").update(canonical(statement)).digest("hex");
}

/** What a gate's grants are made to: anything changed in it is another gate. */
export function definitionOf(gate: GateText): string {
  return createHash("sha256")
    .update(`csn gate v1\n${canonical(gate)}`)
    .digest("hex");
}

export function gateHolder(name: string, gate: GateText): Holder {
  return `gate:${name}@${definitionOf(gate)}`;
}

/** Base64 of the 32 bytes of the public half of an Ed25519 key. */
export function publicText(key: KeyObject): string {
  const raw = (key.type === "private" ? createPublicKey(key) : key).export({ format: "jwk" }).x!;
  return Buffer.from(raw, "base64url").toString("base64");
}

function publicKey(text: string): KeyObject {
  const raw = Buffer.from(text, "base64");
  if (raw.length !== 32) throw new TypeError("expected the 32 bytes of an Ed25519 public key");
  return createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") },
    format: "jwk",
  });
}

/** A private key as it is kept in a file: PKCS #8 in PEM. */
export function privateKey(pem: string): KeyObject {
  return createPrivateKey(pem);
}
