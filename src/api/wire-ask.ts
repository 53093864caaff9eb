/**
 * Questions to the record, and their answers. [AUD-4, AUD-5] The shapes are those of src/audit/ask.
 */
import { z } from "zod";

const Label = z.union([z.array(z.string()), z.literal("ALL")]);
const Context = z.object({ secrecy: Label, integrity: Label }).nullable();
const Thing = z.string().min(1).max(4096).describe("a tag, a path, a record, an entity, or `outside`");
const Time = z
  .string()
  .max(64)
  .describe("`2026-11-25T14:00:00Z`, `2026-11-25`, `14:00` (today, UTC), `2h` (ago)");

export const TraceQuery = z.object({
  from: Thing.optional(),
  to: Thing.optional(),
  since: Time.optional(),
  until: Time.optional(),
  depth: z.number().int().positive().max(1000).optional(),
  noise: z.boolean().optional().describe("also folders, links, programs and libraries"),
  refused: z.boolean().optional(),
  stopAtGates: z.boolean().optional(),
  limit: z.number().int().positive().max(100_000).optional(),
  collapse: z.enum(["host", "tenant", "program", "kind"]).optional(),
});
export const LeakQuery = z.object({
  of: Thing,
  to: Thing,
  since: Time.optional(),
  until: Time.optional(),
});

const Question = z.object({
  name: z.string().min(1).max(200),
  from: Thing.describe("a tag"),
  to: Thing,
  never: z.boolean().optional().describe("no path"),
  through: z.array(z.string().max(200)).max(1000).optional().describe("each path passes one of these gates"),
  olderThan: z.string().max(20).optional().describe("and so long after the data was first on the record"),
});
export const QuestionsQuery = z.object({ questions: z.array(Question).min(1).max(100) });

export const ErasureQuery = z.object({
  of: z.string().min(1).max(200).describe("`alice`, `user:alice`, or a tag `alice/medical`"),
  limit: z.number().int().positive().max(100_000).optional(),
});

const Flag = z.enum(["true", "false"]).transform((text) => text === "true");
export const ExportQuery = z.object({
  format: z.enum(["prov-json", "prov-n", "spade", "openlineage", "jsonl", "cef", "dot"]),
  noise: Flag.default(true).describe("also folders, links, programs and libraries"),
  refused: Flag.default(true),
});

const Entity = z.object({
  kind: z.string(),
  name: z.string().describe("chosen by whoever made the thing; for people, not identity"),
  id: z.string(),
});
const Crossing = z.object({
  drops: z.array(z.string()),
  adds: z.array(z.string()),
  by: z.enum(["gate", "release", "label", "change"]),
  gate: z
    .object({
      record: z.string().nullable(),
      name: z.string(),
      user: z.string(),
      purpose: z.string(),
      grants: z.array(z.object({ tag: z.string(), by: z.string(), grant: z.string() })),
    })
    .nullable(),
});
const Step = z.object({
  record: z.string().describe("its number for the platform; for others its boot and time [AUD-4]"),
  time: z.string(),
  op: z.string(),
  verdict: z.enum(["allowed", "refused", "observed"]),
  rule: z.string().nullable(),
  source: Context,
  sink: Context,
  crossing: Crossing.nullable().describe("by whose right data went on with another label"),
});
const Flow = z.object({ from: Entity, to: Entity, step: Step });
const Refused = Flow.extend({ times: z.number() });

export const TraceAnswer = z.object({
  direction: z.enum(["from", "to", "between"]),
  nodes: z.array(Entity.extend({ context: Context, hops: z.number(), holds: z.number().optional() })),
  edges: z.array(z.object({ from: z.number(), to: z.number(), step: Step, times: z.number().optional() })),
  roots: z.array(z.number()),
  refused: z.array(Refused),
  leftOut: z.object({ entities: z.number(), refused: z.number() }),
});

export const Coverage = z.object({
  host: z.string(),
  clearance: z.array(z.string()).nullable().describe("tags whose records were looked at; null: all"),
  boots: z.array(z.object({ boot: z.string(), from: z.string(), to: z.string() })),
  gaps: z.array(z.object({ near: z.string(), lost: z.number().nullable(), what: z.string() })),
  limits: z.array(z.string()),
});
export const LeakAnswer = z.object({
  asked: z.object({
    of: z.string(),
    to: z.string(),
    since: z.string().nullable(),
    until: z.string().nullable(),
  }),
  path: z.array(Flow).nullable().describe("null: none within the time and the coverage"),
  records: z.array(z.number()),
  earlier: z.array(Flow).nullable().describe("it had arrived before `since`"),
  coverage: Coverage,
  refused: z.array(Refused),
  leftOut: z.number(),
  proofs: z
    .object({
      checkpoint: z.string(),
      proofs: z.array(z.object({ id: z.number(), record: z.string(), path: z.array(z.string()) })),
    })
    .nullish()
    .describe("of the path's records; only for the platform, since they tell where a record stands"),
  statement: z.string().nullish().describe("this answer as a signed note, with the log's key"),
});

export const QuestionsAnswer = z.object({
  answers: z.array(
    z.object({
      name: z.string(),
      says: z.string().describe("what was asked, in words"),
      holds: z.boolean(),
      path: z.array(Flow).nullable().describe("a witness; null: it holds within the coverage"),
      records: z.array(z.number()),
      early: z
        .object({ thing: Entity, since: z.string(), passed: z.string() })
        .nullable()
        .describe("the path passed a gate, but too soon"),
      limits: z.array(z.string()),
    }),
  ),
  coverage: Coverage,
});

const Trail = z.object({
  thing: Entity,
  since: z.string().describe("when data first reached it, or it was first seen to have it"),
  context: Context.describe("as the last record of it tells"),
  labelled: z.boolean().describe("has it one of the tags, by that?"),
});
export const ErasureAnswer = z.object({
  asked: z.string(),
  tags: z.array(z.string()),
  files: z.array(
    Trail.extend({
      found: z
        .string()
        .nullish()
        .describe("where it is now, known by its inode; null: not found by what the record calls it"),
    }),
  ),
  left: z.array(Refused).describe("how data left the tags: a gate, a person, a change of label, observed"),
  people: z.array(Trail),
  addresses: z.array(Trail),
  leftOut: z.number(),
  coverage: Coverage,
});

export type TraceQuery = z.infer<typeof TraceQuery>;
export type TraceAnswer = z.infer<typeof TraceAnswer>;
export type LeakQuery = z.infer<typeof LeakQuery>;
export type QuestionsQuery = z.infer<typeof QuestionsQuery>;
export type QuestionsAnswer = z.infer<typeof QuestionsAnswer>;
export type ErasureQuery = z.infer<typeof ErasureQuery>;
export type ErasureAnswer = z.infer<typeof ErasureAnswer>;
export type LeakAnswer = z.infer<typeof LeakAnswer>;
export type Coverage = z.infer<typeof Coverage>;
