/**
 * Security contexts: a secrecy label and an integrity label together, and the four that have names.
 *
 * Guarantee: contexts are immutable values; `join` is the least context that both sides may flow to.
 * Not covered: which object or subject has which context (kernel and daemon).
 */
import {
  ALL_INTEGRITY,
  ALL_SECRECY,
  integrityOf,
  intersection,
  labelEquals,
  secrecyOf,
  union,
} from "./label.ts";
import type { IntegrityLabel, SecrecyLabel } from "./label.ts";

/** What is known of data: whom it concerns (secrecy) and who vouches for it (integrity). */
export type Context = { readonly secrecy: SecrecyLabel; readonly integrity: IntegrityLabel };

/** `(∅, ∅)`: nobody has said anything. [CTX-2] */
export const UNLABELLED: Context = contextOf(secrecyOf([]), integrityOf([]));

/** `(∅, ⊤)`: the programs and libraries of the host image. Everybody may read them. [CTX-3] */
export const BASE: Context = contextOf(secrecyOf([]), ALL_INTEGRITY);

/**
 * `(⊤, ∅)`: what csn's daemon may read, which is everything. With BASE as its `out`, the daemon is an
 * ordinary gate: the flow rules themselves allow what it does, without a trusted bit. [FLOW-3]
 */
export const PLATFORM_IN: Context = contextOf(ALL_SECRECY, integrityOf([]));

/** `(⊤, ⊤)`: csn's own state. Only S = ⊤ reads it, only I = ⊤ writes it. */
export const SEALED: Context = contextOf(ALL_SECRECY, ALL_INTEGRITY);

/** Puts two labels together. */
export function contextOf(secrecy: SecrecyLabel, integrity: IntegrityLabel): Context {
  return Object.freeze({ secrecy, integrity });
}

/** Whether both contexts have the same labels. */
export function contextEquals(a: Context, b: Context): boolean {
  return labelEquals(a.secrecy, b.secrecy) && labelEquals(a.integrity, b.integrity);
}

/** Whether the context says anything at all. Between two that do not, Linux decides alone. [FLOW-4] */
export function isLabelled(context: Context): boolean {
  return context.secrecy.length > 0 || context.integrity.length > 0;
}

/**
 * The context of data made from both: `(S(a) ∪ S(b), I(a) ∩ I(b))`, the least upper bound.
 *
 * @throws LabelError E_LABEL_TOO_LONG when the secrecy labels together have more than MAX_TAGS
 */
export function join(a: Context, b: Context): Context {
  return contextOf(union(a.secrecy, b.secrecy), intersection(a.integrity, b.integrity));
}
