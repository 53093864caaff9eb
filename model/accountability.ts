/**
 * Property 3 of docs/model.md, as plainly as possible: on every recorded path along which a secrecy tag was dropped lies
 * a gate run or a change by a holder of `s-` on it; dually, an integrity tag that was added was vouched for by a holder of
 * `i+`. [GATE-2, CHG-1, OBJ-1]
 *
 * A record is read from its first entry to its last. Whatever took data with a tag in is marked with it; a mark goes
 * on with each flow, and ends only where somebody answers for that. An entity that is marked and shows up without
 * the tag has lost it somewhere: then an answered drop of that tag must lie between. The run of a gate is recorded at its
 * end; its programs read with one context and write with another all the while [SUBJ-2], so it lies between if it was
 * under way.
 * Not covered: which of the programs that ran meanwhile were the gate's.
 * Written from the rules alone, independently of src/.
 */
import { type Context, type Label, without } from "./reference.ts";

/**
 * One allowed flow or change. `by`: who answers for what it drops and adds, "platform" for root; null: a plain flow.
 * `since`: the first record that was written after it began; itself, unless it is a run.
 */
export type Recorded = {
  readonly id: number;
  readonly from: string;
  readonly to: string;
  readonly source: Context;
  readonly sink: Context;
  readonly by: string | null;
  readonly since?: number;
};

/** Does this holder have the privilege when record `id` was written? Of a run, its beginning counts. */
export type Holds = (who: string, privilege: "s-" | "i+", tag: string, id: number) => boolean;

/** What nobody answers for, in words; none if the property holds. */
export function unaccounted(records: readonly Recorded[], holds: Holds): string[] {
  const faults: string[] = [];
  /** Tags whose data each entity has taken in, and since which record. */
  const marks = new Map<string, Map<string, number>>();
  /** Answered drops of each tag: from and to which record. */
  const dropped = new Map<string, [from: number, to: number][]>();
  const answers = (record: Recorded, privilege: "s-" | "i+", tag: string) =>
    record.by !== null &&
    (record.by === "platform" || holds(record.by, privilege, tag, record.since ?? record.id));

  for (const record of records) {
    const { id, source, sink, since = id } = record;
    for (const tag of list(without(source.secrecy, sink.secrecy)))
      if (answers(record, "s-", tag)) dropped.set(tag, [...(dropped.get(tag) ?? []), [since, id]]);
  }
  for (const record of records) {
    const { id, from, to, source, sink } = record;
    for (const tag of list(without(source.secrecy, sink.secrecy))) {
      if (!answers(record, "s-", tag))
        faults.push(`#${id} ${from} -> ${to}: dropped ${tag}, and nobody answers for it`);
    }
    for (const tag of list(without(sink.integrity, source.integrity)))
      if (!answers(record, "i+", tag))
        faults.push(`#${id} ${from} -> ${to}: added ${tag}, and nobody answers`);

    const mine = marks.get(from) ?? new Map<string, number>();
    for (const [tag, since] of mine) {
      if (has(source.secrecy, tag)) continue;
      if (!(dropped.get(tag) ?? []).some(([first, last]) => last >= since && first <= id))
        faults.push(
          `#${id} ${from} -> ${to}: ${from} has data of ${tag} since #${since} and shows no such tag`,
        );
      mine.delete(tag);
    }
    for (const tag of list(source.secrecy)) if (!mine.has(tag)) mine.set(tag, id);
    const theirs = from === to ? mine : (marks.get(to) ?? new Map<string, number>());
    for (const tag of mine.keys()) {
      if (has(sink.secrecy, tag)) theirs.set(tag, id);
      else if (from === to) theirs.delete(tag);
    }
    marks.set(from, mine).set(to, theirs);
  }
  return faults;
}

function list(label: Label): string[] {
  return label === "ALL" ? ["every tag"] : [...label];
}

function has(label: Label, tag: string): boolean {
  return label === "ALL" || label.has(tag);
}
