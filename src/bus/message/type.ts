/**
 * Message types: from what policy says of a topic's messages to a reader of their payloads.
 *
 * Guarantee: an attribute's context is the message's joined with its own and those of all that it is in [MSG-1]; what is redacted has
 * nothing of what was taken out, neither content nor length nor place [MSG-2]; a payload that is not for sure what the type says
 * is unreadable, and what it was is not told. Nothing that a payload has in it makes `read` throw.
 * Not covered: what is redacted may lack what the schema requires; the schema is for what is published.
 */
import { isUtf8 } from "node:buffer";
import { type Context, contextKey, LabelError } from "../../label/index.ts";
import {
  compileSchema,
  filterFault,
  type JsonSchema,
  parseAttributePath,
  PolicyError,
} from "../../policy/index.ts";
import type { MessageType, Payload, Unreadable } from "../types.ts";
import { readCbor } from "./cbor.ts";
import { cutCbor } from "./cbor-cut.ts";
import { type Found, outermost } from "./found.ts";
import { readJson } from "./json.ts";
import { cutJson } from "./json-cut.ts";
import { MAX_PAYLOAD_BYTES } from "./limits.ts";
import { type Attribute, type Position, Positions } from "./position.ts";
import { Unfit } from "./unfit.ts";

/** What policy says of the messages on some topics. */
export interface Definition {
  readonly name: string;
  /** Topic filter in MQTT's notation. */
  readonly topic: string;
  /** `bytes`: it is not looked into, and has no attributes. */
  readonly format: "json" | "cbor" | "bytes";
  /** null: any payload of the format. */
  readonly schema: JsonSchema | null;
  /** Of the message as a whole; null: its publisher's. */
  readonly context: Context | null;
  readonly attributes: readonly { readonly path: string; readonly context: Context }[];
  readonly withheld: "remove" | "refuse";
}

/** A payload that was read: where its attributes are, and how some are taken out. */
interface Reading {
  readonly found: readonly Found[];
  readonly cut: (removed: readonly Found[]) => Uint8Array | null;
}

type Reader = (payload: Buffer, start: Position) => Reading;
type Accepts = (value: unknown) => boolean;

/** @throws PolicyError E_POLICY when the definition makes no sense */
export function compileType(definition: Definition): MessageType {
  const { name, topic, format, context, withheld } = definition;
  const fault = filterFault(topic);
  if (fault !== null) throw senseless(name, fault, topic);
  const attributes = definition.attributes.map((attribute) => attributeOf(name, attribute));
  const accepts = schemaOf(definition);
  if (format === "bytes" && (attributes.length > 0 || accepts !== null))
    throw senseless(name, "no attributes and no schema with the format `bytes`", "some");
  const positions = new Positions(context, attributes);
  const read = READERS[format](accepts);
  return { name, topic, withheld, read: (payload) => readPayload(payload, context, positions, read) };
}

/** The type of topics whose definition can't be used: each message is unreadable, and so withheld. */
export function unusableType(name: string, topic: string, why: string): MessageType {
  return { name, topic, withheld: "refuse", read: () => ({ unreadable: why }) };
}

const READERS: Readonly<Record<Definition["format"], (accepts: Accepts | null) => Reader>> = {
  bytes: () => (payload) => ({ found: [], cut: () => payload }),
  json: (accepts) => (payload, start) => {
    if (!isUtf8(payload)) throw new Unfit("text that is no UTF-8");
    const text = payload.toString("utf8");
    const found = readJson(text, start);
    if (accepts !== null) requireSchema(accepts, JSON.parse(text));
    const cut = (removed: readonly Found[]) => {
      const left = cutJson(text, removed);
      return left === null ? null : Buffer.from(left);
    };
    return { found, cut };
  },
  cbor: (accepts) => (payload, start) => {
    const { found, value, isFinite } = readCbor(payload, start);
    // rules for numbers would pass over these
    if (accepts !== null && !isFinite) throw new Unfit("a number that JSON does not have");
    if (accepts !== null) requireSchema(accepts, value);
    return { found, cut: (removed) => cutCbor(payload, removed) };
  },
};

function requireSchema(accepts: Accepts, value: unknown): void {
  if (!accepts(value)) throw new Unfit("not as the type's schema has it");
}

function readPayload(
  payload: Uint8Array,
  context: Context | null,
  positions: Positions,
  read: Reader,
): Payload | Unreadable {
  if (payload.length > MAX_PAYLOAD_BYTES) return { unreadable: `more than ${MAX_PAYLOAD_BYTES} bytes` };
  try {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const reading = read(bytes, positions.start());
    const attributes = distinct(reading.found);
    return { context, attributes, redact: (keep) => redact(payload, reading, attributes, keep) };
  } catch (error) {
    if (error instanceof Unfit) return { unreadable: error.message };
    if (error instanceof LabelError) return { unreadable: "attributes that have too many tags together" };
    throw error;
  }
}

/** In the order of their keys, which is the same for all payloads. */
function distinct(found: readonly Found[]): readonly Context[] {
  const contexts = [...new Set(found.map(({ context }) => context))];
  if (contexts.length < 2) return contexts;
  return contexts.sort((a, b) => (contextKey(a) < contextKey(b) ? -1 : 1));
}

function redact(
  payload: Uint8Array,
  { found, cut }: Reading,
  attributes: readonly Context[],
  keep: readonly boolean[],
): Uint8Array | null {
  const gone = new Set(attributes.filter((_, i) => keep[i] !== true));
  if (gone.size === 0) return payload;
  return cut(outermost(found.filter(({ context }) => gone.has(context))));
}

function attributeOf(name: string, { path, context }: Definition["attributes"][number]): Attribute {
  const parsed = parseAttributePath(path);
  if ("expected" in parsed) throw senseless(name, parsed.expected, parsed.found);
  return { steps: parsed.steps, context };
}

function schemaOf({ name, schema }: Definition): Accepts | null {
  if (schema === null) return null;
  const compiled = compileSchema(schema);
  if ("fault" in compiled) throw senseless(name, "a JSON Schema", compiled.fault);
  return compiled.accepts;
}

function senseless(name: string, expected: string, found: string): PolicyError {
  return new PolicyError("E_POLICY", `message type ${name}: expected ${expected}, found ${found}`, "");
}
