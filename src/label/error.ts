/**
 * What this module throws: misuse and damaged input, each with a code from docs/errors.md.
 *
 * A refused flow is never thrown: it is a value, see flow.ts.
 */

/** The closed list of codes. A retired code is never used again. */
export type LabelErrorCode = "E_LABEL_TOO_LONG" | "E_TAG_ID" | "E_CONTEXT_KEY";

/** Misuse of labels: what was given cannot be a label, a tag id or a stored context. */
export class LabelError extends Error {
  readonly code: LabelErrorCode;

  /**
   * @param code from docs/errors.md
   * @param message lowercase, without the code and without a full stop
   */
  constructor(code: LabelErrorCode, message: string) {
    super(message);
    this.name = "LabelError";
    this.code = code;
  }
}
