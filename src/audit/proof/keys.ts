/**
 * The log's signing keys: one Ed25519 and one ML-DSA-44, which take over and end together.
 *
 * Guarantee: the file holds the keys in force, readable by its owner only; it is replaced as a whole. Which keys
 * were in force for which sizes is stated in the log, and `verify` holds checkpoints against that: see keyline.ts.
 * Not covered: while the daemon runs, the keys are in its memory. The monitor lets no labelled subject look there;
 * root of the host can. Node.js can't lock or wipe that memory, and the disk may keep the bytes of a replaced file.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { type Disk, replaceFile } from "../disk.ts";
import { AuditError } from "../errors.ts";
import { type Signer, signerOf, TYPE, vkeyOf } from "./note.ts";

export type LogKeys = { origin: string; signers: Signer[] };

/** A name for a new log, unlike any other's. */
export function newOrigin(): string {
  const host =
    hostname()
      .toLowerCase()
      .replaceAll(/[^a-z0-9.-]/g, "-")
      .slice(0, 100) || "host";
  return `${host}/csn/${randomBytes(8).toString("hex")}`;
}

export function makeKeys(origin: string): LogKeys {
  return keysOf(
    origin,
    generateKeyPairSync("ed25519").privateKey,
    generateKeyPairSync("ml-dsa-44").privateKey,
  );
}

/** What the log states of keys, and others are given. */
export function vkeysOf(keys: LogKeys): string[] {
  return keys.signers.map(({ verifier }) => vkeyOf(verifier));
}

export function storeKeys(disk: Disk, path: string, keys: LogKeys): void {
  const pems = keys.signers.map(({ key }) => String(key.export({ format: "pem", type: "pkcs8" })));
  replaceFile(disk, path, Buffer.from(`${keys.origin}\n${pems.join("")}`));
}

/** @returns null when there is none  @throws AuditError E_LOG_KEY */
export function loadKeys(path: string): LogKeys | null {
  if (!existsSync(path)) return null;
  const text = readFileSync(path, "utf8");
  const [ed25519, mldsa44] = text.match(/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/g) ?? [];
  try {
    return keysOf(text.slice(0, text.indexOf("\n")), createPrivateKey(ed25519!), createPrivateKey(mldsa44!));
  } catch {
    throw new AuditError(
      "E_LOG_KEY",
      `expected the log's two private keys in \`${path}\`, found something else`,
      "bring the file back from a backup, or remove it: the log then ends, and a new one begins",
    );
  }
}

function keysOf(origin: string, ed25519: KeyObject, mldsa44: KeyObject): LogKeys {
  return {
    origin,
    signers: [signerOf(origin, TYPE.ed25519, ed25519), signerOf(origin, TYPE.mldsa44, mldsa44)],
  };
}

/** Keys that were stated, and are not in force yet. */
export function nextKeyFile(keyFile: string): string {
  return `${keyFile}.next`;
}
