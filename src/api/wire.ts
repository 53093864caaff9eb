/**
 * What daemon and clients say to each other: HTTP with JSON over a unix socket (or, to a machine, over a
 * forwarded port with a token). Shapes only; the routes are in routes.ts.
 *
 * Tags are named, never numbered [CTX-4]. Times are ISO 8601 in UTC. All lists are sorted.
 */
import { z } from "zod";
import { GateRunView } from "./wire-gate.ts";

export const TagName = z.string().describe("full name of a tag, `owner/name`");

export const Label = z.array(TagName);

export const ContextView = z
  .object({ secrecy: z.union([Label, z.literal("ALL")]), integrity: z.union([Label, z.literal("ALL")]) })
  .describe("a security context; ALL stands for every tag there is");

/** A context that a client asks for: only tags. */
export const ContextInput = z.object({ secrecy: Label.default([]), integrity: Label.default([]) });

export const Failure = z.object({
  error: z.object({
    code: z.string().describe("E_…, see docs/errors.md"),
    message: z.string().describe("what was expected and what was found"),
    hint: z.string().describe("what to do"),
  }),
});

export const World = z.object({
  id: z.string().describe("files, pipes, sockets, …"),
  state: z.enum(["enforced", "refused", "observed", "off"]),
  why: z.string(),
});

export const OnFull = z.enum(["refuse", "count"]);

export const Status = z.object({
  version: z.string(),
  kernel: z.string(),
  machine: z
    .string()
    .nullable()
    .describe("name of the virtual machine that enforces; null: this host itself"),
  attached: z.boolean(),
  programs: z.number(),
  absentHooks: z.array(z.string()).describe("hooks that this kernel lacks"),
  since: z.string().nullable(),
  pid: z.number(),
  tags: z.number().describe("those that you have something to do with"),
  counts: z
    .object({
      labels: z.number().describe("inodes with a label of their own, as stored"),
      unmounted: z.number().describe("stored labels whose file system is not mounted"),
      subjects: z.number().describe("labelled processes now"),
      observed: z
        .number()
        .describe("processes now that are observed, and refused nothing by the flow rules [SUBJ-5]"),
      allHold: z
        .boolean()
        .describe(
          "no room was left to note who holds memory with others: all count as such, and more is recorded",
        ),
      flows: z.object({
        allowed: z.number(),
        refused: z.number(),
        observed: z.number().describe("that enforcing would have refused"),
        recorded: z.number(),
        lost: z.number().describe("without a record"),
        lostRefused: z.number().describe("of these, refused"),
        lostNames: z.number().describe("descriptions without a record; told again when they are needed"),
        merged: z
          .number()
          .describe("allowed flows that repeat recorded ones and that no record counts [AUD-2]"),
        wide: z
          .number()
          .describe("recorded because the scope was widened; in no other of these counts but recorded"),
        lostWide: z.number().describe("of these, without a record"),
        internal: z.number().describe("refused because something failed"),
      }),
    })
    .nullable()
    .describe("root's: labelled programs could tell others something by them"),
  onFull: OnFull.describe("what happens to flows that cannot be recorded [AUD-3]"),
  scope: z.array(z.string()).describe("what is recorded besides labelled parties [AUD-1]; root's to see"),
  worlds: z.array(World),
});

export const Tag = z.object({
  name: TagName,
  id: z.string().describe("128 bits, hexadecimal"),
  owner: z.string().describe("the principal that owns it"),
  created: z.string(),
});

export const TagCreate = z.object({ name: z.string() });

export const LabelView = z.object({
  path: z.string(),
  context: ContextView.nullable().describe("null: it could not be found out, and everybody is refused"),
  own: z.boolean().describe("the inode has a label of its own; otherwise it has its directory's"),
});

export const LabelSet = z.object({ path: z.string(), context: ContextInput });
export const LabelClear = z.object({ path: z.string() });

/** Setting a label on a large tree reports how far it is: one JSON value a line, the last is result or error. */
export const LabelProgress = z.union([
  z.object({ progress: z.object({ inodes: z.number(), links: z.number() }) }),
  z.object({
    result: z.object({
      path: z.string(),
      context: ContextView,
      before: ContextView.nullable(),
      inodes: z.number().describe("files and directories that now have the label"),
      skipped: z.array(z.string()).describe("other file systems below, which the label does not reach"),
    }),
  }),
  Failure,
]);

const AddressText = z
  .string()
  .describe(
    "addresses and ports outside the host: `10.2.0.0/16:5432`, `[2001:db8::]/32:443-444`, `10.2.0.1`",
  );
export const NetworkSet = z.object({ address: AddressText, context: ContextInput });
export const NetworkUnset = z.object({ address: AddressText });
export const NetworkRule = z.object({
  address: AddressText,
  context: ContextView,
  created: z.string(),
  reachable: z.boolean().describe("packets of programs with this context can get there"),
  why: z.string().describe("why not; empty when reachable"),
});

export const Check = z.object({ from: ContextInput, to: ContextInput });
export const CheckAnswer = z.object({
  allowed: z.boolean(),
  rule: z.string().nullable(),
  tags: z.array(TagName).describe("the tags that stand against it"),
  gates: z.array(z.string()).describe("gates that you may run and that would let it through [GATE-4]"),
  reason: z.string(),
});

export const Mode = z.enum(["enforce", "float", "observe"]).describe("[SUBJ-5]");

/** What data is besides what the context says of where it lies: observe mode let it through. */
export const Shadow = z
  .object({
    secrecy: Label,
    integrity: Label.describe("what the context claims, and the data does not have"),
  })
  .describe("refuses nobody [SUBJ-5]");

export const Process = z.object({
  pid: z.number(),
  ppid: z.number(),
  uid: z.number(),
  command: z.string(),
  in: ContextView,
  out: ContextView,
  mode: Mode,
  shadow: Shadow.nullable().describe("of what its compartment took in while it was observed"),
  holds: z.array(z.string()).describe("paths of open files"),
});

export const Entity = z.object({
  kind: z.string(),
  name: z.string().describe("path, program or address as first seen; for people, not identity"),
  id: z.string(),
  context: ContextView.nullable(),
});

export const LogEntry = z.object({
  id: z
    .union([z.number(), z.string()])
    .describe(
      "for root the record's place in the log; for others a name that tells nothing of other records",
    ),
  time: z.string(),
  verdict: z.enum(["allowed", "refused", "observed"]).describe("observed: it happened; enforcing refuses it"),
  rule: z.string().nullable(),
  op: z.string(),
  source: Entity,
  sink: Entity,
  pid: z.number(),
  program: z.string(),
  uid: z.number(),
  count: z.number(),
  lost: z
    .number()
    .nullable()
    .describe("records lost on this cpu since boot; null: some, and only root is told how many"),
  tags: z.array(TagName).describe("the tags that stood against it"),
  gates: z.array(z.string()).describe("gates that you may run and that would have let it through [GATE-4]"),
  shadow: Shadow.optional().describe("what it carried besides what the context of its source says"),
  gate: GateRunView.optional().describe("the run of a gate that this is the record of [GATE-2]"),
  note: z.string().optional().describe("what else the daemon says of it, such as a topic and a reason"),
});

export const LogQuery = z.object({
  follow: z.coerce.boolean().default(false),
  refused: z.coerce.boolean().default(false),
  observed: z.coerce.boolean().default(false),
  tag: z.string().optional(),
  limit: z.coerce.number().int().positive().max(1_000_000).default(1000),
  since: z.coerce
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe("only records after this number; root's to ask"),
});

export const Explanation = z.object({
  record: LogEntry,
  rule: z.string().nullable(),
  text: z.string().describe("the rule, in words"),
  tags: z.array(TagName),
  remedy: z.array(z.string()).describe("what would allow it"),
});

export const RunRequest = z.object({
  argv: z.array(z.string()).min(1),
  context: ContextInput,
  clearance: ContextInput.optional().describe(
    "what it may raise itself to while it holds its output; how far it floats [FLT-1]",
  ),
  mode: Mode.default("enforce"),
  across: Label.optional().describe(
    "tags that an observed program may cross; left out: its own, for root all",
  ),
  env: z.record(z.string(), z.string()),
  cwd: z.string(),
  volumes: z.array(z.string()).default([]),
  tty: z.object({ rows: z.number(), columns: z.number() }).nullable(),
  user: z
    .object({ uid: z.number(), gid: z.number(), groups: z.array(z.number()) })
    .describe("the caller's own; only root may name another"),
  hostname: z.string().default("csn"),
  /** What the client's own standard output and error are [TERM-1]. */
  shows: z.object({ output: z.enum(["terminal", "other"]), error: z.enum(["terminal", "other"]) }),
  release: z.boolean().default(false).describe("the caller takes labelled output on its own responsibility"),
  via: z.array(z.string()).default([]).describe("gates that its output passes through"),
  plain: z.boolean().default(false).describe("no label and no compartment: an ordinary process of that host"),
});
export const RunCreated = z.object({ id: z.string() });

export const DoctorCheck = z.object({
  name: z.string(),
  ok: z.boolean(),
  found: z.string(),
  hint: z.string(),
});
export const Doctor = z.object({ ok: z.boolean(), checks: z.array(DoctorCheck) });

export const Up = z.object({
  onFull: OnFull.optional().describe("[AUD-3] what happens to flows that cannot be recorded, from now on"),
});
export const Down = z.object({ force: z.boolean().default(false) });

export type ContextInput = z.infer<typeof ContextInput>;
export type ContextView = z.infer<typeof ContextView>;
export type Status = z.infer<typeof Status>;
export type World = z.infer<typeof World>;
export type Tag = z.infer<typeof Tag>;
export type LabelView = z.infer<typeof LabelView>;
export type LabelProgress = z.infer<typeof LabelProgress>;
export type NetworkRule = z.infer<typeof NetworkRule>;
export type CheckAnswer = z.infer<typeof CheckAnswer>;
export type Mode = z.infer<typeof Mode>;
export type Shadow = z.infer<typeof Shadow>;
export type Process = z.infer<typeof Process>;
export type Entity = z.infer<typeof Entity>;
export type LogEntry = z.infer<typeof LogEntry>;
export type LogQuery = z.infer<typeof LogQuery>;
export type Explanation = z.infer<typeof Explanation>;
export type RunRequest = z.infer<typeof RunRequest>;
export type Doctor = z.infer<typeof Doctor>;
export type Failure = z.infer<typeof Failure>;
