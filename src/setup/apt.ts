/**
 * A view of one suite of Debian's archive that the system's own apt knows nothing of:
 * its own source list, package lists and cache, in a folder of ours. apt checks the
 * archive's signature and every package's hash as always. Nothing is installed.
 */

import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deb822Fields, debianMirror, type SourceFile } from "./apt-sources.ts";
import { run } from "./command.ts";
import { SetupError } from "./errors.ts";

const CONFIG = "/etc/apt";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring";

/** One version of a package as the archive's index describes it. */
export interface PackageVersion {
  name: string;
  version: string;
  depends: string;
  sizeBytes: number;
}

export interface Suite {
  /** All versions of a package in this suite, best first; empty when there is none. */
  show(name: string): Promise<PackageVersion[]>;
  /** Fetches packages, given as `name=version`, into a folder. */
  download(packages: readonly string[], folder: string): Promise<void>;
  /** Fetches a source package's files, as they are in the archive. Only where `kind` is `deb-src`. */
  source(name: string, folder: string): Promise<void>;
}

/** Reads a suite's index. `folder` is ours to fill and to remove. @throws SetupError E_KERNEL_DOWNLOAD */
export async function openSuite(
  suite: string,
  folder: string,
  kind: "deb" | "deb-src" = "deb",
): Promise<Suite> {
  const options = await privateOptions(suite, folder, kind);
  const update = await run("apt-get", [...options, "update", "-qq", "-o", "APT::Update::Error-Mode=any"]);
  if (update.code !== 0)
    throw downloadError(`the package index of \`${suite}\` could not be read: ${update.stderr.trim()}`);

  return {
    async show(name) {
      const shown = await run("apt-cache", [...options, "show", name]);
      return parseStanzas(shown.stdout.toString()).filter((found) => found.name === name);
    },
    async download(packages, target) {
      const got = await run("apt-get", [...options, "download", "-qq", ...packages], { cwd: target });
      if (got.code !== 0)
        throw downloadError(`\`${packages.join(" ")}\` could not be fetched: ${got.stderr.trim()}`);
    },
    async source(name, target) {
      const got = await run("apt-get", [...options, "source", "-qq", "--download-only", name], {
        cwd: target,
      });
      if (got.code !== 0)
        throw downloadError(`the source of \`${name}\` could not be fetched: ${got.stderr.trim()}`);
    },
  };
}

/** The stanzas that `apt-cache show` prints. */
export function parseStanzas(text: string): PackageVersion[] {
  return text.split(/\n[ \t]*\n/).flatMap((stanza) => {
    const fields = deb822Fields(stanza);
    const name = fields.get("package");
    const version = fields.get("version");
    if (name === undefined || version === undefined) return [];
    return [
      { name, version, depends: fields.get("depends") ?? "", sizeBytes: Number(fields.get("size") ?? 0) },
    ];
  });
}

async function privateOptions(suite: string, folder: string, kind: string): Promise<string[]> {
  const mirror = process.env.CSN_DEBIAN_MIRROR ?? debianMirror(await systemSources());
  if (mirror === null || mirror === "") {
    throw new SetupError(
      "E_KERNEL_DOWNLOAD",
      "expected a Debian mirror among the system's package sources, found none whose path ends in /debian",
      "set CSN_DEBIAN_MIRROR to the address of a Debian mirror",
    );
  }
  const keyring = [`${KEYRING}.gpg`, `${KEYRING}.pgp`].find((path) => existsSync(path)) ?? `${KEYRING}.gpg`;
  const list = join(folder, "sources.list");
  await mkdir(join(folder, "lists", "partial"), { recursive: true });
  await mkdir(join(folder, "cache", "archives", "partial"), { recursive: true });
  await writeFile(list, `${kind} [arch=amd64 signed-by=${keyring}] ${mirror} ${suite} main\n`);

  const settings = [
    `Dir::Etc::sourcelist=${list}`,
    "Dir::Etc::sourceparts=/dev/null",
    `Dir::State::lists=${join(folder, "lists")}`,
    `Dir::Cache=${join(folder, "cache")}`,
    // What is installed would decide which version is looked for.
    ...(kind === "deb-src" ? ["Dir::State::status=/dev/null"] : []),
    "APT::Architecture=amd64",
    // apt drops to the user _apt, who may not be able to read our folder.
    "APT::Sandbox::User=root",
    "Acquire::Languages=none",
    "Acquire::Retries=3",
  ];
  return settings.flatMap((setting) => ["-o", setting]);
}

async function systemSources(): Promise<SourceFile[]> {
  const parts = join(CONFIG, "sources.list.d");
  const names = existsSync(parts) ? (await readdir(parts)).sort().map((name) => join(parts, name)) : [];
  const paths = [join(CONFIG, "sources.list"), ...names].filter(
    (path) => /\.(list|sources)$/.test(path) && existsSync(path),
  );
  return Promise.all(paths.map(async (path) => ({ name: path, text: await readFile(path, "utf8") })));
}

function downloadError(message: string): SetupError {
  return new SetupError(
    "E_KERNEL_DOWNLOAD",
    message,
    "check that the Debian mirror in the system's package sources is reachable, or set CSN_DEBIAN_MIRROR",
  );
}
