/**
 * The stream of a run, on the client's side: passes input, output, signals and window sizes between the
 * caller's own streams and the daemon, until the program has ended.
 *
 * Guarantee: neither side is read faster than the other takes it, so memory stays small however much
 * passes; the code is the program's own. A connection that ends early is an error, never a success.
 * Not covered: input that the program does not take holds up what is sent behind it, also signals; so a
 * signal that can't get through within two seconds ends the connection, and with it the program.
 */
import { constants } from "node:os";
import type { Duplex, Readable, Writable } from "node:stream";
import {
  type ClientControl,
  controlFrame,
  type DaemonControl,
  FRAME,
  frame,
  FrameReader,
  MAX_FRAME,
} from "../api/index.ts";
import { CliError, describe } from "./errors.ts";
import { safe } from "./text.ts";

const STUCK_MS = 2000;

/** A line for what the caller may not see. On a terminal there is but one reason for that. */
function withheldText({ stream, tags, hint }: Withheld, isTerminal: boolean): string {
  const what = stream === "error" ? "error output" : "output";
  const names = tags.map(safe).join(", ");
  const why = isTerminal
    ? `you are not cleared for ${names}`
    : `${names} may not go to a file or pipe without this label`;
  return `csn: ${what} withheld: ${why}\nHint: ${safe(hint)}\n`;
}

type Withheld = Extract<DaemonControl, { withheld: { stream: string } }>["withheld"];

export type Streams = {
  /** null: the program gets no input. */
  input: Readable | null;
  output: Writable;
  error: Writable;
  /** Those that the daemon was told are terminals. */
  terminals: readonly ("output" | "error")[];
  /** Remarks for the user. */
  say(text: string): void;
};

export type Relay = {
  /** The exit code for csn itself. @throws CliError E_DAEMON_LOST */
  readonly ended: Promise<number>;
  signal(name: NodeJS.Signals): void;
  resize(size: { rows: number; columns: number }): void;
};

/** @param head what came before the connection was taken over */
export function startRelay(connection: Duplex, head: Buffer, streams: Streams): Relay {
  const reader = new FrameReader();
  const blocked = new Set<Writable>();
  const said = new Set<string>();
  const { promise: ended, resolve, reject } = Promise.withResolvers<number>();
  let isOver = false;

  const finish = (result: number | Error) => {
    if (isOver) return;
    isOver = true;
    streams.input?.off("data", onInput).off("end", onInputEnd).off("error", onInputEnd);
    streams.input?.pause();
    connection.destroy();
    if (typeof result === "number") resolve(result);
    else reject(result);
  };
  const send = (control: ClientControl) => {
    if (!isOver) connection.write(controlFrame(control));
  };

  const show = (stream: Writable, content: Buffer) => {
    if (stream.destroyed || stream.write(content) || blocked.has(stream)) return;
    blocked.add(stream);
    connection.pause();
    const free = () => {
      stream.off("drain", free).off("close", free).off("error", free);
      blocked.delete(stream);
      if (blocked.size === 0) connection.resume();
    };
    stream.on("drain", free).on("close", free).on("error", free);
  };
  const onControl = (control: DaemonControl) => {
    if ("withheld" in control) {
      const { stream } = control.withheld;
      if (said.has(stream)) return;
      said.add(stream);
      streams.say(withheldText(control.withheld, streams.terminals.includes(stream)));
    } else if ("failed" in control) {
      streams.say(describe(control.failed));
      finish(control.failed.exit);
    } else if ("exit" in control) {
      const { code, withheld } = control.exit;
      if (withheld && said.size === 0) streams.say("csn: exit code withheld: you are not cleared for it\n");
      finish(code);
    }
  };
  const onData = (chunk: Buffer) => {
    try {
      for (const { kind, content } of reader.push(chunk)) {
        if (isOver) return;
        if (kind === FRAME.OUTPUT) show(streams.output, content);
        else if (kind === FRAME.ERROR) show(streams.error, content);
        else if (kind === FRAME.CONTROL) onControl(JSON.parse(content.toString()) as DaemonControl);
      }
    } catch (error) {
      const hint = "daemon and csn may be of different versions: `csn down`, then `csn up`";
      finish(
        new CliError(
          "E_DAEMON_ANSWER",
          `the stream of the run is damaged: ${(error as Error).message}`,
          hint,
          error,
        ),
      );
    }
  };

  function onInput(chunk: Buffer | string): void {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    let isFree = true;
    for (let at = 0; at < bytes.length; at += MAX_FRAME)
      isFree = connection.write(frame(FRAME.INPUT, bytes.subarray(at, at + MAX_FRAME)));
    if (isFree) return;
    streams.input?.pause();
    connection.once("drain", () => {
      if (!isOver) streams.input?.resume();
    });
  }
  function onInputEnd(): void {
    send({ close: true });
  }

  const lost = (cause?: Error) =>
    finish(
      new CliError(
        "E_DAEMON_LOST",
        `the connection to the program ended early${cause ? ` (${cause.message})` : ""}`,
        "the program was ended with it; `csn status` shows whether the daemon runs",
        cause,
      ),
    );
  connection
    .on("data", onData)
    .on("error", lost)
    .on("close", () => lost());
  connection.on("end", () => lost());
  if (head.length > 0) onData(head);
  if (streams.input === null) send({ close: true });
  else streams.input.on("data", onInput).on("end", onInputEnd).on("error", onInputEnd);

  return {
    ended,
    resize: (size) => send({ resize: size }),
    signal(name) {
      const number = constants.signals[name];
      const isStuck = connection.writableNeedDrain;
      send({ signal: number });
      if (!isStuck) return;
      const giveUp = () => {
        if (connection.writableLength > 0) finish(128 + number);
      };
      setTimeout(giveUp, STUCK_MS).unref();
    },
  };
}
