/**
 * What this module throws: what was asked is not allowed, or makes no sense. Each code is in docs/errors.md.
 */
export type PolicyErrorCode =
  | "E_STATEMENT"
  | "E_STATEMENT_ORDER"
  | "E_STATEMENT_SIGNATURE"
  | "E_NAME"
  | "E_PRINCIPAL_EXISTS"
  | "E_PRINCIPAL_UNKNOWN"
  | "E_TOKEN_UNKNOWN"
  | "E_TAG_NAME"
  | "E_TAG_EXISTS"
  | "E_TAG_UNKNOWN"
  | "E_PRIVILEGE"
  | "E_GRANT_UNKNOWN"
  | "E_GATE_UNKNOWN"
  | "E_CONTEXT_UNKNOWN"
  | "E_CONFLICT"
  | "E_POLICY"
  | "E_PROPERTY";

export class PolicyError extends Error {
  readonly code: PolicyErrorCode;
  readonly hint: string;

  /** @param message what was expected and what was found */
  constructor(code: PolicyErrorCode, message: string, hint: string) {
    super(message);
    this.name = "PolicyError";
    this.code = code;
    this.hint = hint;
  }
}
