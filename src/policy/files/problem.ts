/**
 * What is wrong with a policy file, and where.
 */
export type Place = {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
};

export type Problem = Place & {
  readonly expected: string;
  readonly found: string;
  readonly hint: string;
};

/** One line for people: `policy/gates.yaml:12:5: E_POLICY: expected …, found …`. */
export function problemLine(problem: Problem): string {
  return faultLine("E_POLICY", problem);
}

/** The same for files that are no policy. */
export function faultLine(code: string, { file, line, column, expected, found }: Problem): string {
  return `${file}:${line}:${column}: ${code}: expected ${expected}, found ${found}`;
}

/** Untrusted text on one line: control characters and all that is not ASCII as escapes. */
export function quote(text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 80)}...` : text;
  const escape = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `\`${shown.replace(/[^ -~]/g, escape)}\``;
}
