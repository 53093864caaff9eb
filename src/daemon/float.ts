/**
 * Float: a program that reads what its context does not cover is raised to it, within its clearance. [FLT-1..3]
 *
 * Guarantee: raising is a change of context as any other (changes.ts): what the compartment holds is judged first, all of it changes
 * or nothing, and it is on the record. No privilege is used that the starter did not hold for the clearance, then and
 * now. What is not raised is judged as it stands, by the kernel, which alone allows and refuses.
 *
 * The launcher (native/launch/float.c) asks before each call of the program's that names a file.
 */
import type { RunRequest } from "../api/index.ts";
import { type Monitor, WORLD } from "../kernel/index.ts";
import { type Context, contextEquals, contextOf, flowsTo, integrityOf, isAll, join } from "../label/index.ts";
import { type Changing, changeContext } from "./changes.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import { stateOf } from "./endpoints.ts";
import type { Caller } from "./identity.ts";
import { requireChange } from "./privileges.ts";

/** A path has no more folders than that (PATH_MAX / 2), and a loop ends. */
const MAX_FOLDERS = 2048;

/**
 * How far a program that starts in this context may be raised; null: it does not float.
 *
 * @throws CsnError E_BAD_REQUEST, E_NOT_PERMITTED
 */
export function ceilingOf(
  csn: Csn,
  caller: Caller,
  request: RunRequest,
  context: Context,
  clearance: Context | null,
): Context | null {
  if (request.mode !== "float") return null;
  if (clearance === null)
    throw bad("a clearance, up to which it floats", "`--clearance TAGS` goes with `--float`");
  if (request.plain || request.via.length > 0)
    throw bad("a program that floats in a compartment, without gates behind it", "leave out `--via`");
  const kept = isAll(context.integrity)
    ? clearance.integrity
    : integrityOf(
        context.integrity.filter((id) => isAll(clearance.integrity) || clearance.integrity.includes(id)),
      );
  const ceiling = contextOf(join(context, clearance).secrecy, kept);
  requireChange(csn.authority, caller, context, ceiling, "let a program float so far");
  return ceiling;
}

/**
 * Where reading all of these leads a program that has this context: the least context that covers them, or where it is
 * when that would be more than its ceiling. [FLT-1, FLT-3]
 */
export function raised(from: Context, read: readonly Context[], ceiling: Context): Context {
  let to = from;
  for (const context of read) if (!flowsTo(context, to)) to = join(to, context);
  return flowsTo(to, ceiling) ? to : from;
}

/** Raises the run to what these lead to, if it may be; says nothing when it may not, since the kernel does. */
export async function floatTo(csn: Csn, run: Changing, paths: readonly string[]): Promise<void> {
  if (run.ceiling === null || csn.monitor === null) return;
  const read: Context[] = [];
  for (const path of paths) {
    const contexts = alongTo(csn.monitor, path);
    if (contexts === null) return;
    read.push(...contexts);
  }
  const to = raised(run.context, read, run.ceiling);
  if (!contextEquals(to, run.context)) await changeContext(csn, run, to).catch(() => undefined); // it is on the record
}

/** The contexts of what is there and of the folders above it; null: one of them is not known. [CTX-5] */
function alongTo(monitor: Monitor, path: string): Context[] | null {
  const contexts: Context[] = [];
  let last = "";
  for (let at = path, depth = 0; depth < MAX_FOLDERS; at += "/..", depth++) {
    const state = stateOf(monitor, at);
    if (state === null) return depth === 0 ? null : contexts; // what is no folder has none above it
    const here = `${state.dev}:${state.ino}:${state.generation}`;
    if (here === last) break; // the root
    last = here;
    if (state.world === WORLD.VOID) continue;
    if (state.context === null) return null;
    contexts.push(state.context);
  }
  return contexts;
}

function bad(expected: string, hint: string): CsnError {
  return new CsnError("E_BAD_REQUEST", `expected ${expected}, found otherwise`, hint, 400);
}
