/**
 * What failed in this run of `npm test`. It is said where it happens, with all there is to know, and once more at the end, by
 * name and with how its details begin: the end is what is read first, and all that some logs keep.
 */
const MARK = "  FAILED: ";
const INDENT = "    ";
/** Lines of details that are said again. */
const MOST_LINES = 15;

const failed: { readonly name: string; readonly lines: string[] }[] = [];
/** Whether the line that comes next may be a detail of the last failure. */
let isOpen = false;

/** @param details any number of lines, below the name */
export function sayFailed(name: string, details = ""): void {
  const text = `${MARK}${name}${details === "" ? "" : `\n${details.replace(/^/gm, INDENT)}`}`;
  console.log(text);
  for (const line of text.split("\n")) rememberFailed(line);
}

/** Takes in each line that another process of the same run printed. */
export function rememberFailed(line: string): void {
  if (line.startsWith(MARK)) failed.push({ name: line.slice(MARK.length), lines: [] });
  else if (isOpen && line.startsWith(INDENT)) failed.at(-1)!.lines.push(line);
  else {
    isOpen = false;
    return;
  }
  isOpen = true;
}

export function sayAllFailed(): void {
  for (const { name, lines } of failed) {
    console.log(`failed: ${name}`);
    for (const line of lines.slice(0, MOST_LINES)) console.log(line);
    if (lines.length > MOST_LINES) console.log(`${INDENT}and ${lines.length - MOST_LINES} lines more, above`);
  }
}
