/**
 * What can go wrong with a virtual machine. Each code is described in docs/errors.md.
 */

export type MachineErrorCode =
  | "E_MACHINE_NAME" // the name is not usable
  | "E_MACHINE_DISK" // the disk image could not be made
  | "E_MACHINE_KERNEL" // the kernel's files are not what was expected
  | "E_MACHINE_BOOT" // it did not come up
  | "E_MACHINE_CRASH" // it came up, and ended without an exit code
  | "E_MACHINE_TIMEOUT" // the command in it took too long
  | "E_MACHINE_BUSY" // it runs something else
  | "E_MACHINE_NOT_RUNNING";

export class MachineError extends Error {
  readonly code: MachineErrorCode;
  /** What the user can do about it. */
  readonly hint: string;

  constructor(code: MachineErrorCode, message: string, hint: string) {
    super(message);
    this.name = "MachineError";
    this.code = code;
    this.hint = hint;
  }
}
