/**
 * Rules: each rule on owners in docs/model.md has a case on the reference and one on a real kernel.
 *
 * Guarantee: a rule of these groups that is in force and that no test of the product against its words or the
 * reference names in its title, or no case of conformance/, is reported; so is a title that cites a rule that there is not.
 * Not covered: whether a case really tries the rule that it names; the other groups, whose cases are data
 * (spec/vectors) and the channels of docs/channels.md.
 */
import { filesMatching, read } from "./files.ts";

const GROUPS = new Set(["TAG", "PRIV", "COI", "CHG", "FLT", "GATE"]);
const UNIT = ["src/**/*.test.ts", "model/**/*.test.ts"];
const KERNEL = ["conformance/**/*.ts"];

export function checkRules(): string[] {
  const model = read("docs/model.md");
  const known = rulesOf(model);
  const titlesIn = (patterns: readonly string[]) =>
    filesMatching(...patterns).flatMap((file) => titlesOf(read(file)).map((title) => ({ file, title })));
  const unit = titlesIn(UNIT);
  const kernel = titlesIn(KERNEL);
  const faults = [...unit, ...kernel].flatMap(({ file, title }) =>
    citedIn(title)
      .filter((id) => GROUPS.has(groupOf(id)) && !known.has(id))
      .map((id) => `${file}: a title cites ${id}, which docs/model.md does not have`),
  );
  return [
    ...faults,
    ...missing(known, unit.map(({ title }) => title), "test beside the source or the reference"), // prettier-ignore
    ...missing(known, kernel.map(({ title }) => title), "case on a kernel (conformance/)"), // prettier-ignore
  ];
}

/** Rules of the table that has them, and whether they are in force here. */
export function rulesOf(model: string): Map<string, boolean> {
  const rows = model.matchAll(/^\| \*\*([A-Z]+-\d+)\*\* \|.*\| *([^|]*?) *\|$/gm);
  return new Map(Array.from(rows, ([, id = "", here = ""]) => [id, !here.startsWith("later")] as const));
}

/** What tests and cases are called. */
export function titlesOf(source: string): string[] {
  const named = /\b(?:test|it|describe)\(\s*(["'`])(.*?)\1|\bname:\s*(["'`])(.*?)\3/gs;
  return Array.from(source.matchAll(named), (match) => match[2] ?? match[4] ?? "");
}

/** `[TAG-1, PRIV-1..3]` */
export function citedIn(title: string): string[] {
  return Array.from(title.matchAll(/\b([A-Z]+)-(\d+)(?:\.\.(\d+))?/g)).flatMap(([, group, first, last]) => {
    const [from, to] = [Number(first), Number(last ?? first)];
    return Array.from({ length: to - from + 1 }, (_, i) => `${group}-${from + i}`);
  });
}

export function missing(
  known: ReadonlyMap<string, boolean>,
  titles: readonly string[],
  what: string,
): string[] {
  const cited = new Set(titles.flatMap(citedIn));
  return [...known]
    .filter(([id, inForce]) => inForce && GROUPS.has(groupOf(id)) && !cited.has(id))
    .map(([id]) => `docs/model.md: ${id} is in force and has no ${what} that names it`);
}

function groupOf(id: string): string {
  return id.slice(0, id.indexOf("-"));
}

if (import.meta.main) {
  const faults = checkRules();
  console.log(faults.join("\n"));
  process.exitCode = faults.length === 0 ? 0 : 1;
}
