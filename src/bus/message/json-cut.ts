/**
 * Takes attributes out of JSON. [MSG-2]
 *
 * Guarantee: what is kept is written with the characters that it had; commas are set anew and all space outside of strings goes, since
 * how a text is laid out tells how long and how many its parts were. No place of what was taken out remains.
 * What remains visible: that a map or list was there whose members are all gone, and the order of what is kept.
 */
import type { Found } from "./found.ts";
import { isSpace } from "./json.ts";

const WORD = /[^\s,:[\]{}"]+/y;

/**
 * @param text that `readJson` accepted
 * @param removed in the order of `start`, none within another
 * @returns null when nothing is left in the outermost map or list
 */
export function cutJson(text: string, removed: readonly Found[]): string | null {
  const pieces: string[] = [];
  let last = "";
  let isBehindComma = false;
  let next = 0;
  for (let at = 0; at < text.length;) {
    const cut = removed[next];
    if (cut !== undefined && at === cut.start) {
      at = cut.end;
      next++;
      continue;
    }
    if (isSpace(text.charCodeAt(at))) {
      at++;
      continue;
    }
    const end = tokenEnd(text, at);
    const token = text.slice(at, end);
    at = end;
    if (token === ",") {
      isBehindComma = true;
      continue;
    }
    // of the parts between two commas, or a comma and a bracket, there may be none left
    const isFirst = last === "{" || last === "[";
    if (isBehindComma && !isFirst && token !== "}" && token !== "]") pieces.push(",");
    isBehindComma = false;
    pieces.push(token);
    last = token;
  }
  const left = pieces.join("");
  return left === "{}" || left === "[]" ? null : left;
}

function tokenEnd(text: string, at: number): number {
  if (text[at] === '"') {
    let end = at;
    do end = text.indexOf('"', end + 1);
    while (isEscaped(text, end));
    return end + 1;
  }
  WORD.lastIndex = at;
  return WORD.test(text) ? WORD.lastIndex : at + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}
