/**
 * Which kernel modules the machine loads, and in which order.
 */

/** Without these the machine can't see its files, disk, network or ports. What the kernel has built in is skipped. */
export const NEEDED_MODULES = [
  "9p",
  "9pnet_virtio",
  "overlay",
  "virtio_pci",
  "virtio_net",
  "virtio_blk",
  "virtio_console",
  "ext4",
] as const;

/**
 * ext4 asks the crypto layer for crc32c by an alias that no dependency shows, and there is no
 * modprobe that early. Kernels differ in who provides it; those that are there are loaded first.
 */
export const OPTIONAL_MODULES = ["crc32c_generic", "crc32c_cryptoapi"] as const;

/** modules.dep: each module's file, and the files it needs, all of them, the ones to load first last. */
export function parseModulesDep(text: string): Map<string, string[]> {
  const dependencies = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const needed = line.slice(colon + 1).trim();
    dependencies.set(line.slice(0, colon), needed === "" ? [] : needed.split(/\s+/));
  }
  return dependencies;
}

/** `kernel/fs/9p/9p.ko.xz` is module `9p`; `-` and `_` are the same in names. */
export function moduleName(path: string): string {
  const file = path.slice(path.lastIndexOf("/") + 1);
  return file.replace(/\.ko(\.\w+)?$/, "").replaceAll("-", "_");
}

export interface LoadOrder {
  /** Files below the modules folder, each after everything it needs. */
  files: string[];
  /** Wanted, and neither a module nor built in. */
  missing: string[];
}

/** @param builtin - text of modules.builtin */
export function loadOrder(names: readonly string[], dep: Map<string, string[]>, builtin: string): LoadOrder {
  const pathOf = new Map([...dep.keys()].map((path) => [moduleName(path), path]));
  const inKernel = new Set(builtin.split("\n").map(moduleName));
  const files = new Set<string>();
  const missing: string[] = [];

  const add = (path: string): void => {
    if (files.has(path)) return;
    for (const needed of [...(dep.get(path) ?? [])].reverse()) {
      if (!files.has(needed)) add(needed);
    }
    files.add(path);
  };
  for (const name of names) {
    const path = pathOf.get(name);
    if (path !== undefined) add(path);
    else if (!inKernel.has(name)) missing.push(name);
  }
  return { files: [...files], missing };
}
