/**
 * The project's files, for the checks: paths relative to the root, with forward slashes, sorted.
 */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of package.json. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** The files that match any of the patterns; build output and installed packages never do. */
export function filesMatching(...patterns: readonly string[]): string[] {
  const exclude = ["**/node_modules/**", "build/**", ".csn/**"];
  return globSync(patterns, { cwd: root, exclude }).toSorted();
}

/** A file's text, or null when there is no such file. */
export function readIfThere(path: string): string | null {
  const full = join(root, path);
  return existsSync(full) ? readFileSync(full, "utf8") : null;
}

/** A file's text. @throws when it cannot be read */
export function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}
