/**
 * `sh tools/node.sh --expose-gc bench/growth.ts [--kernel 6.12|none] [--write]`: how privileges, checks, proofs and contexts grow with
 * the number of tags, principals and gates. With --write it writes docs/growth.md.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Authority } from "../src/daemon/authority.ts";
import type { Csn } from "../src/daemon/csn.ts";
import { check } from "../src/daemon/handlers.ts";
import type { Caller } from "../src/daemon/identity.ts";
import type { TagId, TagName } from "../src/label/index.ts";
import { chainFor, parseProperty, prove, State } from "../src/policy/index.ts";
import { ensureBuilt, ensureKernel, kernelIds, ROOT, silent } from "../src/setup/index.ts";
import type { Interned } from "./growth-inside.ts";
import { inMachine } from "./machine.ts";
import { chainOfGates, grant, tag } from "./policy-worlds.ts";

const NOW = new Date();
const SIZES = [10_000, 100_000, 1_000_000];
const PRINCIPALS = 5000;
const number = (value: number, digits = 0) =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

function proofs(): string[] {
  const world = chainOfGates(1000, 100, 1000);
  const rows = (
    [
      ["o0/t0 never reaches unlabelled", false],
      ["o0/t0 never reaches unlabelled except through o0/g50", true],
      ["o1/t1 and o2/t2 never meet", true],
    ] as const
  ).map(([line, holds]) => {
    const property = parseProperty(line, world);
    if (prove(world, property, NOW).holds !== holds) throw new Error(`wrong answer: ${line}`);
    return `| \`${line}\` | ${holds ? "holds" : "broken, with its path"} | ${number(
      measure(10, () => void prove(world, property, NOW)),
      1,
    )} ms |`;
  });
  return [
    "## Proofs",
    "",
    "1,000 tags, 100 gates in a row, 1,000 principals with grants. Cost: gates² × tags / 32 steps, and one pass over the grants. That the answers are those of trying all contexts, steps and delegations is tested on random small worlds (src/policy/prove/prove.test.ts).",
    "",
    "| property | answer | time |",
    "|---|---|---:|",
    ...rows,
  ];
}

function lookUps(): string[] {
  const rows = SIZES.map((size) => {
    const before = memory();
    const state = new State();
    const names = Array.from({ length: size }, (_, i) => tag(state, i));
    for (let i = 0; i < size; i++) grant(state, holder(i), names[i]!, ["s+"]);
    const bytes = (memory() - before) / size;
    let i = 0;
    const at = () => (i += 7919) % size;
    const look = measure(100_000, () => {
      const one = at();
      if (chainFor(state, holder(one), "s+", names[one]!, NOW.getTime()) === null) throw new Error("missed");
    });
    const daemon = daemonOf(state);
    const checking = measure(20_000, () => {
      const one = at();
      const body = { from: { secrecy: [names[one]!], integrity: [] }, to: { secrecy: [], integrity: [] } };
      if (check(daemon, callerOf(one), body).allowed) throw new Error("wrong answer");
    });
    const full = Array.from({ length: 64 }, (_, n) => names[(n * 997) % size]!);
    const largest = measure(2000, () => {
      const body = { from: { secrecy: full, integrity: [] }, to: { secrecy: full.slice(1), integrity: [] } };
      if (check(daemon, ROOT_CALLER, body).allowed) throw new Error("wrong answer");
    });
    return `| ${number(size)} | ${number(look * 1000, 1)} µs | ${number(checking * 1000, 1)} µs | ${number(largest * 1000)} µs | ${number(bytes)} |`;
  });
  return [
    "## Privileges and checks",
    "",
    `As many tags as grants, ${number(PRINCIPALS)} principals. A look-up is two hash look-ups (the tag, all of its kind) and the length of the chain. \`csn check\` is its handler in the daemon, without HTTP and without the gates on offer, which cost what each has granted.`,
    "",
    "| tags and grants | a privilege looked up | `csn check`, one tag | `csn check`, 64 tags against 63 | bytes for a tag and its grant |",
    "|---:|---:|---:|---:|---:|",
    ...rows,
  ];
}

/** In a machine: a context costs a row on disk and an entry of a map, once a boot. */
async function interning(name: string): Promise<string[]> {
  const id = kernelIds.find((known) => known === name);
  if (id === undefined) throw new Error(`expected a kernel of ${kernelIds.join(", ")}, found ${name}`);
  await ensureBuilt(silent);
  const kernel = await ensureKernel(id, silent);
  const progress = { step: (line: string) => console.error(line), done: () => undefined };
  const { steps, limit, again } = (await inMachine(
    kernel,
    ["growth"],
    { icount: false },
    progress,
  )) as Interned;
  return [
    "## Contexts",
    "",
    `Interning a set of tags for the kernel, Linux ${kernel.version}, in the emulated machine, by the wall clock: of three tags each out of ${number(limit)}. A new context is written to disk before the kernel knows it; one that is known is a look-up. A boot has ${number(limit)} of them, however many tags there are; the next one was refused with its own error (E_CONTEXTS), and a daemon that took over then read all of them back in ${number(again, 1)} s.`,
    "",
    "| contexts so far | a new one | a known one |",
    "|---:|---:|---:|",
    ...steps.map(
      ({ contexts, fresh, known }) =>
        `| ${number(contexts)} | ${number(fresh, 2)} ms | ${number(known * 1000, 1)} µs |`,
    ),
  ];
}

const ROOT_CALLER: Caller = { uid: 0, gid: 0, groups: [], name: "root" };

function holder(i: number): string {
  return `p${(i * 7) % PRINCIPALS}`;
}

function callerOf(i: number): Caller {
  return { uid: 1, gid: 1, groups: [], name: holder(i), principal: holder(i) };
}

/** As much of a daemon as answers a check. */
function daemonOf(state: State): Csn {
  const known = (one: { id: TagId; name: TagName } | undefined) => one && { ...one, owner: "", created: "" };
  const authority = {
    world: { state },
    now: () => NOW,
    holderOf: ({ uid, principal }: Caller) => (uid === 0 ? "platform" : principal),
    tag: (id: TagId) => known(state.tagsById.get(id)),
    tagNamed: (name: string) => known(state.tags.get(name)),
  };
  return { authority: authority as unknown as Authority } as Csn;
}

function measure(times: number, work: () => void): number {
  work();
  const start = performance.now();
  for (let i = 0; i < times; i++) work();
  return (performance.now() - start) / times;
}

function memory(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}

const { values } = parseArgs({
  options: { kernel: { type: "string", default: "6.12" }, write: { type: "boolean", default: false } },
});

const text = [
  "# How it grows",
  "",
  `Generated by \`sh tools/node.sh --expose-gc bench/growth.ts${values.kernel === "6.12" ? "" : ` --kernel ${values.kernel}`} --write\` on ${NOW.toISOString().slice(0, 10)}; not written by hand. ${cpus()[0]!.model}, ${cpus().length} cores that other work uses too, Node.js ${process.versions.node}.`,
  "",
  ...proofs(),
  "",
  ...lookUps(),
  "",
  ...(values.kernel === "none" ? [] : await interning(values.kernel)),
  "",
].join("\n");
if (values.write) writeFileSync(join(ROOT, "docs/growth.md"), text);
console.log(text);
