/**
 * A statement in the log's name, as a signed note. Its first line is no log's origin, so that it is never taken for a checkpoint.
 */
import type { LogKeys } from "./keys.ts";
import { signatureLine } from "./note.ts";

/** @param seconds since 1970 */
export function signStatement({ origin, signers }: LogKeys, text: string, seconds: number): string {
  const body = `csn statement of ${origin}\n${text}\n`;
  return `${body}\n${signers.map((signer) => signatureLine(signer, body, seconds)).join("")}`;
}
