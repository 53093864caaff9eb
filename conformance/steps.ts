/** What scenarios are made of. */
import { mkdirSync, writeFileSync } from "node:fs";
import type { ContextName, SubjectName } from "./cases.ts";
import type { World } from "./inside.ts";
import { contextNamed, type Party } from "./party.ts";

export type Scenario = {
  readonly id: string;
  readonly row: string;
  readonly run: (world: World) => Promise<string | null> | string | null;
};

/** Asks, and compares: `EXPECTED PARTY COMMAND`. The first difference, or null. */
export function expectAll(
  world: World,
  ...steps: readonly (readonly [expected: string, who: SubjectName | Party, command: string])[]
): string | null {
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
