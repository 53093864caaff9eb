/**
 * QEMU's command line, and whether this computer can virtualise in hardware.
 *
 * Guarantee: the host's tree is exported read-only by QEMU, so not even the machine's
 * kernel can write it; the machine reaches no network (`restrict=on`), and is reached
 * only through one port on 127.0.0.1.
 * Not covered: the machine reads every host file that QEMU's user can read.
 */

import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder, findCommand } from "../setup/index.ts";
import { MachineError } from "./errors.ts";
import type { Accel } from "./state.ts";

/** The daemon's port inside the machine. */
export const GUEST_PORT = 7070;

/** Emulated on a busy host, ticks come so late that the kernel would take the timer for broken, and panic. */
const TIMER = "no_timer_check";
const KERNEL_ARGUMENTS = `console=ttyS0 quiet panic=-1 oops=panic ${TIMER} lsm=lockdown,capability,landlock,bpf`;

// Emulated processors take turns (thread=single). With a thread each, QEMU 7.2 may go on running
// the breakpoint that the kernel puts in place for a moment while it patches its own code, and
// the kernel dies of "Oops: int3": 1 boot in about 12, and surely within 150 rounds of switching
// all system call tracepoints, on 6.12 and 7.3 alike. Attaching LSM programs patches code.

export interface QemuOptions {
  accel: Accel;
  cpus: number;
  memoryMiB: number;
  vmlinuz: string;
  port: number;
  /** One processor whose clock counts instructions: the same figures on any computer, however busy. */
  icount: boolean;
  /** More words for the kernel's command line. */
  extraAppend: string;
}

/** File names are relative: QEMU runs in the machine's folder, which keeps socket paths under their 107 bytes. */
export function qemuArguments(options: QemuOptions): string[] {
  const timing = options.icount
    ? ["-accel", "tcg", "-smp", "1", "-icount", "shift=0,sleep=off"]
    : ["-accel", options.accel === "kvm" ? "kvm" : "tcg,thread=single", "-smp", String(options.cpus)];
  return [
    ...["-machine", "q35", ...timing, "-cpu", "max", "-m", String(options.memoryMiB)],
    ...["-display", "none", "-nodefaults", "-no-user-config", "-no-reboot"],
    ...["-kernel", options.vmlinuz, "-initrd", "initrd"],
    ...["-append", `${KERNEL_ARGUMENTS} ${options.extraAppend}`.trim()],
    ...["-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"],
    ...["-device", "virtio-9p-pci,fsdev=host,mount_tag=csn-host"],
    ...["-drive", "file=disk.img,if=none,id=data,format=raw,discard=unmap"],
    ...["-device", "virtio-blk-pci,drive=data"],
    ...["-netdev", `user,id=net,ipv6=off,restrict=on,hostfwd=tcp:127.0.0.1:${options.port}-:${GUEST_PORT}`],
    ...["-device", "virtio-net-pci,netdev=net,romfile="],
    ...["-chardev", "socket,id=console,server=on,wait=off,path=console.sock,logfile=console.log"],
    ...["-serial", "chardev:console"],
    ...["-device", "virtio-serial-pci"],
    ...port(1, "pipe", "control"),
    ...port(2, "file", "output.log"),
    ...port(3, "file", "status"),
  ];
}

/** The machine sees them as /dev/vport*pN. A pipe is always open, so a reader in the machine blocks without polling. */
function port(number: number, kind: "pipe" | "file", path: string): string[] {
  return [
    ...["-chardev", `${kind},id=port${number},path=${path}`],
    ...["-device", `virtserialport,chardev=port${number},nr=${number}`],
  ];
}

export function qemuProgram(): string {
  const program = findCommand("qemu-system-x86_64");
  if (program !== null) return program;
  throw new MachineError(
    "E_MACHINE_BOOT",
    "expected qemu-system-x86_64 on the PATH, found none",
    "apt-get install qemu-system-x86",
  );
}

/** Names the boot of this computer in which KVM was there and could run no machine. */
const noKvm = (): string => join(cacheFolder(), "no-kvm");

const bootId = (): Promise<string> => readFile("/proc/sys/kernel/random/boot_id", "utf8");

/** It took some seconds to find out: until this computer boots again, it is not tried again. */
export async function forgetKvm(): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true });
  await writeFile(noKvm(), await bootId());
}

/**
 * Which acceleration works here. /dev/kvm may exist and yet fail when the first register
 * is set (in nested virtualisation, for one), so a machine without a disk is tried.
 */
export async function probeAccel(): Promise<Accel> {
  if ((await readFile(noKvm(), "utf8").catch(() => "")) === (await bootId())) return "tcg";
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
  } catch {
    return "tcg";
  }
  // Stopped before its first instruction, it sets all registers and then obeys `quit`.
  const args = [
    "-machine",
    "q35",
    "-accel",
    "kvm",
    "-cpu",
    "max",
    "-S",
    "-display",
    "none",
    "-nodefaults",
    "-monitor",
    "stdio",
  ];
  const child = spawn(qemuProgram(), args, {
    stdio: ["pipe", "ignore", "ignore"],
    timeout: 5000,
    killSignal: "SIGKILL",
  });
  child.stdin.on("error", () => {}); // it may end before it reads
  child.stdin.end("quit\n");
  return new Promise((resolve) => {
    child.on("error", () => resolve("tcg"));
    child.on("exit", (code) => resolve(code === 0 ? "kvm" : "tcg"));
  });
}
