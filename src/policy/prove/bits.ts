/**
 * Sets of tags as bits, for closures over thousands of contexts.
 */
export type Bits = Uint32Array;

export const none = (size: number): Bits => new Uint32Array((size + 31) >>> 5);
export const all = (size: number): Bits => none(size).fill(0xffffffff);

export function add(bits: Bits, at: number): void {
  bits[at >>> 5]! |= 1 << (at & 31);
}

export function has(bits: Bits, at: number): boolean {
  return ((bits[at >>> 5]! >>> (at & 31)) & 1) === 1;
}

/** Has `b` all that `a` has, but for what `but` has? */
export function within(a: Bits, b: Bits, but: Bits): boolean {
  for (let i = 0; i < a.length; i++) if ((a[i]! & ~b[i]! & ~but[i]!) !== 0) return false;
  return true;
}

/** What `a` has and `b` has not. */
export function minus(a: Bits, b: Bits, size: number): number[] {
  const found: number[] = [];
  for (let at = 0; at < size; at++) if (has(a, at) && !has(b, at)) found.push(at);
  return found;
}
