/**
 * What failed in this run of `npm test`. It is said where it happens, with all there is to know, and once more at the end, by
 * name: the end is what is read first, and all that some logs keep.
 */
const MARK = "  FAILED: ";

const names: string[] = [];

/** @param details any number of lines, below the name */
export function sayFailed(name: string, details = ""): void {
  console.log(`${MARK}${name}${details === "" ? "" : `\n${details.replace(/^/gm, "    ")}`}`);
  names.push(name);
}

/** Of a line that another process of the same run printed. */
export function rememberFailed(line: string): void {
  if (line.startsWith(MARK)) names.push(line.slice(MARK.length));
}

export function sayAllFailed(): void {
  for (const name of names) console.log(`failed: ${name}`);
}
