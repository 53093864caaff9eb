/**
 * A witness (c2sp.org/tlog-witness): cosigns checkpoints of logs that it knows, each only if it continues the last one
 * that it cosigned.
 *
 * Guarantee: it never cosigns two trees of one log of which neither continues the other, not over restarts and not
 * for requests at the same time: what it saw is on disk before it answers, and checking and storing is one step.
 * Not covered: a witness whose folder is lost or set back has forgotten. It must not be used again.
 */
import { createPrivateKey, generateKeyPairSync, hash, type KeyObject } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { realDisk, replaceFile } from "../disk.ts";
import { AuditError } from "../errors.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { HASH_BYTES } from "./hash.ts";
import { isConsistent } from "./merkle.ts";
import { type Signer, signatureLine, signerOf, TYPE, type Verifier, verifies, vkeyOf } from "./note.ts";

export type Reply = { status: number; type: string; body: string };

/** RFC 6962 proofs of trees below 2^63. */
const MOST_STEPS = 63;
const TEXT = "text/plain; charset=utf-8";

export class Witness {
  readonly #folder: string;
  readonly #signers: Signer[];
  readonly #logs: readonly Verifier[];
  readonly #now: () => number;

  /** @param name of the witness, kept with its keys  @param logs keys of the logs that it knows; their names are the origins */
  constructor(folder: string, name: string, logs: readonly Verifier[], now: () => number = Date.now) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
    this.#logs = logs;
    this.#now = now;
    this.#signers = loadSigners(join(folder, "witness-key.pem"), name);
  }

  get vkeys(): string[] {
    return this.#signers.map(({ verifier }) => vkeyOf(verifier));
  }

  /** Answers the body of `POST /add-checkpoint`. Synchronous: two requests can't come between each other. */
  addCheckpoint(body: string): Reply {
    const request = parseRequest(body);
    if (request === null) return reply(400, "expected `old SIZE`, a proof, and a checkpoint\n");
    const { old, proof, checkpoint } = request;
    const known = this.#logs.filter(({ name }) => name === checkpoint.origin);
    if (known.length === 0) return reply(404, "this log is not known here\n");
    if (!known.some((key) => isSigned(key, checkpoint)))
      return reply(403, "not signed by a key of this log\n");
    if (old > checkpoint.size) return reply(400, "the old size is larger than the checkpoint's\n");
    const last = this.#last(checkpoint.origin);
    if (old !== last.size) return { status: 409, type: "text/x.tlog.size", body: `${last.size}\n` };
    if (old === checkpoint.size && old > 0 && !checkpoint.root.equals(last.root))
      return { status: 409, type: "text/x.tlog.size", body: `${last.size}\n` };
    if (!isConsistent(old, last.root, checkpoint.size, checkpoint.root, proof))
      return reply(422, "the proof does not lead from the last tree to this\n");
    replaceFile(
      realDisk,
      this.#path(checkpoint.origin),
      Buffer.from(
        JSON.stringify({
          origin: checkpoint.origin,
          size: checkpoint.size,
          root: checkpoint.root.toString("base64"),
        }),
      ),
    );
    const seconds = Math.floor(this.#now() / 1000);
    return reply(
      200,
      this.#signers.map((signer) => signatureLine(signer, checkpoint.note.text, seconds)).join(""),
    );
  }

  #path(origin: string): string {
    return join(this.#folder, `${hash("sha256", origin)}.json`);
  }

  #last(origin: string): { size: number; root: Buffer } {
    if (!existsSync(this.#path(origin))) return { size: 0, root: Buffer.alloc(HASH_BYTES) };
    const { size, root } = JSON.parse(readFileSync(this.#path(origin), "utf8")) as {
      size: number;
      root: string;
    };
    return { size, root: Buffer.from(root, "base64") };
  }
}

function reply(status: number, body: string): Reply {
  return { status, type: TEXT, body };
}

function isSigned(key: Verifier, { note }: Checkpoint): boolean {
  try {
    return verifies(key, note);
  } catch {
    return false;
  }
}

function parseRequest(body: string): { old: number; proof: Buffer[]; checkpoint: Checkpoint } | null {
  const split = body.indexOf("\n\n");
  const [first = "", ...lines] = body.slice(0, split).split("\n");
  const old = /^old (0|[1-9]\d{0,15})$/.exec(first)?.[1];
  const proof = lines.map((line) => Buffer.from(line, "base64"));
  const isFine =
    split !== -1 &&
    old !== undefined &&
    lines.length <= MOST_STEPS &&
    proof.every((one, i) => one.length === HASH_BYTES && one.toString("base64") === lines[i]);
  if (!isFine) return null;
  try {
    return { old: Number(old), proof, checkpoint: parseCheckpoint(body.slice(split + 2)) };
  } catch (error) {
    if (error instanceof AuditError) return null;
    throw error;
  }
}

function loadSigners(path: string, name: string): Signer[] {
  if (!existsSync(path)) {
    const keys = [generateKeyPairSync("ed25519").privateKey, generateKeyPairSync("ml-dsa-44").privateKey];
    replaceFile(
      realDisk,
      path,
      Buffer.from(keys.map((key) => String(key.export({ format: "pem", type: "pkcs8" }))).join("")),
    );
  }
  const pems =
    readFileSync(path, "utf8").match(/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/g) ?? [];
  const [ed25519, mldsa44] = pems.map((pem): KeyObject => createPrivateKey(pem));
  if (ed25519 === undefined || mldsa44 === undefined)
    throw new AuditError(
      "E_WITNESS",
      `expected a witness's two private keys in \`${path}\`, found something else`,
      "bring the file back from a backup, or begin a witness with another folder",
    );
  return [signerOf(name, TYPE.cosignature, ed25519), signerOf(name, TYPE.mldsa44, mldsa44)];
}
