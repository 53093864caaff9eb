/**
 * How the system's cases use csn: through its command line, as a process, with real streams.
 */
import { deepStrictEqual } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../../src/setup/index.ts";

export type Result = { code: number; out: string; err: string };
export type Options = {
  input?: string | Buffer;
  env?: Record<string, string>;
  /** Sent once the program has printed that text. */
  signal?: { name: NodeJS.Signals; after: string };
  /** How long it may take before it is killed. */
  timeoutMs?: number;
};

/** A command that runs. */
export type Running = { child: ChildProcess; ended: Promise<Result> };

/** Far more than it takes under emulation, so that only what hangs runs into it. */
const TIMEOUT_MS = 600_000;
/** Not the developer's own: programs are to be the system's. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export class Bench {
  readonly home: string;
  readonly kernel: string;

  constructor(home: string, kernel: string) {
    this.home = home;
    this.kernel = kernel;
  }

  async start(): Promise<void> {
    await this.ok("up");
  }

  /** Runs `csn ARGS…`; binary output is kept as latin1. */
  csn(args: readonly string[], options: Options = {}): Promise<Result> {
    return this.begin(args, options).ended;
  }

  /** The same, without waiting for its end. */
  begin(args: readonly string[], options: Options = {}): Running {
    const child = spawn("sh", [`${ROOT}/csn`, ...args], {
      env: {
        ...process.env,
        PATH,
        CSN_HOME: this.home,
        CSN_KERNEL: this.kernel,
        CSN_MACHINE_NAME: "system",
        ...options.env,
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const ended = new Promise<Result>((resolve, reject) => {
      let out = "";
      let err = "";
      let signal = options.signal;
      child.stdout.on("data", (chunk: Buffer) => {
        out += chunk.toString("latin1");
        if (signal === undefined || !out.includes(signal.after)) return;
        child.kill(signal.name);
        signal = undefined;
      });
      child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
      child.stdin.on("error", () => undefined);
      child.stdin.end(options.input ?? "");
      const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? TIMEOUT_MS);
      child.on("error", reject);
      child.on("close", (code, endedBy) => {
        clearTimeout(timer);
        resolve({ code: code ?? (endedBy ? 128 : -1), out, err });
      });
    });
    return { child, ended };
  }

  /** Must exit 0. */
  async ok(...args: string[]): Promise<string> {
    const result = await this.csn(args);
    deepStrictEqual(
      { args, code: result.code, err: result.code === 0 ? "" : result.err },
      { args, code: 0, err: "" },
    );
    return result.out;
  }

  /** Must fail with that error code, in one clear error with a hint. */
  async fails(code: string, args: readonly string[], exit = 1): Promise<string> {
    const result = await this.csn(args);
    const first = result.err
      .split("\n")
      .filter((line) => line.startsWith("csn: E_") || line.startsWith("Hint:"));
    deepStrictEqual(
      {
        args,
        exit: result.code,
        error: first[0]?.split(":")[1]?.trim(),
        hint: first[1]?.startsWith("Hint: "),
        lines: first.length,
        err: first.length === 2 ? "" : result.err,
      },
      { args, exit, error: code, hint: true, lines: 2, err: "" },
    );
    return result.err;
  }

  /** Each of its steps as expected. */
  async demo(name: string): Promise<void> {
    const { code, out, err } = await this.csn(["demo", name, "--json"], { timeoutMs: 3_000_000 });
    const steps = out === "" ? [] : (JSON.parse(out) as { steps: { ok: boolean }[] }).steps;
    const failed = steps.filter(({ ok }) => !ok);
    deepStrictEqual(
      { name, code, failed, err: code === 0 ? "" : err },
      { name, code: 0, failed: [], err: "" },
    );
  }

  /** An ordinary root shell in the machine. */
  shell(script: string): Promise<Result> {
    return this.csn(["machine", "exec", "--", "sh", "-c", script]);
  }

  async shellOk(script: string): Promise<string> {
    const result = await this.shell(script);
    deepStrictEqual(
      { script, code: result.code, err: result.code === 0 ? "" : result.err },
      { script, code: 0, err: "" },
    );
    return result.out;
  }

  /** A labelled program; its output is released so that the test can see it. */
  labelled(
    tags: string,
    volumes: readonly string[],
    argv: readonly string[],
    options: Options = {},
  ): Promise<Result> {
    return this.csn(
      ["run", "--release", "--secrecy", tags, ...volumes.flatMap((v) => ["--volume", v]), "--", ...argv],
      options,
    );
  }

  /** Asks until it is so. */
  async until(what: string, test: () => Promise<boolean>): Promise<void> {
    for (let i = 0; i < TIMEOUT_MS / 250; i++) {
      if (await test()) return;
      await sleep(250);
    }
    throw new Error(`not within ${TIMEOUT_MS / 1000} s: ${what}`);
  }
}
