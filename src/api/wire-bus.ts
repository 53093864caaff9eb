/**
 * The bus: where it listens, who its clients from elsewhere are, and what a third party may ask of it.
 */
import { z } from "zod";
import { ContextInput, ContextView } from "./wire.ts";

const Path = z.string().describe("absolute path on the machine that enforces");

/** Where clients from elsewhere connect. Port 0: any that is free. */
export const BusListening = z.object({
  transport: z.enum(["tcp", "tls", "websocket", "http"]),
  host: z.string(),
  port: z.number().int().min(0).max(65535),
  /** For `tls` always; for the others: over TLS. PEM files; `ca` signs clients' certificates. */
  tls: z.object({ cert: Path, key: Path, ca: Path.optional() }).optional(),
});
export type BusListening = z.infer<typeof BusListening>;

export const BusUp = z.object({
  listen: z.array(BusListening).max(32),
  jwt: z
    .object({
      key: Path.describe("PEM of a public key"),
      algorithm: z.enum(["RS256", "PS256", "ES256", "EdDSA"]),
      issuer: z.string(),
      audience: z.string(),
    })
    .optional()
    .describe("whose JSON Web Tokens say who a client is, by `sub`"),
  anonymous: z.boolean().describe("may clients that do not say who they are connect, as unlabelled ones?"),
});
export type BusUp = z.infer<typeof BusUp>;

export const BusStatus = z.object({
  up: z.boolean(),
  why: z.string().describe("why it is not up although it should be; else empty"),
  listening: z.array(BusListening).describe("with the ports that it got"),
  anonymous: z.boolean(),
  socket: z.string().nullable().describe("the Unix socket for unlabelled programs of this host"),
  types: z.array(z.string()).describe("message types that can't be used, and why"),
  counts: z
    .record(z.string(), z.number())
    .nullable()
    .describe(
      "connections, sessions, messages …; null: for root only, since they tell of everybody's doings",
    ),
});
export type BusStatus = z.infer<typeof BusStatus>;

/** How a client proves its name. */
export const BusProof = z.enum(["password", "certificate", "token", "jwt"]);

export const BusClientSet = z.object({
  name: z.string(),
  context: ContextInput,
  proof: BusProof,
  password: z.string().optional().describe("for `password`: at least 8 bytes"),
  principal: z.string().optional().describe("whose privileges it may use; default: none"),
});
export type BusClientSet = z.infer<typeof BusClientSet>;

export const BusClient = z.object({
  name: z.string(),
  context: ContextView,
  proof: BusProof,
  principal: z.string().nullable(),
});
export type BusClient = z.infer<typeof BusClient>;

export const BusClientRemove = z.object({ name: z.string() });

/** A gate that gets messages in one context and publishes in another. */
export const BusGate = z.object({
  gate: z.string().describe("its name, as `csn gate list` shows it"),
  from: z.string().min(1).describe("topic filter of what it gets, a line each"),
  to: z.string().min(1).describe("topic of what it lets through"),
});
export type BusGate = z.infer<typeof BusGate>;
export const BusGateView = z.object({
  ...BusGate.shape,
  running: z.boolean(),
  why: z.string().describe("why it does not run; else empty"),
});
export type BusGateView = z.infer<typeof BusGateView>;
export const BusGateRemove = z.object({ gate: z.string() });

const Target = z.string().min(1).describe("a principal of the bus, or PRINCIPAL:CLIENT");
const Filter = z.string().min(1).describe("topic filter as MQTT has it");
export const BusControl = z.discriminatedUnion("action", [
  z.object({
    action: z.literal("map"),
    target: Target,
    filter: Filter,
    qos: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  }),
  z.object({ action: z.literal("unmap"), target: Target, filter: Filter }),
  z.object({ action: z.literal("divert"), filter: Filter, gate: Target.nullable() }),
  z.object({ action: z.literal("relabel"), target: Target, context: ContextInput.nullable() }),
  z.object({ action: z.literal("isolate"), target: Target, isolated: z.boolean() }),
  z.object({
    action: z.literal("glass"),
    target: Target,
    context: ContextInput,
    reason: z.string(),
    seconds: z.number(),
  }),
]);
export type BusControl = z.infer<typeof BusControl>;
export const BusControlled = z.object({ done: z.literal(true) });
