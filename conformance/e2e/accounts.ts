/**
 * Property 3 of docs/model.md over all that the suite did on its machine: the record and the statements of a real daemon, as
 * model/accountability.ts and model/owners.ts take them.
 */
import { deepStrictEqual, notStrictEqual } from "node:assert";
import { type Holds, type Recorded, unaccounted } from "../../model/accountability.ts";
import { holds, type Said } from "../../model/owners.ts";
import type { Context, Label } from "../../model/reference.ts";
import type { Case } from "./suite.ts";

type View = { secrecy: string[] | "ALL"; integrity: string[] | "ALL" };
type End = { kind: string; id: string; name: string; context: View | null };
type LogLine = {
  id: number;
  time: string;
  verdict: string;
  op: string;
  uid: number;
  source: End;
  sink: End;
  gate?: { gate: string; definition: string; started: string };
};
type StatementLine = { at: string; by: string; body: { kind: string } & Record<string, unknown> };

/** What the daemon itself did with labels, and somebody answers for. */
const CHANGES = new Set(["gate", "change", "label", "release", "network"]);

export const accounts: readonly Case[] = [
  {
    name: "accountability: over the whole record of this machine, somebody who might answers for each tag that was dropped or vouched for [GATE-2, CHG-1]",
    async run(b) {
      const lines = <T>(text: string) => text.trim().split("\n").map((line) => JSON.parse(line) as T); // prettier-ignore
      const entries = lines<LogLine>(await b.ok("log", "--json", "-n", "1000000"));
      const statements = lines<StatementLine>(await b.ok("statement", "export"));
      const firstAfter = (time: string) => entries.find((entry) => entry.time >= time)?.id ?? Infinity;
      const records: Recorded[] = entries.flatMap((entry) => recordedOf(entry, statements, firstAfter) ?? []);
      const changes = records.filter(({ by }) => by !== null).length;
      process.stderr.write(
        `  ${records.length} allowed flows and changes, ${changes} with somebody who answers\n`,
      );
      notStrictEqual(changes, 0);
      deepStrictEqual(unaccounted(records, answersFor(entries, statements)), []);
    },
  },
];

/** Statements, how things are run, channels of the bus that are made or ended. */
const MOVES_NOTHING = new Set(["state", "configure", "channel"]);

/** Null for what was refused, and for what moves no data. */
function recordedOf(
  line: LogLine,
  statements: readonly StatementLine[],
  firstAfter: (time: string) => number,
): Recorded | null {
  if (line.verdict !== "allowed" || MOVES_NOTHING.has(line.op)) return null;
  const [source, sink] = [contextOf(line.source.context), contextOf(line.sink.context)];
  if (source === null || sink === null) return null;
  const name = ({ kind, id }: End) => `${kind} ${id}`;
  // what a user is shown or gives is no thing that keeps it
  const person = `${line.op} #${line.id}`;
  const isChange = line.op === "change" || line.op === "label" || line.op === "network";
  return {
    id: line.id,
    from: line.op === "gate" ? `${person} in` : isChange ? name(line.sink) : name(line.source),
    to: line.op === "gate" || line.op === "release" ? `${person} out` : name(line.sink),
    source,
    sink,
    by: CHANGES.has(line.op) ? whoOf(line, statements) : null,
    ...(line.gate === undefined ? {} : { since: firstAfter(line.gate.started) }),
  };
}

/** By model/owners.ts, on what had been said when the record was written. */
function answersFor(lines: readonly LogLine[], statements: readonly StatementLine[]): Holds {
  const times = new Map(lines.map(({ id, time }) => [id, time]));
  return (who, privilege, tag, id) => {
    const time = times.get(id)!;
    return holds(saidBefore(statements, time), who, privilege, tag, Date.parse(time));
  };
}

function whoOf({ uid, gate }: LogLine, statements: readonly StatementLine[]): string {
  if (gate !== undefined) return `gate:${gate.gate}@${gate.definition}`;
  if (uid === 0) return "platform";
  const principal = statements.find(
    ({ body }) => (body.kind === "principal" || body.kind === "bind") && body.uid === uid,
  );
  return principal === undefined ? `uid:${uid}` : String(principal.body.name);
}

function saidBefore(statements: readonly StatementLine[], time: string): Said[] {
  const numbers = new Map<string, number>();
  const said: Said[] = [];
  const sets = new Map<string, Said>();
  for (const { at, by, body } of statements) {
    if (at > time) break;
    if (body.kind === "grant") {
      const id = numbers.size;
      numbers.set(body.id as string, id);
      said.push({
        ...{ say: "grant", id, by, to: body.to as string, tag: body.tag as string },
        ...{ privileges: body.privileges as string[], delegate: body.delegate as boolean },
        until: body.until === null ? Infinity : Date.parse(body.until as string),
        via: body.via === null ? null : numbers.get(body.via as string)!,
      });
    } else if (body.kind === "revoke") said.push({ say: "revoke", id: numbers.get(body.grant as string)! });
    else if (body.kind === "open")
      said.push({ say: "open", tag: body.tag as string, privilege: body.privilege as string, open: body.open as boolean }); // prettier-ignore
    else if (body.kind === "held")
      for (const tag of body.tags as string[]) said.push({ say: "held", who: body.holder as string, tag });
    else if (body.kind === "conflict") {
      const set: Said = { say: "conflict", tags: body.tags as string[] };
      sets.set(body.name as string, set);
      said.push(set);
    } else if (body.kind === "unconflict") said.splice(said.indexOf(sets.get(body.name as string)!), 1);
  }
  return said;
}

function contextOf(view: View | null): Context | null {
  if (view === null) return null;
  const label = (names: string[] | "ALL"): Label => (names === "ALL" ? "ALL" : new Set(names));
  return { secrecy: label(view.secrecy), integrity: label(view.integrity) };
}
