/**
 * The source of a Debian package as its author published it, to be built in a test.
 *
 * Guarantee: a file in the cache is complete or absent; apt checked it against the archive's signed
 * index. Nothing is installed. Not covered: Debian's patches, updates (remove the file).
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { openSuite } from "./apt.ts";
import { SetupError } from "./errors.ts";
import { cacheFolder } from "./kernel.ts";
import type { Progress } from "./progress.ts";

const SUITE = "trixie";

/** The author's archive, packed. @throws SetupError */
export async function ensureSource(name: string, progress: Progress): Promise<string> {
  const sources = join(cacheFolder(), "sources");
  const kept = join(sources, `${name}.orig.tar`);
  if (existsSync(kept)) return kept;
  await mkdir(sources, { recursive: true });
  const aside = await mkdtemp(join(sources, `.${name}-`));
  try {
    progress.step(`fetching the source of ${name}`);
    const suite = await openSuite(SUITE, join(aside, "apt"), "deb-src");
    await mkdir(join(aside, "files"));
    await suite.source(name, join(aside, "files"));
    const found = (await readdir(join(aside, "files"))).find((file) =>
      /\.orig\.tar\.(gz|xz|bz2)$/.test(file),
    );
    if (found === undefined)
      throw new SetupError(
        "E_KERNEL_DOWNLOAD",
        `expected an original archive in the source package ${name}, found none`,
        "try again; when it stays, report it with the output of `csn doctor`",
      );
    await rename(join(aside, "files", found), kept);
    return kept;
  } finally {
    await rm(aside, { recursive: true, force: true });
    progress.done();
  }
}
