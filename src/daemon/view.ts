/**
 * What the user behind a run may see of it: output and exit status. [TERM-1, OP-11]
 *
 * Guarantee: counts every secrecy tag that the run ever had or, by its clearance, may have; output is passed on
 * only to a terminal or when it was released explicitly, and what could not be recorded before is refused or counted. [AUD-3]
 */
import { controlFrame, FRAME, frame, type RunRequest } from "../api/index.ts";
import { type Context, flowsTo, isAll, join } from "../label/index.ts";
import type { Csn } from "./csn.ts";
import type { Caller } from "./identity.ts";
import { isCleared } from "./privileges.ts";
import type { Showing } from "./run-events.ts";
import { nameOf, unvouched } from "./views.ts";

export class View {
  /** Of all that may have been seen. */
  context: Context;
  readonly #csn: Csn;
  readonly #caller: Caller;
  readonly #request: RunRequest;
  readonly #told = new Set<string>();

  constructor(csn: Csn, context: Context, caller: Caller, request: RunRequest) {
    this.#csn = csn;
    this.#caller = caller;
    this.#request = request;
    this.context = unvouched(context);
  }

  /** Is all that may come from there counted already? */
  covers(context: Context): boolean {
    return flowsTo(context, this.context);
  }

  /** From now on data of that context may come too. */
  raise(context: Context): void {
    this.context = join(this.context, context);
  }

  get cleared(): boolean {
    return isCleared(this.#csn.authority, this.#caller, this.context);
  }

  /**
   * What to send: the bytes, one note that they were withheld, or nothing. What is about to be done is on the record by then.
   *
   * @param showing of that stream
   */
  pass(stream: "output" | "error", bytes: Buffer, showing: Showing): Buffer | null {
    const kind = stream === "output" ? FRAME.OUTPUT : FRAME.ERROR;
    const terminal = this.#request.shows[stream] === "terminal";
    const tags = this.#tags();
    const { cleared } = this;
    if (tags.length === 0) return frame(kind, bytes);
    const mayPass = cleared && (terminal || this.#request.release);
    const isRecorded = showing.tell(mayPass ? "release" : "withhold", this.context, bytes.length);
    if (mayPass && (isRecorded || !this.#csn.store.refuseOnFull)) return frame(kind, bytes);
    if (this.#told.has(stream)) return null;
    this.#told.add(stream);
    const hint = mayPass
      ? "it could not be recorded, and what can't be recorded is refused: `csn status`"
      : cleared
        ? "it goes to a file or pipe, which has no label; `--release` lets it out on your responsibility, a volume with the label keeps it safe"
        : "only who owns all of these tags may see it";
    return controlFrame({ withheld: { stream, tags, hint } });
  }

  #tags(): string[] {
    const { secrecy } = this.context;
    return isAll(secrecy) ? [] : secrecy.map((id) => nameOf(id, this.#csn.authority)).sort();
  }
}
