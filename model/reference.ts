/**
 * The rules of docs/model.md as plainly as possible: the oracle for everything that enforces.
 *
 * Written from the rules, independently of src/label, and never optimised: a doubt about the product is
 * settled by reading this. Tags are any strings; a label is a Set of them, or ALL.
 * Not covered: limits (a set here may be of any size) and how labels are stored.
 */

/** A label: a set of tags, or all tags there are. */
export type Label = ReadonlySet<string> | "ALL";
export type Context = { secrecy: Label; integrity: Label };
export type Subject = { in: Context; out: Context };
export type Verdict = "allow" | "FLOW-1" | "FLOW-2";

const NONE: Label = new Set<string>();
const UNLABELLED: Context = { secrecy: NONE, integrity: NONE };
const BASE: Context = { secrecy: NONE, integrity: "ALL" };

/** Is every tag of `a` in `b`? */
export function subset(a: Label, b: Label): boolean {
  if (b === "ALL") return true;
  if (a === "ALL") return false;
  for (const tag of a) if (!b.has(tag)) return false;
  return true;
}

/** [FLOW-1] then [FLOW-2]. */
export function flow(from: Context, to: Context): Verdict {
  if (!subset(from.secrecy, to.secrecy)) return "FLOW-1";
  if (!subset(to.integrity, from.integrity)) return "FLOW-2";
  return "allow";
}

/** Which tags of `a` are not in `b`; "ALL" when they cannot be listed. */
export function without(a: Label, b: Label): Label {
  if (b === "ALL") return NONE;
  if (a === "ALL") return "ALL";
  return new Set([...a].filter((tag) => !b.has(tag)));
}

/** The same tags? */
export function same(a: Context, b: Context): boolean {
  return flow(a, b) === "allow" && flow(b, a) === "allow";
}

/** What is made from both is as secret as either and as trusted as both. */
export function join(a: Context, b: Context): Context {
  const secrecy = a.secrecy === "ALL" || b.secrecy === "ALL" ? "ALL" : new Set([...a.secrecy, ...b.secrecy]);
  const [i, j] = [a.integrity, b.integrity];
  if (i === "ALL") return { secrecy, integrity: j };
  if (j === "ALL") return { secrecy, integrity: i };
  return { secrecy, integrity: new Set([...i].filter((tag) => j.has(tag))) };
}

/** What an operation may be done to; each operation reads the fields that it needs. */
export type Target = {
  object?: Context;
  directory?: Context | null;
  directories?: readonly Context[];
  other?: Subject;
  readable?: boolean;
  writable?: boolean;
};

/** Is the operation allowed, and if not, by which flow rule ("labelled" for a flat refusal)? */
export function operation(op: string, p: Subject, target: Target): Verdict | "labelled" {
  const labelled = !same(p.in, UNLABELLED) || !same(p.out, UNLABELLED);
  const object = target.object ?? UNLABELLED;
  const q = target.other ?? p;

  const read = (o: Context) => flow(o, p.in);
  const write = (o: Context) => (!labelled && same(o, BASE) ? "allow" : flow(p.out, o)); // [CTX-3]
  const readAndWrite = (o: Context) => first(read(o), write(o));

  if (op === "OP-1") return read(object);
  if (op === "OP-2") return write(object);
  if (op === "OP-3") return readAndWrite(object);
  if (op === "OP-4") return readAndWrite(target.directory ?? UNLABELLED);
  if (op === "OP-5") return first(...(target.directories ?? []).map(readAndWrite), write(object));
  if (op === "OP-6") return "allow";
  if (op === "OP-7")
    return first(target.readable ? read(object) : "allow", target.writable ? write(object) : "allow");
  if (op === "OP-8") return flow(p.out, q.in);
  if (op === "OP-9") return flow(q.in, p.in);
  if (op === "OP-10")
    return first(flow(p.in, q.in), flow(q.in, p.in), flow(p.out, q.out), flow(q.out, p.out));
  if (op === "OP-11") return flow(q.out, p.in);
  if (op === "OP-12") return labelled ? "labelled" : "allow";
  if (op === "OP-13" && target.directory) return readAndWrite(target.directory);
  if (op === "OP-13") return labelled ? "labelled" : "allow";
  throw new Error(`no such operation: ${op}`);
}

/** The first refusal, if any. */
function first(...verdicts: Verdict[]): Verdict {
  return verdicts.find((verdict) => verdict !== "allow") ?? "allow";
}
