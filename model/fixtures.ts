/**
 * Contexts to test with, as text: every one over three tags, and random ones up to the limit.
 *
 * Used by the tests of each enforcement point, so that all see the same cases.
 */
import type { ContextText, LabelText } from "./vectors.ts";

/** Every subset of `tags`. */
export function subsets(tags: readonly string[]): string[][] {
  const [first, ...rest] = tags;
  if (first === undefined) return [[]];
  return subsets(rest).flatMap((set) => [set, [first, ...set]]);
}

/** Every context over the tags, 64 for three of them, without the ones that hold ⊤. */
export function contextsOver(tags: readonly string[]): ContextText[] {
  return subsets(tags).flatMap((secrecy) => subsets(tags).map((integrity) => ({ secrecy, integrity })));
}

/** A source of chance that gives the same numbers for the same seed: 0 ≤ x < 1 (mulberry32). */
export function chanceFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const UNIVERSE = Array.from({ length: 96 }, (_, n) => `t${n}`);

/**
 * A random pair of contexts of up to 64 tags each, with a bias to where faults are: lengths 0, 1, 63 and
 * 64, ⊤, and labels that are a subset of the other but for one tag or none.
 */
export function randomPair(chance: () => number): { from: ContextText; to: ContextText } {
  const [fromSecrecy, toSecrecy] = randomLabels(chance);
  const [toIntegrity, fromIntegrity] = randomLabels(chance);
  return {
    from: { secrecy: fromSecrecy, integrity: fromIntegrity },
    to: { secrecy: toSecrecy, integrity: toIntegrity },
  };
}

/** Two labels, of which the first is often a subset of the second, or nearly so. */
function randomLabels(chance: () => number): [LabelText, LabelText] {
  const upper = shuffled(UNIVERSE, chance).slice(0, randomLength(chance));
  const kind = chance();
  if (kind < 0.03) return ["ALL", chance() < 0.5 ? "ALL" : upper];
  if (kind < 0.06) return [upper, "ALL"];
  if (kind < 0.25) return [shuffled(UNIVERSE, chance).slice(0, randomLength(chance)), upper];

  const lower = shuffled(upper, chance).slice(0, Math.min(upper.length, randomLength(chance)));
  if (kind < 0.65) return [lower, upper];
  const stranger = UNIVERSE.filter((tag) => !upper.includes(tag))[Math.floor(chance() * 32)] as string;
  return [[...lower.slice(0, 63), stranger], upper];
}

function randomLength(chance: () => number): number {
  const edges = [0, 1, 2, 63, 64];
  return chance() < 0.6 ? (edges[Math.floor(chance() * edges.length)] as number) : Math.floor(chance() * 65);
}

function shuffled(tags: readonly string[], chance: () => number): string[] {
  const mixed = [...tags];
  for (let n = mixed.length - 1; n > 0; n--) {
    const other = Math.floor(chance() * (n + 1));
    [mixed[n], mixed[other]] = [mixed[other] as string, mixed[n] as string];
  }
  return mixed;
}
