/**
 * What can be wrong with a log, a checkpoint or a proof. Each code is in docs/errors.md.
 */
export type AuditErrorCode =
  | "E_LOG_NONE" // no log there
  | "E_LOG_RECORD" // no record of that number, or not signed yet
  | "E_LOG_GONE" // removed by retention
  | "E_LOG_DAMAGED" // records, tiles or headers are not as they were written
  | "E_LOG_NEWER" // written by a newer version
  | "E_LOG_KEY" // not signed by a key that is trusted for that size
  | "E_LOG_OTHER" // of another log
  | "E_LOG_FORK" // two trees of one log that do not continue each other
  | "E_LOG_WRITE" // could not be written
  | "E_LOG_COPY" // could not be copied there
  | "E_CHECKPOINT" // is no checkpoint
  | "E_VKEY" // is no key
  | "E_PROOF" // does not hold
  | "E_WITNESS"; // a witness did not cosign

export class AuditError extends Error {
  readonly code: AuditErrorCode;
  readonly hint: string;

  constructor(code: AuditErrorCode, message: string, hint: string) {
    super(message);
    this.name = "AuditError";
    this.code = code;
    this.hint = hint;
  }
}

/** E_LOG_WRITE. @param what could not be done */
export function notWritten(what: string, error: unknown): AuditError {
  return new AuditError(
    "E_LOG_WRITE",
    `${what}: ${error instanceof Error ? error.message : String(error)}`,
    "look at the disk that holds csn's home, then try again",
  );
}
