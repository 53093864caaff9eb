/**
 * Which gates would help where a flow is refused. [GATE-4]
 */
import { conflictFor } from "./conflict.ts";
import type { Pattern } from "./pattern.ts";
import { gateNow, mayUse } from "./gate.ts";
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
    .filter((gate) => (user === null ? gate.users.includes("*") : mayUse(gate, user)))
    .filter((gate) => {
      const { in: accepts, out, tags, conflict } = gateNow(state, gate, user ?? NOBODY, now);
      return (
        conflict === null &&
        tags.every(({ by }) => by !== null) &&
        isIn(from.secrecy, accepts.secrecy) &&
        isIn(accepts.integrity, from.integrity) &&
        isIn(out.secrecy, to.secrecy) &&
        isIn(to.integrity, out.integrity) &&
        (user === null || from.secrecy.every((tag) => conflictFor(state, user, tag as Pattern) === null))
      );
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Holds what is open to everybody. */
const NOBODY: Holder = "";

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
