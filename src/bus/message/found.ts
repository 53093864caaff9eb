/**
 * Attributes that were found in a payload.
 */
import type { Context } from "../../label/index.ts";
import type { Position } from "./position.ts";

/** One attribute that is there: a member with its name, or an element. Listed in the order of `start`. */
export interface Found {
  readonly context: Context;
  /** Offset of its first character or byte, and of what follows it. */
  readonly start: number;
  end: number;
}

/** Notes that something begins at `inner`; null where it has the context of what it is in. */
export function opened(list: Found[], outer: Position, inner: Position, start: number): Found | null {
  if (inner.context === null || inner.context === outer.context) return null;
  const found = { context: inner.context, start, end: start };
  list.push(found);
  return found;
}

/** The outermost of them: what is in one that is taken out goes with it. */
export function outermost(list: readonly Found[]): Found[] {
  let end = -1;
  return list.filter((found) => {
    if (found.start < end) return false;
    end = found.end;
    return true;
  });
}
