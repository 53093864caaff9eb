/**
 * Starts a daemon: on this host where its kernel can enforce and csn is root, else in a virtual machine.
 *
 * Guarantee: returns with a daemon that answers, or throws with its last words.
 * Not covered: whether the monitor can be attached, which the daemon's own doctor tries.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { ensureBuilt, ROOT } from "../setup/index.ts";
import { Client } from "./client.ts";
import { DAEMON_SECONDS, notUp } from "./not-up.ts";
import type { Settings } from "./settings.ts";
import { startDefaultMachine } from "./start-machine.ts";
import type { Ui } from "./ui.ts";

const DAEMON_LOG = "/var/log/csnd.log";
const POLL_MS = 100;

/** Whether this kernel has the hooks; null-safe where securityfs isn't mounted. */
export function isNativeKernel(): boolean {
  return securityModules().includes("bpf");
}

/** Of the running kernel; empty when it does not say. */
export function securityModules(): string[] {
  try {
    return readFileSync("/sys/kernel/security/lsm", "utf8").trim().split(",");
  } catch {
    return [];
  }
}

/** On this host if that can work, else in a machine. Says which, and why. */
export async function startAnywhere(settings: Settings, ui: Ui): Promise<Client> {
  const obstacle = isNativeKernel()
    ? process.getuid?.() === 0
      ? null
      : "only root can enforce on this host itself"
    : "this host's kernel has no LSM hooks for eBPF";
  const client = obstacle === null ? await tryNatively(settings, ui) : obstacle;
  if (typeof client !== "string") return client;
  ui.note(`${client}: using a virtual machine`);
  return startDefaultMachine(settings, ui);
}

/** @returns the client, or why this host can't */
async function tryNatively(settings: Settings, ui: Ui): Promise<Client | string> {
  const { client, child } = await launch(settings, ui);
  const doctor = await client.call("doctor");
  const fault = doctor.checks.find((check) => !check.ok);
  if (doctor.ok || child === null) {
    ui.note("the daemon runs on this host");
    return client;
  }
  child.kill("SIGTERM");
  return `this host fails \`${fault?.name}\` (${fault?.found})`;
}

/** Starts the daemon on this host, whatever its doctor says. */
export async function startNatively(settings: Settings, ui: Ui): Promise<Client> {
  return (await launch(settings, ui)).client;
}

/** `child` is null when another csn's daemon came first. */
async function launch(settings: Settings, ui: Ui): Promise<{ client: Client; child: ChildProcess | null }> {
  await ensureBuilt(ui.progress);
  ui.progress.step("starting the daemon");
  const log = openSync(DAEMON_LOG, "a", 0o600);
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", join(ROOT, "src/daemon/main.ts"), "--socket", settings.socket],
    {
      cwd: "/",
      detached: true,
      stdio: ["ignore", log, log],
      env: process.env,
    },
  );
  closeSync(log);
  child.on("error", () => {}); // seen as an ended process
  child.unref();

  const client = new Client({ socket: settings.socket });
  const deadline = Date.now() + DAEMON_SECONDS * 1000;
  try {
    for (;;) {
      const status = await client.call("status", { silenceMs: 5000 }).catch(() => null);
      const hasEnded = child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
      if (status !== null) return { client, child: hasEnded ? null : child };
      if (hasEnded || Date.now() > deadline)
        throw notUp(
          hasEnded
            ? `ended with ${child.exitCode ?? child.signalCode}`
            : `did not answer within ${DAEMON_SECONDS} s`,
          DAEMON_LOG,
        );
      await sleep(POLL_MS);
    }
  } finally {
    ui.progress.done();
  }
}
