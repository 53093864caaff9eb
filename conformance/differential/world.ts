/**
 * The model's world: inodes, names, open files, subjects, and what the record must be able to tell.
 *
 * Guarantee: written from docs/model.md and from what Linux documents, never from bpf/ and never from what
 * the kernel answers; verdicts are those of model/reference.ts.
 */
import { type Context, flow, operation, type Verdict } from "../../model/reference.ts";
import { contextFrom } from "../../model/vectors.ts";
import { CONTEXTS, type ContextName, type SubjectName } from "../cases.ts";

/** Who acts. 0 is the platform, which no rule refuses anything; A2 is a second process of context A. */
export const PARTIES = ["platform", "U", "A", "B", "AB", "V", "W", "AV", "A2"] as const;
export type PartyName = (typeof PARTIES)[number];
export const PLATFORM = 0;

export const contextOfParty = (who: number): SubjectName => {
  const name = PARTIES[who];
  if (name === undefined || name === "platform") throw new Error(`party ${who} has no context of a case`);
  return name === "A2" ? "A" : name;
};

/** The last four have no name in a directory: see play-messages.ts. */
export type MadeKind = "queue" | "semaphores" | "segment" | "key";
export type InodeKind = "file" | "dir" | "symlink" | "fifo" | "pipe" | "memfd" | MadeKind;

export type Inode = {
  readonly id: number;
  readonly kind: InodeKind;
  /** Content of a file; what waits in a FIFO or pipe; where a symlink leads. */
  data: string;
  attribute: string | null;
  readonly entries: Map<string, Inode>;
  /** The directory that its context comes from; of a file, any of its directories. */
  home: Inode | null;
  /** All directories that it ever had a name in and may still be known by. */
  homes: Set<Inode>;
  links: number;
  /** Its own label. */
  label: { context: ContextName; self: boolean } | null;
  /** Of what has no directory: its maker's. [OP-6] */
  readonly own: ContextName | null;
  opens: number;
  readers: number;
  writers: number;
};

export type OpenFile = {
  readonly inode: Inode;
  readonly read: boolean;
  readonly write: boolean;
  readonly append: boolean;
  /** Opened with O_PATH: only names the inode. */
  readonly path: boolean;
};

export const SLOTS = 6;

/** An inode or a party, as the ends of flows are called. */
export type Entity = string;
export type Move = { readonly from: Entity; readonly to: Entity };

export const entityOf = (what: Inode | number): Entity =>
  typeof what === "number" ? `p${what}` : `i${what.id}`;

/** A socket that others can reach: a party has at most one of each kind. */
export type Listener = { readonly who: number; readonly at: string; readonly waiting: string[] };

export class World {
  /** System V objects and keys, by kind and number. */
  readonly made = new Map<string, Inode>();
  /** By kind and party; a path or port that was left is in `left`. */
  readonly listeners = new Map<string, Listener>();
  readonly left = new Set<string>();
  /** Labels of the folders that hold the parties' Unix sockets, where not their own. */
  readonly stalls = new Map<number, ContextName>();
  readonly outside: Inode;
  readonly root: Inode;
  readonly slots: (OpenFile | null)[][] = PARTIES.map(() => Array.from({ length: SLOTS }, () => null));
  /** Flows with a labelled party so far, in their order: what the record must be able to tell. */
  readonly moves: Move[] = [];
  #serial = 0;

  constructor() {
    this.outside = this.#make("dir", null);
    this.outside.label = { context: "base", self: false };
    this.root = this.#make("dir", null);
    this.root.home = this.outside;
  }

  #make(kind: InodeKind, own: ContextName | null): Inode {
    return {
      id: this.#serial++, kind, data: "", attribute: null, entries: new Map(), home: null, homes: new Set(),
      links: 0, label: null, own, opens: 0, readers: 0, writers: 0,
    }; // prettier-ignore
  }

  /** A new inode in a directory, under a name or (a file with O_TMPFILE) without. */
  create(kind: InodeKind, dir: Inode, name: string | null): Inode {
    const inode = this.#make(kind, null);
    inode.home = dir;
    inode.homes.add(dir);
    if (name !== null) {
      dir.entries.set(name, inode);
      inode.links = 1;
    }
    return inode;
  }

  /** A new inode without a directory. */
  createOwn(kind: "pipe" | "memfd" | MadeKind, own: ContextName): Inode {
    const inode = this.#make(kind, own);
    inode.links = kind === "pipe" ? 1 : 0;
    return inode;
  }

  /** [OBJ-3] [OBJ-4] The nearest label on the way up; one for itself alone does not count for what is below. */
  contextOf(inode: Inode): ContextName {
    if (inode.own !== null) return inode.own;
    if (inode.label) return inode.label.context;
    return inode.home ? this.below(inode.home) : "base";
  }

  /** The context that something without a label of its own has in this directory. */
  below(dir: Inode): ContextName {
    for (let at: Inode | null = dir; at; at = at.home)
      if (at.label && !at.label.self) return at.label.context;
    return "base";
  }

  /** Would the inode have two contexts, by which name it is reached? */
  isAmbiguous(inode: Inode): boolean {
    if (inode.kind === "dir" || inode.label || inode.own !== null) return false;
    return new Set([...inode.homes].map((dir) => this.below(dir))).size > 1;
  }

  /** All inodes that have a name, each with one path. */
  tree(): Map<Inode, string> {
    const found = new Map<Inode, string>();
    for (const [path, inode] of this.paths()) if (!found.has(inode)) found.set(inode, path);
    return found;
  }

  /** All names, in the order of their making. */
  *paths(dir: Inode = this.root, prefix = ""): Generator<[string, Inode]> {
    for (const [name, inode] of dir.entries) {
      yield [`${prefix}${name}`, inode];
      if (inode.kind === "dir") yield* this.paths(inode, `${prefix}${name}/`);
    }
  }

  /** All inodes that have a name or are open. */
  *inodes(): Generator<Inode> {
    yield* this.tree().keys();
    for (const table of this.slots) for (const file of table) if (file) yield file.inode;
  }

  slot(who: number, n: number): OpenFile | null {
    return this.slots[who]?.[n] ?? null;
  }

  put(who: number, n: number, file: OpenFile | null): void {
    const table = this.slots[who];
    if (!table) throw new Error(`no party ${who}`);
    const before = table[n] ?? null;
    table[n] = file;
    if (file) count(file, 1);
    if (before) count(before, -1);
  }

  /** Data moved. Between two ordinary parties nobody has to know. [FLOW-4] [AUD-1] */
  moved(from: Entity, fromContext: ContextName, to: Entity, toContext: ContextName): void {
    if (isOrdinary(fromContext) && isOrdinary(toContext)) return;
    this.moves.push({ from, to });
  }
}

function count(file: OpenFile, by: 1 | -1): void {
  const { inode } = file;
  inode.opens += by;
  if (file.path) return;
  if (file.read) inode.readers += by;
  if (file.write) inode.writers += by;
  // what waits in a pipe is gone with its last user
  if ((inode.kind === "fifo" || inode.kind === "pipe") && inode.readers + inode.writers === 0)
    inode.data = "";
}

export const isOrdinary = (context: ContextName): boolean => context === "U" || context === "base";

const contexts = new Map<ContextName, Context>();
export function contextNamed(name: ContextName): Context {
  const known = contexts.get(name) ?? contextFrom(CONTEXTS[name]);
  contexts.set(name, known);
  return known;
}

const verdicts = new Map<string, Verdict>();

/** model/reference.ts, asked once for each question. */
export function verdictOf(op: string, p: ContextName, other: ContextName): Verdict {
  const key = `${op} ${p} ${other}`;
  const known = verdicts.get(key);
  if (known !== undefined) return known;
  const subject = { in: contextNamed(p), out: contextNamed(p) };
  const context = contextNamed(other);
  const answer = operation(op, subject, { object: context, directory: context, directories: [context], other: { in: context, out: context } }); // prettier-ignore
  if (answer === "labelled") throw new Error(`${op} has no flow`);
  verdicts.set(key, answer);
  return answer;
}

/** Property 2: data that really moved went where it may. Asked of each effect, apart from each verdict. */
export function mayReach(from: ContextName, to: ContextName): boolean {
  // an unlabelled subject that changes what is base administers the host [CTX-3]
  if (isOrdinary(from) && isOrdinary(to)) return true;
  return flow(contextNamed(from), contextNamed(to)) === "allow";
}
