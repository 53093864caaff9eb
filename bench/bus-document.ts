/** docs/bench-bus-speed.md and docs/bench-bus.md, of which each run writes its own part; and the figures' common forms. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { ROOT } from "../src/setup/index.ts";

/** A document's file, and its parts with their headings, in their order. */
const DOCUMENTS = {
  "docs/bench-bus-speed.md": {
    speed: "# How fast is the bus?",
    syslog: "## What labels cost in the syslog scenario",
  },
  "docs/bench-bus.md": {
    tcp: "# Does the bus grow?",
    tls: "## Over TLS",
    websocket: "## Over WebSocket",
    store: "## With the store",
  },
} as const;

type Documents = typeof DOCUMENTS;

/** Replaces one part of a document; the others stay. */
export function putPart<D extends keyof Documents>(
  document: D,
  part: keyof Documents[D] & string,
  lines: readonly string[],
): void {
  const path = join(ROOT, document);
  const before = existsSync(path) ? readFileSync(path, "utf8") : "";
  const text = Object.entries<string>(DOCUMENTS[document]).flatMap(([name, heading]) => {
    const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
    const old = before.split(begin)[1]?.split(end)[0];
    const body = name === part ? `\n\n${lines.join("\n").trim()}\n\n` : old;
    return body === undefined ? [] : [`${heading}\n\n${begin}${body}${end}\n`];
  });
  writeFileSync(path, text.join("\n"));
}

/** By which command, when and where; and how busy the computer was with other things. */
export function madeBy(command: string, loadBefore: number): string {
  const [processor] = cpus();
  return `By \`${command}\` on ${new Date().toISOString().slice(0, 10)}: ${processor?.model.trim()}, ${cpus().length} processors that other work used too (load average ${loadBefore.toFixed(1)} before the run, which ran with the lowest priority), Node.js ${process.version}.`;
}

export function table(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|---|${"---:|".repeat(head.length - 1)}`, ...body.map(line)];
}

/** The median, and how far the values are apart; empty: there are none. */
export function spread(values: readonly number[], write: (value: number) => string): string {
  if (values.length === 0) return "";
  if (values.length === 1) return write(values[0] as number);
  return `${write(median(values))} (${write(Math.min(...values))}–${write(Math.max(...values))})`;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2; // prettier-ignore
}
