/**
 * What the machine's init is told, as a script that it sources. Pure. It travels in the
 * initrd and not on the kernel's command line, which every process in the machine can read.
 */

export interface BootSettings {
  token: string;
  /** Folder with the program; the working directory. */
  root: string;
  name: string;
  /** Folder of the kernel's modules on the host, for modprobe in the machine. */
  modulesDir: string;
  kernelVersion: string;
  /** Host folder that must not be seen inside: the machines' own disks, tokens and ports. */
  hidden: string;
  /** The program whose exit ends the machine; null for the daemon, which is kept running. */
  command: readonly string[] | null;
  /** Variables for the command or the daemon. */
  env: Readonly<Record<string, string>>;
}

/** Text for a POSIX shell; `command` becomes its positional parameters. */
export function bootScript(settings: BootSettings): string {
  const variables = {
    CSN_BOOT_TOKEN: settings.token,
    CSN_BOOT_ROOT: settings.root,
    CSN_BOOT_NAME: settings.name,
    CSN_BOOT_MODULES: settings.modulesDir,
    CSN_BOOT_KERNEL: settings.kernelVersion,
    CSN_BOOT_HIDDEN: settings.hidden,
    CSN_BOOT_MODE: settings.command === null ? "daemon" : "command",
  };
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`);
  for (const [name, value] of Object.entries(settings.env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new TypeError(`not a variable name: ${name}`);
    lines.push(`export ${name}=${quote(value)}`);
  }
  lines.push(`set -- ${(settings.command ?? []).map(quote).join(" ")}`);
  return lines.join("\n") + "\n";
}

/** One word for a POSIX shell, whatever it holds. A NUL can't be in a path, variable or argument. */
export function quote(word: string): string {
  if (word.includes("\0")) throw new TypeError("a NUL character can't be passed into the machine");
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
