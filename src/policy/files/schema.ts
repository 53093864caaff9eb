/**
 * The kinds of policy documents: their shape, with descriptions that editors show. Membership of sets only: there is
 * no expression, condition or variable in a policy, so what it allows can be decided (prove/).
 *
 * `spec/policy.schema.json` is made from here by `tools/gen-policy-schema.ts`.
 */
import { z } from "zod";
import { MAX_TAGS } from "../../label/index.ts";
import { messageTypeSpec } from "../message/spec.ts";

export const API_VERSION = "csn/v1";

export const PART = "[a-z0-9][a-z0-9._-]{0,62}";
/** What a text has to look like, and what is said when it does not. */
const FORMS = {
  principal: { pattern: `^${PART}$`, expected: "a principal: a-z, 0-9, `.`, `_`, `-`, at most 63" },
  owned: { pattern: `^${PART}/${PART}$`, expected: "`owner/name`" },
  tag: { pattern: `^${PART}/${PART}(:${PART})?$`, expected: "a tag: `owner/name` or `owner/name:instance`" },
  pattern: {
    pattern: `^${PART}/${PART}(:(${PART}|\\*))?$`,
    expected: "a tag, or `owner/name:*` for all its instances",
  },
  consent: {
    pattern: `^(${PART}|\\*)/${PART}(:(${PART}|\\*))?$`,
    expected: "a tag, `owner/name:*`, or `*/name` for any owner's",
  },
  holder: { pattern: `^(gate:${PART}/${PART}|${PART})$`, expected: "a principal, or `gate:owner/name`" },
  user: { pattern: `^(\\*|${PART})$`, expected: "a principal, or `*` for everybody" },
  sha256: { pattern: "^(auto|[0-9a-f]{64})$", expected: "sha256 as 64 hexadecimal digits, or `auto`" },
  time: {
    pattern: "^\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,3})?)?Z)?$",
    expected: "a day `2026-06-01` or a time in UTC `2026-06-01T12:00:00Z`",
  },
  path: { pattern: "^/[^\\u0000]{0,4094}$", expected: "an absolute path" },
  context: {
    pattern: `^(unlabelled|${PART}/${PART})$`,
    expected: "`unlabelled`, the name of a Context, or `{secrecy: [...], integrity: [...]}`",
  },
} as const;

/** What is expected where a text does not match this pattern. */
export const expectedFor: ReadonlyMap<string, string> = new Map(
  Object.values(FORMS).map(({ pattern, expected }) => [String(new RegExp(pattern)), expected]),
);
/** The patterns of tags, whose faults `parseTagName` words best. */
export const TAG_PATTERNS: ReadonlySet<string> = new Set(
  [FORMS.tag, FORMS.pattern].map(({ pattern }) => String(new RegExp(pattern))),
);

const form = (name: keyof typeof FORMS, about: string) =>
  z.string().regex(new RegExp(FORMS[name].pattern)).describe(about);
const text = (about: string) => z.string().max(4096).describe(about);
const label = (about: string) => z.array(form("tag", "a tag")).max(MAX_TAGS).describe(about);
const privilege = z
  .enum(["s+", "s-", "i+", "i-"])
  .describe("take secrecy on, let it out; vouch for integrity, drop it");

const contextObject = z
  .strictObject({
    secrecy: label("whom the data concerns").default([]),
    integrity: label("who vouches for it").default([]),
  })
  .describe("both labels of a context");
const context = z
  .union([form("context", "`unlabelled`, or the name of a Context"), contextObject])
  .describe("a context");
const contextOrPath = z.union([
  form("context", "`unlabelled`, or the name of a Context"),
  contextObject,
  z.strictObject({ path: form("path", "a file or directory: its label in the world in force") }),
]);

const TagSpec = z.strictObject({
  open: z
    .array(privilege)
    .max(4)
    .default([])
    .describe("directions that everybody has [TAG-2]; `[s+]` alone makes an export-protected tag"),
});

const GrantSpec = z.strictObject({
  by: form("principal", "who grants; without it, the owner of each tag").optional(),
  to: form("holder", "who gets it: a principal, or `gate:owner/name` as it is defined when applied"),
  tags: z.array(form("pattern", "a tag, or `owner/name:*`")).min(1).max(1000),
  privileges: z.array(privilege).min(1).max(4),
  delegate: z.boolean().default(false).describe("with the grant option [PRIV-1]"),
  until: form("time", "when it ends; without it, never").optional(),
  purpose: text("what for; it is on the record").default(""),
});

const GateSpec = z
  .strictObject({
    program: form("path", "the program's file"),
    digest: form("sha256", "sha256 of the program; `auto`: of the file as it is when planned"),
    args: z.array(text("an argument")).max(1000).default([]).describe("its arguments, which are fixed"),
    files: z
      .array(
        z.strictObject({ path: form("path", "a file"), digest: form("sha256", "its sha256, or `auto`") }),
      )
      .max(100)
      .default([])
      .describe("scripts, schemas: files that decide what it does"),
    in: context.describe("what it may read"),
    out: context.describe("what its output gets"),
    consent: z
      .array(form("consent", "a tag, `owner/name:*`, or `*/name` for any owner's"))
      .max(1000)
      .default([])
      .describe("tags that `in` has besides, each only while its owner lets this gate drop it"),
    purpose: text("what for").default(""),
    users: z.array(form("user", "a principal, or `*`")).min(1).max(10_000).describe("who may run it"),
  })
  .describe("a vetted program that drops or adds tags [GATE-1]");

const ConflictSpec = z.strictObject({
  tags: z
    .array(form("pattern", "a tag, or `owner/name:*`"))
    .min(2)
    .max(MAX_TAGS)
    .describe("nobody may ever have held more than one of them [COI-1]"),
});

const NetworkSpec = z.strictObject({
  addresses: z
    .array(z.string().max(100).describe("ADDRESS[/BITS][:PORT[-PORT]]; IPv6 in brackets before a port"))
    .min(1)
    .max(1000),
  context: context.describe("only programs of exactly this context may talk to them [NET-1]"),
});

const HostSpec = z
  .strictObject({
    clearance: z
      .array(form("pattern", "a tag, or `owner/name:*`"))
      .max(10_000)
      .describe("whose data it may hold at all"),
    place: text("where it stands, such as `eu`").optional(),
    operator: text("who runs it").optional(),
    attested: z
      .enum(["none", "software", "hardware"])
      .default("none")
      .describe("how its state is known to others"),
  })
  .describe("a machine that runs the monitor [HOST-1]; kept for the part that joins hosts");

const MessageTypeSpec = messageTypeSpec(context);

const PropertySpec = z.strictObject({
  holds: z
    .array(z.string().max(1000))
    .min(1)
    .max(1000)
    .describe(
      "`TAG never reaches CONTEXT [except through GATE, …]`, `nothing reaches TAG without passing GATE`, `A and B never meet`",
    ),
});

const name = z.string().max(200).optional().describe("what the case shows");
const at = form("time", "when; without it, now").optional();
const FlowCase = z.strictObject({
  name,
  at,
  from: contextOrPath,
  to: contextOrPath,
  by: form(
    "principal",
    "who carries it, with his own privileges; without it, nobody: a plain flow",
  ).optional(),
  expect: z.enum(["allow", "refuse"]),
  rule: z.string().max(20).optional().describe("which rule refuses: FLOW-1 or FLOW-2"),
  tags: label("the tags that stand against it").optional(),
  gates: z.array(form("owned", "a gate")).optional().describe("the gates that would help [GATE-4]"),
});
const HolderCase = z.strictObject({
  name,
  at,
  holder: form("holder", "a principal, or `gate:owner/name`"),
  privilege,
  tag: form("pattern", "a tag"),
  expect: z.enum(["held", "missing"]),
});
const PropertyCase = z.strictObject({
  name,
  at,
  property: z.string().max(1000),
  expect: z.enum(["true", "false"]).or(z.boolean()),
});
const TestSpec = z.strictObject({
  cases: z
    .array(z.union([FlowCase, HolderCase, PropertyCase]))
    .min(1)
    .max(10_000),
});

/** What each kind of document has around its spec. */
export const envelope = <K extends string, S extends z.ZodType>(
  kind: K,
  named: z.ZodType<string>,
  spec: S,
  about: string,
) =>
  z
    .strictObject({
      apiVersion: z.literal(API_VERSION),
      kind: z.literal(kind),
      metadata: z.strictObject({ name: named }),
      spec,
    })
    .describe(about);

const owned = (what: string) => form("owned", `${what}: \`owner/name\``);

/** Each kind of document. */
export const KINDS = {
  Tag: envelope(
    "Tag",
    form(
      "pattern",
      "`owner/name`, `owner/name:instance`, or `owner/name:*` for the directions of all instances",
    ),
    TagSpec.prefault({}),
    "one concern of one owner [TAG-1]",
  ),
  Context: envelope("Context", owned("a name for a context"), contextObject, "a context that has a name"),
  Grant: envelope(
    "Grant",
    owned("a name for the grant"),
    GrantSpec,
    "privileges on tags, given to somebody [PRIV-1]",
  ),
  Gate: envelope("Gate", owned("the gate"), GateSpec, "a vetted program that drops or adds tags [GATE-1]"),
  Conflict: envelope(
    "Conflict",
    owned("the set"),
    ConflictSpec,
    "tags of which nobody may have held two [COI-1]",
  ),
  Network: envelope(
    "Network",
    owned("a name for the addresses"),
    NetworkSpec,
    "the context of addresses outside [NET-1]",
  ),
  Host: envelope("Host", form("principal", "the host"), HostSpec, "what a host may hold [HOST-1]"),
  MessageType: envelope(
    "MessageType",
    owned("the type"),
    MessageTypeSpec,
    "what messages on some topics are, and which contexts their parts have [MSG-1]",
  ),
  Property: envelope(
    "Property",
    owned("a name for the properties"),
    PropertySpec,
    "what must hold: `csn policy prove`",
  ),
  PolicyTest: envelope(
    "PolicyTest",
    owned("a name for the table"),
    TestSpec,
    "given and expected: `csn policy test`",
  ),
} as const;

export type Kind = keyof typeof KINDS;
export type Spec<K extends Kind> = z.output<(typeof KINDS)[K]>["spec"];
export type ContextSpec = z.output<typeof context>;
export type PathOrContext = z.output<typeof contextOrPath>;
export type TestCase = Spec<"PolicyTest">["cases"][number];

/** For editors: JSON Schema, draft 7. */
export function jsonSchema(): object {
  const all = Object.values(KINDS) as unknown as [(typeof KINDS)["Tag"], (typeof KINDS)["Tag"]];
  const schema = z.toJSONSchema(z.discriminatedUnion("kind", all), { target: "draft-7", io: "input" });
  return { title: `a csn policy document (${API_VERSION})`, ...schema };
}
