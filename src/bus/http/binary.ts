/**
 * CloudEvents in binary mode: attributes are headers `ce-…`, data is the body.
 */
import { type CloudEvent, eventOf, NoEvent } from "./event.ts";

/** @param headers each with all its values, names in lower case @throws NoEvent */
export function readBinary(headers: NodeJS.Dict<string[]>, body: Uint8Array): CloudEvent {
  const attributes = new Map<string, string>();
  for (const [header, values = []] of Object.entries(headers)) {
    const name = header.startsWith("ce-")
      ? header.slice(3)
      : header === "content-type"
        ? "datacontenttype"
        : null;
    if (name === null) continue;
    const [value] = values;
    if (value === undefined || values.length > 1) throw new NoEvent(400, "expected each header once");
    if (attributes.has(name) || header === "ce-datacontenttype")
      throw new NoEvent(400, "expected datacontenttype as content-type");
    attributes.set(name, header.startsWith("ce-") ? decoded(value) : value);
  }
  return eventOf(attributes, body);
}

/** http-protocol-binding.md, section 3.1.3.2: percent-encoded UTF-8; what is in quotes was written by an old sender. */
function decoded(value: string): string {
  const text = /^"(?:[^"\\]|\\.)*"$/.test(value) ? value.slice(1, -1).replaceAll(/\\(.)/g, "$1") : value;
  if (!/^[ -~]*$/.test(text))
    throw new NoEvent(400, "expected headers in ASCII, percent-encoded where needed");
  try {
    return decodeURIComponent(text);
  } catch {
    throw new NoEvent(400, "expected headers in percent-encoded UTF-8");
  }
}
