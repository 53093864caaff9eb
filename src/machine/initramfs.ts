/**
 * The machine's first file system: static busybox, the modules, two scripts. What differs
 * from boot to boot (token, command) is a second small archive behind it.
 *
 * The first archive is kept in `<home>/machine/` under a hash of all that goes into it.
 */

import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findCommand, ROOT, run, type KernelFiles } from "../setup/index.ts";
import { cpio, directory, PRIVATE_FILE, PROGRAM, type CpioFile } from "./cpio.ts";
import { MachineError } from "./errors.ts";
import { loadOrder, moduleName, NEEDED_MODULES, OPTIONAL_MODULES, parseModulesDep } from "./modules.ts";

/** Raise when this file changes what it builds from the same inputs. */
const FORMAT = 1;

/** @param shelf - folder in which built archives are kept */
export async function baseInitramfs(kernel: KernelFiles, shelf: string): Promise<Buffer> {
  const busybox = findCommand("busybox");
  if (busybox === null) throw broken("expected busybox on the PATH, found none");
  const scripts = await Promise.all(
    ["guest-init.sh", "guest-main.sh"].map((name) => readFile(join(ROOT, "src/machine", name))),
  );
  const modules = await moduleFiles(kernel);

  const { size, mtimeMs } = await stat(busybox);
  const hash = createHash("sha256").update(
    JSON.stringify([FORMAT, kernel.version, modules, busybox, size, mtimeMs]),
  );
  for (const script of scripts) hash.update(script);
  const kept = join(shelf, `.initramfs-${kernel.version}-${hash.digest("hex").slice(0, 16)}`);
  const found = await readFile(kept).catch(() => null);
  if (found !== null) return found;

  const [init, main] = scripts as [Buffer, Buffer];
  const loaded = await Promise.all(
    modules.map(async (path): Promise<CpioFile> => {
      const data = await uncompressed(join(kernel.modulesDir, path));
      return { path: `modules/${moduleName(path)}.ko`, mode: PRIVATE_FILE, data };
    }),
  );
  const archive = cpio([
    ...["bin", "modules", "dev", "proc", "sys", "host", "upper", "new", "keep"].map(directory),
    { path: "bin/busybox", mode: PROGRAM, data: await readFile(busybox) },
    { path: "init", mode: PROGRAM, data: init },
    { path: "guest-main.sh", mode: PROGRAM, data: main },
    {
      path: "modules/order",
      mode: PRIVATE_FILE,
      data: Buffer.from(modules.map((path) => `${moduleName(path)}\n`).join("")),
    },
    ...loaded,
  ]);
  await keep(archive, kept, shelf, `.initramfs-${kernel.version}-`);
  return archive;
}

/** Keeps an archive in place of older ones for the same kernel. */
async function keep(archive: Buffer, path: string, shelf: string, prefix: string): Promise<void> {
  const older = (await readdir(shelf)).filter((name) => name.startsWith(prefix));
  for (const name of older) await rm(join(shelf, name), { force: true });
  const aside = join(shelf, `.new-initramfs-${process.pid}-${randomUUID()}`);
  await writeFile(aside, archive);
  await rename(aside, path);
}

/** The archive that goes behind the first one: what init is to do this time. */
export function bootArchive(settings: string): Buffer {
  return cpio([{ path: "csn-boot", mode: PRIVATE_FILE, data: Buffer.from(settings) }]);
}

async function moduleFiles(kernel: KernelFiles): Promise<string[]> {
  const dep = parseModulesDep(await readFile(join(kernel.modulesDir, "modules.dep"), "utf8"));
  const builtin = await readFile(join(kernel.modulesDir, "modules.builtin"), "utf8");
  const order = loadOrder([...OPTIONAL_MODULES, ...NEEDED_MODULES], dep, builtin);
  const missing = order.missing.filter((name) => (NEEDED_MODULES as readonly string[]).includes(name));
  if (missing.length > 0)
    throw broken(`expected modules ${missing.join(", ")} in kernel ${kernel.version}, found none`);
  return order.files;
}

async function uncompressed(path: string): Promise<Buffer> {
  const programs: Record<string, string> = { ".xz": "xz", ".gz": "gzip", ".zst": "zstd" };
  const program = programs[/\.\w+$/.exec(path)?.[0] ?? ""];
  if (program === undefined) return readFile(path);
  const result = await run(program, ["-dc", path]);
  if (result.code !== 0) throw broken(`${program} exited with ${result.code}: ${result.stderr.trim()}`);
  return result.stdout;
}

function broken(message: string): MachineError {
  return new MachineError(
    "E_MACHINE_KERNEL",
    message,
    "remove the kernel's folder from csn's cache and try again",
  );
}
