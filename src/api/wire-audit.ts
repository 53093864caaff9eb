/**
 * The log's proofs, as JSON. A record, and each hash, is in base64; checkpoints are signed notes; keys are vkeys.
 */
import { z } from "zod";

export const ProofView = z.object({
  format: z.literal("csn-proof/1"),
  /** Number of the record that is proved. */
  record: z.number(),
  checkpoint: z.string(),
  /** In force when the checkpoint was signed, as the log says. */
  keys: z.array(z.string()),
  proofs: z
    .array(z.object({ id: z.number(), record: z.string(), path: z.array(z.string()) }))
    .describe("the record itself first, then those that say what its context numbers and names mean"),
});
export type ProofView = z.infer<typeof ProofView>;

export const CheckpointView = z.object({ checkpoint: z.string(), keys: z.array(z.string()) });
export type CheckpointView = z.infer<typeof CheckpointView>;

export const AuditVerify = z.object({
  keys: z.array(z.string()).default([]),
  checkpoints: z.array(z.string()).default([]),
  witnesses: z.array(z.string()).default([]),
});
export type AuditVerify = z.infer<typeof AuditVerify>;

export const AuditReport = z.object({
  ok: z.boolean(),
  origin: z.string(),
  records: z.number(),
  signed: z.number(),
  bytes: z.number(),
  segments: z.number(),
  signers: z.array(z.string()),
  trusted: z
    .boolean()
    .describe("held against a key that was given, not only against those that the log states"),
  witnesses: z.array(z.string()),
  findings: z.array(
    z.object({ code: z.string(), record: z.number().nullable(), file: z.string(), message: z.string() }),
  ),
  more: z.number(),
  notes: z.array(z.string()),
  losses: z.array(
    z.object({
      record: z.number(),
      kind: z.number(),
      refused: z.boolean(),
      at: z.number().describe("0: they could not be written; 1: the kernel's ring had no room"),
      count: z.number(),
    }),
  ),
  gone: z.array(z.object({ from: z.number(), to: z.number() })),
  seconds: z.number(),
});
export type AuditReport = z.infer<typeof AuditReport>;

export const AuditVerifyLine = z.union([
  z.object({ progress: z.object({ done: z.number(), all: z.number() }) }),
  z.object({ report: AuditReport }),
]);
export type AuditVerifyLine = z.infer<typeof AuditVerifyLine>;

export const AuditKeep = z.object({
  compress: z.boolean().default(false).describe("closed segments take less room"),
  retain: z
    .object({ before: z.number(), reason: z.string().min(1).max(500) })
    .optional()
    .describe("remove what records before that number say; their hashes stay"),
  copy: z.string().startsWith("/").optional().describe("a new folder, for a copy of the log as it is"),
  export: z.string().startsWith("/").optional().describe("a folder, in the layout of C2SP tlog-tiles"),
});
export type AuditKeep = z.infer<typeof AuditKeep>;

export const AuditKept = z.object({
  compressed: z.number(),
  gone: z.object({ from: z.number(), to: z.number() }).nullable(),
  copied: z.object({ size: z.number() }).nullable(),
  exported: z.object({ size: z.number(), files: z.number(), gone: z.number() }).nullable(),
});
export type AuditKept = z.infer<typeof AuditKept>;

export const AuditWitness = z.object({ url: z.url(), keys: z.array(z.string()).min(1) });
export type AuditWitness = z.infer<typeof AuditWitness>;
export const AuditWitnesses = z.array(AuditWitness.extend({ trouble: z.string().nullable() }));
export type AuditWitnesses = z.infer<typeof AuditWitnesses>;
