/**
 * Where csn looks: from the environment, once.
 *
 * CSN_SOCKET        the daemon's socket; no other daemon is looked for then
 * CSN_HOME          folder of the machines (default: `.csn` in the checkout)
 * CSN_MACHINE_NAME  the machine to use (default: `default`)
 * CSN_KERNEL        its kernel (default: 6.12)
 * CSN_TOKEN         speak as the principal whose token it is, instead of as the user that one is
 */
import { join } from "node:path";
import { type KernelId, kernelIds, ROOT } from "../setup/index.ts";
import { CliError } from "./errors.ts";

export const DEFAULT_SOCKET = "/run/csn/csnd.sock";
export const DEFAULT_KERNEL: KernelId = "6.12";

export type Settings = {
  socket: string;
  /** Somebody asked for this very socket. */
  socketChosen: boolean;
  home: string;
  machine: string;
  kernel: KernelId;
};

/** @throws CliError E_USAGE for an unknown kernel */
export function settingsOf(env: NodeJS.ProcessEnv = process.env): Settings {
  return {
    socket: env.CSN_SOCKET || DEFAULT_SOCKET,
    socketChosen: Boolean(env.CSN_SOCKET),
    home: env.CSN_HOME || join(ROOT, ".csn"),
    machine: env.CSN_MACHINE_NAME || "default",
    kernel: kernelOf(env.CSN_KERNEL || DEFAULT_KERNEL),
  };
}

/** What to show to the daemon; null: nothing but who one is. */
export function tokenOf(env: NodeJS.ProcessEnv = process.env): string | null {
  return env.CSN_TOKEN || null;
}

/** @throws CliError E_USAGE */
export function kernelOf(text: string): KernelId {
  const id = kernelIds.find((known) => known === text);
  if (id !== undefined) return id;
  throw new CliError(
    "E_USAGE",
    `expected kernel ${kernelIds.join(" or ")}, found \`${text}\``,
    "leave it out for the default",
  );
}
