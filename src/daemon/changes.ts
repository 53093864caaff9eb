/**
 * Changing the context of a compartment that runs. [CHG-1..3]
 *
 * One unit is the compartment, not the process: its processes see each other's exit status, terminal and
 * list, for which Linux has no hook, so they change together (docs/decisions/0009).
 *
 * Guarantee: all of it changes or nothing; while it is judged and changed, no task of it runs. If a step fails
 * after the first write, the compartment is ended as it stands. The record is on disk before it runs on.
 */
import { closeSync, openSync } from "node:fs";
import type { Mode } from "../api/index.ts";
import { VERDICTS, type Monitor } from "../kernel/index.ts";
import { type Context, contextEquals } from "../label/index.ts";
import type { Csn } from "./csn.ts";
import type { Compartment } from "./compartment.ts";
import { judgeEndpoints, type Moves } from "./endpoints.ts";
import { CsnError } from "./errors.ts";
import { O_PATH } from "./holders.ts";
import type { Caller } from "./identity.ts";
import { noteHeld, requireApart, requireChange } from "./privileges.ts";
import { recordChange } from "./run-events.ts";
import type { View } from "./view.ts";
import { unvouched } from "./views.ts";

/** A compartment that runs, as far as its context goes. */
export type Changing = {
  readonly compartment: Compartment;
  readonly mode: Mode;
  readonly caller: Caller;
  readonly view: View;
  readonly tty: boolean;
  /** As the launcher told them, before the program began. */
  readonly devices: Set<number>;
  /** Inodes of the pipes to the launcher: input, output, error. */
  readonly streams: string[];
  /** How far it floats; null: it does not. [FLT-1] */
  readonly ceiling: Context | null;
  pid: number;
  context: Context;
  /** One change at a time. */
  turn: Promise<unknown>;
};

type Verdict = (typeof VERDICTS)[number]["name"];

/**
 * The compartment's next context, once earlier changes of it are done.
 *
 * @throws CsnError E_NOT_PERMITTED, E_ENDPOINT, E_NOT_ALONE, E_NOT_STOPPED: then nothing has changed
 */
export function changeContext(csn: Csn, run: Changing, to: Context): Promise<void> {
  const done = run.turn.then(() => change(csn, run, to));
  run.turn = done.catch(() => undefined);
  return done;
}

async function change(csn: Csn, run: Changing, to: Context): Promise<void> {
  const from = run.context;
  if (run.mode === "observe")
    throw new CsnError(
      "E_BAD_REQUEST",
      `expected a program in mode \`enforce\`, found one in mode \`${run.mode}\``,
      "start it without the mode, or with the context that it needs",
      400,
    );
  if (contextEquals(from, to)) return;
  const record = (verdict: Verdict) =>
    recordChange(
      csn,
      run.caller,
      run.pid,
      from,
      to,
      VERDICTS.findIndex(({ name }) => name === verdict),
    );
  try {
    requireChange(csn.authority, run.caller, from, to, "change a context so");
    requireApart(csn.authority, run.view.context, to);
  } catch (error) {
    record("refused_privilege");
    throw error;
  }
  if (!(await run.compartment.freeze())) {
    record("refused_endpoint");
    throw new CsnError(
      "E_NOT_STOPPED",
      "expected all programs of the compartment to stop, found one inside a call of the kernel that can't be interrupted",
      "try again when it has ended",
      409,
    );
  }
  let moves: Moves;
  try {
    moves = judge(requireMonitor(csn), run, to);
  } catch (error) {
    record("refused_endpoint");
    run.compartment.thaw();
    throw error;
  }
  try {
    noteHeld(csn.authority, run.caller, to);
    apply(requireMonitor(csn), run, to, moves);
    record("allowed");
    run.compartment.thaw();
  } catch (error) {
    run.compartment.kill();
    throw error;
  }
}

function judge(monitor: Monitor, run: Changing, to: Context): Moves {
  const { number } = run.compartment;
  if (monitor.compartments.isShared(number)) {
    throw new CsnError(
      "E_NOT_ALONE",
      "[CHG-3] expected a compartment that nobody outside holds anything of, found that a descriptor was passed in or out, or that somebody looked into its processes (/proc, a debugger)",
      "change the context before descriptors are passed over sockets, or start the program with the context that it needs",
      409,
    );
  }
  if (run.tty && !run.view.covers(to)) throw endpoint("its terminal", "start it with `--clearance`");
  for (const tid of run.compartment.tasks()) {
    const found = monitor.compartments.of(tid);
    if (found !== null && found !== number) throw endpoint(`task ${tid}, which is not of the compartment`);
  }
  const { refused, moves } = judgeEndpoints(monitor, run.compartment.processes(), {
    from: run.context,
    to,
    devices: run.devices,
    streams: new Map(
      run.streams.map((inode, at) => [inode, at === 0 ? unvouched(to) : run.view.covers(to) ? to : null]),
    ),
  });
  if (refused !== null) throw endpoint(`${refused.what}, of \`${refused.program}\` (pid ${refused.pid})`);
  return moves;
}

function endpoint(
  what: string,
  hint = "let it be closed first; standard output can be raised up to the run's `--clearance`",
) {
  return new CsnError(
    "E_ENDPOINT",
    `[CHG-3] expected everything that is held to be legal under the new context, found ${what}`,
    hint,
    409,
  );
}

function apply(monitor: Monitor, run: Changing, to: Context, moves: Moves): void {
  for (const device of run.devices) monitor.compartments.setDevice(device, to);
  for (const [path, context] of moves) {
    const fd = openSync(path, O_PATH);
    try {
      monitor.compartments.setObject(fd, context);
    } finally {
      closeSync(fd);
    }
  }
  const subjects = new Map<bigint, bigint>();
  for (const tid of run.compartment.tasks()) monitor.compartments.setTask(tid, to, subjects);
  monitor.renew();
  run.context = to;
  run.view.raise(to);
}

function requireMonitor(csn: Csn): Monitor {
  if (csn.monitor !== null) return csn.monitor;
  throw new CsnError(
    "E_NOT_ALONE",
    "expected the monitor to be attached, found that it was taken off",
    "start the program again",
    409,
  );
}
