/**
 * What csn takes from the system, as data. Presence is asked of the file system and not
 * of dpkg, so a tool that came another way counts too.
 */

import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { findCommand } from "./command.ts";

export interface Need {
  /** A program that must be found, or ... */
  command?: string;
  /** ... a file of which at least one must exist. */
  files?: readonly string[];
  /** The program must need no shared library: it runs where there is nothing else. */
  static?: boolean;
  /** Debian package that holds it. */
  package: string;
  /** Completes "needed to ...". */
  why: string;
}

/** To build the kernel part and the native parts. */
export const buildNeeds: readonly Need[] = [
  { command: "clang", package: "clang", why: "compile the eBPF programs" },
  {
    command: "bpftool",
    package: "bpftool",
    why: "compare the kernel boundary in C with the one in TypeScript",
  },
  {
    files: ["/usr/include/bpf/bpf_helpers.h"],
    package: "libbpf-dev",
    why: "compile and load the eBPF programs",
  },
  { files: ["/usr/include/libelf.h"], package: "libelf-dev", why: "link the loader" },
  { files: ["/usr/include/zlib.h"], package: "zlib1g-dev", why: "link the loader" },
  { command: "gcc", package: "gcc", why: "compile the addon and the launcher" },
  { files: ["/usr/include/stdio.h"], package: "libc6-dev", why: "compile the addon and the launcher" },
];

/** To fetch and unpack a kernel without installing it. */
export const kernelNeeds: readonly Need[] = [
  { command: "apt-get", package: "apt", why: "fetch a kernel from Debian's archive" },
  { command: "dpkg-deb", package: "dpkg", why: "unpack the kernel" },
  { command: "depmod", package: "kmod", why: "list how the kernel's modules depend on each other" },
  {
    files: [
      "/usr/share/keyrings/debian-archive-keyring.gpg",
      "/usr/share/keyrings/debian-archive-keyring.pgp",
    ],
    package: "debian-archive-keyring",
    why: "check the archive's signature",
  },
];

/** To run the virtual machine. */
export const machineNeeds: readonly Need[] = [
  { command: "qemu-system-x86_64", package: "qemu-system-x86", why: "run the virtual machine" },
  { command: "busybox", static: true, package: "busybox-static", why: "start the virtual machine's system" },
  { command: "mke2fs", package: "e2fsprogs", why: "make the virtual machine's disk" },
  { command: "xz", package: "xz-utils", why: "unpack the kernel's modules" },
  { command: "flock", package: "util-linux", why: "keep two starts of one machine apart" },
  { command: "mkfifo", package: "coreutils", why: "reach the machine's control port" },
];

/** To let labelled programs talk to addresses outside. Without these they can't, and `csn network list` says so. */
export const networkNeeds: readonly Need[] = [
  { command: "ip", package: "iproute2", why: "make the way out of a context's network" },
  { command: "nft", package: "nftables", why: "replace addresses in what leaves a context's network" },
];

/** Ordinary programs that the demo and the tests put labels on. */
export const programNeeds: readonly Need[] = [
  { command: "python3", package: "python3", why: "show and test it on labelled data" },
  { command: "git", package: "git", why: "show and test it on labelled data" },
];

/** Clients of the bus that others wrote, for the demo and the tests. */
export const busNeeds: readonly Need[] = [
  {
    command: "mosquitto_pub",
    package: "mosquitto-clients",
    why: "talk to the bus as clients that others wrote do",
  },
  { command: "openssl", package: "openssl", why: "make certificates for devices" },
];

/** Is it there? */
export function isPresent(need: Need): boolean {
  if (need.command !== undefined) {
    const path = findCommand(need.command);
    return path !== null && (need.static !== true || isStatic(path));
  }
  return (need.files ?? []).some((file) => existsSync(file));
}

/** True for an ELF program without an interpreter, which is what a dynamic loader is called. */
export function isStatic(path: string): boolean {
  const head = Buffer.alloc(4096);
  const fd = openSync(path, "r");
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  if (head.readUInt32BE(0) !== 0x7f454c46) return false;
  const tableOffset = Number(head.readBigUInt64LE(32));
  const entrySize = head.readUInt16LE(54);
  const entries = head.readUInt16LE(56);
  const PT_INTERP = 3;
  for (let i = 0; i < entries; i++) {
    const at = tableOffset + i * entrySize;
    if (at + 4 <= head.length && head.readUInt32LE(at) === PT_INTERP) return false;
  }
  return true;
}

/** To hold exported formats against programs that others wrote. */
export const formatNeeds: readonly Need[] = [
  { files: ["/usr/bin/python3"], package: "python3", why: "read PROV as others do" },
  {
    files: ["/usr/lib/python3/dist-packages/prov/model.py"],
    package: "python3-prov",
    why: "read PROV as others do",
  },
  { command: "dot", package: "graphviz", why: "draw pictures as others do" },
];
