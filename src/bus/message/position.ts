/**
 * Where a reader is in the paths of a message type, and the context of what is there.
 *
 * Guarantee: the context at a position is the join of the message's with those of all paths on the way from the root [MSG-1]; what
 * no path names has the context of what it is in. Two positions with equal contexts have the same Context object.
 * Cost: positions are made when a payload first leads there, a few for each path; a reader's step is one look-up.
 */
import { type Context, contextKey, join } from "../../label/index.ts";
import type { PathStep } from "../../policy/index.ts";

/** A context for all that a path names. */
export interface Attribute {
  readonly steps: readonly PathStep[];
  readonly context: Context;
}

/** A node of the tree of paths. */
interface Branch {
  readonly members: Map<string, Branch>;
  anyMember: Branch | null;
  anyElement: Branch | null;
  /** Of the paths that end here. */
  readonly contexts: Context[];
}

/** Positions beyond these are forgotten and made again: a hostile payload can lead to many. */
const MAX_POSITIONS = 10_000;

export class Positions {
  readonly #root: Branch = emptyBranch();
  readonly #message: Context | null;
  readonly #interned = new Map<string, Context>();
  #start: Position;
  #made = 0;

  /** @param message context of the message as a whole; null: it is the publisher's, and joined later */
  constructor(message: Context | null, attributes: readonly Attribute[]) {
    this.#message = message === null ? null : this.#intern(message);
    for (const { steps, context } of attributes) branchFor(this.#root, steps).contexts.push(context);
    this.#start = new Position(this, [this.#root], this.#message);
  }

  /** Where each payload begins. */
  start(): Position {
    if (this.#made > MAX_POSITIONS) {
      this.#made = 0;
      this.#interned.clear();
      if (this.#message !== null) this.#intern(this.#message);
      this.#start = new Position(this, [this.#root], this.#message);
    }
    return this.#start;
  }

  /** @throws LabelError E_LABEL_TOO_LONG */
  make(branches: readonly Branch[], outer: Context | null): Position {
    this.#made++;
    let context = outer;
    for (const branch of branches)
      for (const own of branch.contexts) context = this.#intern(context === null ? own : join(context, own));
    return new Position(this, branches, context);
  }

  #intern(context: Context): Context {
    const key = contextKey(context);
    const known = this.#interned.get(key);
    if (known !== undefined) return known;
    this.#interned.set(key, context);
    return context;
  }
}

export class Position {
  /** null: the publisher's. */
  readonly context: Context | null;
  readonly #all: Positions;
  readonly #branches: readonly Branch[];
  /** Members that a path names, made when they are met. */
  readonly #named = new Map<string, Position>();
  #other: Position | null = null;
  #element: Position | null = null;

  constructor(all: Positions, branches: readonly Branch[], context: Context | null) {
    this.#all = all;
    this.#branches = branches;
    this.context = context;
  }

  /** The position of a member of the map that is here. */
  member(name: string): Position {
    if (this.#branches.length === 0) return this;
    const named = this.#named.get(name);
    if (named !== undefined) return named;
    if (!this.#branches.some(({ members }) => members.has(name)))
      return (this.#other ??= this.#inner((branch) => [branch.anyMember]));
    const made = this.#inner((branch) => [branch.members.get(name), branch.anyMember]);
    this.#named.set(name, made);
    return made;
  }

  /** The position of each element of the list that is here. */
  element(): Position {
    if (this.#branches.length === 0) return this;
    return (this.#element ??= this.#inner((branch) => [branch.anyElement]));
  }

  #inner(next: (branch: Branch) => readonly (Branch | null | undefined)[]): Position {
    const branches = this.#branches.flatMap(next).filter((branch) => branch !== null && branch !== undefined);
    return this.#all.make(branches, this.context);
  }
}

function emptyBranch(): Branch {
  return { members: new Map(), anyMember: null, anyElement: null, contexts: [] };
}

function branchFor(root: Branch, steps: readonly PathStep[]): Branch {
  let branch = root;
  for (const step of steps) branch = nextBranch(branch, step);
  return branch;
}

function nextBranch(branch: Branch, step: PathStep): Branch {
  if (step.kind === "anyMember") return (branch.anyMember ??= emptyBranch());
  if (step.kind === "anyElement") return (branch.anyElement ??= emptyBranch());
  const known = branch.members.get(step.name) ?? emptyBranch();
  branch.members.set(step.name, known);
  return known;
}
