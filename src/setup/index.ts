/**
 * setup: makes sure that what csn takes from outside is there: packages of the
 * distribution, and a kernel for the virtual machine. May use: nothing.
 */

export { ensureBuilt, ROOT } from "./build.ts";
export { type DuckDb, type DuckDbConnection, ensureDuckDb } from "./duckdb.ts";
export { findCommand, run, systemEnv, type CommandOptions, type CommandResult } from "./command.ts";
export { SetupError, type SetupErrorCode } from "./errors.ts";
export { cacheFolder, ensureKernel, kernelIds, type KernelFiles, type KernelId } from "./kernel.ts";
export {
  buildNeeds,
  busNeeds,
  isPresent,
  formatNeeds,
  kernelNeeds,
  machineNeeds,
  type Need,
  networkNeeds,
  programNeeds,
} from "./needs.ts";
export { ensureSystemPackages } from "./packages.ts";
export { silent, type Progress } from "./progress.ts";
export { ensureSource } from "./source.ts";
