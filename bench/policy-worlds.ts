/** Worlds of owners, filled as the rules would fill them, without signatures. */
import {
  type Gate,
  gateHolder,
  type GateText,
  type Grant,
  type Pattern,
  type Privilege,
  State,
} from "../src/policy/index.ts";
import type { TagId, TagName } from "../src/label/index.ts";

export function tag(state: State, i: number): TagName {
  const name = `o${i % 1000}/t${i}` as TagName;
  const made = { name, id: i.toString(16).padStart(32, "0") as TagId, at: "", seq: i };
  state.tags.set(name, made);
  state.tagsById.set(made.id, made);
  return name;
}

export function grant(
  state: State,
  to: string,
  name: TagName,
  privileges: Privilege[],
  via: Grant | null = null,
): Grant {
  const id = state.grants.size.toString(16).padStart(32, "0");
  const by = via?.to ?? name.slice(0, name.indexOf("/"));
  const pattern = name as string as Pattern;
  const made: Grant = {
    ...{ id, by, to, tag: pattern, privileges, delegate: false, until: null, purpose: "" },
    ...{ via, at: "", seq: 0, revoked: null },
  };
  state.grants.set(id, made);
  const mine = state.grantsTo.get(to) ?? new Map<Pattern, Grant[]>();
  state.grantsTo.set(to, mine);
  mine.set(pattern, [...(mine.get(pattern) ?? []), made]);
  return made;
}

/** Tag i goes through gate i to tag i + 1, for the first hundred; the last gate leads out. */
export function chainOfGates(tags: number, gates: number, principals: number): State {
  const state = new State();
  const names = Array.from({ length: tags }, (_, i) => tag(state, i));
  for (let i = 0; i < gates; i++) {
    const out = i === gates - 1 ? [] : [names[i + 1]!];
    const gate: GateText = {
      ...{ program: "/x", digest: "", args: [], files: [], consent: [], purpose: "" },
      in: { secrecy: [names[i]!], integrity: [] },
      out: { secrecy: out, integrity: [] },
    };
    const made: Gate = { name: `o0/g${i}`, gate, holder: gateHolder(`o0/g${i}`, gate), users: ["*"], seq: 0 };
    state.gates.set(made.name, made);
    grant(state, made.holder, names[i]!, ["s-"]);
    for (const to of out) grant(state, made.holder, to, ["s+"]);
  }
  for (let i = 0; i < principals; i++)
    grant(state, `p${i}`, names[gates + (i % (tags - gates))]!, ["s+", "s-"]);
  return state;
}
