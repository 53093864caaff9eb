/**
 * What daemon and clients say to each other about gates. [GATE-1..4]
 */
import { z } from "zod";

const Label = z.array(z.string()).default([]);
/** Tags by name. */
const ContextInput = z.object({ secrecy: Label, integrity: Label });
const GateName = z.string().describe("`owner/name`");
const GateFile = z.object({ path: z.string(), digest: z.string().describe("sha256, hexadecimal") });

/** A gate of that name is replaced: another definition, to which nobody has granted anything yet. */
export const GateCreate = z.object({
  name: GateName,
  program: z.string().describe("absolute path, as the machine that enforces sees it"),
  args: z.array(z.string()).default([]),
  files: z.array(z.string()).default([]).describe("files that decide what it does: scripts, schemas"),
  in: ContextInput,
  out: ContextInput,
  consent: z
    .array(z.string())
    .default([])
    .describe(
      "tags that `in` has besides, each while its owner lets this gate drop it; `*/name`: any owner's",
    ),
  purpose: z.string().default(""),
  users: z.array(z.string()).default(["*"]).describe("principals who may run it; `*`: everybody"),
});
export const GateRemove = z.object({ name: GateName });

export const GateTag = z.object({
  change: z.enum(["drops", "adds", "carries"]),
  privilege: z.enum(["s+", "s-", "i+", "i-"]),
  tag: z.string(),
  by: z
    .enum(["gate", "user", "platform"])
    .nullable()
    .describe("who holds it; null: nobody, so nobody can run the gate"),
  grants: z
    .array(z.object({ id: z.string(), by: z.string(), until: z.string().nullable(), purpose: z.string() }))
    .describe("the chain, from the owner's grant on"),
});

export const GateView = z.object({
  name: GateName,
  holder: z.string().describe("what grants are made to: the gate as it is defined now"),
  program: z.string(),
  digest: z.string(),
  args: z.array(z.string()),
  files: z.array(GateFile),
  in: ContextInput.describe("as it is now, with the tags of those who consent"),
  out: ContextInput,
  consent: z.array(z.string()),
  purpose: z.string(),
  users: z.array(z.string()),
  tags: z.array(GateTag),
  ready: z.boolean().describe("you can run it now"),
  why: z.string().describe("why not; empty when ready"),
});

export const GateRun = z.object({
  name: GateName,
  shows: z.object({ output: z.enum(["terminal", "other"]), error: z.enum(["terminal", "other"]) }),
  release: z.boolean().default(false),
});

export const GateFolder = z.object({
  name: GateName,
  from: z.string().describe("folder with the files, absolute"),
  to: z.string().describe("folder for the results, absolute"),
  again: z.boolean().default(false).describe("also what failed before"),
});
export const GateFolderResult = z.object({
  file: z.string().nullable().describe("null: its name is not yours to see"),
  result: z.string().nullable().describe("name of the result; null: there is none"),
  why: z.string().describe("why there is none"),
});

const GateStream = z.object({
  what: z.string(),
  bytes: z.number(),
  digest: z.string(),
  streams: z
    .array(z.string())
    .default([])
    .describe("pipes that were one for the data: `device:inode:generation` as records have them"),
});

/** What one run of a gate was, on the record. [GATE-2] */
export const GateRunView = z.object({
  gate: GateName,
  definition: z.string(),
  purpose: z.string(),
  user: z.string(),
  in: ContextInput,
  out: ContextInput,
  tags: z.array(GateTag),
  started: z.string(),
  ended: z.string().describe("empty: it goes on, and its end is told later"),
  exit: z.number().nullable().describe("null: it did not start, or goes on"),
  failure: z.string().describe("why it did not; empty otherwise"),
  input: GateStream,
  output: GateStream,
  client: z.string().optional().describe("as which client of the bus it gets messages and publishes"),
});

export type GateCreate = z.input<typeof GateCreate>;
export type GateView = z.infer<typeof GateView>;
export type GateTag = z.infer<typeof GateTag>;
export type GateRun = z.input<typeof GateRun>;
export type GateFolder = z.input<typeof GateFolder>;
export type GateFolderResult = z.infer<typeof GateFolderResult>;
export type GateRunView = z.infer<typeof GateRunView>;
