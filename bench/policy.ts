/**
 * `sh tools/node.sh bench/policy.ts`: how long proofs and look-ups of privileges take, and what the world takes in memory.
 *
 * Worlds are filled as the rules would fill them, without signatures. Prints lines of docs/policy.md.
 */
import { cpus } from "node:os";
import {
  chainFor,
  type Gate,
  gateHolder,
  type GateText,
  type Grant,
  parseProperty,
  type Pattern,
  type Privilege,
  prove,
  State,
} from "../src/policy/index.ts";
import type { TagId, TagName } from "../src/label/index.ts";

const NOW = new Date();

function tag(state: State, i: number): TagName {
  const name = `o${i % 1000}/t${i}` as TagName;
  const made = { name, id: i.toString(16).padStart(32, "0") as TagId, at: "", seq: i };
  state.tags.set(name, made);
  state.tagsById.set(made.id, made);
  return name;
}

function grant(
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
function chainOfGates(tags: number, gates: number, principals: number): State {
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

function measure(times: number, work: () => void): number {
  work();
  const start = performance.now();
  for (let i = 0; i < times; i++) work();
  return (performance.now() - start) / times;
}

console.log(
  `${cpus()[0]!.model}, ${cpus().length} cores, Node.js ${process.versions.node}, ${NOW.toISOString().slice(0, 10)}`,
);
const world = chainOfGates(1000, 100, 1000);
for (const [line, holds] of [
  ["o0/t0 never reaches unlabelled", false],
  ["o0/t0 never reaches unlabelled except through o0/g50", true],
  ["tenant o1 and tenant o2 never meet", true],
] as const) {
  const property = parseProperty(line.replaceAll("tenant o1 and tenant o2", "o1/t1 and o2/t2"), world);
  if (prove(world, property, NOW).holds !== holds) throw new Error(`wrong answer: ${line}`);
  console.log(
    `1,000 tags, 100 gates, 1,000 principals: \`${property.text}\` ${holds ? "holds" : "broken"}: ${measure(10, () => void prove(world, property, NOW)).toFixed(1)} ms`,
  );
}

for (const size of [10_000, 100_000, 1_000_000]) {
  const before = memory();
  const state = new State();
  const names = Array.from({ length: size }, (_, i) => tag(state, i));
  for (let i = 0; i < size; i++) grant(state, `p${(i * 7) % 5000}`, names[i]!, ["s+"]);
  const held = memory() - before;
  let i = 0;
  let missing = 0;
  const each = measure(200_000, () => {
    const at = (i += 7919) % size;
    if (chainFor(state, `p${(at * 7) % 5000}`, "s+", names[at]!, NOW.getTime()) === null) missing++;
  });
  if (missing > 0) throw new Error("a look-up missed");
  console.log(
    `${size.toLocaleString("en")} tags and grants, 5,000 principals: ${(each * 1000).toFixed(2)} µs a look-up, ${Math.round(held / size)} bytes of memory for a tag and its grant`,
  );
}

function memory(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}
