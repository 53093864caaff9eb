/**
 * What a question can be refused for.
 */
export type AskErrorCode =
  | "E_ASK_NOTHING" // nothing that may be seen is what the text says
  | "E_ASK_WORDS"; // the question itself is not understood

export class AskError extends Error {
  readonly code: AskErrorCode;
  readonly hint: string;
  readonly status: number;

  constructor(code: AskErrorCode, message: string, hint: string) {
    super(message);
    this.name = "AskError";
    this.code = code;
    this.hint = hint;
    this.status = code === "E_ASK_NOTHING" ? 404 : 400;
  }
}
