/**
 * Checkpoints (c2sp.org/tlog-checkpoint): origin, size and root of a log's tree, as a signed note.
 */
import { AuditError } from "../errors.ts";
import { HASH_BYTES } from "./hash.ts";
import { type Note, parseNote, type Signer, signatureLine } from "./note.ts";

export type Head = { origin: string; size: number; root: Buffer };
export type Checkpoint = Head & { note: Note; text: string };

export function headText({ origin, size, root }: Head): string {
  return `${origin}\n${size}\n${root.toString("base64")}\n`;
}

export function signCheckpoint(head: Head, signers: readonly Signer[], seconds: number): string {
  const text = headText(head);
  return `${text}\n${signers.map((signer) => signatureLine(signer, text, seconds)).join("")}`;
}

/** Only its form: who signed it is another question. @throws AuditError E_CHECKPOINT */
export function parseCheckpoint(text: string): Checkpoint {
  const note = parseNote(text);
  const [origin = "", size = "", root = "", ...rest] = note.text.split("\n");
  const bytes = Buffer.from(root, "base64");
  const isFine =
    origin !== "" &&
    /^(0|[1-9]\d{0,15})$/.test(size) &&
    Number.isSafeInteger(Number(size)) &&
    bytes.length === HASH_BYTES &&
    bytes.toString("base64") === root &&
    rest.pop() === "" &&
    rest.every((line) => line !== "");
  if (!isFine)
    throw new AuditError(
      "E_CHECKPOINT",
      "expected origin, size and root hash, each on its line, found something else",
      "give a file as `csn audit checkpoint` writes it",
    );
  return { origin, size: Number(size), root: bytes, note, text };
}
