/**
 * Grants as documents: which are there, which are missing, which are to be revoked.
 *
 * A grant that was made from a document carries the mark of it in its id: 8 digits of the set of files, 12 of the document's
 * name, 12 over both and what was granted, so that a document that changed takes back what it granted before, and
 * `prune` finds what documents that are gone have granted, with nothing kept besides the statements. A grant that somebody made
 * otherwise satisfies a document that says the same, and is never revoked here.
 */
import { createHash } from "node:crypto";
import { ownerOf, type Pattern } from "../pattern.ts";
import { grantFor, isLive } from "../privilege.ts";
import type { Grant } from "../state.ts";
import { canonical, type Holder, PRIVILEGES } from "../statement.ts";
import type { PlanOptions } from "./plan.ts";
import { type Place, quote } from "./problem.ts";
import type { PolicyDocumentOf } from "./read.ts";
import type { Trial } from "./trial.ts";

type Content = Pick<Grant, "by" | "to" | "tag" | "privileges" | "delegate" | "until" | "purpose">;
type Wanted = Content & { readonly document: PolicyDocumentOf<"Grant">; readonly place: Place };

export function planGrants(
  trial: Trial,
  documents: readonly PolicyDocumentOf<"Grant">[],
  options: PlanOptions,
): void {
  const set = hash(`set ${options.set ?? "default"}`, 8);
  const wanted = documents.flatMap((document) => wantedBy(trial, document));
  const names = new Set(documents.map(({ name }) => hash(`name ${name}`, 12)));
  const same = new Set(wanted.map(contentKey));
  const live = new Map<string, Grant>();
  const now = trial.now.getTime();
  for (const grant of [...trial.state.grants.values()]) {
    if (!isLive(grant, now)) continue;
    live.set(contentKey(grant), grant);
    const mark = markOf(grant, set);
    if (mark === null || same.has(contentKey(grant))) continue;
    if (names.has(mark)) revoke(trial, grant, "its document says otherwise now");
    else if (options.prune === true) revoke(trial, grant, "no document grants it any more");
  }

  let rest = wanted.filter((one) => !isIn(live.get(contentKey(one)), now));
  // what derives from another grant comes after it
  while (rest.length > 0) {
    const ready = rest.filter((one) => one.by === ownerOf(one.tag) || viaFor(trial, one) !== null);
    if (ready.length === 0) break;
    for (const one of ready) give(trial, one, set, viaFor(trial, one));
    rest = rest.filter((one) => !ready.includes(one));
  }
  account(trial, same);
  for (const one of rest) {
    if (options.assume === true) {
      trial.notes.push(`${placeWords(one.place)}: no file says from whom ${one.by} has ${one.tag}`);
      give(trial, { ...one, by: ownerOf(one.tag) }, set, null);
      continue;
    }
    trial.problem(
      one.place,
      `[PRIV-1] ${one.by} to hold ${one.privileges.join(", ")} on \`${one.tag}\` with the grant option`,
      "that it does not",
      "its owner may grant it with `delegate: true`, or be the one who grants this",
    );
  }
}

function account(trial: Trial, same: ReadonlySet<string>): void {
  for (const grant of trial.state.grants.values())
    if (isLive(grant, trial.now.getTime()) && same.has(contentKey(grant))) trial.granted.add(grant.id);
}

function isIn(grant: Grant | undefined, now: number): boolean {
  return grant !== undefined && isLive(grant, now);
}

function wantedBy(trial: Trial, document: PolicyDocumentOf<"Grant">): Wanted[] {
  const { spec, placeOf } = document;
  const until = spec.until === undefined ? null : Date.parse(spec.until);
  if (until !== null && Number.isNaN(until)) {
    trial.problem(
      placeOf("spec", "until"),
      "a day or a time that there is",
      quote(spec.until!),
      "such as `2026-06-01`",
    );
    return [];
  }
  if (until !== null && until <= trial.now.getTime()) {
    trial.notes.push(
      `${placeWords(placeOf("spec", "until"))}: ${document.name} has ended: nothing is granted`,
    );
    return [];
  }
  const to = holderOf(trial, spec.to);
  if (to === null) {
    trial.problem(
      placeOf("spec", "to"),
      "a gate in these files or in force",
      quote(spec.to),
      "`csn gate list` shows them",
    );
    return [];
  }
  return [...new Set(spec.tags)].map((tag, i) => ({
    document,
    place: placeOf("spec", "tags", i),
    by: spec.by ?? ownerOf(tag as Pattern),
    to,
    tag: tag as Pattern,
    privileges: PRIVILEGES.filter((privilege) => spec.privileges.includes(privilege)),
    delegate: spec.delegate,
    until,
    purpose: spec.purpose,
  }));
}

/** A gate's holder is the gate as it is defined when all of this is in force. */
export function holderOf(trial: Pick<Trial, "state">, text: string): Holder | null {
  if (!text.startsWith("gate:")) return text;
  return trial.state.gates.get(text.slice("gate:".length))?.holder ?? null;
}

function give(trial: Trial, one: Wanted, set: string, via: Grant | null): void {
  const { by, to, tag, privileges, delegate, purpose, until } = one;
  const end = until === null ? null : new Date(until).toISOString();
  const whom = to.startsWith("gate:") ? `gate ${to.slice("gate:".length, to.lastIndexOf("@"))}` : to;
  const words =
    `grant ${privileges.join(", ")} on ${tag} to ${whom}${delegate ? ", with the grant option" : ""}` +
    `${end === null ? "" : ` until ${end.replace("T00:00:00.000Z", "")}`}${purpose === "" ? "" : ` (${purpose})`}`;
  const id = freshId(trial, set, one);
  trial.say(
    by,
    { kind: "grant", id, to, tag, privileges, delegate, until: end, purpose, via: via?.id ?? null },
    words,
    one.place,
  );
}

function revoke(trial: Trial, grant: Grant, why: string): void {
  // a grant above it may have been revoked just now, and this one with it
  if (!isLive(grant, trial.now.getTime())) return;
  const what = `${grant.privileges.join(", ")} on ${grant.tag} from ${grant.to.split("@")[0]}`;
  trial.say(grant.by, { kind: "revoke", grant: grant.id }, `revoke ${what}: ${why}`, null);
}

function viaFor(trial: Trial, { by, tag, privileges }: Wanted): Grant | null {
  if (by === ownerOf(tag)) return null;
  const now = trial.now.getTime();
  const found = privileges.map((privilege) => grantFor(trial.state, by, privilege, tag, now, true));
  return (
    found.find((grant) => grant !== null && privileges.every((p) => grant.privileges.includes(p))) ?? null
  );
}

/** What makes two grants the same. */
export function contentKey({ by, to, tag, privileges, delegate, until, purpose }: Content): string {
  return canonical([by, to, tag, [...privileges].sort(), delegate, until, purpose]);
}

function freshId(trial: Trial, set: string, one: Wanted): string {
  const name = hash(`name ${one.document.name}`, 12);
  for (let nth = 0; ; nth++) {
    const id = set + name + check(set, name, one, nth);
    if (!trial.state.grants.has(id)) return id;
  }
}

/** The digits of the name of the document that this grant was made from by this set, or null. */
function markOf(grant: Grant, set: string): string | null {
  if (!grant.id.startsWith(set)) return null;
  const name = grant.id.slice(8, 20);
  for (let nth = 0; nth < MOST_OFTEN; nth++)
    if (grant.id === set + name + check(set, name, grant, nth)) return name;
  return null;
}

/** Somebody may have granted, revoked and granted the same again so often. */
const MOST_OFTEN = 1000;

function check(set: string, name: string, content: Content, nth: number): string {
  return hash(`grant ${set} ${name} ${contentKey(content)} ${nth}`, 12);
}

function hash(text: string, digits: number): string {
  return createHash("sha256").update(`csn policy v1 ${text}`).digest("hex").slice(0, digits);
}

function placeWords({ file, line }: Place): string {
  return `${file}:${line}`;
}
