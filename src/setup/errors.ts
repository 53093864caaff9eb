/**
 * What can go wrong while fetching what csn needs from outside. Each code is
 * described in docs/errors.md; a retired code is never used again.
 */

export type SetupErrorCode = "E_MISSING_PACKAGES" | "E_KERNEL_DOWNLOAD" | "E_BUILD" | "E_SQL_INSTALL";

export class SetupError extends Error {
  readonly code: SetupErrorCode;
  /** What the user can do about it, as one sentence or a command to copy. */
  readonly hint: string;

  constructor(code: SetupErrorCode, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = "SetupError";
    this.code = code;
    this.hint = hint;
  }
}
