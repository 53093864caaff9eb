/**
 * What zod found, as problems: the place, what was expected and what stands there.
 */
import type { z } from "zod";
import { parseTagName } from "../../label/index.ts";
import { type Place, type Problem, quote } from "./problem.ts";
import { expectedFor, TAG_PATTERNS } from "./schema.ts";

type Issue = z.core.$ZodIssue;

export function problemsOf(
  issues: readonly Issue[],
  value: unknown,
  placeOf: (...path: PropertyKey[]) => Place,
): Problem[] {
  return issues.flatMap((issue) => problemsOfOne(issue, [], value, placeOf));
}

function problemsOfOne(
  issue: Issue,
  above: readonly PropertyKey[],
  root: unknown,
  placeOf: (...path: PropertyKey[]) => Place,
): Problem[] {
  const path = [...above, ...issue.path];
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const best = bestOf(issue.errors, at(root, path));
    if (best !== null) return best.flatMap((inner) => problemsOfOne(inner, path, root, placeOf));
  }
  const field = path.filter((part) => typeof part === "string").at(-1);
  const value = at(root, path);
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({
      ...placeOf(...path, key),
      expected: `no key ${quote(key)} in ${field === undefined ? "a document" : quote(String(field))}`,
      found: "it",
      hint: "is it misspelt? docs/policy.md shows every field",
    }));
  const { expected, found = shown(value) } = wordsFor(issue, value);
  return [
    {
      ...placeOf(...path),
      expected: field === undefined ? expected : `\`${String(field)}\` to be ${expected}`,
      found,
      hint: hintFor(issue),
    },
  ];
}

/** Of a union's ways, the one that the writer had in mind: the one whose faults lie deepest, or the only one of that type. */
function bestOf(ways: readonly (readonly Issue[])[], value: unknown): readonly Issue[] | null {
  const fitting = ways.filter(
    (way) => !way.some(({ code, path }) => code === "invalid_type" && path.length === 0),
  );
  const isObject = typeof value === "object" && value !== null;
  const rank = (way: readonly Issue[]) =>
    way.filter(({ code }) => code === "unrecognized_keys").length * 10 + way.length;
  if (fitting.length === 0) return null;
  return isObject ? fitting.toSorted((a, b) => rank(a) - rank(b))[0]! : fitting[0]!;
}

function wordsFor(issue: Issue, value: unknown): { expected: string; found?: string } {
  switch (issue.code) {
    case "invalid_type":
      return { expected: `a ${NAMES[issue.expected] ?? issue.expected}` };
    case "invalid_value":
      return {
        expected:
          issue.values.length === 1
            ? quote(String(issue.values[0]))
            : `one of ${issue.values.map((v) => quote(String(v))).join(", ")}`,
      };
    case "too_big":
      return { expected: `at most ${issue.maximum} ${unit(issue.origin)}`, found: sizeOf(value) };
    case "too_small":
      return { expected: `at least ${issue.minimum} ${unit(issue.origin)}`, found: sizeOf(value) };
    case "invalid_format":
      return (
        tagWords(issue.pattern, value) ?? { expected: expectedFor.get(issue.pattern ?? "") ?? issue.message }
      );
    case "invalid_union":
      return { expected: "`unlabelled`, a name, or `{secrecy: [...], integrity: [...]}`" };
    default:
      return { expected: issue.message.toLowerCase() };
  }
}

/** What is wrong with a tag's name, to the character. */
function tagWords(pattern: string | undefined, value: unknown): { expected: string; found: string } | null {
  if (pattern === undefined || typeof value !== "string" || !TAG_PATTERNS.has(pattern)) return null;
  const parsed = parseTagName(value.endsWith(":*") ? value.slice(0, -2) : value);
  if (parsed.ok) return null;
  return { expected: parsed.problem.expected, found: `${parsed.problem.found} in ${quote(value)}` };
}

function hintFor(issue: Issue): string {
  if (issue.code === "invalid_format") return "names are ASCII and lowercase, so that no two look alike";
  if (issue.code === "too_big") return "make it several";
  return "docs/policy.md shows every field";
}

const NAMES: Readonly<Record<string, string>> = { array: "list", object: "map", record: "map" };

const unit = (origin: string) => (origin === "string" ? "characters" : "entries");

function sizeOf(value: unknown): string {
  return typeof value === "string" || Array.isArray(value) ? String(value.length) : shown(value);
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a map" : quote(String(value as string | number | boolean));
}

function at(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}
