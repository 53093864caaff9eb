/**
 * Contexts by meaning: the kernel's ids are of one boot [CTX-4], so each segment's are translated to numbers that hold
 * for all that was loaded.
 *
 * Guarantee: equal contexts have equal numbers, whatever ids they had. Number 0 stands for a context that was never
 * described: it is equal to nothing, and only the platform reads what has it.
 */
import { type Context, contextKey, isAll, parseContextKey, type TagId } from "../../label/index.ts";

export const UNKNOWN_CONTEXT = 0;

export class Contexts {
  readonly #numbers = new Map<string, number>();
  readonly #meanings: (Context | null)[] = [null];
  #drops = new Map<number, boolean>();

  get size(): number {
    return this.#meanings.length;
  }

  /** A context as CONTEXT records tell it; what can't be read is unknown. */
  read(key: string): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    try {
      return this.add(parseContextKey(key));
    } catch {
      return UNKNOWN_CONTEXT;
    }
  }

  add(context: Context): number {
    const key = contextKey(context);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#meanings.push(context) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }

  /** Null: unknown. */
  of(number: number): Context | null {
    return this.#meanings[number] ?? null;
  }

  has(number: number, tag: TagId): boolean {
    const context = this.of(number);
    if (context === null) return false;
    const inSecrecy = isAll(context.secrecy) || context.secrecy.includes(tag);
    return inSecrecy || (!isAll(context.integrity) && context.integrity.includes(tag));
  }

  hasSecret(number: number, tag: TagId): boolean {
    const context = this.of(number);
    return context !== null && (isAll(context.secrecy) || context.secrecy.includes(tag));
  }

  /** Does who reads under `a` and writes under `b` let something out, or vouch? That takes a gate or a privilege. */
  crosses(a: number, b: number): boolean {
    if (a === b) return false;
    const key = a * 0x100000 + b;
    let answer = this.#drops.get(key);
    if (answer === undefined) {
      answer = this.dropped(a, b).length > 0 || this.gained(a, b).length > 0;
      this.#drops.set(key, answer);
    }
    return answer;
  }

  /** Secrecy tags of `a` that `b` lacks; ⊤ is the platform's and drops nothing. */
  dropped(a: number, b: number): TagId[] {
    const [from, to] = [this.of(a), this.of(b)];
    if (from === null || to === null || isAll(from.secrecy) || isAll(to.secrecy)) return [];
    const kept = new Set<TagId>(to.secrecy);
    return from.secrecy.filter((tag) => !kept.has(tag));
  }

  /** Integrity tags of `b` that `a` lacks. Base vouches for everything: that is not gained here. */
  gained(a: number, b: number): TagId[] {
    const [from, to] = [this.of(a), this.of(b)];
    if (from === null || to === null || isAll(from.integrity) || isAll(to.integrity)) return [];
    const had = new Set<TagId>(from.integrity);
    return to.integrity.filter((tag) => !had.has(tag));
  }
}
