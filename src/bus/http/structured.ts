/**
 * CloudEvents in structured mode: all of it is one JSON text.
 */
import { isUtf8 } from "node:buffer";
import { UNLABELLED } from "../../label/index.ts";
import { readJson } from "../message/json.ts";
import { Positions } from "../message/position.ts";
import { Unfit } from "../message/unfit.ts";
import { type CloudEvent, eventOf, isJson, NoEvent } from "./event.ts";

/** Where the member `data` is, is found as an attribute would be. */
const DATA = new Positions(null, [{ steps: [{ kind: "member", name: "data" }], context: UNLABELLED }]);

/** @throws NoEvent */
export function readStructured(body: Buffer): CloudEvent {
  if (!isUtf8(body)) throw new NoEvent(400, "expected UTF-8");
  const text = body.toString("utf8");
  const written = writtenData(text);
  const value = JSON.parse(text) as unknown;
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new NoEvent(400, "expected one event as a JSON object");
  const { data, data_base64: base64, ...others } = value as Record<string, unknown>;
  const attributes = new Map<string, string>();
  for (const [name, one] of Object.entries(others)) {
    const words = textOf(one);
    if (words !== null) attributes.set(name, words);
  }
  if (data !== undefined && base64 !== undefined)
    throw new NoEvent(400, "expected data or data_base64, not both");
  if (base64 !== undefined) return eventOf(attributes, fromBase64(base64));
  if (written === null) return eventOf(attributes, new Uint8Array());
  if (isJson(attributes.get("datacontenttype") ?? null)) return eventOf(attributes, Buffer.from(written));
  if (typeof data !== "string")
    throw new NoEvent(400, "expected data that is not JSON as a text, or data_base64");
  return eventOf(attributes, Buffer.from(data));
}

/** The characters of the value of `data`; null: there is none. */
function writtenData(text: string): string | null {
  try {
    const [found] = readJson(text, DATA.start());
    return found === undefined
      ? null
      : text.slice(found.start, found.end).replace(/^"(?:[^"\\]|\\.)*"\s*:\s*/, "");
  } catch (error) {
    if (error instanceof Unfit)
      throw new NoEvent(400, `expected JSON that is read in one way: ${error.message}`);
    throw error;
  }
}

/** The canonical text of an attribute (spec.md, "Type System"); null is no attribute. */
function textOf(value: unknown): string | null {
  if (value === null) return null;
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number" && Number.isInteger(value) && Math.abs(value + 0.5) < 2 ** 31)
    return String(value);
  throw new NoEvent(400, "expected attributes that are texts, booleans or whole numbers of 32 bits");
}

function fromBase64(text: unknown): Buffer {
  const bytes = typeof text === "string" ? Buffer.from(text, "base64") : null;
  // decoding overlooks what is not base64
  if (bytes === null || bytes.toString("base64") !== text)
    throw new NoEvent(400, "expected data_base64 in base64");
  return bytes;
}
