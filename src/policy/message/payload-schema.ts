/**
 * The JSON Schema (2020-12) of a message type's payloads, compiled.
 *
 * The schema is policy and trusted, payloads are hostile: patterns are matched in linear time (RE2, so without look-around and
 * back-references), only a payload's own members count, nothing is fetched, and `uniqueItems`, which compares each with each,
 * needs `maxItems` beside it.
 * Not covered: numbers are judged as doubles; a schema that refers to itself in several branches takes time that grows with them.
 */
import { Ajv2020 } from "ajv/dist/2020.js";
import { RE2JS } from "re2js";

export type JsonSchema = boolean | Readonly<Record<string, unknown>>;

export type CompiledSchema =
  /** Says whether the payload's value is as the schema has it. */
  { readonly accepts: (value: unknown) => boolean } | { readonly fault: string };

const MAX_UNIQUE = 1000;

/** RE2 in the place of JavaScript's own expressions; `code` is what ajv would write into a module, which is not done here. */
const linear = Object.assign((pattern: string) => RE2JS.compile(RE2JS.translateRegExp(pattern)), {
  code: "RE2JS.compile",
});

/** Compiles a schema, or says why it is none. */
export function compileSchema(schema: JsonSchema): CompiledSchema {
  const costly = costlyPart(schema);
  if (costly !== null) return { fault: costly };
  try {
    const ajv = new Ajv2020({
      strict: true,
      strictTypes: false,
      strictRequired: false,
      ownProperties: true,
      logger: false,
      code: { regExp: linear },
    });
    const validate = ajv.compile(schema);
    return { accepts: (value) => accepts(validate, value) };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}

function accepts(validate: (value: unknown) => boolean, value: unknown): boolean {
  try {
    return validate(value);
  } catch (error) {
    // a schema that refers to itself without going deeper never comes to an end
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function costlyPart(node: unknown): string | null {
  if (typeof node !== "object" || node === null) return null;
  const { $async, uniqueItems, maxItems } = node as Record<string, unknown>;
  if ($async === true) return "`$async` is not supported";
  if (uniqueItems === true && !(typeof maxItems === "number" && maxItems <= MAX_UNIQUE))
    return `\`uniqueItems\` needs \`maxItems\` of at most ${MAX_UNIQUE} beside it`;
  for (const part of Object.values(node)) {
    const found = costlyPart(part);
    if (found !== null) return found;
  }
  return null;
}
