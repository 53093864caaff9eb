/**
 * Installs programs whose packages would start a daemon, and starts none.
 *
 * Guarantee: while packages are installed, Debian's maintainer scripts are told by `policy-rc.d` to start
 * nothing; afterwards the file is gone, unless somebody else's was there, which is left alone and obeyed.
 * Not covered: a service that was installed is started by the next boot of a system that has systemd.
 */
import { rm, writeFile } from "node:fs/promises";
import { ensureSystemPackages, isPresent, type Need, silent } from "../../src/setup/index.ts";

const POLICY = "/usr/sbin/policy-rc.d";
/** Debian's policy: "action forbidden". */
const FORBID = "#!/bin/sh\nexit 101\n";

/** @throws SetupError E_MISSING_PACKAGES */
export async function ensurePrograms(needs: readonly Need[]): Promise<void> {
  if (needs.every((need) => isPresent(need))) return;
  const isOurs = await forbid();
  try {
    await ensureSystemPackages(needs, silent);
  } finally {
    if (isOurs) await rm(POLICY, { force: true });
  }
}

/** False when there is a policy already, or when we are not root and nothing will be installed. */
async function forbid(): Promise<boolean> {
  try {
    await writeFile(POLICY, FORBID, { flag: "wx", mode: 0o755 });
    return true;
  } catch {
    return false;
  }
}
