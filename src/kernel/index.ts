/**
 * kernel: drives the kernel monitor. The decision itself is in bpf/. May use: label, setup.
 */
export * from "./abi.ts";
export type { Interning } from "./contexts.ts";
export { KernelError, type KernelErrorCode } from "./errors.ts";
export { type Counters, type InodeState, Monitor, PINS, probeKernel, requireLsm } from "./monitor.ts";
export { LOST_KINDS, type LostKind } from "./lost.ts";
export { errnoOf, type Fd, native, type Ring } from "./native.ts";
export type { KernelScope } from "./scope.ts";
export { Ways } from "./ways.ts";
export { keyOf, type RangeEntry, steps } from "./ranges.ts";
