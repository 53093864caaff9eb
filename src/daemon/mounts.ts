/**
 * Which file systems are mounted, by the identity that stored labels use.
 */
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { native } from "../kernel/index.ts";

export class Mounts {
  readonly #descriptors = new Map<string, number>();

  /** Reads /proc/self/mountinfo now; close it when done. */
  constructor() {
    for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
      const [before = "", after = ""] = line.split(" - ");
      const path = unescape(before.split(" ")[4] ?? "");
      if (!/^(ext[234]|xfs) /.test(after)) continue;
      try {
        const fsid = native().fsOf(path).fsid.toString("hex");
        if (!this.#descriptors.has(fsid))
          this.#descriptors.set(fsid, openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
      } catch {
        continue; // a mount on a file, or hidden below another one
      }
    }
  }

  /** A descriptor on the file system's root, or null when it is not mounted. */
  descriptorOf(fsid: string): number | null {
    return this.#descriptors.get(fsid) ?? null;
  }

  close(): void {
    for (const fd of this.#descriptors.values()) closeSync(fd);
    this.#descriptors.clear();
  }
}

/** mountinfo writes space, tab, newline and backslash as octal. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
