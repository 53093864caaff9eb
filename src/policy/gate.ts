/**
 * What a gate may do now: its two contexts, and for each tag whether somebody's live grant covers it. [GATE-1, SUBJ-2]
 *
 * Guarantee: a tag is dropped or added only by a privilege that the gate itself holds, by a chain that holds now. A tag
 * that it carries from its input to its output needs a privilege to take it on (`s+`) or to vouch (`i+`), of the gate
 * or of who runs it: otherwise anybody could offer himself a gate that changes nothing and carries everything.
 */
import type { TagName } from "../label/index.ts";
import { type Collision, conflictFor, conflictWithin } from "./conflict.ts";
import { covers, ownerOf, type Pattern } from "./pattern.ts";
import { type Chain, chainFor } from "./privilege.ts";
import type { Gate, State } from "./state.ts";
import { type ContextText, type Holder, PLATFORM, type Privilege } from "./statement.ts";

/** What a gate does with a tag of its contexts. */
export type GateChange = "drops" | "adds" | "carries";

/** One tag, the privilege that it takes, who has it (null: nobody), and by which chain (null: the platform has none). */
export type GateTag = {
  readonly change: GateChange;
  readonly privilege: Privilege;
  readonly tag: TagName;
  readonly by: "gate" | "user" | "platform" | null;
  readonly chain: Chain | null;
};

export type GateNow = {
  readonly in: ContextText;
  readonly out: ContextText;
  readonly tags: readonly GateTag[];
  readonly conflict: Collision | null;
};

/** @param user who runs it: the holder that the caller is */
export function gateNow(state: State, gate: Gate, user: Holder, now: number): GateNow {
  const { consent } = gate.gate;
  const agreed = consent.length === 0 ? [] : consenting(state, gate.holder, consent, now);
  const secrecy = [...new Set([...gate.gate.in.secrecy, ...agreed])].sort();
  const from: ContextText = { secrecy, integrity: gate.gate.in.integrity };
  const to = gate.gate.out;
  const tags: GateTag[] = [];
  const add = (change: GateChange, privilege: Privilege, names: readonly string[]) => {
    for (const name of names as readonly TagName[]) {
      const mine = chainFor(state, gate.holder, privilege, name, now);
      const asUser = change === "carries" && mine === null;
      const theirs = asUser ? chainFor(state, user, privilege, name, now) : null;
      const by = mine ? "gate" : theirs ? "user" : asUser && user === PLATFORM ? "platform" : null;
      tags.push({ change, privilege, tag: name, by, chain: mine ?? theirs });
    }
  };
  add("drops", "s-", without(from.secrecy, to.secrecy));
  add("adds", "s+", without(to.secrecy, from.secrecy));
  add("adds", "i+", without(to.integrity, from.integrity));
  add("drops", "i-", without(from.integrity, to.integrity));
  add("carries", "s+", both(from.secrecy, to.secrecy));
  add("carries", "i+", both(from.integrity, to.integrity));
  return { in: from, out: to, tags, conflict: conflictOf(state, gate.holder, user, from, to) };
}

/** May this principal run it? Its owner always; `*` is everybody. */
export function mayUse(gate: Gate, user: Holder): boolean {
  return gate.users.some((name) => name === "*" || name === user) || user === ownerOf(gate.name as Pattern);
}

/** The tags whose owners let this gate drop them now, of those that it asks for. As long as its grants, unless one is
 * for all instances of a kind, or a direction is open to everybody: then as long as there are tags. */
function consenting(state: State, holder: Holder, patterns: readonly string[], now: number): TagName[] {
  const granted = [...(state.grantsTo.get(holder)?.keys() ?? [])];
  const isWide = granted.some((tag) => tag.endsWith(":*")) || state.opened.size > 0;
  const names = isWide
    ? [...state.tags.values()].map(({ name }) => name)
    : (granted as string[] as TagName[]);
  return names
    .filter((name) => patterns.some((pattern) => consents(pattern, name)))
    .filter((name) => chainFor(state, holder, "s-", name, now) !== null);
}

/** Does a pattern of a gate's `consent` cover this tag? A star for the owner covers any owner's. */
export function consents(pattern: string, tag: string): boolean {
  if (!pattern.startsWith("*/")) return covers(pattern as Pattern, tag as Pattern);
  return covers(`x/${pattern.slice(2)}` as Pattern, `x/${tag.slice(tag.indexOf("/") + 1)}` as Pattern);
}

/** [COI-1]: the gate's own tags, and what its user gets to have. What it drops its user never has. */
function conflictOf(
  state: State,
  holder: Holder,
  user: Holder,
  from: ContextText,
  to: ContextText,
): Collision | null {
  const all = [...new Set([...from.secrecy, ...to.secrecy])] as TagName[];
  const within = conflictWithin(state, all);
  if (within !== null) return within;
  for (const tag of all) {
    const found = conflictFor(state, holder, tag);
    if (found !== null) return found;
  }
  for (const tag of to.secrecy as readonly TagName[]) {
    const found = conflictFor(state, user, tag);
    if (found !== null) return found;
  }
  return null;
}

function without(all: readonly string[], others: readonly string[]): string[] {
  return all.filter((tag) => !others.includes(tag));
}

function both(all: readonly string[], others: readonly string[]): string[] {
  return all.filter((tag) => others.includes(tag));
}
