/**
 * YAML text to documents, each with the place of everything in it.
 *
 * Guarantee: what is refused has a place, and all that is wrong is reported, not only the first fault. One text has one
 * meaning: keys that repeat, anchors, aliases, tags of YAML (`!!…`), directives and keys that are no strings are refused, so a
 * small text can't stand for a large document, and no two readers see different policies.
 * Cost: bounded before anything is parsed, by the size of a file, the length of a line and the depth of brackets.
 */
import { type Document as Yaml, isNode, isPair, isScalar, LineCounter, parseAllDocuments, visit } from "yaml";
import type { z } from "zod";
import { isBeside, withSchemas } from "./beside.ts";
import { problemsOf } from "./issue.ts";
import { type Place, type Problem, quote } from "./problem.ts";
import { type Kind, KINDS, type Spec } from "./schema.ts";

/** A file as it was read; `name` is only shown. */
export type SourceFile = { readonly name: string; readonly text: string };

export type PolicyDocumentOf<K extends Kind> = {
  readonly kind: K;
  readonly name: string;
  readonly spec: Spec<K>;
  readonly place: Place;
  /** Where a part of it stands: `placeOf("spec", "tags", 0)`. */
  readonly placeOf: (...path: PropertyKey[]) => Place;
};
export type AnyDocument = { [K in Kind]: PolicyDocumentOf<K> }[Kind];

export const MAX_FILE_CHARACTERS = 256 * 1024;
export const MAX_DOCUMENTS_IN_FILE = 2000;
export const MAX_DOCUMENTS = 20_000;
export const MAX_LINE = 8192;
export const MAX_LINES = 10_000;
export const MAX_DEPTH = 16;
/** Faults beyond these are not shown. */
const MAX_PROBLEMS = 100;

/** Kinds of documents by name: what each looks like. */
export type Shapes = Readonly<Record<string, z.ZodType<{ metadata: { name: string }; spec?: unknown }>>>;
/** A document of any of these. */
export type ShapedDocument = Omit<PolicyDocumentOf<Kind>, "kind" | "spec"> & {
  readonly kind: string;
  readonly spec: unknown;
};

/** Reads all files. What could be read is given even when something else could not. */
export function readDocuments(files: readonly SourceFile[]): {
  documents: AnyDocument[];
  problems: Problem[];
} {
  const { documents, problems } = readShaped(files, KINDS);
  const complete = withSchemas(documents as AnyDocument[], files);
  return { documents: complete.documents, problems: [...problems, ...complete.problems] };
}

/** The same for documents of other kinds. */
export function readShaped(
  files: readonly SourceFile[],
  shapes: Shapes,
): { documents: ShapedDocument[]; problems: Problem[] } {
  const documents: ShapedDocument[] = [];
  const problems: Problem[] = [];
  const seen = new Map<string, Place>();
  for (const file of files) {
    const faults = unreadable(file);
    const isSkipped = faults.length > 0 || isBeside(file);
    const read = isSkipped ? { documents: [], problems: faults } : readFile(file, shapes);
    problems.push(...read.problems.slice(0, MAX_PROBLEMS));
    for (const document of read.documents) {
      const key = `${document.kind} ${document.name}`;
      const first = seen.get(key);
      if (first === undefined) documents.push(document);
      else
        problems.push({
          ...document.placeOf("metadata", "name"),
          expected: `one ${document.kind} named ${quote(document.name)}`,
          found: `another at ${first.file}:${first.line}`,
          hint: "a document is known by its kind and name: rename one, or make them one",
        });
      seen.set(key, first ?? document.place);
    }
  }
  if (documents.length > MAX_DOCUMENTS)
    problems.push({
      ...documents[MAX_DOCUMENTS]!.place,
      expected: `at most ${MAX_DOCUMENTS} documents at once`,
      found: String(documents.length),
      hint: "apply them in parts",
    });
  return { documents, problems };
}

/** Characters that nobody sees, or that change how others look: only as escapes in quotes. */
export const INVISIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\p{Cf}]/u;

function unreadable({ name, text }: SourceFile): Problem[] {
  const at = (line: number, column: number, expected: string, found: string): Problem[] => [
    {
      file: name,
      line,
      column,
      expected,
      found,
      hint: "make it several files; write what can't be seen as `\\u200b` in double quotes",
    },
  ];
  if (text.length > MAX_FILE_CHARACTERS)
    return at(1, 1, `a file of at most ${MAX_FILE_CHARACTERS} characters`, String(text.length));
  const hidden = INVISIBLE.exec(text);
  if (hidden !== null) {
    const before = text.slice(0, hidden.index).split("\n");
    return at(before.length, before.at(-1)!.length + 1, "only visible characters", quote(hidden[0]));
  }
  let [depth, line, start, count] = [0, 1, 0, 0];
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "\n") [line, start] = [line + 1, i + 1];
    else if (c === "[" || c === "{") depth++;
    else if (c === "]" || c === "}") depth = Math.max(0, depth - 1);
    if (line > MAX_LINES) return at(line, 1, `at most ${MAX_LINES} lines`, "more");
    if (i - start > MAX_LINE) return at(line, 1, `lines of at most ${MAX_LINE} characters`, "a longer one");
    if (i === start && text.startsWith("---", i) && ++count > MAX_DOCUMENTS_IN_FILE)
      return at(line, 1, `at most ${MAX_DOCUMENTS_IN_FILE} documents in a file`, "more");
    if (depth > MAX_DEPTH)
      return at(line, i - start + 1, `at most ${MAX_DEPTH} brackets in each other`, "more");
  }
  return [];
}

function readFile(file: SourceFile, shapes: Shapes): { documents: ShapedDocument[]; problems: Problem[] } {
  const lines = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file: file.name, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const options = {
    version: "1.2",
    schema: "core",
    strict: true,
    uniqueKeys: false,
    stringKeys: true,
  } as const;
  let parsed: Yaml.Parsed[];
  try {
    const all = parseAllDocuments(file.text, { ...options, prettyErrors: false, lineCounter: lines });
    parsed = Array.isArray(all) ? all : [];
  } catch (error) {
    // the parser recurses: what is too deep for it ends here
    const found = error instanceof RangeError ? "one that is nested too deep" : quote(String(error));
    return { documents: [], problems: [{ ...place(0), expected: "a YAML file", found, hint: HINT_YAML }] };
  }
  const documents: ShapedDocument[] = [];
  const problems: Problem[] = [];
  for (const yaml of parsed) {
    const faults = yamlFaults(yaml, place);
    for (const fault of faults) problems.push(fault);
    if (problems.length > MAX_PROBLEMS) break;
    if (faults.length > 0 || yaml.contents === null) continue;
    const read = readOne(yaml, place, shapes);
    if (Array.isArray(read)) problems.push(...read);
    else documents.push(read);
  }
  return { documents, problems };
}

const HINT_YAML = "plain YAML 1.2: no anchors, aliases, tags of YAML or directives, and each key once";

function yamlFaults(yaml: Yaml.Parsed, place: (offset: number) => Place): Problem[] {
  // eslint-disable-next-line oxc/no-map-spread -- two values become one
  const problems: Problem[] = [...yaml.errors, ...yaml.warnings].slice(0, MAX_PROBLEMS).map((error) => ({
    ...place(error.pos[0]),
    ...wordsFor(error.code, error.message),
    hint: HINT_YAML,
  }));
  if (yaml.directives.yaml.explicit === true || Object.keys(yaml.directives.tags).length > 1)
    problems.push({ ...place(yaml.range[0]), expected: "no directive", found: "`%`", hint: HINT_YAML });
  visit(yaml, {
    // the parser's own check compares each key with each
    Map(_, map) {
      const keys = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (keys.has(key.value))
          problems.push(fault(key, "each key once", `${quote(String(key.value))} again`));
        keys.add(key.value);
      }
    },
    Alias(_, node) {
      problems.push(fault(node, "no alias", quote(`*${node.source}`)));
    },
    Node(_, node) {
      if ("anchor" in node && node.anchor !== undefined)
        problems.push(fault(node, "no anchor", quote(`&${node.anchor}`)));
      // only one that is written out is here; what the schema gives by itself is not
      if (node.tag !== undefined && yaml.errors.length + yaml.warnings.length === 0)
        problems.push(fault(node, "no tag of YAML", quote(node.tag)));
    },
  });
  return problems;

  function fault(
    node: { range?: readonly number[] | null | undefined },
    expected: string,
    found: string,
  ): Problem {
    return { ...place(node.range?.[0] ?? 0), expected, found, hint: HINT_YAML };
  }
}

function wordsFor(code: string, message: string): { expected: string; found: string } {
  if (code === "NON_STRING_KEY") return { expected: "keys that are strings", found: "another" };
  if (code === "TAG_RESOLVE_FAILED") return { expected: "no tag of YAML", found: "one" };
  return { expected: "YAML", found: quote(message) };
}

/** One document, or what is wrong with it. */
function readOne(
  yaml: Yaml.Parsed,
  place: (offset: number) => Place,
  shapes: Shapes,
): ShapedDocument | Problem[] {
  const placeOf = (...path: PropertyKey[]): Place => {
    // the key of a pair says best where something is; what is missing is where it should be
    for (let length = path.length; length >= 0; length--) {
      const offset = offsetAt(yaml, path.slice(0, length));
      if (offset !== null) return place(offset);
    }
    return place(yaml.range[0]);
  };
  const value: unknown = yaml.toJS({ maxAliasCount: 0 });
  const kind = kindOf(value, shapes);
  if (kind === null) {
    const given = typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined;
    return [
      {
        ...placeOf("kind"),
        expected: `\`kind\` to be one of ${Object.keys(shapes).join(", ")}`,
        found: given === undefined ? "none" : quote(typeof given === "string" ? given : typeof given),
        hint: `a document begins \`apiVersion: csn/v1\`, \`kind: ${Object.keys(shapes)[0]}\`, \`metadata: {name: owner/name}\``,
      },
    ];
  }
  const shaped = shapes[kind]!.safeParse(value, { reportInput: true });
  if (!shaped.success) return problemsOf(shaped.error.issues, value, placeOf);
  const { metadata, spec } = shaped.data;
  return { kind, name: metadata.name, spec, place: placeOf("kind"), placeOf };
}

function kindOf(value: unknown, shapes: Shapes): string | null {
  if (typeof value !== "object" || value === null || !("kind" in value)) return null;
  const { kind } = value;
  return typeof kind === "string" && Object.hasOwn(shapes, kind) ? kind : null;
}

/** Where the value at a path begins; for a key that is in a map, where the key does. */
function offsetAt(yaml: Yaml.Parsed, path: readonly PropertyKey[]): number | null {
  const last = path.at(-1);
  const parent: unknown = path.length === 0 ? null : yaml.getIn(path.slice(0, -1), true);
  if (typeof last === "string" && parent !== null && typeof parent === "object" && "items" in parent) {
    for (const pair of parent.items as unknown[])
      if (isPair(pair) && isNode(pair.key) && "value" in pair.key && pair.key.value === last)
        return (isNode(pair.value) && "value" in pair.value ? pair.value : pair.key).range?.[0] ?? null;
    return null;
  }
  const node: unknown = path.length === 0 ? yaml.contents : yaml.getIn(path, true);
  return isNode(node) ? (node.range?.[0] ?? null) : null;
}
