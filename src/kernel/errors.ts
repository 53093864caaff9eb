/**
 * What can go wrong between the daemon and the kernel monitor. Each code is in docs/errors.md.
 */
export type KernelErrorCode =
  | "E_KERNEL_LSM" // bpf is not among the kernel's security modules
  | "E_KERNEL_LOAD" // the monitor could not be loaded or attached
  | "E_KERNEL_ABI" // a monitor of another version is attached
  | "E_MONITOR_OFF" // nothing is attached
  | "E_NOT_FOUND"
  | "E_FS_UNSUPPORTED"
  | "E_CONTEXTS" // all ids of this boot are given out
  | "E_NO_MEMORY";

export class KernelError extends Error {
  readonly code: KernelErrorCode;
  readonly hint: string;

  constructor(code: KernelErrorCode, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = "KernelError";
    this.code = code;
    this.hint = hint;
  }
}
