/**
 * What csn needs of this host, tried one by one.
 *
 * Guarantee: nothing is installed, started or left behind.
 * Not covered: what only the daemon can try (load a program, see a hook fire): its own doctor does.
 */
import { existsSync, mkdtempSync, rmdirSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Doctor } from "../api/index.ts";
import { probeAccel } from "../machine/index.ts";
import { buildNeeds, cacheFolder, isPresent, kernelNeeds, machineNeeds, type Need } from "../setup/index.ts";
import type { Settings } from "./settings.ts";
import { isNativeKernel, securityModules } from "./start.ts";

type Check = Doctor["checks"][number];

const NODE_MAJOR = 24;
const SPACE_GIB = 2;

export async function hostChecks(settings: Settings): Promise<Check[]> {
  const isNative = isNativeKernel() && process.getuid?.() === 0;
  const hasKernel = existsSync(join(cacheFolder(), "kernels", settings.kernel, "vmlinuz"));
  const checks = [
    node(),
    kernel(isNative),
    packages("build tools", buildNeeds),
    ...(isNative ? [] : [packages("machine tools", machineNeeds)]),
    ...(isNative || hasKernel ? [] : [packages("kernel tools", kernelNeeds)]),
    ...(isNative ? [] : [machineKernel(settings, hasKernel), await acceleration()]),
  ];
  return [...checks, writable(settings.home), space(settings.home)];
}

function node(): Check {
  const ok = Number(process.versions.node.split(".")[0]) >= NODE_MAJOR;
  return {
    name: "node",
    ok,
    found: process.versions.node,
    hint: `csn needs Node.js ${NODE_MAJOR}: start it with ./csn, which brings its own`,
  };
}

function kernel(isNative: boolean): Check {
  const modules = securityModules().join(",") || "none that it tells of";
  const consequence = isNative ? "csn enforces on this host" : "csn uses a virtual machine";
  return { name: "kernel", ok: true, found: `security modules: ${modules}; ${consequence}`, hint: "" };
}

function packages(name: string, needs: readonly Need[]): Check {
  const missing = needs.filter((need) => !isPresent(need));
  if (missing.length === 0) return { name, ok: true, found: "all present", hint: "" };
  const wanted = [...new Set(missing.map((need) => need.package))].join(" ");
  const found = `missing: ${missing.map((need) => need.command ?? need.files?.[0]).join(", ")}`;
  const hint = `apt-get update && apt-get install -y --no-install-recommends ${wanted} (as root with apt-get, \`csn up\` does it)`;
  return { name, ok: false, found, hint };
}

function machineKernel({ kernel: id }: Settings, hasKernel: boolean): Check {
  const found = hasKernel ? `${id} is there` : `${id} is fetched on first use, about 100 MiB`;
  return { name: "machine kernel", ok: true, found, hint: "" };
}

async function acceleration(): Promise<Check> {
  const accel = await probeAccel().catch(() => null); // without QEMU; the tools' check says that
  const found =
    accel === "kvm" ? "/dev/kvm works" : "no working /dev/kvm: the machine is emulated, and slower";
  return { name: "virtualisation", ok: true, found, hint: "" };
}

function writable(home: string): Check {
  const folder = existing(home);
  const hint = `make ${folder} writable for you, or set CSN_HOME to another folder`;
  try {
    // Asking for the permission is not enough: the file system may be read-only or full.
    rmdirSync(mkdtempSync(join(folder, ".csn-doctor-")));
    return { name: "home", ok: true, found: `${home} is writable`, hint };
  } catch (error) {
    return {
      name: "home",
      ok: false,
      found: `${folder} can't be written (${(error as NodeJS.ErrnoException).code})`,
      hint,
    };
  }
}

function space(home: string): Check {
  const { bavail, bsize } = statfsSync(existing(home));
  const gibibytes = (bavail * bsize) / 2 ** 30;
  const found = `${gibibytes.toFixed(1)} GiB free`;
  return {
    name: "disk space",
    ok: gibibytes >= SPACE_GIB,
    found,
    hint: `free ${SPACE_GIB} GiB, or set CSN_HOME to a folder on another disk`,
  };
}

/** The folder itself, or the nearest above it that exists. */
function existing(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : existing(dirname(folder));
}
