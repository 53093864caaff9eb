/**
 * One function a route: checks who asks, does it, gives the answer's shape.
 */
import { lstatSync } from "node:fs";
import {
  Check,
  type CheckAnswer,
  type ContextInput,
  Down,
  type Explanation,
  LabelClear,
  LabelSet,
  type LabelView,
  RunRequest,
  type Tag,
  TagCreate,
} from "../api/index.ts";
import { type InodeState, KernelError } from "../kernel/index.ts";
import { checkFlow, isAll, isLabelled, UNLABELLED } from "../label/index.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import { explain } from "./entries.ts";
import { offersFor } from "./gates.ts";
import { type Caller, requireRoot } from "./identity.ts";
import { clearLabel, resolvePath, setLabel } from "./labels.ts";
import { parse } from "./parse.ts";
import { requireChange } from "./privileges.ts";
import { readable } from "./record-names.ts";
import { recordLabel } from "./run-events.ts";
import type { Runs } from "./runs.ts";
import { bookFor, nameOf, readContext, viewContext } from "./views.ts";

type Line = (value: unknown) => void;

export function createTag(csn: Csn, caller: Caller, body: unknown): Tag {
  const { name } = parse(TagCreate, body);
  return csn.authority.createTags(caller, [name])[0]!;
}

export function getLabel(csn: Csn, caller: Caller, path: string): LabelView {
  const resolved = resolvePath(path);
  if (csn.monitor !== null) return view(csn, caller, path, csn.monitor.inode(resolved));
  if (lstatSync(resolved, { throwIfNoEntry: false }) === undefined)
    throw new KernelError(
      "E_NOT_FOUND",
      `expected a file or directory at \`${path}\`, found none`,
      "give a path as the machine that enforces sees it",
    );
  return { path, context: { secrecy: [], integrity: [] }, own: false }; // nothing on this host has a label
}

export async function putLabel(csn: Csn, caller: Caller, body: unknown, line: Line): Promise<void> {
  const request = parse(LabelSet, body);
  const book = bookFor(csn.authority, caller);
  const context = readContext(request.context, book);
  if (!isLabelled(context))
    throw new CsnError(
      "E_BAD_REQUEST",
      "expected at least one tag, found none",
      "`csn label clear` takes a label off",
      400,
    );
  const monitor = csn.attached();
  const path = resolvePath(request.path);
  const state = monitor.inode(path);
  requireOwner(caller, path);
  requireChange(csn.authority, caller, state.context ?? UNLABELLED, context, "change its label");
  const result = await setLabel(
    monitor,
    csn.store,
    path,
    context,
    (inodes, links) => line({ progress: { inodes, links } }),
    (was, becomes) => recordLabel(csn, caller, was, becomes, state),
  );
  const before = result.before && viewContext(result.before, book);
  line({
    result: {
      path,
      context: viewContext(context, book),
      before,
      inodes: result.inodes,
      skipped: result.skipped,
    },
  });
}

export async function deleteLabel(csn: Csn, caller: Caller, body: unknown): Promise<LabelView> {
  const path = resolvePath(parse(LabelClear, body).path);
  const monitor = requireMonitor(csn);
  const state = monitor.inode(path);
  requireOwner(caller, path);
  requireChange(csn.authority, caller, state.context ?? UNLABELLED, UNLABELLED, "take its label off");
  const after = await clearLabel(monitor, csn.store, path, (was, becomes) =>
    recordLabel(csn, caller, was, becomes, state),
  );
  return view(csn, caller, path, after);
}

export function check(csn: Csn, caller: Caller, body: unknown): CheckAnswer {
  const request = parse(Check, body);
  const book = bookFor(csn.authority, caller);
  const read = (input: ContextInput) => readContext(input, book);
  const [from, to] = [read(request.from), read(request.to)];
  const denial = checkFlow(from, to);
  if (denial === null)
    return { allowed: true, rule: null, tags: [], gates: [], reason: "[FLOW-1] and [FLOW-2] allow it" };
  const tags = isAll(denial.tags) ? [] : denial.tags.map((id) => nameOf(id, book)).sort();
  const reason =
    denial.rule === "FLOW-1"
      ? `[FLOW-1] the receiver lacks the secrecy ${plural(tags)} ${tags.join(", ")}`
      : `[FLOW-2] the source lacks the integrity ${plural(tags)} ${tags.join(", ")}`;
  return { allowed: false, rule: denial.rule, tags, gates: offersFor(csn, caller, from, to), reason };
}

export function explainRecord(csn: Csn, caller: Caller, id: string): Explanation {
  const { entry, called } = readable(csn, caller, id);
  return explain(entry, called, bookFor(csn.authority, caller), csn.records.names, (from, to) =>
    offersFor(csn, caller, from, to),
  );
}

export function createRun(csn: Csn, caller: Caller, runs: Runs, body: unknown): { id: string } {
  return { id: runs.create(parse(RunRequest, body), caller) };
}

export async function down(csn: Csn, caller: Caller, body: unknown): Promise<void> {
  requireRoot(caller, "take the monitor off");
  csn.down(parse(Down, body ?? {}).force);
  await csn.bus.stop(); // what it can't record any more does not happen
}

function requireMonitor(csn: Csn) {
  if (csn.monitor !== null) return csn.monitor;
  throw new KernelError(
    "E_MONITOR_OFF",
    "expected the monitor to be attached, found that nothing on this host has a label",
    "`csn up` attaches it; the first `csn label set` does so by itself",
  );
}

/** Whoever labels a file takes it from others: only its owner may, and root. */
function requireOwner(caller: Caller, path: string): void {
  const owner = lstatSync(path).uid;
  if (caller.uid === 0 || owner === caller.uid) return;
  throw new CsnError(
    "E_NOT_PERMITTED",
    `expected the owner of \`${path}\`, found ${caller.name}`,
    "ask its owner",
    403,
  );
}

function view(csn: Csn, caller: Caller, path: string, state: InodeState): LabelView {
  const book = bookFor(csn.authority, caller);
  return { path, context: state.context && viewContext(state.context, book), own: state.own };
}

function plural(tags: readonly string[]): string {
  return tags.length === 1 ? "tag" : "tags";
}
