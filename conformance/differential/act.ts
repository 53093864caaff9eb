/**
 * One call of one party in the model: its checks in the order in which Linux makes them, and what it does.
 *
 * Guarantee: a check that the rules refuse ends the call with EACCES and exactly one refusal; an error of
 * ordinary Linux ends it without; nothing has changed then.
 */
import type { Op } from "../../src/kernel/index.ts";
import type { ContextName } from "../cases.ts";
import { contextOfParty, entityOf, mayReach, PLATFORM, verdictOf, type Inode, type OpenFile, type World } from "./world.ts"; // prettier-ignore

/** A record of a refusal that has to be there. */
export type Refusal = {
  readonly ops: readonly Op[];
  /** What the record's verdict says; OBJ-3 and OP-10 have their own. */
  readonly rule: "FLOW-1" | "FLOW-2" | "OBJ-3" | "OP-10";
  readonly source: ContextName;
  readonly sink: ContextName;
};

/** What a call made, and how to ask which it is: by path, by slot, or by a command of its own. */
export type Made = {
  readonly inode: Inode;
  readonly path?: string;
  slot?: number;
  readonly ask?: string;
};

/** What a call must answer. */
export type Outcome = {
  readonly errors: readonly string[];
  /** What it must show; null: not compared. */
  readonly detail: string | null;
  readonly refusal: Refusal | null;
  /** Refusals that are recorded and do not end the call: the kernel asks whether another way would do. */
  readonly probes: readonly Refusal[];
  /** The same refusal may be recorded more than once, since the call tries more than one way. */
  readonly tries: boolean;
  /** Made by this call: the runner asks for its inode number, by path or by slot. */
  readonly made: readonly Made[];
};

export class Refused extends Error {
  readonly refusal: Refusal;
  readonly errors: readonly string[];
  constructor(refusal: Refusal, errors: readonly string[] = ["EACCES"]) {
    super("refused");
    this.refusal = refusal;
    this.errors = errors;
  }
}

export class Fails extends Error {
  readonly errors: readonly string[];
  constructor(...errors: readonly string[]) {
    super(errors.join("|"));
    this.errors = errors;
  }
}

/** The model does not say what happens: such a step is not sent. */
export class NotModelled extends Error {}

const MAX_LINKS = 40;

export type Found = { readonly dir: Inode; readonly name: string; readonly inode: Inode | null };

export class Act {
  readonly world: World;
  readonly who: number;
  readonly probes: Refusal[] = [];
  readonly made: Made[] = [];
  tries = false;

  constructor(world: World, who: number) {
    this.world = world;
    this.who = who;
  }

  get context(): ContextName {
    return contextOfParty(this.who);
  }

  /** One look of the rules at one inode. OP-1: learns, OP-2: tells, OP-3: both. */
  check(op: "OP-1" | "OP-2" | "OP-3", inode: Inode, ...ops: Op[]): void {
    if (this.who === PLATFORM) return;
    const [mine, theirs] = [this.context, this.world.contextOf(inode)];
    const read = op === "OP-2" ? "allow" : verdictOf("OP-1", mine, theirs);
    const write = op === "OP-1" ? "allow" : verdictOf("OP-2", mine, theirs);
    if (read !== "allow") throw new Refused({ ops, rule: read, source: theirs, sink: mine });
    if (write !== "allow") throw new Refused({ ops, rule: write, source: mine, sink: theirs });
    if (op !== "OP-2") this.world.moved(entityOf(inode), theirs, entityOf(this.who), mine);
    if (op !== "OP-1") this.world.moved(entityOf(this.who), mine, entityOf(inode), theirs);
  }

  /** A check that does not decide. */
  probe(op: "OP-1" | "OP-2" | "OP-3", inode: Inode, ...ops: Op[]): void {
    try {
      this.check(op, inode, ...ops);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.probes.push(error.refusal);
    }
  }

  /** Data goes from an inode to the subject, or the other way; asserts Property 2. */
  learns(inode: Inode): void {
    if (this.who !== PLATFORM) this.#moves(this.world.contextOf(inode), this.context);
  }
  tells(inode: Inode): void {
    if (this.who !== PLATFORM) this.#moves(this.context, this.world.contextOf(inode));
  }
  #moves(from: ContextName, to: ContextName): void {
    if (!mayReach(from, to)) throw new Error(`Property 2: data moved from ${from} to ${to}`);
  }

  /** Would it keep its context in that directory? [OBJ-2] [OBJ-3] */
  keep(inode: Inode, dir: Inode, ...ops: Op[]): void {
    if (this.who === PLATFORM || inode.own !== null) return;
    const holds = inode.label !== null && !(inode.kind === "dir" && inode.label.self);
    const [now, then] = [
      inode.label && !holds ? this.world.below(inode) : this.world.contextOf(inode),
      this.world.below(dir),
    ];
    if (holds || now === then || [now, then].every((each) => each === "U" || each === "base")) return;
    throw new Refused({ ops, rule: "OBJ-3", source: this.context, sink: this.world.contextOf(inode) });
  }

  /** Checks for a new name in a directory; what gets it must have the maker's context. [OP-4] */
  make(dir: Inode, ...ops: Op[]): void {
    this.check("OP-3", dir, "lookup");
    this.check("OP-3", dir, ...ops);
    if (this.who === PLATFORM) return;
    const [mine, then] = [this.context, this.world.below(dir)];
    if (mine !== "U" && mine !== then)
      throw new Refused({ ops, rule: "OBJ-3", source: mine, sink: this.world.contextOf(dir) });
  }

  /** Finds a path. The last component need not be there. */
  walk(path: string, follow: boolean): Found {
    let pieces = path.split("/");
    let dir = this.world.root;
    let links = 0;
    for (;;) {
      const [name = "", ...rest] = pieces;
      this.check("OP-1", dir, "lookup");
      const inode = name === ".." ? dir.home : (dir.entries.get(name) ?? null);
      if (inode?.kind === "symlink" && (follow || rest.length > 0)) {
        if (links++ >= MAX_LINKS) throw new Fails("ELOOP");
        this.check("OP-1", inode, "readlink");
        pieces = [...inode.data.split("/"), ...rest];
        continue;
      }
      if (rest.length === 0) {
        if (name === "..") throw new NotModelled();
        return { dir, name, inode };
      }
      if (!inode) throw new Fails("ENOENT");
      if (inode.kind !== "dir") throw new Fails("ENOTDIR");
      dir = inode;
      pieces = rest;
    }
  }

  /** As `walk`, and it is there. */
  find(path: string, follow = true): Inode {
    const { inode } = this.walk(path, follow);
    if (!inode) throw new Fails("ENOENT");
    return inode;
  }

  /** The file in a slot, for more than naming it. */
  file(slot: number): OpenFile {
    const file = this.world.slot(this.who, slot);
    if (!file || file.path) throw new Fails("EBADF");
    return file;
  }
}

/** Plays a call and gives what it must answer; null: not modelled. */
export function outcomeOf(act: Act, call: () => string | null): Outcome | null {
  const { made, probes } = act;
  const rest = { detail: null, refusal: null, made, probes };
  try {
    const detail = call();
    return { ...rest, errors: ["ok"], detail, tries: act.tries };
  } catch (error) {
    if (error instanceof Fails) return { ...rest, errors: error.errors, tries: act.tries };
    if (error instanceof Refused)
      return { ...rest, errors: error.errors, refusal: error.refusal, tries: act.tries };
    if (error instanceof NotModelled) return null;
    throw error;
  }
}
