/**
 * What this module throws: it can't start or go on. Each code is in docs/errors.md. A refusal to a party is a value.
 */
export type BusErrorCode = "E_BUS_LISTEN" | "E_BUS_STORE";

export class BusError extends Error {
  readonly code: BusErrorCode;
  readonly hint: string;

  constructor(code: BusErrorCode, message: string, hint: string, cause?: unknown) {
    super(message, { cause });
    this.name = "BusError";
    this.code = code;
    this.hint = hint;
  }
}
