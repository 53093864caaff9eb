/**
 * One run of a gate: a subject with two contexts, its own program, and a record of its own. [SUBJ-2, GATE-1, GATE-2]
 *
 * Guarantee: it starts only while the gate holds what it needs, asked again at the moment of the start; what runs are
 * copies with the digests that were granted to, with the gate's arguments and an environment of its own; each run is
 * recorded when it has started, before anybody gets anything of it, and at its end, also one that did not start.
 *
 * Not covered: a run that has begun goes on when a grant ends meanwhile.
 */
import { createHash, type Hash } from "node:crypto";
import { basename } from "node:path";
import type { GateRunView } from "../api/index.ts";
import { PINS } from "../kernel/index.ts";
import { type Context, flowsTo, type TagName } from "../label/index.ts";
import type { Gate, GateNow } from "../policy/index.ts";
import type { Authority } from "./authority.ts";
import { Carrying } from "./carrying.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import { findGate, nowOf, obstacle, viewTag } from "./gates.ts";
import type { Caller } from "./identity.ts";
import { NETWORKS } from "./networks.ts";
import { recordGate } from "./run-events.ts";
import { scratchArgs, type Stage, startStage, type Streams, userArgs, type Watch } from "./stage.ts";
import { readContext, unvouched } from "./views.ts";

/** Where the launcher puts the copies (native/launch/launch.h). */
const COPIES = "/run/gate";
/** As a shell has it: by SIGKILL. */
const KILLED = 137;
export const ENVIRONMENT = { PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8", HOME: "/tmp", TZ: "UTC" };

/** @throws CsnError E_GATE_PRIVILEGE; PolicyError E_CONFLICT; LabelError E_LABEL_TOO_LONG */
function requireNow(csn: Csn, caller: Caller, gate: Gate): { now: GateNow; from: Context; to: Context } {
  const now = nowOf(csn, caller, gate);
  const against = obstacle(gate, now);
  if (against !== null) throw against;
  const read = (context: GateNow["in"]) =>
    readContext({ secrecy: [...context.secrecy], integrity: [...context.integrity] }, csn.authority);
  return { now, from: read(now.in), to: read(now.out) };
}

/** What all parts of a pipeline are launched with: nothing of the caller's but who he is. */
export function compartmentArgs(caller: Caller): string[] {
  return ["--pins", PINS, "--networks", NETWORKS, ...scratchArgs(), "--cwd", "/", ...userArgs(caller)];
}

type Stream = { readonly what: string; bytes: number; readonly hash: Hash; streams: string[] };
/** What its streams are, in words, and as which client of the bus it gets and gives. */
export type What = { input: string; output: string; client?: string };
/** What the gate's own input comes from, or its output goes to: the daemon carries the bytes. */
export type Neighbours = { before?: Streams; after?: Streams };

/** A gate that its user may run now. It looks on while it runs, and says what was. */
export class ReadyGate implements Watch {
  readonly #csn: Csn;
  readonly #caller: Caller;
  readonly #gate: Gate;
  #begun: ReturnType<typeof requireNow>;
  #started = "";
  readonly #input: Stream;
  readonly #output: Stream;
  readonly #client: string | undefined;
  /** Set once it is a part of a pipeline: what is carried into it and out of it. */
  #carry: { in: () => void; out: () => void; end: () => void } | null = null;

  /** @param what what its streams are, for the record. @throws CsnError, PolicyError */
  constructor(csn: Csn, caller: Caller, gate: Gate, what: What = { input: "stream", output: "stream" }) {
    this.#csn = csn;
    this.#caller = caller;
    this.#gate = gate;
    this.#begun = requireNow(csn, caller, gate);
    this.#input = { what: what.input, bytes: 0, hash: createHash("sha256"), streams: [] };
    this.#output = { what: what.output, bytes: 0, hash: createHash("sha256"), streams: [] };
    this.#client = what.client;
  }

  get from(): Context {
    return this.#begun.from;
  }

  get to(): Context {
    return this.#begun.to;
  }

  get errors(): Context {
    return this.#begun.from;
  }

  get argv(): readonly string[] {
    const { program, args, files } = this.#gate.gate;
    const copies = new Map(files.map(({ path }) => [path, `${COPIES}/${basename(path)}`]));
    return [program, ...args.map((arg) => copies.get(arg) ?? arg)];
  }

  /** @param input context of what it is given; a client's is as secret as what the gate reads, vouched for by nobody */
  launchArgs(input: Context = unvouched(this.from)): string[] {
    const { contexts } = this.#csn.attached();
    const { from, to } = this;
    const id = (context: Context) => String(contexts.idOf(context));
    const args = ["--in", id(from), "--out", id(to), "--input", id(input)];
    // what it writes for itself it must be able to read; where it may not, it writes nothing
    args.push("--layer", id(flowsTo(to, from) ? to : from));
    args.push(...compartmentArgs(this.#caller));
    const { program, digest, files } = this.#gate.gate;
    for (const file of [{ path: program, digest }, ...files])
      args.push("--verified", `${file.digest}:${file.path}`);
    return [...args, "--", ...this.argv];
  }

  /** Starts it as a part of a pipeline, after `begin`. */
  start(input: Context, { before, after }: Neighbours = {}): Stage {
    const stage = startStage(this.launchArgs(input), { argv: [...this.argv], env: ENVIRONMENT });
    this.#carry = this.#carrying(input, stage.streams, before, after);
    void this.#tellStarted(stage);
    stage.output.on("data", (bytes: Buffer) => this.output(bytes));
    void this.#recordEnd(stage, before, after);
    return stage;
  }

  /** Before what is held back until then goes on. */
  async #tellStarted(stage: Stage): Promise<void> {
    if (this.started(await stage.streams.told)) return;
    stage.output.destroy();
    stage.kill();
  }

  #carrying(input: Context, own: Streams, before: Streams | undefined, after: Streams | undefined) {
    const [into, out] = [input, this.to].map((context) => new Carrying(this.#csn, context, this.#caller.uid)) as [Carrying, Carrying]; // prettier-ignore
    return {
      in: () => into.carry(before?.pipes[1], own.pipes[0]),
      out: () => out.carry(own.pipes[1], after?.pipes[0]),
      end: () => {
        into.end();
        out.end();
      },
    };
  }

  async #recordEnd(stage: Stage, before?: Streams, after?: Streams): Promise<void> {
    const [{ code, pid, failure }] = await Promise.all([stage.ended, before?.told, after?.told]);
    this.#input.streams = before?.pipes.slice(1, 2) ?? [];
    // one that was killed had run: what it let through is its to answer for
    const wasKilled = code === null && pid > 0 && failure === "";
    this.end(wasKilled ? KILLED : code, pid, failure, stage.streams, after);
  }

  begin(): void {
    const { authority } = this.#csn;
    // another definition of that name is another gate
    if (findGate(this.#csn, this.#caller, this.#gate.name).holder !== this.#gate.holder)
      throw new CsnError(
        "E_GATE_CHANGED",
        `expected gate \`${this.#gate.name}\` as it was a moment ago, found that its owner has changed it`,
        "run it again",
        409,
      );
    this.#begun = requireNow(this.#csn, this.#caller, this.#gate);
    this.#started = authority.now().toISOString();
    const { in: from, out: to } = this.#begun.now;
    authority.noteHeld(this.#gate.holder, [...new Set([...from.secrecy, ...to.secrecy])] as TagName[]);
    authority.noteHeld(authority.holderOf(this.#caller), to.secrecy as readonly TagName[]);
  }

  /** Does it hold now what it needs? */
  mayStill(): boolean {
    try {
      requireNow(this.#csn, this.#caller, this.#gate);
      return true;
    } catch {
      return false;
    }
  }

  input(bytes: Buffer): void {
    this.#carry?.in();
    add(this.#input, bytes);
  }

  output(bytes: Buffer): void {
    this.#carry?.out();
    add(this.#output, bytes);
  }

  /** That its program runs, before anybody gets anything of it. @returns false: that is not on the record, and must be */
  started(own: Streams): boolean {
    if (own.pid === 0) return true; // it never did
    const begun = (stream: Stream, at: number) => ({
      what: stream.what,
      bytes: 0,
      digest: "",
      streams: own.pipes.slice(at, at + 1),
    });
    const isRecorded = this.#record({ pid: own.pid, exit: null, failure: "", ended: "", input: begun(this.#input, 0), output: begun(this.#output, 1) }); // prettier-ignore
    return isRecorded || !this.#csn.store.refuseOnFull;
  }

  end(exit: number | null, pid: number, failure: string, own: Streams, after?: Streams): void {
    this.#input.streams.push(...own.pipes.slice(0, 1));
    this.#output.streams = [...own.pipes.slice(1, 2), ...(after?.pipes.slice(0, 1) ?? [])];
    this.#carry?.end();
    const ended = this.#csn.authority.now().toISOString();
    this.#record({ pid, exit, failure, ended, input: told(this.#input), output: told(this.#output) });
  }

  #record({
    pid,
    ...was
  }: Pick<GateRunView, "exit" | "failure" | "ended" | "input" | "output"> & { pid: number }): boolean {
    const { now, from, to } = this.#begun;
    const { authority } = this.#csn;
    const { name, holder, gate } = this.#gate;
    const run: GateRunView = {
      gate: name,
      definition: holder.slice(holder.lastIndexOf("@") + 1),
      purpose: gate.purpose,
      user: nameOf(authority, this.#caller),
      in: { secrecy: [...now.in.secrecy], integrity: [...now.in.integrity] },
      out: { secrecy: [...now.out.secrecy], integrity: [...now.out.integrity] },
      tags: now.tags.map(viewTag),
      started: this.#started,
      ...(this.#client === undefined ? {} : { client: this.#client }),
      ...was,
    };
    return recordGate(this.#csn, this.#caller, from, to, pid, run);
  }
}

/** A principal by its name, as its owners know it. */
function nameOf(authority: Authority, caller: Caller): string {
  const holder = authority.holderOf(caller);
  return caller.uid !== 0 && authority.world.state.principals.has(holder) ? holder : caller.name;
}

function add(stream: Stream, bytes: Buffer): void {
  stream.bytes += bytes.length;
  stream.hash.update(bytes);
}

function told({ what, bytes, hash, streams }: Stream): GateRunView["input"] {
  return { what, bytes, digest: hash.digest("hex"), streams };
}
