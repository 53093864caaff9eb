/**
 * What is recorded besides labelled parties: everything, a user's processes, those of a cgroup, a path and what is below
 * it; but for what is opaque. [AUD-1]
 *
 * Guarantee: each change is root's alone, an event on the record, and the newest segment says what was in force. Nobody but
 * root reads what is recorded so (entries.ts): nothing of it is secret by a label, and all of it is somebody's own business.
 * What can't be put into force (a path or a cgroup that is not there) is said to be so; it is tried again when anything
 * changes and when csn starts.
 *
 * Not covered: a path is its inode at that moment: a file that is replaced by another is recorded by its folder's entry.
 */
import { statSync } from "node:fs";
import { join, normalize } from "node:path";
import { ScopeEntry, scopeText, type ScopeView } from "../api/index.ts";
import { KernelError, type KernelScope, type Monitor } from "../kernel/index.ts";
import type { Csn } from "./csn.ts";
import { CsnError } from "./errors.ts";
import { type Caller, requireRoot } from "./identity.ts";
import { parse } from "./parse.ts";
import { recordConfiguration } from "./run-events.ts";

const CGROUPS = "/sys/fs/cgroup";

export function listScope(csn: Csn, caller: Caller): ScopeView[] {
  requireRoot(caller, "see what is recorded of others");
  return csn.store.scope.map(view);
}

/** @throws CsnError E_SCOPE_UNKNOWN when nothing is there */
export function widenScope(csn: Csn, caller: Caller, body: unknown): ScopeView {
  requireRoot(caller, "say what is recorded");
  const entry = parse(ScopeEntry, body);
  const seen = view(entry);
  if (!seen.inForce)
    throw new CsnError(
      "E_SCOPE_UNKNOWN",
      `expected something to record, found that ${seen.why}`,
      entry.kind === "cgroup" ? `\`ls ${CGROUPS}\` shows them` : "give a path that is there now",
      404,
    );
  change(csn, caller, [...others(csn, entry), entry]);
  return seen;
}

/** @returns what it was */
export function narrowScope(csn: Csn, caller: Caller, body: unknown): ScopeView {
  requireRoot(caller, "say what is recorded");
  const entry = parse(ScopeEntry, body);
  const rest = others(csn, entry);
  if (rest.length === csn.store.scope.length)
    throw new CsnError(
      "E_SCOPE_UNKNOWN",
      `expected something that was added, found \`${scopeText(entry)}\``,
      "`csn audit scope list` shows all",
      404,
    );
  change(csn, caller, rest);
  return view(entry);
}

/** The kernel's scope is these, as far as they are there. @throws KernelError E_NO_MEMORY */
export function putScope(monitor: Monitor, entries: readonly ScopeEntry[]): void {
  const found = entries.filter((entry) => view(entry).inForce);
  const of = (kind: ScopeEntry["kind"]) => found.filter((e) => e.kind === kind).map(({ value }) => value);
  const scope: KernelScope = {
    all: of("all").length > 0,
    repeats: of("repeats").length > 0,
    users: of("user").map(Number),
    cgroups: of("cgroup").map((path) => statSync(cgroupPath(path), { bigint: true }).ino),
    watched: of("path"),
    opaque: of("opaque"),
  };
  try {
    monitor.scope.replace(scope);
  } catch (error) {
    // gone since: the next change finds out
    if (!(error instanceof KernelError && error.code === "E_NOT_FOUND")) throw error;
    monitor.scope.replace({ ...scope, watched: [], opaque: [] });
  }
}

function others(csn: Csn, entry: ScopeEntry): ScopeEntry[] {
  return csn.store.scope.filter((other) => scopeText(other) !== scopeText(entry));
}

function change(csn: Csn, caller: Caller, entries: readonly ScopeEntry[]): void {
  const before = csn.store.scope;
  const monitor = csn.attached();
  try {
    putScope(monitor, entries);
    csn.store.scope = entries;
  } catch (error) {
    putScope(monitor, before);
    throw error;
  }
  recordConfiguration(csn, caller.uid, { scope: entries.map(scopeText) });
}

function view(entry: ScopeEntry): ScopeView {
  const why = missing(entry);
  return { entry, inForce: why === "", why };
}

function missing({ kind, value }: ScopeEntry): string {
  if (kind === "all" || kind === "repeats" || kind === "user") return "";
  const isThere = statSync(kind === "cgroup" ? cgroupPath(value) : value, { throwIfNoEntry: false });
  return isThere === undefined ? `there is no \`${value}\` now` : "";
}

function cgroupPath(path: string): string {
  return join(CGROUPS, normalize(path));
}
