/**
 * Whether a schema requires what a path names, as far as `properties`, `items` and `additionalProperties` show it.
 */
import type { PathStep } from "./attribute-path.ts";

export function requiredBy(schema: unknown, steps: readonly PathStep[]): boolean {
  let node = schema;
  for (const [i, step] of steps.entries()) {
    if (typeof node !== "object" || node === null) return false;
    const { required, properties, additionalProperties, items } = node as Record<string, unknown>;
    const isLast = i === steps.length - 1;
    if (isLast) return step.kind === "member" && Array.isArray(required) && required.includes(step.name);
    if (step.kind === "anyElement") node = items;
    else if (step.kind === "anyMember") node = additionalProperties;
    else node = (properties as Record<string, unknown> | undefined)?.[step.name];
  }
  return false;
}
