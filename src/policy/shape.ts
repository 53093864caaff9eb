/**
 * The shape of a statement, for what comes from outside. Which of them are allowed is rules.ts.
 */
import { z } from "zod";
import { PolicyError } from "./error.ts";
import type { Statement } from "./statement.ts";

const name = z.string().max(200);
const time = z.iso.datetime({ precision: 3 });
const key = z.base64().length(44);
const text = z.string().max(4096);
const privilege = z.enum(["s+", "s-", "i+", "i-"]);
const custody = z.enum(["daemon", "own"]);
const label = z.array(name).max(64);
/** Both labels, written out. */
export const ContextShape = z.strictObject({ secrecy: label, integrity: label });
const uid = z.int().nonnegative().max(0xffffffff);

export const GateShape = z.strictObject({
  program: text,
  digest: text,
  args: z.array(text).max(1000),
  files: z.array(z.strictObject({ path: text, digest: text })).max(100),
  in: ContextShape,
  out: ContextShape,
  consent: z.array(name).max(1000),
  purpose: text,
});

export const BodyShape = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("genesis"), key }),
  z.strictObject({
    kind: z.literal("principal"),
    name,
    type: z.enum(["person", "tenant", "service"]),
    key,
    custody,
    uid: uid.nullable(),
  }),
  z.strictObject({ kind: z.literal("bind"), name, uid }),
  z.strictObject({ kind: z.literal("rotate"), name, key, custody }),
  z.strictObject({
    kind: z.literal("token"),
    hash: z.string().max(64),
    until: time.nullable(),
    note: z.string().max(200),
  }),
  z.strictObject({ kind: z.literal("untoken"), hash: z.string().max(64) }),
  z.strictObject({
    kind: z.literal("tag"),
    tags: z.array(z.strictObject({ name, id: z.string().regex(/^[0-9a-f]{32}$/) })).max(10_000),
  }),
  z.strictObject({ kind: z.literal("open"), tag: name, privilege, open: z.boolean() }),
  z.strictObject({
    kind: z.literal("grant"),
    id: z.string().max(64),
    to: z.string().max(400),
    tag: name,
    privileges: z.array(privilege).max(4),
    delegate: z.boolean(),
    until: time.nullable(),
    purpose: text,
    via: z.string().max(64).nullable(),
  }),
  z.strictObject({ kind: z.literal("revoke"), grant: z.string().max(64) }),
  z.strictObject({ kind: z.literal("gate"), name, gate: GateShape, users: z.array(name).max(10_000) }),
  z.strictObject({ kind: z.literal("ungate"), name }),
  z.strictObject({ kind: z.literal("conflict"), name, tags: label }),
  z.strictObject({ kind: z.literal("unconflict"), name }),
  z.strictObject({ kind: z.literal("context"), name, context: ContextShape }),
  z.strictObject({ kind: z.literal("uncontext"), name }),
  z.strictObject({ kind: z.literal("held"), holder: z.string().max(400), tags: z.array(name).max(200) }),
  z.strictObject({
    kind: z.literal("document"),
    type: name,
    name,
    spec: z.string().max(1_000_000).nullable(),
  }),
]);

const StatementShape = z.strictObject({
  realm: z.string().max(64),
  seq: z.int().nonnegative(),
  prev: z.string().max(64),
  at: time,
  by: name,
  body: BodyShape,
  signature: z.string().max(200),
});

/** @throws PolicyError E_STATEMENT */
export function parseStatement(input: unknown): Statement {
  const parsed = StatementShape.safeParse(input);
  // the brands of names are given by the rules, which parse each
  if (parsed.success) return parsed.data as unknown as Statement;
  const issue = parsed.error.issues[0]!;
  throw new PolicyError(
    "E_STATEMENT",
    `expected a statement, found one whose \`${issue.path.join(".")}\` is wrong: ${issue.message.toLowerCase()}`,
    "nothing was changed",
  );
}
