/**
 * Files of documents as they are given on the command line, and what is wrong with them.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { faultLine, type Problem, type SourceFile } from "../policy/index.ts";
import { CliError } from "./errors.ts";
import { safe, safeLines } from "./text.ts";
import type { Ui } from "./ui.ts";

/** Exit code of a command whose files are invalid. */
export const INVALID = 3;
/** Longer than any file may be: not even read. */
const MAX_BYTES = 4 << 20;

/** A file, or all *.yaml and *.yml below a folder, with the *.schema.json that are there. @param what they are files of @throws CliError E_USAGE */
export function filesOf(name: string, what: string): SourceFile[] {
  const found = statSync(name, { throwIfNoEntry: false });
  if (found?.isDirectory() === true)
    return readdirSync(name, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(ya?ml|schema\.json)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .flatMap((file) => filesOf(file, what));
  if (found?.isFile() === true && found.size <= MAX_BYTES)
    return [{ name, text: readFileSync(name, "utf8") }];
  throw new CliError(
    "E_USAGE",
    `expected a ${what} file or folder at \`${name}\`, found ${found === undefined ? "nothing" : "something else"}`,
    "give files that end with .yaml, or the folder that they are in",
  );
}

/** Each with its place and a hint, and the exit code for invalid files. */
export function showProblems(ui: Ui, code: string, problems: readonly Problem[]): void {
  process.exitCode = INVALID;
  if (ui.json) ui.answer({ problems });
  else
    for (const problem of problems) {
      const hint = problem.hint === "" ? "" : `Hint: ${safe(problem.hint)}\n`;
      process.stderr.write(`${safeLines(faultLine(code, problem)).replaceAll("\n", " ")}\n${hint}`);
    }
}
