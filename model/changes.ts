/**
 * The rules on changes of context and on gates of docs/model.md (CHG, GATE) as plainly as possible: the oracle for what the
 * daemon decides about them. Written from the rules, on top of owners.ts, independently of src/.
 */
import { holds, inConflict, type Said } from "./owners.ts";
import { type Context, flow } from "./reference.ts";

export type Tags = { secrecy: readonly string[]; integrity: readonly string[] };
type Need = { privilege: string; tag: string };

/** [CHG-1] What a change from one context to another takes. */
export function needs(from: Tags, to: Tags): Need[] {
  const list = (privilege: string, tags: readonly string[], besides: readonly string[]) =>
    tags.filter((tag) => !besides.includes(tag)).map((tag) => ({ privilege, tag }));
  return [
    ...list("s+", to.secrecy, from.secrecy),
    ...list("s-", from.secrecy, to.secrecy),
    ...list("i+", to.integrity, from.integrity),
    ...list("i-", from.integrity, to.integrity),
  ];
}

/** [CHG-1, CHG-2, COI-1] All of it or nothing; and no two members of a conflict set together. */
export function mayChange(world: readonly Said[], who: string, from: Tags, to: Tags, now: number): boolean {
  return (
    needs(from, to).every(({ privilege, tag }) => holds(world, who, privilege, tag, now)) &&
    isApart(world, to)
  );
}

function isApart(world: readonly Said[], { secrecy }: Tags): boolean {
  // whoever carries one member has had it
  return secrecy.every((tag) => {
    const rest = secrecy
      .filter((other) => other !== tag)
      .map((other): Said => ({ say: "held", who: "x", tag: other }));
    return !inConflict([...world, ...rest], "x", tag);
  });
}

/** Something that a subject holds: of which context, and how. */
export type Endpoint = { object: Context; reads: boolean; writes: boolean };

/** [CHG-3] Is everything that is held legal under the new context? */
export function allLegal(endpoints: readonly Endpoint[], to: Context): boolean {
  return endpoints.every(
    ({ object, reads, writes }) =>
      (!reads || flow(object, to) === "allow") && (!writes || flow(to, object) === "allow"),
  );
}

/**
 * [FLT-1, FLT-3] Where a program is after it tried to read these one after the other, each as far as the clearance lets it; and which of
 * them it read. Nothing is ever taken off its secrecy, or added to its integrity.
 */
export function floated(
  from: Tags,
  objects: readonly Tags[],
  clearance: Tags,
): { at: Tags; read: boolean[] } {
  let at = from;
  const read = objects.map((object) => {
    const next = {
      secrecy: [...at.secrecy, ...object.secrecy.filter((tag) => !at.secrecy.includes(tag))],
      integrity: at.integrity.filter((tag) => object.integrity.includes(tag)),
    };
    const isWithin =
      next.secrecy.every((tag) => clearance.secrecy.includes(tag)) &&
      clearance.integrity.every((tag) => next.integrity.includes(tag));
    if (isWithin) at = next;
    return isWithin;
  });
  return { at, read };
}

export type Gate = { holder: string; users: readonly string[]; owner: string; in: Tags; out: Tags };

/** [GATE-1] May this user run the gate now? A tag that it carries takes a privilege of the gate or of its user. */
export function mayRun(world: readonly Said[], gate: Gate, user: string, now: number): boolean {
  const has = (who: string, privilege: string, tag: string) => holds(world, who, privilege, tag, now);
  const offered = gate.users.includes("*") || gate.users.includes(user) || gate.owner === user;
  const changes = needs(gate.in, gate.out).every(({ privilege, tag }) => has(gate.holder, privilege, tag));
  const carries = (privilege: string, tags: readonly string[], others: readonly string[]) =>
    tags
      .filter((tag) => others.includes(tag))
      .every((tag) => has(gate.holder, privilege, tag) || has(user, privilege, tag));
  const together = { secrecy: [...new Set([...gate.in.secrecy, ...gate.out.secrecy])], integrity: [] };
  return (
    offered &&
    changes &&
    carries("s+", gate.in.secrecy, gate.out.secrecy) &&
    carries("i+", gate.in.integrity, gate.out.integrity) &&
    isApart(world, together) &&
    together.secrecy.every((tag) => !inConflict(world, gate.holder, tag)) &&
    gate.out.secrecy.every((tag) => !inConflict(world, user, tag))
  );
}

/** [GATE-4] Would it let what `from` has go to `to`? */
export function helps(gate: Gate, from: Tags, to: Tags): boolean {
  const context = ({ secrecy, integrity }: Tags): Context => ({
    secrecy: new Set(secrecy),
    integrity: new Set(integrity),
  });
  return (
    flow(context(from), context(gate.in)) === "allow" && flow(context(gate.out), context(to)) === "allow"
  );
}
