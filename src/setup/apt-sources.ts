/**
 * Finds the Debian mirror that this system is already configured to use, so that a kernel
 * of another suite comes from the same place. Pure: text in, addresses out. Formats are
 * those of sources.list(5).
 */

export interface SourceFile {
  name: string;
  text: string;
}

/** All archive addresses in a file, in order. Disabled entries and comments are left out. */
export function sourceUris(file: SourceFile): string[] {
  return file.name.endsWith(".sources") ? deb822Uris(file.text) : oneLineUris(file.text);
}

/** The first configured address whose path ends in /debian (not debian-security), without a slash at its end. */
export function debianMirror(files: readonly SourceFile[]): string | null {
  const uris = files.flatMap(sourceUris).map((uri) => uri.replace(/\/+$/, ""));
  return uris.find((uri) => uri.endsWith("/debian")) ?? null;
}

function deb822Uris(text: string): string[] {
  const uncommented = text.split("\n").filter((line) => !line.startsWith("#"));
  return uncommented
    .join("\n")
    .split(/\n[ \t]*\n/)
    .flatMap((stanza) => {
      const fields = deb822Fields(stanza);
      if (/^(no|false|0|off|disable)$/i.test(fields.get("enabled") ?? "yes")) return [];
      if (!words(fields.get("types")).includes("deb")) return [];
      return words(fields.get("uris"));
    });
}

/** One stanza's fields, names in lower case; a line that begins with a blank continues the one before. */
export function deb822Fields(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  let current: string | null = null;
  for (const line of stanza.split("\n")) {
    if (/^[ \t]/.test(line) && current !== null) {
      fields.set(current, `${fields.get(current)} ${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    current = line.slice(0, colon).toLowerCase();
    fields.set(current, line.slice(colon + 1).trim());
  }
  return fields;
}

function oneLineUris(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+\S+/.exec(line);
    return match?.[1] === undefined ? [] : [match[1]];
  });
}

function words(value: string | undefined): string[] {
  return (value ?? "").split(/\s+/).filter((word) => word !== "");
}
