/**
 * Text for people: untrusted names made harmless, contexts in short, tables. Pure.
 *
 * Guarantee: what `safe` gives holds no control character, nothing that changes the direction of
 * writing, nothing invisible and no line break, and different names stay different.
 * Not covered: letters that only look alike.
 */
import type { ContextView } from "../api/index.ts";

/** Control characters, other white space than the blank, invisible ones, direction marks, half characters, and the backslash. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\\]|(?! )\p{Zs}/gu;
const SHORT: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r" };

/** One line that a terminal only shows, from a name that anybody may have chosen. */
export function safe(text: string): string {
  return text.replace(UNSAFE, (character) => SHORT[character] ?? escaped(character));
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

/** The same for text of several lines, which were meant as lines. Backslashes stay: nobody reads this back. */
export function safeLines(text: string): string {
  return text.replace(UNSAFE, (character) =>
    character === "\n" || character === "\\" ? character : (SHORT[character] ?? escaped(character)),
  );
}

/** A context in short: `unlabelled`, `S=a/b,c/d I=e/f`, `base`; ⊤ is `*`. */
export function shortContext(context: ContextView | null): string {
  if (context === null) return "unknown";
  const { secrecy, integrity } = context;
  if (secrecy === "ALL" && integrity === "ALL") return "sealed";
  if (integrity === "ALL" && secrecy.length === 0) return "base";
  const parts = [part("S", secrecy), part("I", integrity)].filter((text) => text !== "");
  return parts.length === 0 ? "unlabelled" : parts.join(" ");
}

function part(letter: string, label: ContextView["secrecy"]): string {
  if (label === "ALL") return `${letter}=*`;
  return label.length === 0 ? "" : `${letter}=${label.map(safe).join(",")}`;
}

/** Columns as wide as their widest cell; the last one is not filled up. Cells must be `safe`. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** `1 file`, `2 files`. */
export function count(number: number, thing: string, things = `${thing}s`): string {
  return `${number} ${number === 1 ? thing : things}`;
}
