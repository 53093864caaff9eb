/**
 * The flow rules: may data move from one security context to another?
 *
 * Guarantee: the answer of [FLOW-1] and [FLOW-2] in docs/model.md, and no exception to it [FLOW-3]. It
 * is held against model/reference.ts, spec/vectors/flow.json and the kernel's bpf/label.bpf.h.
 * Not covered: which flows a system call makes, which is operation.ts.
 */
import type { Context } from "./context.ts";
import { tagsMissing } from "./label.ts";
import type { IntegrityLabel, SecrecyLabel } from "./label.ts";

/** Why data may not move, with the tags at fault (⊤ when they cannot be listed). */
export type Denial =
  /** The target is not cleared for these of the source's secrecy tags. */
  | { readonly rule: "FLOW-1"; readonly tags: SecrecyLabel }
  /** The source is not vouched for by these of the target's integrity tags. */
  | { readonly rule: "FLOW-2"; readonly tags: IntegrityLabel };

/**
 * Checks one flow. [FLOW-1] [FLOW-2] Secrecy is judged first, so a denial names one rule.
 *
 * Runs on every message, so it allocates only when it refuses.
 *
 * @returns `null` when data may flow from `from` to `to`, else the denial. A refusal is an answer, not
 *   an error: this never throws.
 */
export function checkFlow(from: Context, to: Context): Denial | null {
  const leaked = tagsMissing(from.secrecy, to.secrecy);
  if (leaked) return { rule: "FLOW-1", tags: leaked };

  const unvouched = tagsMissing(to.integrity, from.integrity);
  if (unvouched) return { rule: "FLOW-2", tags: unvouched };

  return null;
}

/** `from ⊑ to`, where the reason does not matter. */
export function flowsTo(from: Context, to: Context): boolean {
  return checkFlow(from, to) === null;
}
