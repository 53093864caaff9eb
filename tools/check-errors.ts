/**
 * Errors: each code in the program is explained in docs/errors.md, and nothing else is.
 *
 * Guarantee: a code (`E_` and capitals, in a string or a definition, not in a comment) without a heading
 * `### CODE`, a heading without the parts Meaning, Cause and What to do, and a heading whose code is nowhere in
 * the program are reported.
 * Not covered: whether the explanation is right.
 */
import { filesMatching, read, readIfThere } from "./files.ts";

const SOURCES = ["src/**/*.{ts,sh}", "native/**/*.{c,h}", "tools/**/*.{ts,sh}", "csn", "bpf/abi.h"];
const PARTS = ["Meaning", "Cause", "What to do"];

/** Checks the whole project. Gives one line for each fault. */
export function checkErrors(): string[] {
  const codes = new Map<string, string>();
  for (const file of filesMatching(...SOURCES)) {
    if (file.endsWith(".test.ts")) continue;
    for (const code of codesIn(read(file))) if (!codes.has(code)) codes.set(code, file);
  }
  return faultsBetween(codes, readIfThere("docs/errors.md") ?? "");
}

/** The codes that a source names outside comments. */
export function codesIn(source: string): Set<string> {
  const withoutComments = source
    .replace(/(^|\s)\/\*[^]*?\*\//g, "")
    .replace(/(^|\s)\/\/.*$/gm, "")
    .replace(/^\s*#(?!define).*$/gm, "");
  return new Set(withoutComments.match(/\bE_[A-Z0-9][A-Z0-9_]*\b/g));
}

/** @param codes each code with a file that names it  @param text of docs/errors.md */
export function faultsBetween(codes: ReadonlyMap<string, string>, text: string): string[] {
  const sections = new Map<string, string>();
  const faults: string[] = [];
  for (const section of text.split(/^### /m).slice(1)) {
    const code = /^`?(E_[A-Z0-9_]+)`?\s*$/m.exec(section.split("\n", 1)[0] ?? "")?.[1];
    if (code === undefined) continue;
    if (sections.has(code)) faults.push(`docs/errors.md: ${code} has two headings`);
    // A section ends at the next heading of any level.
    sections.set(code, section.split(/^#{1,2} /m, 1)[0] ?? "");
  }

  for (const [code, file] of codes)
    if (!sections.has(code)) faults.push(`${file}: ${code} has no heading \`### ${code}\` in docs/errors.md`);
  for (const [code, section] of sections) {
    if (!codes.has(code)) faults.push(`docs/errors.md: ${code} is nowhere in the program`);
    for (const part of PARTS)
      if (!section.includes(part)) faults.push(`docs/errors.md: ${code} lacks the part ${part}`);
  }
  return faults;
}
