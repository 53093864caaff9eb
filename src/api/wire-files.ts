/**
 * What daemon and clients say to each other about policy files.
 */
import { z } from "zod";

const Place = z.object({ file: z.string(), line: z.number(), column: z.number() });

export const PolicyFiles = z.object({
  files: z.array(z.object({ name: z.string().max(4096), text: z.string().max(300_000) })).max(2000),
  set: z.string().max(200).default("default").describe("`prune` revokes only what the same set once granted"),
  prune: z.boolean().default(false).describe("revoke what documents that are gone have granted"),
});

export const PolicyPlan = z.object({
  steps: z.array(
    z.object({
      by: z.string().describe("who signs it"),
      words: z.string(),
      place: Place.nullable(),
    }),
  ),
  notes: z.array(z.string()),
});
export const PolicyApplied = PolicyPlan.extend({
  head: z.string().describe("hash of the last statement in force"),
});
export const PolicyExport = z.object({ files: z.array(z.object({ name: z.string(), text: z.string() })) });
export const PolicyDiff = z.object({
  differences: z.array(
    z.object({
      sign: z.enum(["+", "-"]).describe("+: the files have it; -: only the world"),
      words: z.string(),
    }),
  ),
});

export const PolicyProve = z.object({
  properties: z.array(z.string().max(1000)).max(1000),
  owners: z.boolean().default(false).describe("count what owners may do with their own tags"),
});
export const PolicyProofs = z.array(
  z.object({ property: z.string(), holds: z.boolean(), path: z.array(z.string()) }),
);

export const PolicyTests = z.array(
  z.object({ place: Place, name: z.string(), ok: z.boolean(), expected: z.string(), found: z.string() }),
);

export type PolicyFiles = z.input<typeof PolicyFiles>;
export type PolicyPlan = z.infer<typeof PolicyPlan>;
export type PolicyApplied = z.infer<typeof PolicyApplied>;
export type PolicyExport = z.infer<typeof PolicyExport>;
export type PolicyDiff = z.infer<typeof PolicyDiff>;
export type PolicyProofs = z.infer<typeof PolicyProofs>;
export type PolicyTests = z.infer<typeof PolicyTests>;
