/**
 * README: its commands work.
 *
 * Guarantee, by the words after ```sh on a block's first line:
 *   run [exit=N] [timeout=SECONDS]  executed in order by `sh -eu` at the root; must end with 0, or N
 *   check                           each `./csn SUBCOMMAND` in it is one that `./csn --help` lists
 *   anything else                   is a shell script as far as `sh -n` can tell
 * Not covered: what the commands print.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readIfThere, root } from "./files.ts";

/** How long a block may take when it does not say. */
const DEFAULT_TIMEOUT_SECONDS = 600;

/** A fenced ```sh block. */
export type Block = {
  /** 1 for the first line of the file; the line of the fence. */
  readonly line: number;
  readonly mode: "run" | "check" | "syntax";
  readonly exit: number;
  readonly timeoutSeconds: number;
  readonly script: string;
};

/** Checks README.md. Gives one line for each fault. */
export function checkReadme(): string[] {
  const text = readIfThere("README.md");
  if (text === null) return ["README.md: does not exist"];

  const blocks = blocksOf(text);
  // Only asked when needed: starting ./csn is most of this check's time.
  const help = blocks.some(({ mode }) => mode === "check") ? helpText() : "";
  // A state of its own, so that a user's machine and data are not touched; ended whatever happens.
  const home = mkdtempSync(join(tmpdir(), "csn-readme-"));
  try {
    return blocks.flatMap((block) => {
      const fault = faultOf(block, help, home);
      return fault === null ? [] : [`README.md:${block.line}: ${fault}`];
    });
  } finally {
    if (blocks.some(({ mode }) => mode === "run"))
      spawnSync("./csn", ["machine", "stop"], { cwd: root, env: { ...process.env, CSN_HOME: home } });
    rmSync(home, { recursive: true, force: true });
  }
}

/** The ```sh blocks of a Markdown text, in order. */
export function blocksOf(markdown: string): Block[] {
  return Array.from(markdown.matchAll(/^```sh\b(.*)\n([^]*?)^```\s*$/gm), (match) => {
    const words = (match[1] ?? "").split(/\s+/);
    const number = (key: string, otherwise: number) =>
      Number(words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1) ?? otherwise);
    return {
      line: markdown.slice(0, match.index).split("\n").length,
      mode: words.includes("run") ? "run" : words.includes("check") ? "check" : "syntax",
      exit: number("exit", 0),
      timeoutSeconds: number("timeout", DEFAULT_TIMEOUT_SECONDS),
      script: match[2] ?? "",
    };
  });
}

/** The subcommands that a script calls `./csn` with, options left out. */
export function subcommandsOf(script: string): string[] {
  return Array.from(
    script.matchAll(/(?:^|[\s;&|(])\.\/csn\s+([a-z][a-z-]*)/gm),
    (match) => match[1] as string,
  );
}

/** Whether a help text lists a subcommand: a line that begins with its name, indented. */
export function isListed(subcommand: string, help: string): boolean {
  return help.split("\n").some((line) => /^\s+([a-z][a-z-]*)\b/.exec(line)?.[1] === subcommand);
}

function faultOf(block: Block, help: string, home: string): string | null {
  if (block.mode === "check") {
    const unknown = subcommandsOf(block.script).find((name) => !isListed(name, help));
    if (unknown !== undefined) return `\`./csn ${unknown}\` is not in \`./csn --help\``;
  }
  const flags = block.mode === "run" ? "-eu" : "-n";
  // From standard input, so that the file's own line numbers do not matter and nothing is written.
  const ended = spawnSync("sh", [flags, "-c", block.script], {
    cwd: root,
    env: { ...process.env, CSN_HOME: home },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: block.timeoutSeconds * 1000,
    killSignal: "SIGKILL",
  });
  if (ended.signal !== null) return `ended by ${ended.signal} (the limit is ${block.timeoutSeconds} s)`;
  const expected = block.mode === "run" ? block.exit : 0;
  if (ended.status === expected) return null;
  return `exit code ${ended.status}, expected ${expected}: ${(ended.stderr || ended.stdout).trim().slice(-500)}`;
}

function helpText(): string {
  const ended = spawnSync("./csn", ["--help"], { cwd: root, encoding: "utf8" });
  return ended.status === 0 ? ended.stdout : "";
}
