/**
 * How long work says what it is doing. The caller decides where it is shown (the
 * CLI: standard error); anything here that may take over a second calls `step` first.
 */

export interface Progress {
  /** Says what begins now, as a short phrase without a full stop. */
  step(text: string): void;
  /** The last step is over and nothing follows. */
  done(): void;
}

/** For callers that show nothing. */
export const silent: Progress = { step() {}, done() {} };
