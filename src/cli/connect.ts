/**
 * Finds the daemon that this user's commands talk to; starts one where a command needs it (start.ts).
 *
 * In this order: the socket of this host; the virtual machine that runs; else nobody. A socket that nobody
 * listens on (the daemon was killed) is told from none: what the kernel enforces goes on, so root gets a
 * daemon again, and others are told.
 */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { endpoint, machineStatus } from "../machine/index.ts";
import { ROOT } from "../setup/index.ts";
import { Client } from "./client.ts";
import { CliError } from "./errors.ts";
import { isNativeKernel, startAnywhere, startNatively } from "./start.ts";
import { settingsOf, type Settings } from "./settings.ts";
import type { Ui } from "./ui.ts";
import { version } from "./version.ts";
import { restartMachine, untilMachineAnswers } from "./start-machine.ts";

/** How long a daemon on this host may take to say that it is there. */
const PROBE_MS = 10_000;

export type Need =
  /** Start a daemon if there is none. */
  | "start"
  /** Only look; starting one would change what the user asks about. */
  | "look";

/** @throws CliError E_DAEMON_DOWN when nothing runs and `need` is "look" */
export async function connect(need: Need, ui: Ui, settings: Settings = settingsOf()): Promise<Client> {
  const client = await find(need, ui, settings);
  if (client !== null) return client;
  if (need === "start") return startAnywhere(settings, ui);
  throw new CliError("E_DAEMON_DOWN", "expected a running daemon, found none", "start it with `csn up`");
}

/** @returns null when no daemon runs, and none is expected to. @throws CliError E_DAEMON_DOWN, E_DAEMON_START */
export async function find(need: Need, ui: Ui, settings: Settings = settingsOf()): Promise<Client | null> {
  const client = new Client({ socket: settings.socket });
  const state = await socketState(client);
  if (state === "answers") return client;
  if (settings.socketChosen || state === "denied" || (state === "stale" && isNativeKernel())) {
    const mayStart = process.getuid?.() === 0 && isNativeKernel() && (state === "stale" || need === "start");
    if (mayStart) {
      ui.note(
        state === "stale"
          ? "the daemon had ended; starting it anew"
          : `starting the daemon at ${settings.socket}`,
      );
      return startNatively(settings, ui);
    }
    throw down(settings.socket, state);
  }
  return findInMachine(need, ui, settings);
}

async function findInMachine(need: Need, ui: Ui, settings: Settings): Promise<Client | null> {
  const { state } = machineStatus(settings.home, settings.machine);
  if (state === null) return null;
  if (state.mode === "command")
    throw new CliError(
      "E_DAEMON_DOWN",
      `machine \`${state.name}\` runs a command and no daemon`,
      "wait for its end, or set CSN_MACHINE_NAME to another name",
    );
  if (need === "start" && state.root !== ROOT)
    return restartMachine(settings, ui, `it was started from ${state.root}`);

  const client = await untilMachineAnswers(settings.home, state.name, ui);
  if (need !== "start") return client;
  const found = (await client.call("status")).version;
  return found === version
    ? client
    : restartMachine(settings, ui, `its daemon is csn ${found}, this is ${version}`);
}

/** A machine that somebody named, for `csn machine exec`. @throws MachineError E_MACHINE_NOT_RUNNING */
export function connectMachine(home: string, name: string, ui: Ui): Promise<Client> {
  endpoint(home, name);
  return untilMachineAnswers(home, name, ui);
}

type SocketState = "answers" | "absent" | "stale" | "denied";

async function socketState(client: Client): Promise<SocketState> {
  if (!("socket" in client.target) || !existsSync(client.target.socket)) return "absent";
  try {
    await client.call("status", { silenceMs: PROBE_MS });
    return "answers";
  } catch (error) {
    // With a refusal, or nonsense: the caller meets it again, and shows it.
    if (!(error instanceof CliError) || error.code === "E_DAEMON_ANSWER") return "answers";
    const code = (error.cause as NodeJS.ErrnoException | undefined)?.code;
    if (code === "EACCES" || code === "EPERM") return "denied";
    if (error.code === "E_DAEMON_LOST") {
      // It may be about to end, or to begin: once more.
      await sleep(500);
      return await client.call("status", { silenceMs: PROBE_MS }).then(
        () => "answers" as const,
        () => "stale" as const,
      );
    }
    return "stale";
  }
}

function down(socket: string, state: SocketState): CliError {
  if (state === "denied")
    return new CliError(
      "E_DAEMON_DOWN",
      `expected to reach the daemon at ${socket}, found that you may not use the socket`,
      "ask its owner, or run csn as root",
    );
  if (state === "stale")
    return new CliError(
      "E_DAEMON_DOWN",
      `expected the daemon at ${socket}, found a socket that nobody listens on`,
      "what is attached goes on enforcing; root starts the daemon anew with `csn up`",
    );
  return new CliError(
    "E_DAEMON_DOWN",
    `expected the daemon at ${socket}, found no socket`,
    "start it with `csn up`, or unset CSN_SOCKET",
  );
}
