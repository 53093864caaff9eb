/**
 * What daemon and clients say to each other about owners: principals, privileges, conflicts, named contexts.
 */
import { z } from "zod";
import { ContextInput, ContextView, LogEntry, TagName } from "./wire.ts";

export const Privilege = z
  .enum(["s+", "s-", "i+", "i-"])
  .describe("take secrecy on, take it off; vouch, stop vouching");

export const PrincipalView = z.object({
  name: z.string(),
  type: z.enum(["person", "tenant", "service"]),
  uid: z.number().nullable().describe("the local user that it is"),
  custody: z.enum(["daemon", "own"]).describe("who keeps the private key"),
  fingerprint: z.string().describe("SHA256 of the public key, as ssh-keygen shows it"),
  tags: z.number().nullable().describe("how many it owns; null: not yours to know"),
});
export const PrincipalCreate = z.object({
  name: z.string(),
  type: z.enum(["person", "tenant", "service"]).default("person"),
  user: z.string().nullable().default(null).describe("name or number of a local user"),
  key: z.base64().nullable().default(null).describe("public key of one who keeps the private half"),
});
export const PrincipalRotate = z.object({ name: z.string(), key: z.base64().nullable().default(null) });
export const PrincipalBind = z.object({ name: z.string(), user: z.string() });

const Named = z.string().describe("`owner/name`");

/** What one may say. The daemon makes statements of it. */
export const Intent = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("tag"), names: z.array(z.string()).min(1).max(10_000) }),
  z.object({
    kind: z.literal("token"),
    hash: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe(
        "sha256, hexadecimal, of `csn_` and 32 random bytes in base64url, which only the caller knows",
      ),
    until: z.iso.datetime().nullable().default(null),
    note: z.string().max(200).default(""),
  }),
  z
    .object({ kind: z.literal("rotate"), key: z.base64() })
    .describe("the new public key of one who keeps his key: to be drafted and signed with the old one"),
  z.object({ kind: z.literal("untoken"), id: z.string().describe("its hash, or the beginning of it") }),
  z.object({ kind: z.literal("open"), tag: z.string(), privilege: Privilege, open: z.boolean() }),
  z.object({
    kind: z.literal("grant"),
    tag: z.string().describe("`owner/name`, or `owner/name:*` for all instances"),
    privileges: z.array(Privilege).min(1),
    to: z.string().describe("a principal, or `gate:OWNER/NAME` as it is defined now"),
    until: z.iso.datetime().nullable().default(null),
    delegate: z.boolean().default(false).describe("with the grant option"),
    purpose: z.string().default(""),
  }),
  z.object({
    kind: z.literal("revoke"),
    grant: z.string().optional().describe("its number, or the beginning of it"),
    tag: z.string().optional(),
    from: z.string().optional(),
    privileges: z.array(Privilege).optional(),
  }),
  z.object({ kind: z.literal("conflict"), name: Named, tags: z.array(z.string()) }),
  z.object({ kind: z.literal("unconflict"), name: Named }),
  z.object({ kind: z.literal("context"), name: Named, context: ContextInput }),
  z.object({ kind: z.literal("uncontext"), name: Named }),
]);

export const Say = z.object({
  as: z.string().optional().describe("the principal who speaks; root may name any whose key the daemon has"),
  say: z.array(Intent).min(1).max(10_000).describe("all are taken or none"),
  draft: z.boolean().default(false).describe("only give what there is to sign; exactly one statement"),
});

/** As src/policy has it; the daemon checks it whole. */
export const Statement = z.looseObject({
  realm: z.string(),
  seq: z.number(),
  prev: z.string(),
  at: z.string(),
  by: z.string(),
  body: z.looseObject({ kind: z.string() }),
  signature: z.string(),
});
export const Unsigned = Statement.omit({ signature: true });
export const Said = z.object({ statements: z.array(Statement), draft: Unsigned.nullable() });
export const StatementQuery = z.object({
  from: z.coerce.number().int().nonnegative().default(0),
  limit: z.coerce.number().int().positive().max(100_000).default(1000),
});

export const GrantView = z.object({
  id: z.string(),
  by: z.string(),
  to: z.string(),
  tag: z.string(),
  privileges: z.array(Privilege),
  delegate: z.boolean(),
  until: z.string().nullable().describe("the end of what it derives from counts"),
  purpose: z.string(),
  via: z.string().nullable(),
  at: z.string(),
  state: z.enum(["live", "ended", "revoked"]).describe("revoked or ended with what it derives from, too"),
});

export const PrivilegeQuery = z.object({ tag: z.string(), holder: z.string().optional() });
export const PrivilegeView = z.object({
  tag: z.string(),
  holder: z.string(),
  privileges: z.array(
    z.object({
      privilege: Privilege,
      by: z.enum(["owner", "open", "grant"]).nullable().describe("null: the holder lacks it"),
      chain: z.array(GrantView).describe("from the owner's grant to the holder's"),
    }),
  ),
  conflict: z.string().nullable().describe("the set whose other member was held [COI-1]"),
});

export const MineQuery = z.object({ as: z.string().optional().describe("another principal; root only") });

export const TokenView = z.object({
  id: z.string().describe("sha256 of the token"),
  principal: z.string(),
  note: z.string(),
  created: z.string(),
  until: z.string().nullable(),
  state: z.enum(["live", "ended", "revoked"]),
});

export const ConflictView = z.object({ name: z.string(), tags: z.array(z.string()), by: z.string() });
export const NamedContextView = z.object({ name: z.string(), context: ContextView });

export const Mine = z.object({
  principal: z.string().nullable(),
  tags: z.array(
    z.object({ name: TagName, open: z.array(Privilege), grants: z.array(GrantView).describe("in force") }),
  ),
  holds: z.array(GrantView).describe("what others granted to me, in force"),
  done: z
    .array(LogEntry)
    .describe("newest first: what was released, withheld, relabelled, run through a gate"),
  uses: z
    .array(
      z.object({
        day: z.string().describe("UTC"),
        gate: z.string(),
        purpose: z.string(),
        user: z.string(),
        change: z.enum(["drops", "adds"]),
        tag: z.string().describe("of yours"),
        grants: z.array(z.string()).describe("by which it could"),
      }),
    )
    .describe("newest first: what gates did to your tags in runs that others' data was in, too"),
});

export type Privilege = z.infer<typeof Privilege>;
export type PrincipalView = z.infer<typeof PrincipalView>;
export type Intent = z.input<typeof Intent>;
export type Said = z.infer<typeof Said>;
export type GrantView = z.infer<typeof GrantView>;
export type PrivilegeView = z.infer<typeof PrivilegeView>;
export type TokenView = z.infer<typeof TokenView>;
export type Mine = z.infer<typeof Mine>;
