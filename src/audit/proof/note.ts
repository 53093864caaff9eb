/**
 * Signed notes (c2sp.org/signed-note) and the two cosignatures (c2sp.org/tlog-cosignature).
 *
 * Guarantee: `verifies` says yes only to a signature by that key over exactly that text. Unknown signatures are
 * ignored, as the specification wants; one by a known name and id that fails makes the whole note worthless.
 */
import { createPublicKey, hash, type KeyObject, sign, verify } from "node:crypto";
import { AuditError } from "../errors.ts";

/** Signature types, as signed-note assigns them. */
export const TYPE = { ed25519: 1, cosignature: 4, mldsa44: 6 } as const;
export type SignatureType = (typeof TYPE)[keyof typeof TYPE];

export type Signature = { name: string; id: Buffer; bytes: Buffer; line: string };
export type Note = { text: string; signatures: Signature[] };
/** A public key with its name: a vkey. */
export type Verifier = { name: string; type: SignatureType; id: Buffer; raw: Buffer; key: KeyObject };
export type Signer = { verifier: Verifier; key: KeyObject };

/** DER before the bytes of a public key. RFC 8410; FIPS 204's identifier 2.16.840.1.101.3.4.3.17. */
const SPKI: Record<SignatureType, Buffer> = {
  [TYPE.ed25519]: Buffer.from("302a300506032b6570032100", "hex"),
  [TYPE.cosignature]: Buffer.from("302a300506032b6570032100", "hex"),
  [TYPE.mldsa44]: Buffer.from("30820532300b06096086480165030403110382052100", "hex"),
};
const KEY_BYTES: Record<SignatureType, number> = {
  [TYPE.ed25519]: 32,
  [TYPE.cosignature]: 32,
  [TYPE.mldsa44]: 1312,
};
/** More than the 16 that must be accepted, less than what would take long. */
const MAX_SIGNATURES = 64;
const NAME = /^[^\s+\p{Z}\p{Cc}]+$/u;

/** @throws AuditError E_CHECKPOINT */
export function parseNote(note: string): Note {
  const split = note.lastIndexOf("\n\n");
  const lines = split === -1 ? [] : note.slice(split + 2).split("\n");
  if (lines.pop() !== "" || lines.length === 0 || lines.length > MAX_SIGNATURES)
    throw notANote("its signatures");
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) throw notANote("control characters");
  const signatures = lines.map((line) => {
    const [, name = "", base64 = ""] = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    const bytes = Buffer.from(base64, "base64");
    if (!NAME.test(name) || bytes.length < 5 || bytes.toString("base64") !== base64)
      throw notANote("a signature line");
    return { name, id: bytes.subarray(0, 4), bytes: bytes.subarray(4), line: `${line}\n` };
  });
  return { text: note.slice(0, split + 1), signatures };
}

export function verifierOf(name: string, type: SignatureType, raw: Buffer): Verifier {
  if (!NAME.test(name) || Buffer.byteLength(name) > 255 || raw.length !== KEY_BYTES[type])
    throw new AuditError(
      "E_VKEY",
      "expected a key's name and bytes, found others",
      "give `NAME+ID+BASE64`, as `csn audit key` prints it",
    );
  const id = hash(
    "sha256",
    Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(type), raw]),
    "buffer",
  ).subarray(0, 4);
  const key = createPublicKey({ key: Buffer.concat([SPKI[type], raw]), format: "der", type: "spki" });
  return { name, type, id, raw, key };
}

/** `NAME+ID+BASE64(type, key)`. */
export function vkeyOf({ name, type, id, raw }: Verifier): string {
  return `${name}+${id.toString("hex")}+${Buffer.concat([Buffer.of(type), raw]).toString("base64")}`;
}

/** @throws AuditError E_VKEY */
export function parseVkey(vkey: string): Verifier {
  const [, name = "", id = "", base64 = ""] =
    /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(vkey.trim()) ?? [];
  const bytes = Buffer.from(base64, "base64");
  const type = Object.values(TYPE).find((known) => known === bytes[0]);
  const verifier = type === undefined || name === "" ? null : verifierOf(name, type, bytes.subarray(1));
  if (verifier === null || verifier.id.toString("hex") !== id)
    throw new AuditError(
      "E_VKEY",
      `expected \`NAME+ID+BASE64\`, found ${JSON.stringify(vkey.slice(0, 100))}`,
      "`csn audit key` prints the log's, `csn audit witness key` a witness's",
    );
  return verifier;
}

export function signerOf(name: string, type: SignatureType, key: KeyObject): Signer {
  const der = createPublicKey(key).export({ format: "der", type: "spki" });
  return { verifier: verifierOf(name, type, der.subarray(SPKI[type].length)), key };
}

/** A signature line over a text. @param seconds since 1970, for cosignatures */
export function signatureLine({ verifier, key }: Signer, text: string, seconds: number): string {
  const signature = sign(null, messageOf(verifier, text, BigInt(seconds)), key);
  const stamp = verifier.type === TYPE.ed25519 ? Buffer.alloc(0) : u64(BigInt(seconds));
  return `\u2014 ${verifier.name} ${Buffer.concat([verifier.id, stamp, signature]).toString("base64")}\n`;
}

/** Did this key sign it? @throws AuditError E_LOG_KEY when it seems so and is not so */
export function verifies(verifier: Verifier, note: Note): boolean {
  let signed = false;
  for (const { name, id, bytes } of note.signatures) {
    if (name !== verifier.name || !id.equals(verifier.id)) continue;
    if (!isGood(verifier, note.text, bytes))
      throw new AuditError(
        "E_LOG_KEY",
        `the signature of \`${name}\` does not fit what it signs`,
        "the checkpoint was changed, or made by somebody without the key",
      );
    signed = true;
  }
  return signed;
}

function isGood(verifier: Verifier, text: string, bytes: Buffer): boolean {
  const stamped = verifier.type !== TYPE.ed25519;
  if (stamped && (bytes.length < 8 || bytes.readBigUInt64BE() >= 1n << 63n)) return false;
  const message = messageOf(verifier, text, stamped ? bytes.readBigUInt64BE() : 0n);
  return verify(null, message, verifier.key, stamped ? bytes.subarray(8) : bytes);
}

/** What is signed, by the kind of signature. */
function messageOf({ name, type }: Verifier, text: string, seconds: bigint): Buffer {
  if (type === TYPE.ed25519) return Buffer.from(text);
  if (type === TYPE.cosignature) return Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`);
  const [origin = "", size = "", root = ""] = text.split("\n");
  return Buffer.concat([
    Buffer.from("subtree/v1\n\0"),
    opaque(name),
    u64(seconds),
    opaque(origin),
    u64(0n),
    u64(/^\d{1,19}$/.test(size) ? BigInt(size) : 0n),
    Buffer.from(root, "base64"),
  ]);
}

function opaque(text: string): Buffer {
  const bytes = Buffer.from(text).subarray(0, 255);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

function notANote(what: string): AuditError {
  return new AuditError(
    "E_CHECKPOINT",
    `expected a signed note, found that ${what} are of another form`,
    "give a file as `csn audit checkpoint` writes it",
  );
}
