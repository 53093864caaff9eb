/**
 * What the daemon answers when it can't do what was asked. Each code is in docs/errors.md.
 */
export type CsnErrorCode =
  | "E_BAD_REQUEST"
  | "E_NOT_PERMITTED"
  | "E_LABELLED_CALLER"
  | "E_OWN_KEY"
  | "E_STORE"
  | "E_IN_USE"
  | "E_SEALED"
  | "E_LABELLED_RUNNING"
  | "E_NO_RECORD"
  | "E_NO_RUN"
  | "E_RUN"
  | "E_CORE_PATTERN"
  | "E_VOLUME"
  | "E_PROGRAM_NOT_FOUND"
  | "E_PROGRAM_NOT_EXECUTABLE"
  | "E_SECOND_DAEMON"
  | "E_NETWORK_ADDRESS"
  | "E_NETWORK_OVERLAP"
  | "E_NETWORK_LIMIT"
  | "E_NETWORK_UNKNOWN"
  | "E_SCOPE_UNKNOWN"
  | "E_ENDPOINT"
  | "E_NOT_ALONE"
  | "E_NOT_STOPPED"
  | "E_GATE_PRIVILEGE"
  | "E_GATE_FILE"
  | "E_GATE_CHANGED"
  | "E_GATE_INPUT"
  | "E_BUS_CLIENT"
  | "E_BUS_CONTROL"
  | "E_BUS_DOWN"
  | "E_INTERNAL";

export class CsnError extends Error {
  readonly code: CsnErrorCode;
  readonly hint: string;
  /** HTTP status. */
  readonly status: number;

  constructor(code: CsnErrorCode, message: string, hint: string, status: number) {
    super(message);
    this.name = "CsnError";
    this.code = code;
    this.hint = hint;
    this.status = status;
  }
}
