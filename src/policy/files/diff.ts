/**
 * Files and the world side by side: what is only in one of them, or differs.
 */
import { exportPolicy } from "./export.ts";
import type { Plan } from "./plan.ts";
import type { AnyDocument } from "./read.ts";

export type Difference = {
  /** `+`: the files have it, or have it otherwise; `-`: only the world has it. */
  readonly sign: "+" | "-";
  readonly words: string;
};

export function differences(plan: Plan, documents: readonly AnyDocument[], now: Date): Difference[] {
  const named = new Set(documents.map(({ kind, name }) => `${kind} ${name}`));
  const onlyThere = exportPolicy(plan.after, now).filter(({ kind, name }) =>
    kind === "Grant" ? !plan.granted.has(grantIdOf(name)) : !named.has(`${kind} ${name}`),
  );
  return [
    ...plan.steps.map(({ words }): Difference => ({ sign: "+", words })),
    ...onlyThere.map(({ kind, name, spec }): Difference => ({
      sign: "-",
      words: `${kind} ${name}${grantWords(kind, spec)}`,
    })),
  ];
}

/** As export names a grant. */
function grantIdOf(name: string): string {
  return name.slice(name.lastIndexOf("/grant-") + "/grant-".length);
}

function grantWords(kind: string, spec: unknown): string {
  if (kind !== "Grant") return "";
  const { privileges, tags, to } = spec as { privileges: string[]; tags: string[]; to: string };
  return `: ${privileges.join(", ")} on ${tags.join(", ")} to ${to}`;
}
