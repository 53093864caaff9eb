/**
 * What a kind of step is, and how its arguments are drawn.
 */
import type { Act } from "./act.ts";
import type { Random } from "./random.ts";
import { contextOfParty, type Inode, SLOTS, verdictOf, type World } from "./world.ts";

export type Value = string | number;
/** One step of a program: total, so that any selection of steps is a program too. */
export type Step = { readonly who: number; readonly kind: string; readonly args: readonly Value[] };

export type Draw = { readonly random: Random; readonly world: World; readonly who: number; token(): string };

export type Kind = {
  readonly weight: number;
  /** Only the platform does it, or never. */
  readonly platform?: boolean;
  /** Null: nothing to do it with. */
  readonly draw: (draw: Draw) => readonly Value[] | null;
  /** In the actor's language; `@` before a path stands for the program's folder, `#N` for a party's pid. */
  readonly command: (args: readonly Value[]) => string;
  /** The call in the model: gives what it shows, or null when that is not compared. */
  readonly play: (act: Act, args: readonly Value[]) => string | null;
};

export const text = (args: readonly Value[], n: number): string => String(args[n]);
export const number = (args: readonly Value[], n: number): number => Number(args[n]);

const NAMES = ["f", "g", "h", "i", "j", "s", "t", "l", "q"];

/** What a step would like to find at its path, so that it does something. */
export type Wish = { readonly is?: (inode: Inode) => boolean; readonly op?: "OP-1" | "OP-3" };

/** A name: mostly one that is there, of the right kind, and where the rules let the subject do it. */
export function drawPath(draw: Draw, { is = () => true, op = "OP-1" }: Wish = {}): string {
  const { random, world, who } = draw;
  if (random.chance(8)) return drawFresh(draw);
  const me = contextOfParty(who);
  const all = [...world.paths()];
  const right = random.chance(12) ? all : all.filter(([, inode]) => is(inode));
  const from = right.length > 0 ? right : all;
  // rather what is in the folders, so that the folders last
  const inside = random.chance(85) ? from.filter(([, { home }]) => home !== world.root) : from;
  const allowed = random.chance(60) ? inside.filter(([, inode]) => verdictOf(op, me, world.contextOf(inode)) === "allow") : inside; // prettier-ignore
  for (const some of [allowed, inside, from]) if (some.length > 0) return random.pick(some)[0];
  return drawFresh(draw);
}

export const isFile = ({ kind }: Inode): boolean => kind === "file";
export const isDir = ({ kind }: Inode): boolean => kind === "dir";

/** A name in a directory, free or not. */
export function drawFresh({ random, world, who }: Draw): string {
  const dirs = [...world.paths()].filter(([, { kind }]) => kind === "dir");
  const mine = dirs.filter(([, dir]) => world.contextOf(dir) === contextOfParty(who));
  const from = mine.length > 0 && random.chance(75) ? mine : dirs;
  const dir = from.length > 0 ? `${random.pick(from)[0]}/` : "";
  return `${dir}${random.pick(NAMES)}`;
}

export function drawSlot({ random }: Draw): number {
  return random.below(SLOTS);
}

/** A slot in which something is, if there is one. */
export function drawUsed(
  draw: Draw,
  want: (file: NonNullable<ReturnType<World["slot"]>>) => boolean = () => true,
): number | null {
  const { random, world, who } = draw;
  const open = Array.from({ length: SLOTS }, (_, n) => n).filter((n) => {
    const file = world.slot(who, n);
    return file !== null && want(file);
  });
  if (open.length > 0) return random.pick(open);
  return random.chance(5) ? drawSlot(draw) : null;
}

/** Does the call itself, or has a child, a thread or the same program do it. */
const WAYS = ["", "", "", "", "", "", "fork ", "thread ", "vm ", "exec "];
export const drawWay = ({ random }: Draw): string => (random.chance(6) ? random.pick(WAYS) : "");
