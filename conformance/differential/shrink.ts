/**
 * Makes a failing program short: drops chunks, then single steps, as long as it still fails.
 *
 * Guarantee: what is given fails, and without any one of its steps it does not (unless `budget` ran out).
 */
export function shrink<T>(steps: readonly T[], fails: (steps: readonly T[]) => boolean, budget = 400): readonly T[] {
  let now = steps;
  let size = Math.ceil(now.length / 2);
  let left = budget;
  while (now.length > 0) {
    let dropped = false;
    for (let at = Math.max(0, now.length - size); ; at = Math.max(0, at - size)) {
      if (left-- <= 0) return now;
      const without = [...now.slice(0, at), ...now.slice(at + size)];
      if (without.length < now.length && fails(without)) {
        now = without;
        dropped = true;
      }
      if (at === 0) break;
    }
    if (!dropped && size === 1) return now;
    if (!dropped || size > now.length) size = Math.max(1, Math.floor(size / 2));
  }
  return now;
} // prettier-ignore
