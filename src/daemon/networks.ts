/**
 * The folder in which the launcher keeps the networks of contexts, one a context. [NET-2]
 *
 * Guarantee: a network serves one context: names are ids of contexts, so all are let go whenever those
 * begin anew. Programs that still run keep theirs, in which no labelled program can make a socket then.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

export const NETWORKS = "/run/csn/net";

/** Where the launcher keeps the network of a context (native/launch/network.c). */
export function networkOf(context: number): string {
  return `${NETWORKS}/${context}-${context}`;
}

/** @throws when one cannot be let go: then nothing may be attached */
export function clearNetworks(folder: string = NETWORKS): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    try {
      execFileSync("umount", ["--lazy", path], { stdio: "pipe" });
    } catch {
      // only a file: its mount went with a mount namespace, or was never made
    }
    rmSync(path);
  }
}
