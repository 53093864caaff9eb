/**
 * Which gates would help where a flow is refused. [GATE-4]
 */
import { conflictFor } from "./conflict.ts";
import { covers, type Pattern } from "./pattern.ts";
import { chainFor } from "./privilege.ts";
import type { Gate, State } from "./state.ts";
import type { ContextText, Holder, Privilege } from "./statement.ts";

/**
 * The gates that are in force, that `user` may run, that take what `from` has and whose output flows to `to`; by name.
 *
 * @param user a principal; null: only gates that everybody may run
 */
export function gatesFor(
  state: State,
  from: ContextText,
  to: ContextText,
  user: Holder | null,
  now: number,
): Gate[] {
  return [...state.gates.values()]
    .filter(
      (gate) =>
        (gate.users.includes("*") || (user !== null && gate.users.includes(user))) &&
        takes(state, gate, from, now) &&
        isIn(gate.gate.out.secrecy, to.secrecy) &&
        isIn(to.integrity, gate.gate.out.integrity) &&
        differenceOf(gate.gate.in, gate.gate.out).every(
          ([privilege, tag]) => chainFor(state, gate.holder, privilege, tag as Pattern, now) !== null,
        ) &&
        (user === null || from.secrecy.every((tag) => conflictFor(state, user, tag as Pattern) === null)),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Does data of this context flow to what the gate may read, what its owners consent to included? */
function takes(state: State, { gate, holder }: Gate, from: ContextText, now: number): boolean {
  if (!isIn(gate.in.integrity, from.integrity)) return false;
  return from.secrecy.every(
    (tag) =>
      gate.in.secrecy.includes(tag) ||
      (gate.consent.some((pattern) => consents(pattern, tag)) &&
        chainFor(state, holder, "s-", tag as Pattern, now) !== null),
  );
}

/** Does a pattern of a gate's `consent` cover this tag? A star for the owner covers any owner's. */
export function consents(pattern: string, tag: string): boolean {
  if (!pattern.startsWith("*/")) return covers(pattern as Pattern, tag as Pattern);
  return covers(`x/${pattern.slice(2)}` as Pattern, `x/${tag.slice(tag.indexOf("/") + 1)}` as Pattern);
}

function isIn(a: readonly string[], b: readonly string[]): boolean {
  return a.every((tag) => b.includes(tag));
}

/** The privileges that a change needs. [CHG-1] */
export function differenceOf(from: ContextText, to: ContextText): [Privilege, string][] {
  const less = (a: readonly string[], b: readonly string[]) => a.filter((tag) => !b.includes(tag));
  return [
    ...less(from.secrecy, to.secrecy).map((tag): [Privilege, string] => ["s-", tag]),
    ...less(to.secrecy, from.secrecy).map((tag): [Privilege, string] => ["s+", tag]),
    ...less(to.integrity, from.integrity).map((tag): [Privilege, string] => ["i+", tag]),
    ...less(from.integrity, to.integrity).map((tag): [Privilege, string] => ["i-", tag]),
  ];
}
