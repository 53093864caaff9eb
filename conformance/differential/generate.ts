/**
 * Makes a program from a seed: the platform's preparation, then steps of a few subjects.
 *
 * Guarantee: a seed gives one program for ever, as long as the table of kinds is the same. Steps are drawn
 * in sight of the model's world, so that most find something to act on; what is drawn is not judged here.
 */
import type { ContextName } from "../cases.ts";
import type { Kind, Step } from "./kind.ts";
import { KINDS, play } from "./kinds.ts";
import { Random } from "./random.ts";
import { contextOfParty, PARTIES, PLATFORM, World } from "./world.ts";

export type Program = { readonly seed: number; readonly steps: readonly Step[]; readonly prepared: number };

const OTHERS: readonly ContextName[] = ["U", "A", "B", "AB", "V", "W", "AV", "base"];

/** `length` steps after the preparation. */
export function generate(seed: number, length: number): Program {
  const random = new Random(seed);
  const world = new World();
  const steps: Step[] = [];
  let serial = 0;
  const token = (): string => `${(seed % 46656).toString(36).padStart(3, "0")}.${(serial++).toString(36).padStart(3, "0")};`;
  const add = (step: Step): void => {
    if (play(world, step) !== null) steps.push(step);
  };

  // a few subjects that meet often, and folders of mostly their contexts
  const subjects = Array.from({ length: 2 + random.below(3) }, () => 1 + random.below(PARTIES.length - 1));
  for (let n = 0; n < 3 + random.below(2); n++) {
    const context = n === 0 || random.chance(60) ? contextOfParty(random.pick(subjects)) : random.pick(OTHERS);
    const folder = `d${n}`;
    const platform = (kind: string, ...args: readonly (string | number)[]): void => add({ who: PLATFORM, kind, args });
    platform("folder", folder);
    platform("label", folder, context);
    platform("file", `${folder}/f`);
    platform("put-path", `${folder}/f`, "", 0, token());
    if (random.chance(50)) platform("folder", `${folder}/s`);
    if (random.chance(40)) platform("mkfifo", `${folder}/q`);
    if (random.chance(40)) platform("symlink", `${folder}/l`, `../d${random.below(n + 1)}/f`);
    if (random.chance(25)) {
      platform("file", `${folder}/g`);
      platform("label", `${folder}/g`, random.pick(OTHERS));
    }
  }
  const prepared = steps.length;

  const [forSubjects, forPlatform] = [false, true].map((platform) =>
    Object.entries(KINDS)
      .map(([kind, row]): Row => ({ kind, draw: row.draw, weight: row.weight, platform: row.platform === true }))
      .filter((row) => row.platform === platform && row.weight > 0),
  ) as [Row[], Row[]];
  for (let tries = 0; steps.length < prepared + length && tries < 20 * length; tries++) {
    const isPlatform = random.chance(7);
    const who = isPlatform ? PLATFORM : random.pick(subjects);
    const { kind, draw } = random.weighted(isPlatform ? forPlatform : forSubjects);
    // the platform draws with somebody's eyes
    const args = draw({ random, world, who: isPlatform ? random.pick(subjects) : who, token });
    if (args !== null) add({ who, kind, args });
  }
  return { seed, steps, prepared };
} // prettier-ignore

type Row = { readonly kind: string; readonly platform: boolean } & Pick<Kind, "draw" | "weight">;
