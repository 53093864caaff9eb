/** What scenarios share: asking parties, making labelled things, compartments. */
import { mkdirSync, writeFileSync } from "node:fs";
import { PINS } from "../../src/kernel/index.ts";
import { ROOT } from "../../src/setup/index.ts";
import type { ContextName, SubjectName } from "../cases.ts";
import type { World } from "../inside.ts";
import { contextNamed, Party } from "../party.ts";

export type Scenario = {
  readonly id: string;
  readonly row: string;
  readonly run: (world: World) => Promise<string | null> | string | null;
};

export type Step = readonly [expected: string, who: SubjectName | Party, command: string];

/** Asks, and compares: `EXPECTED PARTY COMMAND`. The first difference, or null. */
export function expectAll(world: World, ...steps: readonly Step[]): string | null {
  for (const [expected, who, command] of steps) {
    const party = typeof who === "string" ? world.party(who) : who;
    const { error, detail } = party.ask(command);
    if (!expected.split("|").includes(error))
      return `${party.name}: \`${command}\`: expected ${expected}, found ${error} ${detail}`;
  }
  return null;
}

/** A labelled file in a folder that everybody may read. */
export function file(world: World, context: ContextName, content = "secret\n"): string {
  const path = `/data/f/${world.fresh()}`;
  writeFileSync(path, content);
  world.monitor.setInode(path, contextNamed(context));
  return path;
}

export function folder(world: World, context: ContextName | null, above = "/data/d"): string {
  const path = `${above}/${world.fresh()}`;
  mkdirSync(path);
  if (context !== null) world.monitor.setInode(path, contextNamed(context));
  return path;
}

/** A party in a compartment of its own. The suite is slow enough: one for each context. */
const compartments = new Map<ContextName, Party>();
export function compartment(world: World, context: SubjectName): Party {
  let party = compartments.get(context);
  if (!party) {
    party = newCompartment(world, context);
    compartments.set(context, party);
  }
  return party;
}

/** Ends them, so that the next one who needs one gets a new one. */
export function endCompartments(): void {
  for (const party of compartments.values()) party.stop();
  compartments.clear();
}

export function newCompartment(world: World, context: SubjectName): Party {
  const id = String(world.monitor.contexts.idOf(contextNamed(context)));
  return Party.launched(`compartment-${context}`, world.monitor, context, launch(id));
}

export function launch(id: string, ...options: readonly string[]): string[] {
  for (const name of ["tree", "net"]) mkdirSync(`/run/csn/${name}`, { recursive: true });
  return [`${ROOT}/build/csn-launch`, "--pins", PINS, "--scratch", "/run/csn/tree", "--in", id, "--out", id,
    "--input", id, "--volume", "/data:/data", ...options, "--"]; // prettier-ignore
}
