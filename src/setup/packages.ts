/**
 * Installs what is missing from the distribution, or says exactly what to install.
 *
 * Guarantee: afterwards every need is met, or a SetupError lists all that are not. Touches
 * the system only when something is missing, csn runs as root, and apt-get is there.
 * Not covered: distributions without apt-get; versions of the tools.
 */

import { findCommand, run } from "./command.ts";
import { SetupError } from "./errors.ts";
import { isPresent, type Need } from "./needs.ts";
import type { Progress } from "./progress.ts";

/** @throws SetupError E_MISSING_PACKAGES */
export async function ensureSystemPackages(needs: readonly Need[], progress: Progress): Promise<void> {
  const missing = needs.filter((need) => !isPresent(need));
  if (missing.length === 0) return;

  const packages = [...new Set(missing.map((need) => need.package))];
  const isRoot = process.getuid?.() === 0;
  if (findCommand("apt-get") === null) throw missingPackages(missing, "this system has no apt-get");
  if (!isRoot) throw missingPackages(missing, "only root can install packages");

  const env = { DEBIAN_FRONTEND: "noninteractive" };
  progress.step("reading the distribution's package lists");
  // A failing update is no reason to stop: one broken third-party source makes it fail, and the install below tells.
  await run("apt-get", ["update", "-qq"], { env });
  progress.step(`installing ${packages.join(" ")}`);
  // Somebody else may be installing just now: two suites, or the system's own upgrades.
  const install = await run(
    "apt-get",
    ["install", "-y", "-qq", "-o", "DPkg::Lock::Timeout=600", "--no-install-recommends", ...packages],
    {
      env,
    },
  );
  progress.done();

  const stillMissing = needs.filter((need) => !isPresent(need));
  if (stillMissing.length === 0) return;
  throw missingPackages(stillMissing, `apt-get exited with ${install.code}: ${lastLine(install.stderr)}`);
}

function missingPackages(missing: readonly Need[], why: string): SetupError {
  const list = missing.map(
    (need) => `  ${need.command ?? need.files?.[0]} (${need.package}), to ${need.why}`,
  );
  const packages = [...new Set(missing.map((need) => need.package))].join(" ");
  return new SetupError(
    "E_MISSING_PACKAGES",
    `needed and not found; ${why}:\n${list.join("\n")}`,
    `apt-get update && apt-get install -y --no-install-recommends ${packages}`,
  );
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
