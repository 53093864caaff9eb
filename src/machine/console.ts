/**
 * A terminal on the machine's serial console, where a root shell waits.
 */

import { createConnection } from "node:net";
import { machineFolder } from "./state.ts";
import { requireRunning } from "./lifecycle.ts";

export interface ConsoleStreams {
  input: NodeJS.ReadableStream & { setRawMode?(raw: boolean): unknown; isTTY?: boolean };
  output: NodeJS.WritableStream;
}

/** Ctrl-]: leaves the console, as in telnet. */
const DETACH = 0x1d;

/**
 * Passes bytes both ways until the input ends, Ctrl-] is typed, or the machine ends. One
 * user at a time; a second waits for the first.
 *
 * @throws MachineError E_MACHINE_NOT_RUNNING
 */
export function attachConsole(home: string, name: string, { input, output }: ConsoleStreams): Promise<void> {
  const state = requireRunning(machineFolder(home, name), name);
  // Through QEMU's working directory: the path stays short however long the home's is.
  const socket = createConnection(`/proc/${state.qemu.pid}/cwd/console.sock`);
  const isTerminal = input.isTTY === true && input.setRawMode !== undefined;
  if (isTerminal) input.setRawMode?.(true);

  return new Promise((resolve, reject) => {
    const onInput = (chunk: Buffer | string): void => {
      const bytes = Buffer.from(chunk as string);
      const detach = isTerminal ? bytes.indexOf(DETACH) : -1;
      socket.write(detach < 0 ? bytes : bytes.subarray(0, detach));
      if (detach >= 0) socket.end();
    };
    const onEnd = (): void => void socket.end();
    socket.on("data", (chunk) => output.write(chunk));
    socket.on("error", reject);
    socket.on("close", () => {
      input.off("data", onInput);
      input.off("end", onEnd);
      input.pause();
      if (isTerminal) input.setRawMode?.(false);
      resolve();
    });
    input.on("data", onInput);
    input.on("end", onEnd);
  });
}
