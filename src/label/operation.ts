/**
 * Operations: which flows each thing that a subject does must be allowed to make.
 *
 * Guarantee: the table of [OP-1] to [OP-13] in docs/model.md. Each operation is a list of flows, and is
 * allowed when all of them are; the first that is not is named in the denial.
 * Not covered: which system call is which operation (the kernel monitor), a subject acting on itself
 * (one subject is one domain: do not ask), ordinary Linux permissions (checked besides).
 */
import { BASE, contextEquals, isLabelled } from "./context.ts";
import type { Context } from "./context.ts";
import { checkFlow } from "./flow.ts";
import type { Denial } from "./flow.ts";

/** Who acts: what it may learn, and what its output carries. Only a gate has `out ≠ in`. [SUBJ-2] */
export type Subject = { readonly in: Context; readonly out: Context };

/** What each operation is done to. */
export type Targets = {
  "OP-1": { readonly object: Context };
  "OP-2": { readonly object: Context };
  "OP-3": { readonly object: Context };
  "OP-4": { readonly directory: Context };
  /** Every directory that gains or loses an entry, and what the entry names. */
  "OP-5": { readonly directories: readonly Context[]; readonly object: Context };
  "OP-6": Readonly<Record<string, never>>;
  /** An open file that arrives; the flags are how it was opened. */
  "OP-7": { readonly object: Context; readonly readable: boolean; readonly writable: boolean };
  "OP-8": { readonly other: Subject };
  "OP-9": { readonly other: Subject };
  "OP-10": { readonly other: Subject };
  /** The child whose end or use of resources the subject would learn. */
  "OP-11": { readonly other: Subject };
  "OP-12": Readonly<Record<string, never>>;
  /** Where the dump would be created; null for a pipe handler. */
  "OP-13": { readonly directory: Context | null };
};

/** The id of a rule on operations. */
export type OperationId = keyof Targets;

/** Why an operation is refused. `flow` is null where it is refused to labelled subjects whatever the target. */
export type OperationDenial = { readonly rule: OperationId; readonly flow: Denial | null };

type Flow = readonly [from: Context, to: Context];

/** What an operation needs: flows that must all be allowed, or that the subject is unlabelled. */
type Needs = readonly Flow[] | "UNLABELLED_SUBJECT";

const read = (p: Subject, object: Context): Flow[] => [[object, p.in]];

// What an unlabelled subject does to the host's programs is administration, outside the model. [CTX-3]
const write = (p: Subject, object: Context): Flow[] =>
  isLabelledSubject(p) || !contextEquals(object, BASE) ? [[p.out, object]] : [];

const both = (p: Subject, object: Context): Flow[] => [...read(p, object), ...write(p, object)];

const needs: { readonly [Op in OperationId]: (p: Subject, target: Targets[Op]) => Needs } = {
  "OP-1": (p, { object }) => read(p, object),
  "OP-2": (p, { object }) => write(p, object),
  "OP-3": (p, { object }) => both(p, object),
  "OP-4": (p, { directory }) => both(p, directory),
  "OP-5": (p, { directories, object }) => [
    ...directories.flatMap((directory) => both(p, directory)),
    ...write(p, object),
  ],
  "OP-6": () => [],
  "OP-7": (p, { object, readable, writable }) => [
    ...(readable ? read(p, object) : []),
    ...(writable ? write(p, object) : []),
  ],
  "OP-8": (p, { other: q }) => [[p.out, q.in]],
  "OP-9": (p, { other: q }) => [[q.in, p.in]],
  // Equal is the same as "flows both ways", and this names what differs.
  "OP-10": (p, { other: q }) => [
    [p.in, q.in],
    [q.in, p.in],
    [p.out, q.out],
    [q.out, p.out],
  ],
  "OP-11": (p, { other: c }) => [[c.out, p.in]],
  "OP-12": () => "UNLABELLED_SUBJECT",
  "OP-13": (p, { directory }) => (directory ? both(p, directory) : "UNLABELLED_SUBJECT"),
};

/** Every operation id, in the order of docs/model.md. */
export const OPERATIONS = Object.keys(needs) as readonly OperationId[];

/**
 * May subject `p` do `op` to `target`? Never throws.
 *
 * @returns `null` when it may, else the operation's rule, the flow rule broken first, and its tags
 */
export function checkOperation<Op extends OperationId>(
  op: Op,
  p: Subject,
  target: Targets[Op],
): OperationDenial | null {
  const needed = needs[op](p, target);
  if (needed === "UNLABELLED_SUBJECT") return isLabelledSubject(p) ? { rule: op, flow: null } : null;

  for (const [from, to] of needed) {
    const flow = checkFlow(from, to);
    if (flow) return { rule: op, flow };
  }
  return null;
}

/** Whether either context of the subject says anything. */
export function isLabelledSubject(p: Subject): boolean {
  return isLabelled(p.in) || isLabelled(p.out);
}
