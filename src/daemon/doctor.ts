/**
 * `csn doctor`, inside: tries each requirement instead of reading about it.
 */
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Doctor } from "../api/index.ts";
import { errnoOf, native, requireLsm } from "../kernel/index.ts";
import { ROOT } from "../setup/index.ts";
import type { Csn } from "./csn.ts";

type Check = Doctor["checks"][number];

export function doctor(csn: Csn): Doctor {
  const checks = [
    attempt("bpf security module", "add `bpf` to `lsm=` on the kernel's command line", () => {
      requireLsm();
      return "listed by the kernel";
    }),
    attempt("type information", "use a kernel with CONFIG_DEBUG_INFO_BTF", () => {
      accessSync("/sys/kernel/btf/vmlinux", constants.R_OK);
      return "/sys/kernel/btf/vmlinux";
    }),
    attempt(
      "a program loads, attaches and fires",
      "some containers and sandboxes refuse this even to root: use the virtual machine (`csn machine start`)",
      () => native().probe(`${ROOT}/build/probe.bpf.o`),
    ),
    attempt("overlayfs", "`modprobe overlay`", () => {
      if (!/\boverlay$/m.test(readFileSync("/proc/filesystems", "utf8")))
        throw new Error("not among /proc/filesystems");
      return "available";
    }),
    attempt("core dumps go to a file", "`sysctl kernel.core_pattern=core`", () => {
      const pattern = readFileSync("/proc/sys/kernel/core_pattern", "utf8").trim();
      if (/^[|@]/.test(pattern)) throw new Error(`found \`${pattern}\``);
      return `\`${pattern}\``;
    }),
    attempt("csn's state can be written", "free space, or check permissions", () => {
      const folder = mkdtempSync(join(csn.home, "doctor-"));
      try {
        writeFileSync(join(folder, "file"), "x", { flush: true });
      } finally {
        rmSync(folder, { recursive: true });
      }
      const fs = statfsSync(csn.home);
      return `${Math.floor((fs.bavail * fs.bsize) / 2 ** 20)} MiB free`;
    }),
    attempt("records reach the disk", "free space; `csn status` counts what was lost", () => {
      const trouble = csn.records.trouble;
      if (trouble) throw new Error(`${trouble.unwritten} records not written: ${trouble.error}`);
      return "yes";
    }),
    attempt("witnesses cosign the log", "`csn audit witness list` shows which does not", () => {
      const [trouble] = csn.witnessing.trouble;
      if (trouble !== undefined) throw new Error(`${trouble[0]}: ${trouble[1]}`);
      const { length } = csn.witnessing.all;
      return length === 0 ? "none is set" : String(length);
    }),
  ];
  return { ok: checks.every((check) => check.ok), checks };
}

function attempt(name: string, hint: string, work: () => string): Check {
  try {
    return { name, ok: true, found: work(), hint: "" };
  } catch (error) {
    const errno = errnoOf(error);
    const message = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    return {
      name,
      ok: false,
      found: errno && !message.includes(errno) ? `${errno}: ${message}` : message,
      hint,
    };
  }
}
