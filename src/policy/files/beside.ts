/**
 * Schemas in files beside the policy: `schemaFile: command.schema.json` is read as if the schema stood there.
 *
 * Guarantee: only files that were given count, beside the document that names them; as in the policy itself, a name that
 * repeats is refused.
 */
import { dirname, join } from "node:path/posix";
import type { JsonSchema } from "../message/payload-schema.ts";
import { type Problem, quote } from "./problem.ts";
import type { AnyDocument, PolicyDocumentOf, SourceFile } from "./read.ts";

/** Files that are no documents. */
export function isBeside({ name }: SourceFile): boolean {
  return name.endsWith(".schema.json");
}

/** The documents with the schemas that they name, and what is wrong with these. */
export function withSchemas(
  documents: readonly AnyDocument[],
  files: readonly SourceFile[],
): { documents: AnyDocument[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const complete = documents.flatMap((document) => {
    if (document.kind !== "MessageType" || document.spec.schemaFile === undefined) return [document];
    const found = schemaFor(document, document.spec.schemaFile, files);
    if ("expected" in found) {
      problems.push(found);
      return [];
    }
    const { schemaFile: _, ...spec } = document.spec;
    return [{ ...document, spec: { ...spec, schema: found.schema } }];
  });
  return { documents: complete, problems };
}

function schemaFor(
  { spec, placeOf }: PolicyDocumentOf<"MessageType">,
  name: string,
  files: readonly SourceFile[],
): { readonly schema: JsonSchema } | Problem {
  const place = placeOf("spec", "schemaFile");
  if (spec.schema !== undefined)
    return { ...place, expected: "`schema` or `schemaFile`", found: "both", hint: "leave one out" };
  const path = join(dirname(place.file), name);
  const file = files.find((one) => join(one.name) === path);
  if (file === undefined)
    return {
      ...place,
      expected: `a file ${quote(name)} beside this one, among those given`,
      found: "none",
      hint: "give the folder, and let its name end with .schema.json",
    };
  const schema = parsed(file.text);
  if (schema !== null) return { schema };
  const hint = "it is read as JSON, with each name once";
  return { file: file.name, line: 1, column: 1, expected: "a JSON Schema", found: "something else", hint };
}

/** null: no JSON, or of a name that repeats only one is kept. */
function parsed(text: string): JsonSchema | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const members = text.replaceAll(/"(?:\\.|[^"\\])*"/g, "").split(":").length - 1;
  if (membersIn(value) !== members) return null;
  const isSchema =
    typeof value === "boolean" || (typeof value === "object" && value !== null && !Array.isArray(value));
  return isSchema ? (value as JsonSchema) : null;
}

function membersIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce((sum: number, one) => sum + membersIn(one), own);
}
