/**
 * Running programs: prepares the launcher's arguments and relays its streams to the client. [TERM-1, OP-11]
 *
 * Guarantee: output and exit status of a labelled program reach the client only if the user behind it
 * is cleared for all of its secrecy tags, and output only onto a terminal or when released explicitly;
 * what was shown and what was withheld is on the record. The client's end kills the program.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import type { Duplex, Readable, Writable } from "node:stream";
import { type ClientControl, controlFrame, FRAME, FrameReader, type RunRequest } from "../api/index.ts";
import { PINS } from "../kernel/index.ts";
import { type Context, isLabelled, UNLABELLED } from "../label/index.ts";
import { ROOT } from "../setup/index.ts";
import { answerAsk } from "./ask.ts";
import type { Changing } from "./changes.ts";
import { holdUntilTold } from "./carrying.ts";
import { Compartment } from "./compartment.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import { ceilingOf, floatTo } from "./float.ts";
import { type Caller, requireRoot } from "./identity.ts";
import { launchFailure } from "./launch-failure.ts";
import { NETWORKS } from "./networks.ts";
import { crossingOf } from "./modes.ts";
import { noteHeld, requireApart, requireChange } from "./privileges.ts";
import { Showing } from "./run-events.ts";
import { scratchArgs, type StageEnd, Streams, userArgs, type Watch } from "./stage.ts";
import { type Tail, Via } from "./via.ts";
import { View } from "./view.ts";
import { bookFor, readContext, unvouched } from "./views.ts";

/** How often to look past input that the program does not read, and how much of it to keep, in bytes. */
const LOOK_MS = 300;
const MAX_HELD = 64 * 1024 * 1024;
/** Control channel of the launcher: its fourth descriptor. */
const CONTROL = 3;

type Prepared = {
  request: RunRequest;
  /** Of what it writes. */
  context: Context;
  caller: Caller;
  args: string[];
  /** What may be seen of it, where nothing stands behind it. */
  view?: View;
  /** It is one that can be asked from inside: with the monitor, in a compartment, and with no gate, whose context
   * is fixed. */
  asks?: boolean;
  ceiling?: Context | null;
  watch?: Watch;
  via?: Via;
};

export class Runs {
  readonly #csn: Csn;
  readonly #prepared = new Map<string, Prepared>();
  readonly #running = new Set<ChildProcess>();

  constructor(csn: Csn) {
    this.#csn = csn;
  }

  /** Checks everything that can be checked before; `stream` starts it. @throws CsnError, KernelError */
  create(request: RunRequest, caller: Caller): string {
    const { authority } = this.#csn;
    const context = readContext(request.context, bookFor(authority, caller));
    requireChange(authority, caller, UNLABELLED, context, "run a program with it");
    if (request.user.uid !== caller.uid || request.plain)
      requireRoot(caller, "run a program for another user or outside a compartment");
    checkVolumes(request.volumes);
    const view = new View(this.#csn, context, caller, request);
    const clearance = request.clearance ? readContext(request.clearance, bookFor(authority, caller)) : null;
    if (clearance) {
      requireChange(authority, caller, UNLABELLED, clearance, "clear a program for it");
      view.raise(clearance);
      requireApart(authority, view.context);
    }
    const ceiling = ceilingOf(this.#csn, caller, request, context, clearance);
    const crosses = crossingOf(this.#csn, caller, request, context);
    const monitor = isLabelled(context) || crosses || ceiling ? this.#csn.attached() : this.#csn.monitor;
    if (isLabelled(context)) this.#csn.prepareNetwork(context);
    const args: string[] = [];
    if (monitor !== null) {
      const id = String(monitor.contexts.idOf(context));
      // input comes from the client, who vouches for nothing: as secret as the program, not as trusted
      const input = monitor.contexts.idOf(unvouched(context));
      args.push("--pins", PINS, "--in", id, "--out", id, "--input", String(input), "--networks", NETWORKS);
      if (crosses) args.push("--crosses", String(monitor.contexts.idOf(crosses)));
      if (ceiling) args.push("--float");
    }
    args.push(...scratchArgs(), "--cwd", request.cwd, "--hostname", request.hostname);
    // only root may be somebody else: for others the kernel's word counts, groups included
    const user = caller.uid === 0 ? request.user : caller;
    args.push(...userArgs(user));
    const door = request.plain ? null : this.#csn.bus.doorFor(context);
    for (const volume of [...request.volumes, ...(door ? [door.volume] : [])]) args.push("--volume", volume);
    if (request.tty) args.push("--tty", String(request.tty.rows), String(request.tty.columns));
    if (request.plain) args.push("--plain");
    args.push("--", ...request.argv);
    noteHeld(authority, caller, context);
    if (request.via.length > 0 && request.tty !== null)
      throw new CsnError(
        "E_BAD_REQUEST",
        "expected a program without a terminal before a gate, found one with it",
        "leave out `--tty`",
        400,
      );
    const env = door ? { ...request.env, ...door.variables } : request.env;
    const common = { request: { ...request, env }, context, caller, args };
    // what comes out of the last gate is for it to say, and the first one's input stays what it is
    if (request.via.length > 0)
      return this.prepare({ ...common, via: new Via(this.#csn, caller, context, request.via) });
    return this.prepare({ ...common, view, ceiling, asks: monitor !== null && !request.plain });
  }

  prepare(prepared: Prepared): string {
    const id = randomUUID();
    this.#prepared.set(id, prepared);
    setTimeout(() => this.#prepared.delete(id), 60_000).unref();
    return id;
  }

  /** @throws CsnError E_NO_RUN, also for a run that another user prepared */
  take(id: string, caller: Caller): Prepared {
    const prepared = this.#prepared.get(id);
    if (prepared === undefined || prepared.caller.uid !== caller.uid)
      throw new CsnError(
        "E_NO_RUN",
        "expected a run that was prepared and not started, found none",
        "start again",
        404,
      );
    this.#prepared.delete(id);
    prepared.watch?.begin();
    prepared.via?.begin();
    return prepared;
  }

  /** Starts it and relays until it ends. */
  stream(prepared: Prepared, client: Duplex): void {
    const { request, context, caller, watch } = prepared;
    const view = prepared.view ?? new View(this.#csn, prepared.via?.context ?? context, caller, request);
    const compartment = prepared.asks ? Compartment.make() : null;
    const run: Changing | null = compartment && {
      compartment,
      mode: request.mode,
      caller,
      view,
      tty: request.tty !== null,
      devices: new Set(),
      streams: [],
      ceiling: prepared.ceiling ?? null,
      pid: 0,
      context,
      turn: Promise.resolve(),
    };
    if (compartment && run?.ceiling) this.#csn.floating.add(compartment.number);
    const inside = compartment
      ? ["--compartment", String(compartment.number), "--cgroup", compartment.folder]
      : [];
    const child = spawn(`${ROOT}/build/csn-launch`, [...inside, ...prepared.args], {
      stdio: ["pipe", "pipe", "pipe", "pipe"],
      env: request.env,
    });
    this.#running.add(child);
    const control = child.stdio[CONTROL] as Duplex;
    const streams = new Streams();
    const tail = startTail(prepared, child, client, streams);
    const viewErrors = (of: Context) => new View(this.#csn, of, caller, request);
    const errors = watch || tail ? viewErrors(watch?.errors ?? context) : view;
    const showings: Showing[] = [];
    const show = (from: Readable, stream: "output" | "error", of: Streams, by: View) => {
      const showing = new Showing(this.#csn, caller, of, stream);
      showings.push(showing);
      relayOutput(from, stream, client, by, showing);
      holdUntilTold(from, [of]);
    };
    child.on("error", (error) => {
      end(client, controlFrame(launchFailure(`error launcher: 0 ${error.message}`, request)));
    });
    if (watch) {
      void streams.told.then((own) => watch.started(own) || client.destroy());
      child.stdout.on("data", (bytes: Buffer) => watch.output(bytes));
    }
    show(tail?.output ?? child.stdout, "output", tail?.streams ?? streams, view);
    show(child.stderr, "error", streams, errors);
    for (const { from, context: of, streams: its } of tail?.errors ?? [])
      show(from, "error", its, viewErrors(of));
    relayInput(client, child.stdin, control, child, watch);

    let lines = "";
    let failed: ReturnType<typeof launchFailure> | null = null;
    let code: number | null = null;
    control.on("data", (chunk: Buffer) => {
      lines += chunk.toString();
      for (let at = lines.indexOf("\n"); at !== -1; at = lines.indexOf("\n")) {
        const line = lines.slice(0, at);
        lines = lines.slice(at + 1);
        if (line.startsWith("exit ")) code = Number(line.slice(5));
        else if (line.startsWith("device ")) run?.devices.add(Number(line.slice(7)));
        else if (streams.take(line)) {
          if (run) run.pid = streams.pid;
          if (line.startsWith("stream ")) run?.streams.push(line.split(" ")[1]!);
        } else if (line.startsWith("ask ") && run) void this.#answer(run, line.slice(4), control);
        else if (line.startsWith("float ") && run)
          void this.#float(run, child.pid!, line.slice(6).split(" "), control);
        else failed ??= launchFailure(line, request);
      }
    });
    control.on("error", () => undefined);
    control.on("close", () => streams.close());
    const over = (after: StageEnd[]) => {
      if (tail && !errors.cleared) code = 0; // only the gate's is for the caller
      // as a shell with pipefail: the program's own code if that is not 0
      const worst = after.findLast((stage) => stage.code !== 0);
      if (worst?.code === null) failed ??= gateFailed(worst.failure);
      if (code === 0 && worst) code = worst.code;
      for (const showing of showings) showing.end();
      watch?.end(failed ? null : code, streams.pid, failed?.failed.message ?? "", streams);
      if (failed) end(client, controlFrame(failed));
      else
        end(
          client,
          controlFrame({
            exit: view.cleared ? { code: code ?? 125, withheld: false } : { code: 0, withheld: true },
          }),
        );
    };
    child.on("close", () => {
      this.#running.delete(child);
      compartment?.remove();
      if (compartment) this.#csn.floating.delete(compartment.number);
      if (compartment) this.#csn.monitor?.compartments.forget(compartment.number);
      if (tail === null) over([]);
      else void tail.ended.then(over);
      if (compartment) this.#csn.records.shadows.forgetCompartment(compartment.number);
    });
  }

  async #answer(run: Changing, line: string, control: Duplex): Promise<void> {
    const answer = await answerAsk(this.#csn, run, line);
    if (!control.destroyed) control.write(`answer ${answer ?? ""}\n`);
  }

  async #float(run: Changing, launcher: number, fds: string[], control: Duplex): Promise<void> {
    const paths = fds.filter((fd) => /^\d+$/.test(fd)).map((fd) => `/proc/${launcher}/fd/${fd}`);
    await floatTo(this.#csn, run, paths).catch(() => undefined);
    if (!control.destroyed) control.write("floated\n");
  }

  /** Ends all programs, when the daemon is told to stop. */
  close(): void {
    for (const child of this.#running) child.stdio[CONTROL]?.destroy();
  }
}

/** The gates behind it; null when there are none. */
function startTail(prepared: Prepared, child: ChildProcess, client: Duplex, streams: Streams): Tail | null {
  if (prepared.via === undefined) return null;
  const tail = prepared.via.start(child.stdout!, streams);
  client.on("close", () => tail.kill());
  return tail;
}

function gateFailed(message: string): ReturnType<typeof launchFailure> {
  const hint = "`csn gate show` tells what it is made of";
  return { failed: { code: "E_GATE_CHANGED", message, hint, exit: 126 } };
}

function relayOutput(
  from: Readable,
  stream: "output" | "error",
  client: Duplex,
  view: View,
  showing: Showing,
): void {
  from.on("data", (bytes: Buffer) => {
    if (client.destroyed) return;
    const out = view.pass(stream, bytes, showing);
    if (out === null) return;
    if (client.write(out)) return;
    from.pause();
    client.once("drain", () => from.resume());
  });
  client.on("close", () => from.resume());
}

function relayInput(
  client: Duplex,
  input: Writable,
  control: Writable,
  child: ChildProcess,
  watch: Watch | undefined,
): void {
  const reader = new FrameReader();
  input.on("error", () => undefined); // the program does not read: its own affair
  client.on("data", (chunk: Buffer) => {
    try {
      for (const { kind, content } of reader.push(chunk)) {
        if (kind === FRAME.INPUT) {
          watch?.input(content);
          if (!input.write(content)) hold(client, input);
        } else if (kind === FRAME.CONTROL) {
          obey(JSON.parse(content.toString()) as ClientControl, input, control);
        }
      }
    } catch {
      client.destroy();
    }
  });
  client.on("error", () => undefined);
  client.on("end", () => client.destroy()); // the client is gone: nobody is left to run for
  client.on("close", () => {
    control.destroy(); // the launcher takes that as our end, and kills the program
    input.destroy();
    setTimeout(() => child.exitCode === null && child.kill("SIGKILL"), 5000).unref();
  });
}

/** Takes no more input until the program reads, but for a little now and then: a signal, or the client's end,
 * may wait behind it. */
function hold(client: Duplex, input: Writable): void {
  if (client.isPaused()) return;
  client.pause();
  const look = setInterval(() => {
    if (input.writableLength > MAX_HELD) return;
    client.resume();
    setImmediate(() => input.writableNeedDrain && client.pause());
  }, LOOK_MS);
  const free = () => {
    clearInterval(look);
    client.resume();
  };
  input.once("drain", free);
  input.once("close", free);
}

function obey(message: ClientControl, input: Writable, control: Writable): void {
  if ("close" in message) input.end();
  else if ("signal" in message) control.write(`signal ${Math.trunc(message.signal)}\n`);
  else control.write(`resize ${Math.trunc(message.resize.rows)} ${Math.trunc(message.resize.columns)}\n`);
}

function end(client: Duplex, last: Buffer): void {
  if (client.destroyed) return;
  client.end(last);
  client.resume(); // unread input would make the kernel cut off what was just sent
}

/** `SRC:DST[:ro]`, `\:` for a colon in a path. @throws CsnError E_VOLUME */
function checkVolumes(volumes: readonly string[]): void {
  for (const volume of volumes) {
    const [source = "", target = "", mode = "", ...rest] = volume
      .split(/(?<!\\):/)
      .map((part) => part.replaceAll("\\:", ":"));
    const problem = !source.startsWith("/")
      ? `an absolute source path, found ${JSON.stringify(source)}`
      : !target.startsWith("/") || target.split("/").includes("..")
        ? `an absolute target path, found ${JSON.stringify(target)}`
        : !["", "ro", "rw"].includes(mode) || rest.length > 0
          ? `\`ro\` or \`rw\` as the third part, found ${JSON.stringify([mode, ...rest].join(":"))}`
          : existsSync(source)
            ? null
            : `something at \`${source}\`, found nothing`;
    if (problem !== null)
      throw new CsnError(
        "E_VOLUME",
        `volume \`${volume}\`: expected ${problem}`,
        "write it as `--volume SRC:DST[:ro]`; paths are those of the machine that enforces",
        400,
      );
  }
}
