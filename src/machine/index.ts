/**
 * machine: a small virtual machine with a stock kernel, which shares the host's file tree
 * read-only. For hosts whose kernel can't load LSM programs, and as the test bench.
 * May use: setup.
 */

export { GUEST_PORT, probeAccel } from "./qemu.ts";
export { attachConsole, type ConsoleStreams } from "./console.ts";
export { MachineError, type MachineErrorCode } from "./errors.ts";
export {
  endpoint,
  listMachines,
  machineStatus,
  startMachine,
  stopMachine,
  type Endpoint,
  type MachineStatus,
  type StartOptions,
} from "./lifecycle.ts";
export { runInMachine, type RunOptions, type RunResult } from "./run.ts";
export { machineFolder, type Accel, type MachineFolder, type MachineState } from "./state.ts";
