/**
 * One program under the launcher, without a client: a part of a pipeline that the daemon puts together.
 *
 * Guarantee: its standard streams are pipes with the contexts that its arguments say; the daemon only carries bytes
 * from one to the next, and the kernel decides at each end.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import type { Duplex, Readable, Writable } from "node:stream";
import type { RunRequest } from "../api/index.ts";
import type { Context } from "../label/index.ts";
import { ROOT } from "../setup/index.ts";
import { launchFailure } from "./launch-failure.ts";
import type { DaemonEvent } from "./records.ts";

/** Where the launcher builds file trees. */
const SCRATCH = "/run/csn/tree";
/** MAX_GROUPS of native/launch/launch.h. */
const MOST_GROUPS = 64;

/** Tells the launcher whose program it is. */
export function userArgs(user: { uid: number; gid: number; groups: readonly number[] }): string[] {
  const groups = user.groups.slice(0, MOST_GROUPS).flatMap((group) => ["--group", String(group)]);
  return ["--uid", String(user.uid), "--gid", String(user.gid), ...groups];
}

/** Tells it where to build the compartment's file tree. */
export function scratchArgs(): string[] {
  mkdirSync(SCRATCH, { recursive: true, mode: 0o700 });
  return ["--scratch", SCRATCH];
}
const CONTROL = 3;

/** What the launcher tells of a program's streams: pipes of input, output and error, or a terminal; and which process it is. */
export class Streams {
  /** `device:inode:generation` in the kernel's numbers, as records have them. */
  readonly pipes: string[] = [];
  terminal: string | null = null;
  /** 0: it has not started, or never did. */
  pid = 0;
  /** When it has told all: before it passes on anything that the program prints. */
  readonly told: Promise<this>;
  #tell = (): void => undefined;

  constructor() {
    this.told = new Promise((resolve) => (this.#tell = () => resolve(this)));
  }

  /** @returns was it a line about these? */
  take(line: string): boolean {
    const [what, number = "", device = ""] = line.split(" ");
    if (what === "stream") this.pipes.push(`${device}:${number}:0`);
    else if (what === "terminal") this.terminal = `${device}:${number}:0`;
    else if (what === "started") {
      this.pid = Number(number);
      this.#tell();
    } else return false;
    return true;
  }

  /** The launcher has ended: there is nothing more to tell. */
  close(): void {
    this.#tell();
  }
}

/** What a record has of a stream. @param stream `device:inode:generation` */
export function entityOf(stream: string): DaemonEvent["sourceEntity"] {
  const [device = 0, inode = 0, generation = 0] = stream.split(":").map(Number);
  return [BigInt(inode), device, generation];
}

export type StageEnd = {
  /** null: it did not start. */
  code: number | null;
  pid: number;
  failure: string;
};

export type Stage = {
  readonly input: Writable;
  readonly output: Readable;
  readonly errors: Readable;
  readonly ended: Promise<StageEnd>;
  readonly streams: Streams;
  signal(number: number): void;
  kill(): void;
};

/** Somebody who looks on while a program runs: a gate's record (gate-run.ts). */
export type Watch = {
  /** Who may see its error output: a gate's is not vetted. */
  readonly errors: Context;
  /** Just before it starts. @throws CsnError, PolicyError: it does not */
  begin(): void;
  /** Its launcher has told all, and nobody has got anything of it yet. @returns false: nobody may [AUD-3] */
  started(streams: Streams): boolean;
  input(bytes: Buffer): void;
  output(bytes: Buffer): void;
  /** @param code null: it did not start */
  end(code: number | null, pid: number, failure: string, streams: Streams): void;
};

/** @param args of the launcher, up to the program's own */
export function startStage(args: readonly string[], request: Pick<RunRequest, "argv" | "env">): Stage {
  const child: ChildProcess = spawn(`${ROOT}/build/csn-launch`, [...args], {
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    env: request.env,
  });
  const control = child.stdio[CONTROL] as Duplex;
  const end: StageEnd = { code: null, pid: 0, failure: "" };
  const streams = new Streams();
  let text = "";
  let rest = "";
  control.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) streams.take(line);
  });
  control.on("error", () => undefined);
  control.on("close", () => streams.close());
  child.stdin!.on("error", () => undefined); // it does not read: its own affair
  const ended = new Promise<StageEnd>((resolve) => {
    child.on("error", (error) => (end.failure = error.message));
    child.on("close", () => {
      for (const line of text.split("\n")) {
        if (line.startsWith("exit ")) end.code = Number(line.slice(5));
        else if (/^(error|exec) /.test(line) && end.failure === "")
          end.failure = launchFailure(line, request).failed.message;
      }
      end.pid = streams.pid;
      if (end.failure !== "") end.code = null;
      resolve(end);
    });
  });
  return {
    input: child.stdin!,
    output: child.stdout!,
    errors: child.stderr!,
    ended,
    streams,
    signal: (number) => void control.write(`signal ${number}\n`),
    kill: () => void control.destroy(), // the launcher takes that as our end
  };
}

/** All that it prints, up to a limit. */
export async function outputOf(stage: Stage, most: number): Promise<string> {
  let text = "";
  stage.output.setEncoding("utf8");
  stage.output.on("data", (chunk: string) => {
    if (text.length < most) text += chunk;
  });
  stage.errors.resume();
  stage.input.end();
  await stage.ended;
  return text;
}
