/**
 * A path in words: who, by which gate or privilege, by which grants.
 */
import type { Grant } from "../state.ts";
import { contextWords } from "../files/words.ts";
import type { Hop } from "./reach.ts";

export function witnessWords(start: string, hops: readonly Hop[]): string[] {
  return [start, ...hops.map(hopWords)];
}

function hopWords(hop: Hop): string {
  if (hop.kind === "gate") {
    const { gate, grants, couldBe } = hop.passage;
    const flow = `${contextWords(gate.gate.in)} -> ${contextWords(gate.gate.out)}`;
    const missing = couldBe.length === 0 ? "" : `; it could be delegated ${couldBe.join(", ")}`;
    return `goes through gate ${gate.name}: ${flow}${grantWords(grants)}${missing}`;
  }
  const { who, grants, delegable } = hop.way;
  const does = hop.kind === "drop" ? `lets out ${hop.tag} (s-)` : `vouches with ${hop.tag} (i+)`;
  if (who === "*") return `anybody ${does}: it is open to all`;
  if (who === "anybody") return `anybody ${does}, to whom it could be delegated${grantWords(grants)}`;
  if (grants.length === 0) return `its owner ${who} ${does}`;
  return `${who} ${does}${grantWords(grants)}${delegable ? ", and could delegate it to anybody" : ""}`;
}

function grantWords(grants: readonly Grant[]): string {
  if (grants.length === 0) return "";
  return `, by ${grants.map(({ id, by, to }) => `grant ${id} from ${by} to ${to.split("@")[0]!}`).join(", ")}`;
}

export function meetingWords(who: string, one: string, other: string): string[] {
  return [`${who} may have ${one} and ${other} together`];
}
