/**
 * The peers' own tools and Debian's SELinux policy: a tree of Debian packages, unpacked in the cache and used
 * by chroot, so that nothing on this computer changes.
 *
 * Guarantee: the tree is complete or absent. The policy is Debian's with all modules that its package
 * holds, and the bench's one (peers/selinux.cil); when that changes, the tree is made anew.
 */
import { createHash } from "node:crypto";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { openSuite, type Suite } from "../src/setup/apt.ts";
import { cacheFolder, type Progress, ROOT, run } from "../src/setup/index.ts";

/** Of the kernels' own release. */
const SUITE = "trixie";
const PACKAGES = ["selinux-policy-default", "apparmor", "auditd"];
/** Asks questions while a package is installed; nothing is. */
const LEFT_OUT = new Set(["debconf"]);
const MODULE = join(ROOT, "bench/peers/selinux.cil");
const FOLDERS = ["bin", "sbin", "lib", "lib64"];
const MOUNT_POINTS = ["data", "dev", "proc", "run", "sys", "tmp", "var/lib/selinux", "var/log/audit"];

/** Gives the tree's folder. */
export async function ensurePeerTools(progress: Progress): Promise<string> {
  const digest = createHash("sha256").update(await readFile(MODULE));
  const trees = join(cacheFolder(), "peers");
  const tree = join(trees, digest.digest("hex").slice(0, 16));
  if ((await readdir(tree).catch(() => [])).length > 0) return tree;
  await mkdir(trees, { recursive: true });
  const aside = await mkdtemp(join(trees, ".making-"));
  try {
    progress.step("fetching SELinux's, AppArmor's and audit's tools");
    const made = join(aside, "tree");
    await unpack(await openSuite(SUITE, join(aside, "apt")), join(aside, "debs"), made);
    progress.step("building Debian's SELinux policy (minutes, once)");
    await buildPolicy(made);
    await rm(tree, { recursive: true, force: true });
    await rename(made, tree);
    return tree;
  } finally {
    await rm(aside, { recursive: true, force: true });
    progress.done();
  }
}

async function unpack(suite: Suite, debs: string, tree: string): Promise<void> {
  await mkdir(debs);
  await suite.download(await withDependencies(suite, PACKAGES), debs);
  for (const deb of await readdir(debs)) await must("dpkg-deb", ["-x", join(debs, deb), tree]);
  for (const folder of MOUNT_POINTS) await mkdir(join(tree, folder), { recursive: true });
  for (const name of FOLDERS) await symlink(`usr/${name}`, join(tree, name));
  await symlink("../run", join(tree, "var/run"));
  await writeFile(join(tree, "etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
  await writeFile(join(tree, "etc/group"), "root:x:0:\nadm:x:4:\n"); // who may read audit's log
}

async function withDependencies(suite: Suite, names: readonly string[]): Promise<string[]> {
  const found = new Map<string, string>();
  const waiting = [...names];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name) || LEFT_OUT.has(name)) continue;
    const best = (await suite.show(name))[0];
    if (best === undefined) throw new Error(`expected a package ${name} in Debian's ${SUITE}, found none`);
    found.set(name, best.version);
    // Of alternatives the first.
    for (const part of best.depends.split(",")) {
      const needed = /^[^\s(:|]+/.exec(part.trim())?.[0];
      if (needed !== undefined) waiting.push(needed);
    }
  }
  return [...found].map(([name, version]) => `${name}=${version}`);
}

/** What the package does when it is installed, but loads nothing. */
async function buildPolicy(tree: string): Promise<void> {
  const shipped = "/usr/share/selinux/default";
  const names = (await readFile(join(tree, shipped, ".modules"), "utf8")).trim().split(/\s+/);
  await writeFile(join(tree, "etc/selinux/config"), "SELINUX=enforcing\nSELINUXTYPE=default\n");
  await copyFile(MODULE, join(tree, "tmp/csn_bench.cil"));
  const modules = [...names.map((name) => `${shipped}/${name}.pp.bz2`), "/tmp/csn_bench.cil"];
  const args = ["semodule", "-n", "-s", "default", ...modules.flatMap((module) => ["-i", module])];
  await must("unshare", ["-r", "chroot", tree, ...args]);
}

async function must(program: string, args: readonly string[]): Promise<void> {
  const result = await run(program, args);
  if (result.code !== 0)
    throw new Error(`${program} ${args[0]} exited with ${result.code}: ${result.stderr.trim()}`);
}
