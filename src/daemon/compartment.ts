/**
 * The tasks of one `csn run`, as a control group: all can be stopped at once, and ended at once. [CHG-3]
 *
 * Guarantee: between `freeze` and `thaw` no task of it is inside a system call that moves data, and none can
 * appear. What a daemon that was killed left behind is ended before the next one serves anybody.
 */
import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readText } from "./read-text.ts";

const MOUNT = "/run/csn/cgroup";
const GROUPS = `${MOUNT}/csn`;
/** A task that waits in the kernel for something that can't be interrupted keeps a group from freezing. */
const FREEZE_MS = 10_000;
const LOOK_MS = 2;

export class Compartment {
  readonly number: number;
  readonly folder: string;

  private constructor(number: number) {
    this.number = number;
    this.folder = join(GROUPS, String(number));
  }

  static make(): Compartment {
    prepare();
    for (;;) {
      const compartment = new Compartment(randomInt(1, 2 ** 32));
      if (existsSync(compartment.folder)) continue;
      mkdirSync(compartment.folder);
      return compartment;
    }
  }

  /** Ends all compartments; at the daemon's start none has a launcher that serves it any more. */
  static endAll(): void {
    prepare();
    for (const name of readdirSync(GROUPS)) {
      if (!/^\d+$/.test(name)) continue;
      const left = new Compartment(Number(name));
      left.kill();
      left.remove();
    }
  }

  /** @returns false when a task could not be stopped; then all run on */
  async freeze(): Promise<boolean> {
    this.#write("cgroup.freeze", "1");
    const until = Date.now() + FREEZE_MS;
    while (!/^frozen 1$/m.test(readText(join(this.folder, "cgroup.events")))) {
      if (Date.now() > until) {
        this.thaw();
        return false;
      }
      await sleep(LOOK_MS);
    }
    return true;
  }

  thaw(): void {
    this.#write("cgroup.freeze", "0");
  }

  /** Frozen tasks too. */
  kill(): void {
    this.#write("cgroup.kill", "1");
  }

  processes(): number[] {
    return this.#list("cgroup.procs");
  }

  tasks(): number[] {
    return this.#list("cgroup.threads");
  }

  /** Once all of its tasks have ended; a group that still has one stays until the next start. */
  remove(): void {
    try {
      rmdirSync(this.folder);
    } catch {
      // a task is still ending
    }
  }

  #list(file: string): number[] {
    return readText(join(this.folder, file)).split("\n").filter(Boolean).map(Number);
  }

  #write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }
}

/** A view of its own of the one hierarchy, wherever the host has mounted it. */
function prepare(): void {
  mkdirSync(MOUNT, { recursive: true, mode: 0o700 });
  if (!existsSync(join(MOUNT, "cgroup.procs"))) execFileSync("mount", ["-t", "cgroup2", "csn", MOUNT]);
  mkdirSync(GROUPS, { recursive: true });
}
