/**
 * A stock Debian kernel, unpacked and never installed, for the virtual machine.
 *
 * Guarantee: a kernel's folder in the cache is complete or absent (it is made aside and
 * renamed), so a second call uses no network. One cache serves all checkouts of a user.
 * Not covered: updates (remove the folder to fetch a newer build), other architectures.
 */

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { openSuite, type PackageVersion, type Suite } from "./apt.ts";
import { run } from "./command.ts";
import { SetupError } from "./errors.ts";
import { kernelNeeds } from "./needs.ts";
import { ensureSystemPackages } from "./packages.ts";
import type { Progress } from "./progress.ts";

export type KernelId = "6.12" | "7.3";

export interface KernelFiles {
  id: KernelId;
  /** What `uname -r` prints in the machine. */
  version: string;
  /** Compressed image, as a boot loader takes it. */
  vmlinuz: string;
  /** The folder with modules.dep. Its modules may be compressed. */
  modulesDir: string;
}

const SUITES: Record<KernelId, string> = { "6.12": "trixie", "7.3": "trixie-backports" };
export const kernelIds = Object.keys(SUITES) as KernelId[];

/** In the meta package and its kin, the names that lead to the image and the modules of one version. */
const KERNEL_PART = /^linux-(image|modules|binary|base)-\d[^\s]*-amd64$/;

/** @throws SetupError E_KERNEL_DOWNLOAD, E_MISSING_PACKAGES */
export async function ensureKernel(id: KernelId, progress: Progress): Promise<KernelFiles> {
  const folder = join(cacheFolder(), "kernels", id);
  return (await cachedKernel(id, folder)) ?? (await fetchKernel(id, folder, progress));
}

/** Where fetched things are kept, for all checkouts of this user. */
export function cacheFolder(): string {
  const base = process.env.CSN_CACHE || process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(base, "csn");
}

async function cachedKernel(id: KernelId, folder: string): Promise<KernelFiles | null> {
  let version: string;
  try {
    ({ version } = JSON.parse(await readFile(join(folder, "kernel.json"), "utf8")) as { version: string });
  } catch {
    return null; // absent or damaged: the same answer, fetch it
  }
  const files = {
    id,
    version,
    vmlinuz: join(folder, "vmlinuz"),
    modulesDir: join(folder, "lib", "modules", version),
  };
  return existsSync(files.vmlinuz) && existsSync(join(files.modulesDir, "modules.dep")) ? files : null;
}

async function fetchKernel(id: KernelId, folder: string, progress: Progress): Promise<KernelFiles> {
  await ensureSystemPackages(kernelNeeds, progress);
  const kernels = join(folder, "..");
  await mkdir(kernels, { recursive: true });
  // Beside the final place, so that the rename stays within one file system.
  const aside = await mkdtemp(join(kernels, `.${id}-`));
  try {
    progress.step(`looking for kernel ${id} in Debian's ${SUITES[id]}`);
    const suite = await openSuite(SUITES[id], join(aside, "apt"));
    const parts = await kernelParts(id, suite);

    const mebibytes = Math.round(parts.reduce((sum, part) => sum + part.sizeBytes, 0) / 2 ** 20);
    progress.step(`downloading kernel ${parts[0]?.version} (${mebibytes} MiB, once)`);
    const debs = join(aside, "debs");
    await mkdir(debs);
    await suite.download(
      parts.map((part) => `${part.name}=${part.version}`),
      debs,
    );

    progress.step(`unpacking kernel ${parts[0]?.version}`);
    const unpacked = join(aside, "unpacked");
    for (const deb of await readdir(debs)) await must("dpkg-deb", ["-x", join(debs, deb), unpacked]);
    const complete = await arrange(unpacked, join(aside, "complete"));
    await replaceFolder(complete, folder);
  } finally {
    await rm(aside, { recursive: true, force: true });
    progress.done();
  }
  const kernel = await cachedKernel(id, folder);
  if (kernel === null)
    throw broken(`expected kernel ${id} in the cache after unpacking, found it incomplete`);
  return kernel;
}

/** Follows the meta package to every package that may hold the image or the modules. */
async function kernelParts(id: KernelId, suite: Suite): Promise<PackageVersion[]> {
  const offered = await suite.show("linux-image-amd64");
  const meta = offered.find((candidate) => candidate.version.startsWith(`${id}.`));
  if (meta === undefined) {
    const found = offered.map((candidate) => candidate.version).join(", ") || "nothing";
    throw broken(`expected linux-image-amd64 ${id}.* in Debian's ${SUITES[id]}, found ${found}`);
  }
  const parts = new Map<string, PackageVersion>();
  const waiting = kernelDependencies(meta.depends);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (parts.has(name)) continue;
    const part = (await suite.show(name)).find((candidate) => candidate.version === meta.version);
    if (part === undefined)
      throw broken(`expected ${name} ${meta.version} in Debian's ${SUITES[id]}, found none`);
    parts.set(name, part);
    waiting.push(...kernelDependencies(part.depends));
  }
  return [...parts.values()];
}

/** From a Depends field, the packages that are parts of one kernel version. */
export function kernelDependencies(depends: string): string[] {
  const names = depends.split(/[,|]/).map((alternative) => alternative.trim().split(/[\s(]/)[0] ?? "");
  return names.filter((name) => KERNEL_PART.test(name));
}

/** Brings the two layouts that Debian has used into one: vmlinuz, lib/modules/VERSION, kernel.json. */
async function arrange(unpacked: string, complete: string): Promise<string> {
  const modules = ["usr/lib/modules", "lib/modules"]
    .map((path) => join(unpacked, path))
    .find((path) => existsSync(path));
  const version = modules === undefined ? undefined : (await readdir(modules))[0];
  if (modules === undefined || version === undefined)
    throw broken("expected a folder of modules in the packages, found none");
  const images = [join(modules, version, "vmlinuz"), join(unpacked, "boot", `vmlinuz-${version}`)];
  const image = images.find((path) => existsSync(path));
  if (image === undefined) throw broken(`expected vmlinuz of ${version} in the packages, found none`);

  await mkdir(join(complete, "lib", "modules"), { recursive: true });
  await rename(image, join(complete, "vmlinuz"));
  await rename(join(modules, version), join(complete, "lib", "modules", version));
  await must("depmod", ["-b", complete, version]);
  await writeFile(join(complete, "kernel.json"), JSON.stringify({ version }) + "\n");
  return complete;
}

/** Puts a finished folder in place. When another process was faster, its equal result stays. */
async function replaceFolder(complete: string, folder: string): Promise<void> {
  if (existsSync(folder) && !existsSync(join(folder, "kernel.json")))
    await rm(folder, { recursive: true, force: true });
  try {
    await rename(complete, folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  }
}

async function must(program: string, args: readonly string[]): Promise<void> {
  const result = await run(program, args);
  if (result.code !== 0) throw broken(`${program} exited with ${result.code}: ${result.stderr.trim()}`);
}

function broken(message: string): SetupError {
  return new SetupError(
    "E_KERNEL_DOWNLOAD",
    message,
    "try again; when it stays, report it with the output of `csn doctor`",
  );
}
