/**
 * Which tags a document is about.
 */

/** Every tag that a document names. */
export function tagsIn(value: unknown, found: Set<string> = new Set()): Set<string> {
  if (Array.isArray(value)) {
    for (const one of value) if (typeof one === "string") found.add(one);
    for (const one of value) if (typeof one !== "string") tagsIn(one, found);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, one] of Object.entries(value))
      // a schema has lists of texts that are no tags
      if (
        ["tags", "secrecy", "integrity", "clearance"].includes(key) ||
        (typeof one === "object" && key !== "schema")
      )
        tagsIn(one, found);
  }
  for (const one of found)
    if (!one.includes("/") || one.startsWith("*") || one.startsWith("/")) found.delete(one);
  return found;
}
