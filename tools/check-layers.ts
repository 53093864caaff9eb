/**
 * Layers: which module may use which, and how a module is entered.
 *
 * Guarantee: an import in src/** that the table does not allow is reported with file and line; so is a module
 * that the table does not have, and an ARCHITECTURE.md whose table differs from this one.
 * Not covered: cycles between the files of one module (oxlint's import/no-cycle), and imports whose path is
 * computed.
 */
import { dirname, join, normalize } from "node:path/posix";
import { filesMatching, read, readIfThere } from "./files.ts";

/** For each module of src, the modules that it may use. ARCHITECTURE.md shows the same table. */
export const mayUse: Readonly<Record<string, readonly string[]>> = {
  label: [],
  setup: [],
  machine: ["setup"],
  kernel: ["label", "setup"],
  audit: ["label", "setup"],
  policy: ["label"],
  bus: ["label", "policy", "audit"],
  api: ["label"],
  daemon: ["label", "policy", "kernel", "audit", "bus", "api", "setup"],
  client: [],
  cli: ["api", "audit", "client", "label", "policy", "machine", "setup"],
};

/** Modules that may not even use Node.js or a package: they only compute. */
const pure = new Set(["label"]);

/** Checks all of src. Gives one line for each fault. */
export function checkLayers(): string[] {
  const faults = filesMatching("src/**/*.ts").flatMap((file) => faultsOf(file, read(file)));
  const architecture = readIfThere("ARCHITECTURE.md");
  return architecture === null ? faults : [...faults, ...tableFaults(architecture)];
}

/** The faults of one file. `file` is relative to the root: `src/MODULE/...`. */
export function faultsOf(file: string, text: string): string[] {
  const module = moduleOf(file) ?? "";
  if (!Object.hasOwn(mayUse, module))
    return [`${file}: module \`${module}\` is not in the table of tools/check-layers.ts`];
  return importsOf(text).flatMap(({ path, line }) => {
    const fault = faultOf(file, module, path);
    return fault === null ? [] : [`${file}:${line}: ${fault}`];
  });
}

function faultOf(file: string, module: string, path: string): string | null {
  const isTest = file.endsWith(".test.ts");
  if (!path.startsWith(".")) {
    const isFine = isTest || !pure.has(module);
    return isFine ? null : `\`${module}\` is pure and may not import \`${path}\``;
  }

  const target = normalize(join(dirname(file), path));
  const used = moduleOf(target);
  if (used === module) {
    const isForTests = target.endsWith("/testing.ts") && !isTest && !file.endsWith("/testing.ts");
    return isForTests ? `only tests may import \`${target}\`` : null;
  }
  if (used === null) {
    if (target === "package.json" || (isTest && target.startsWith("model/"))) return null;
    return `\`${target}\` is outside src${target.startsWith("model/") ? ", and only tests may use model" : ""}`;
  }
  if (used === "daemon") return "nobody imports the daemon: src/daemon/main.ts is executed";
  if (!mayUse[module]?.includes(used)) return `\`${module}\` may not use \`${used}\``;
  const isEntry = target === `src/${used}/index.ts` || (isTest && target === `src/${used}/testing.ts`);
  return isEntry ? null : `\`${used}\` is entered by src/${used}/index.ts only, not by \`${target}\``;
}

/** The module that a path belongs to, or null outside src. */
function moduleOf(path: string): string | null {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? null;
}

/** What a file imports or re-exports by a literal path. */
function importsOf(text: string): { path: string; line: number }[] {
  const found = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["']([^"'\n]+)["']/g);
  return Array.from(found, (match) => ({
    path: match[1] as string,
    line: text.slice(0, match.index).split("\n").length,
  }));
}

/**
 * Compares the table between `<!-- layers:begin -->` and `<!-- layers:end -->` with this one: the first column
 * names the module, the last what it may use (`nothing` or names).
 */
export function tableFaults(architecture: string): string[] {
  const table = /<!-- layers:begin -->([^]*?)<!-- layers:end -->/.exec(architecture)?.[1];
  if (table === undefined)
    return ["ARCHITECTURE.md: no table between `<!-- layers:begin -->` and `<!-- layers:end -->`"];

  const rows = new Map<string, string>();
  for (const line of table.split("\n")) {
    const cells = line.split("|").slice(1, -1);
    const module = /^\s*`(?:src\/)?([a-z]+)\/?`\s*$/.exec(cells[0] ?? "")?.[1];
    if (module !== undefined) rows.set(module, namesIn(cells.at(-1) ?? ""));
  }
  const faults: string[] = [];
  for (const [module, uses] of Object.entries(mayUse)) {
    const expected = namesIn(uses.join(" "));
    const found = rows.get(module);
    if (found !== expected)
      faults.push(
        `ARCHITECTURE.md: \`${module}\` may use ${expected || "nothing"}, the table says ${(found ?? "no row") || "nothing"}`,
      );
  }
  for (const module of rows.keys())
    if (!Object.hasOwn(mayUse, module))
      faults.push(`ARCHITECTURE.md: \`${module}\` is not in tools/check-layers.ts`);
  return faults;
}

function namesIn(cell: string): string {
  const names = cell.match(/[a-z]+/g) ?? [];
  return names
    .filter((name) => name !== "nothing")
    .toSorted()
    .join(" ");
}
