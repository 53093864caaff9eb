/**
 * [MSG-1] and [MSG-2] as plainly as possible, on values and not on bytes: the oracle for src/bus/message.
 */
import { type Context, join, same } from "./reference.ts";

/** A member of this name, any member, or each element of a list. */
export type Step = { member: string } | "anyMember" | "anyElement";
export type Attribute = { path: readonly Step[]; context: Context };

/**
 * The value with each attribute replaced that `keeps` does not keep: an element by any number of others, a member by at most one.
 * `message`: null is the publisher's context, which nobody knows here.
 */
export function replace(
  value: unknown,
  message: Context | null,
  attributes: readonly Attribute[],
  keeps: (context: Context) => boolean,
  others: (gone: unknown) => readonly unknown[],
): unknown {
  if (typeof value !== "object" || value === null) return value;

  /** [MSG-1] What an attribute inside has, with what is left of the paths that lead there. */
  const inside = (step: (first: Step) => boolean, part: unknown): readonly unknown[] => {
    const rest = attributes
      .filter(({ path }) => path[0] !== undefined && step(path[0]))
      .map(({ path, context }) => ({ path: path.slice(1), context }));
    let own = message;
    for (const { path, context } of rest)
      if (path.length === 0) own = own === null ? context : join(own, context);
    const isAttribute = own !== null && (message === null || !same(own, message));
    if (isAttribute && !keeps(own as Context)) return others(part);
    return [replace(part, own, rest, keeps, others)];
  };

  if (Array.isArray(value)) return value.flatMap((part) => inside((step) => step === "anyElement", part));
  const members = Object.entries(value).flatMap(([name, part]) => {
    const named = (step: Step) => step === "anyMember" || (typeof step === "object" && step.member === name);
    return inside(named, part).map((one) => [name, one] as const);
  });
  return Object.fromEntries(members);
}

/** [MSG-2] undefined: nothing is left. */
export function redacted(
  value: unknown,
  message: Context | null,
  attributes: readonly Attribute[],
  keeps: (context: Context) => boolean,
): unknown {
  let isWhole = true;
  const left = replace(value, message, attributes, keeps, () => {
    isWhole = false;
    return [];
  });
  const isEmpty = typeof left === "object" && left !== null && Object.keys(left).length === 0;
  return isEmpty && !isWhole ? undefined : left;
}

/** The contexts of the attributes that are there, each once. */
export function contextsIn(
  value: unknown,
  message: Context | null,
  attributes: readonly Attribute[],
): Context[] {
  const found: Context[] = [];
  replace(
    value,
    message,
    attributes,
    (context) => {
      if (!found.some((one) => same(one, context))) found.push(context);
      return true;
    },
    () => [],
  );
  return found;
}
