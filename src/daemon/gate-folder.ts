/**
 * A gate between two folders: each file of one goes through it into the other. [GATE-2, GATE-3]
 *
 * Guarantee: the daemon itself opens nothing there. Names are listed and files read by a program with the gate's `in`,
 * results are written by one with its `out`, all as the caller's user, so labels and permissions of both folders
 * decide as for anybody. A result appears whole or not at all. What a gate has done it does not do again, also after
 * a restart; a result that was not noted as done is made again under the same name.
 *
 * A name is data of its folder: where that may not flow to `out`, the result has a name that tells nothing.
 */
import { createHmac, randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GateFolder, type GateFolderResult } from "../api/index.ts";
import { type Context, flowsTo } from "../label/index.ts";
import type { Gate } from "../policy/index.ts";
import { holdUntilTold } from "./carrying.ts";
import type { Csn } from "./csn.ts";
import { compartmentArgs, ENVIRONMENT, ReadyGate } from "./gate-run.ts";
import { findGate } from "./gates.ts";
import type { Caller } from "./identity.ts";
import { parse } from "./parse.ts";
import { isCleared } from "./privileges.ts";
import { outputOf, type Stage, startStage } from "./stage.ts";

const FROM = "/run/from";
const TO = "/run/to";
const MOST_NAMES = 64 * 1024 * 1024;
const SIGTERM = 15;
/** Waits for the end of its input, and is told with a signal that it is not to be kept. */
const KEEP =
  'trap "rm -f -- \\"$2\\"; exit 1" TERM; cat > "$2" || { rm -f -- "$2"; exit 1; }; mv -f -- "$2" "$1"';

type Found = { id: string; name: string };

/** Every file that was not done yet. @throws CsnError, PolicyError */
export async function runFolder(
  csn: Csn,
  caller: Caller,
  body: unknown,
  line: (result: GateFolderResult) => void,
): Promise<void> {
  const { name, from, to, again } = parse(GateFolder, body);
  const gate = findGate(csn, caller, name);
  const ready = new ReadyGate(csn, caller, gate);
  const done = new Done(csn.home, gate.name, from, to);
  const showsNames = isCleared(csn.authority, caller, ready.from);
  for (const found of await list(csn, caller, ready.from, from)) {
    const before = done.of(`${gate.holder} ${found.id}`);
    if (before === "done" || (before === "failed" && !again)) continue;
    const target = flowsTo(ready.from, ready.to) ? found.name : done.nameFor(found.id);
    const exit = await runOne(csn, caller, gate, { from, to, file: found.name, target });
    done.add(`${gate.holder} ${found.id}`, exit.code === 0);
    line({ file: showsNames ? found.name : null, result: exit.code === 0 ? target : null, why: exit.why });
  }
}

async function runOne(
  csn: Csn,
  caller: Caller,
  gate: Gate,
  { from, to, file, target }: { from: string; to: string; file: string; target: string },
): Promise<{ code: number; why: string }> {
  const ready = new ReadyGate(csn, caller, gate, { input: `${from}/${file}`, output: `${to}/${target}` });
  ready.begin();
  const reader = part(csn, caller, ready.from, `${volumeText(from)}:${FROM}:ro`, [
    "cat",
    "--",
    `${FROM}/${file}`,
  ]);
  const names = [`${TO}/${target}`, `${TO}/.${target}.part`];
  const writer = part(csn, caller, ready.to, `${volumeText(to)}:${TO}`, ["sh", "-c", KEEP, "sh", ...names]);
  const stage = ready.start(ready.from, { before: reader.streams, after: writer.streams });
  reader.input.end();
  for (const { errors } of [reader, stage, writer]) errors.resume();
  reader.output.on("data", (bytes: Buffer) => ready.input(bytes));
  // what follows is told to go on only when what came before has ended well
  reader.output.pipe(stage.input, { end: false });
  stage.output.pipe(writer.input, { end: false });
  holdUntilTold(reader.output, [reader.streams, stage.streams]);
  holdUntilTold(stage.output, [stage.streams, writer.streams]);
  const read = await reader.ended;
  if (read.code === 0) stage.input.end();
  else stage.kill();
  const ran = await stage.ended;
  if (read.code !== 0 || ran.code !== 0) writer.signal(SIGTERM);
  writer.input.end();
  const written = await writer.ended;
  if (read.code !== 0)
    return { code: 1, why: "left out: the gate may not read it, or you may not (`csn log --refused`)" };
  if (ran.code !== 0) return { code: 1, why: ran.failure || `the gate ended with ${ran.code}` };
  return written.code === 0
    ? { code: 0, why: "" }
    : { code: 1, why: "the result could not be written there" };
}

/** A program of the system, with one folder. */
function part(csn: Csn, caller: Caller, context: Context, volume: string, argv: readonly string[]): Stage {
  const id = String(csn.attached().contexts.idOf(context));
  const args = ["--in", id, "--out", id, "--input", id, ...compartmentArgs(caller), "--volume", volume];
  return startStage([...args, "--", ...argv], { argv: [...argv], env: ENVIRONMENT });
}

/** Files whose names do not begin with a dot, oldest first. */
async function list(csn: Csn, caller: Caller, context: Context, folder: string): Promise<Found[]> {
  const print = ["-printf", "%T@ %i %s %f\\0"];
  const argv = ["find", FROM, "-mindepth", "1", "-maxdepth", "1", "-type", "f", "!", "-name", ".*", ...print];
  const stage = part(csn, caller, context, `${volumeText(folder)}:${FROM}:ro`, argv);
  const lines = (await outputOf(stage, MOST_NAMES)).split("\0").filter((text) => text !== "");
  return lines
    .map((text) => {
      const [time = "", ino = "", size = "", ...name] = text.split(" ");
      return { time: Number(time), id: `${time} ${ino} ${size} ${name.join(" ")}`, name: name.join(" ") };
    })
    .sort((a, b) => a.time - b.time);
}

function volumeText(path: string): string {
  return path.replaceAll(":", "\\:");
}

/** What was done, in csn's own folder, which nobody else can read. */
class Done {
  readonly #path: string;
  readonly #secret: Buffer;
  readonly #known = new Map<string, "done" | "failed">();

  constructor(home: string, gate: string, from: string, to: string) {
    const folder = join(home, "gates");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#secret = secretIn(join(folder, "secret"));
    this.#path = join(folder, this.#keyed(`${gate}\0${from}\0${to}`));
    for (const text of linesOf(this.#path))
      this.#known.set(text.slice(5), text.startsWith("done ") ? "done" : "failed");
  }

  of(id: string): "done" | "failed" | undefined {
    return this.#known.get(this.#keyed(id));
  }

  add(id: string, isDone: boolean): void {
    this.#known.set(this.#keyed(id), isDone ? "done" : "failed");
    appendFileSync(this.#path, `${isDone ? "done" : "fail"} ${this.#keyed(id)}\n`, {
      mode: 0o600,
      flush: true,
    });
  }

  /** Says nothing of the file to who lacks csn's secret. */
  nameFor(id: string): string {
    return this.#keyed(`name ${id}`).slice(0, 32);
  }

  #keyed(text: string): string {
    return createHmac("sha256", this.#secret).update(text).digest("hex");
  }
}

function secretIn(path: string): Buffer {
  try {
    writeFileSync(path, randomBytes(32), { flag: "wx", mode: 0o600, flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return readFileSync(path);
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n").slice(0, -1);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
