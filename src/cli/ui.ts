/**
 * What goes to the two output streams: answers to standard output, everything else to standard error.
 *
 * Guarantee: colours and moving lines only on terminals, colours never with NO_COLOR; with `--json`
 * nothing but the answer, and errors. Whoever closes the output early ends csn quietly, as with any Unix tool.
 */
import type { Progress } from "../setup/index.ts";
import { safe } from "./text.ts";

/** What a shell reports for a program that SIGPIPE ended. */
export const PIPE_CLOSED = 141;
const FRAME_MS = 1000;

export type Paint = Record<"red" | "green" | "yellow" | "dim" | "bold", (text: string) => string>;

export type Ui = {
  readonly json: boolean;
  readonly paint: Paint;
  readonly progress: Progress;
  /** A remark on standard error; nothing with --json. */
  note(text: string): void;
  /** Lines on standard output. */
  print(...lines: string[]): void;
  /** A value on standard output, as JSON. */
  answer(value: unknown): void;
};

export function makeUi(options: { json?: boolean | undefined } = {}): Ui {
  const json = options.json === true;
  const progress = json ? quiet : terminalProgress(process.stderr);
  return {
    json,
    paint: paintFor(process.stdout),
    progress,
    note(text) {
      if (json) return;
      progress.done();
      process.stderr.write(`csn: ${safe(text)}\n`);
    },
    print(...lines) {
      progress.done();
      process.stdout.write(lines.map((line) => `${line}\n`).join(""));
    },
    answer(value) {
      process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    },
  };
}

/** Says what is going on until `work` is over, should it take more than a second. */
export async function during<T>(ui: Ui, what: string, work: Promise<T>): Promise<T> {
  const timer = setTimeout(() => ui.progress.step(what), 1000);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    ui.progress.done();
  }
}

export function paintFor(stream: { isTTY?: boolean }): Paint {
  const inColour = stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
  const style = (code: number) => (text: string) => (inColour ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { red: style(31), green: style(32), yellow: style(33), dim: style(2), bold: style(1) };
}

const quiet: Progress = { step() {}, done() {} };

/** On a terminal one line that is written over, with the seconds; elsewhere a line for each step. */
export function terminalProgress(stream: NodeJS.WriteStream): Progress {
  if (!stream.isTTY) {
    let last = "";
    return {
      step(text) {
        if (text !== last) stream.write(`csn: ${safe(text)}\n`);
        last = text;
      },
      done() {
        last = "";
      },
    };
  }
  let timer: NodeJS.Timeout | undefined;
  const show = (text: string, since: number) => {
    const seconds = Math.floor((Date.now() - since) / 1000);
    const line = `csn: ${safe(text)} ...${seconds > 0 ? ` ${seconds} s` : ""}`;
    stream.write(`\r\u001b[K${line.slice(0, (stream.columns || 80) - 1)}`);
  };
  return {
    step(text) {
      clearInterval(timer);
      const since = Date.now();
      show(text, since);
      timer = setInterval(() => show(text, since), FRAME_MS).unref();
    },
    done() {
      if (timer === undefined) return;
      clearInterval(timer);
      timer = undefined;
      stream.write("\r\u001b[K");
    },
  };
}

/** Ends quietly when nobody reads what csn prints (`csn log | head`). */
export function endWithPipe(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(PIPE_CLOSED);
  });
  process.stderr.on("error", () => {}); // nobody to tell
}

/** Resolves when the stream has passed on all it was given. */
export function flushed(stream: NodeJS.WritableStream & { destroyed?: boolean }): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed === true || !stream.writable) return resolve();
    stream.write("", () => resolve());
  });
}
