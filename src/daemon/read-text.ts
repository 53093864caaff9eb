import { readFileSync } from "node:fs";

/** A small file's text; empty when it is not there (any more), as with /proc of a process that ended. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
