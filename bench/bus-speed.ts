/** docs/bench-bus-speed.md, of which each bench writes its own part. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

const DOCUMENT = fileURLToPath(new URL("../docs/bench-bus-speed.md", import.meta.url));
/** The parts, in their order. */
const PARTS = { speed: "How fast is the bus?", syslog: "What labels cost in the syslog scenario" } as const;

/** Replaces one part of the document; the others stay. */
export function putPart(part: keyof typeof PARTS, lines: readonly string[]): void {
  const before = existsSync(DOCUMENT) ? readFileSync(DOCUMENT, "utf8") : "";
  const text = Object.entries(PARTS).flatMap(([name, title]) => {
    const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
    const old = before.split(begin)[1]?.split(end)[0];
    const body = name === part ? `\n\n${lines.join("\n").trim()}\n\n` : old;
    return body === undefined ? [] : [`${name === "speed" ? "#" : "##"} ${title}\n\n${begin}${body}${end}\n`];
  });
  writeFileSync(DOCUMENT, text.join("\n"));
}

/** By which command, when and where; and how busy the computer was with other things. */
export function madeBy(command: string, loadBefore: number): string {
  const [processor] = cpus();
  return `By \`${command}\` on ${new Date().toISOString().slice(0, 10)}: ${processor?.model.trim()}, ${cpus().length} processors that other work used too (load average ${loadBefore.toFixed(1)} before the run, which ran with the lowest priority).`;
}

export function table(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|---|${"---:|".repeat(head.length - 1)}`, ...body.map(line)];
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2; // prettier-ignore
}
