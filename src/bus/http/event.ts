/**
 * CloudEvents 1.0 as they come in over HTTP: structured (JSON) and binary mode.
 *
 * Guarantee: an event is read only if it is well-formed and all its readers take the same: an attribute, header or member that is
 * there twice is refused, and JSON data is cut out of the text as it was written. Batches are refused: each event has one answer.
 * Sources: cloudevents/spec v1.0.2, spec.md, formats/json-format.md, bindings/http-protocol-binding.md.
 */
import type { Pairs } from "../labels.ts";

export interface CloudEvent {
  /** All context attributes but `datacontenttype`, as text. */
  readonly attributes: Pairs;
  readonly contentType: string | null;
  readonly payload: Uint8Array;
}

/** What came is no event that is taken here. The message says what was expected, and nothing of what came. */
export class NoEvent extends Error {
  /** HTTP's. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const NAME = /^[a-z0-9]{1,64}$/;
const REQUIRED = ["id", "source", "type"];
/** RFC 3339. */
const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+\s*(;.*)?$/;

/** Checks attributes that were read, and gives the event. @throws NoEvent */
export function eventOf(attributes: ReadonlyMap<string, string>, payload: Uint8Array): CloudEvent {
  for (const [name, value] of attributes) {
    if (!NAME.test(name))
      throw new NoEvent(400, "expected names of attributes in a-z and 0-9, at most 64 of them");
    // json-format.md and spec.md, "String": no control characters, no half of a surrogate pair
    if (value === "" || !value.isWellFormed() || /[\u0000-\u001f\u007f-\u009f]/.test(value))
      throw new NoEvent(400, "expected attributes that are not empty and have no control characters");
  }
  if (attributes.get("specversion") !== "1.0") throw new NoEvent(400, "expected specversion 1.0");
  for (const name of REQUIRED)
    if (!attributes.has(name)) throw new NoEvent(400, `expected the attribute ${name}`);
  const time = attributes.get("time");
  if (time !== undefined && (!TIME.test(time) || Number.isNaN(Date.parse(time))))
    throw new NoEvent(400, "expected time as RFC 3339 has it");
  const contentType = attributes.get("datacontenttype") ?? null;
  if (contentType !== null && !MEDIA_TYPE.test(contentType))
    throw new NoEvent(400, "expected datacontenttype to be a media type");
  const rest = [...attributes].filter(([name]) => name !== "datacontenttype");
  return { attributes: rest, contentType, payload };
}

/** Is the content JSON? Without a type it is (json-format.md, section 3.1.1). */
export function isJson(contentType: string | null): boolean {
  return contentType === null || /^[^;]*[/+]json\s*(;|$)/i.test(contentType);
}
