/**
 * Reads the cases of spec/vectors, for everything that runs them.
 *
 * Guarantee: what is returned has the shape of spec/vectors/schema.json (vectors.test.ts checks each file).
 * Tags in cases are symbolic names; each runner maps them to ids of its own.
 */
import { readFileSync } from "node:fs";
import type { Context, Label, Subject, Target } from "./reference.ts";

/** A label as it is written in a case: symbolic tags in any order, or every tag. */
export type LabelText = "ALL" | readonly string[];
export type ContextText = { readonly secrecy: LabelText; readonly integrity: LabelText };
export type SubjectText = { readonly in: ContextText; readonly out: ContextText };
export type DenialText = { readonly rule: "FLOW-1" | "FLOW-2"; readonly tags: LabelText };
export type TargetText = {
  readonly object?: ContextText;
  readonly directory?: ContextText | null;
  readonly directories?: readonly ContextText[];
  readonly other?: SubjectText;
  readonly readable?: boolean;
  readonly writable?: boolean;
};

type Case = { readonly id: string; readonly comment: string; readonly rules: readonly string[] };
export type FlowCase = Case & { from: ContextText; to: ContextText; expect: "allow" | DenialText };
export type LabelCase = Case & {
  tags: readonly string[];
  expect: { tags: readonly string[] } | { error: string };
};
export type NameCase = Case & {
  text: string;
  expect: { owner: string; name: string } | { problem: string; part: string | null };
};
export type OperationCase = Case & {
  operation: string;
  subject: SubjectText;
  target: TargetText;
  expect: "allow" | { rule: string; flow: DenialText | null };
};

type Files = { flow: FlowCase; label: LabelCase; names: NameCase; operations: OperationCase };

/** The names of the files of cases. */
export const VECTOR_FILES: readonly (keyof Files)[] = ["flow", "label", "names", "operations"];

/** The cases of one file. @throws when the file is missing or no JSON */
export function readCases<Name extends keyof Files>(name: Name): readonly Files[Name][] {
  return (readVectorFile(`${name}.json`) as { cases: Files[Name][] }).cases;
}

/** One JSON file of spec/vectors, as it is. */
export function readVectorFile(file: string): unknown {
  return JSON.parse(readFileSync(new URL(`../spec/vectors/${file}`, import.meta.url), "utf8"));
}

/** A case's label for the reference, which takes symbolic names as tags. */
export function labelFrom(text: LabelText): Label {
  return text === "ALL" ? "ALL" : new Set(text);
}

/** A case's context for the reference. */
export function contextFrom(text: ContextText): Context {
  return { secrecy: labelFrom(text.secrecy), integrity: labelFrom(text.integrity) };
}

/** A case's subject for the reference. */
export function subjectFrom(text: SubjectText): Subject {
  return { in: contextFrom(text.in), out: contextFrom(text.out) };
}

/** A case's target for the reference. */
export function targetFrom(text: TargetText): Target {
  return {
    ...(text.object && { object: contextFrom(text.object) }),
    ...(text.directory !== undefined && { directory: text.directory && contextFrom(text.directory) }),
    ...(text.directories && { directories: text.directories.map(contextFrom) }),
    ...(text.other && { other: subjectFrom(text.other) }),
    ...(text.readable !== undefined && { readable: text.readable }),
    ...(text.writable !== undefined && { writable: text.writable }),
  };
}
