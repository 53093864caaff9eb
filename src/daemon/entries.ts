/**
 * Records as clients see them, who may see which [AUD-4], and the words that explain one.
 */
import type {
  ContextView,
  Entity,
  Explanation,
  GateRunView,
  LogEntry,
  LogQuery,
  Shadow as ShadowView,
} from "../api/index.ts";
import { isoTime } from "../audit/index.ts";
import { ENTITY_KINDS, FLAG, KIND, OPS, SHAPE, VERDICTS } from "../kernel/index.ts";
import { checkFlow, type Context, isAll, type TagId } from "../label/index.ts";
import { entityText } from "./entity-text.ts";
import type { Authority, TagBook } from "./authority.ts";
import type { Caller } from "./identity.ts";
import type { Called } from "./record-names.ts";
import { isCleared, isClearedFor } from "./privileges.ts";
import type { Names } from "./names.ts";
import type { Entry } from "./records.ts";
import type { Shadow } from "./shadows.ts";
import { nameOf, viewContext } from "./views.ts";

const R = SHAPE.csn_record;

/** Which gates would let data from one context go to another; by name. [GATE-4] */
export type Offers = (from: Context, to: Context) => string[];
const NONE: Offers = () => [];

/** @param called what the record is called to who asks (record-names.ts) */
export function logEntry(
  entry: Entry,
  called: Called,
  book: TagBook,
  names: Names,
  offers: Offers = NONE,
): LogEntry {
  const { record } = entry;
  const gate = gateOf(entry);
  const against = tagsAgainst(entry);
  const verdict = VERDICTS[record[R.verdict]!];
  const actor = record[R.flags]! & FLAG.ACTOR_IS_SOURCE ? R.source : R.sink;
  return {
    id: called.id,
    time: isoTime(called.wallNs),
    verdict: verdictOf(entry),
    rule: verdict?.rule || null,
    op: OPS[record.readUInt16LE(R.op)] ?? "unknown",
    source: entity(record, R.source, record[R.source_kind]!, entry.sourceContext, book, names),
    sink: entity(record, R.sink, record[R.sink_kind]!, entry.sinkContext, book, names),
    pid: record.readUInt32LE(R.pid),
    program: gate?.gate ?? names.of(record, actor) ?? "",
    uid: record.readUInt32LE(R.uid),
    count: record.readUInt32LE(R.count),
    lost: called.lost,
    tags: against.map((id) => nameOf(id, book)).sort(),
    gates: against.length === 0 ? [] : offers(entry.sourceContext!, entry.sinkContext!),
    ...(gate === undefined ? {} : { gate }),
    ...noteOf(entry, gate !== undefined),
    ...(entry.shadow === null ? {} : { shadow: viewShadow(entry.shadow, book) }),
  };
}

function verdictOf({ record }: Entry): LogEntry["verdict"] {
  if (record[R.verdict] === 0) return "allowed";
  return record[R.flags]! & FLAG.OBSERVED ? "observed" : "refused";
}

export function viewShadow({ secrecy, integrity }: Shadow, book: TagBook): ShadowView {
  const names = (tags: readonly TagId[]) => tags.map((id) => nameOf(id, book)).sort();
  return { secrecy: names(secrecy), integrity: names(integrity) };
}

/** The run of a gate that a record is of. */
export function gateOf({ record, detail }: Entry): GateRunView | undefined {
  const isGate = record[R.kind] === KIND.EVENT && record.readUInt16LE(R.op) === OPS.indexOf("gate");
  return isGate && detail !== "" ? (JSON.parse(detail) as GateRunView) : undefined;
}

/** What else the daemon said, as `name value, …`. */
function noteOf({ detail }: Entry, isGate: boolean): { note?: string } {
  if (detail === "" || isGate) return {};
  try {
    const said = Object.entries(JSON.parse(detail) as Record<string, unknown>);
    const words = said
      .filter(([, value]) => value !== "" && value !== 0)
      .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`);
    return words.length === 0 ? {} : { note: words.join(", ") };
  } catch {
    return {}; // a gap has taken a part of it
  }
}

function entity(
  record: Buffer,
  at: number,
  kind: number,
  context: Context | null,
  book: TagBook,
  names: Names,
): Entity {
  const kindName = ENTITY_KINDS[kind] ?? "unknown";
  const { name, id } = entityText(record, at, kindName, names.of(record, at));
  return { kind: kindName, name, id, context: context && viewContext(context, book) };
}

/** The tags for which the flow was refused; empty when it was for none. */
function tagsAgainst(entry: Entry): TagId[] {
  if (entry.record[R.verdict] === 0 || !entry.sourceContext || !entry.sinkContext) return [];
  const denial = checkFlow(entry.sourceContext, entry.sinkContext);
  return denial === null || isAll(denial.tags) ? [] : [...denial.tags];
}

/** [AUD-4]: what both ends hold in secret must be the reader's to see. Between two that hold nothing in secret,
 * root alone reads. */
export function mayRead(entry: Entry, caller: Caller, authority: Authority): boolean {
  if (caller.uid === 0) return true;
  const ends = [entry.sourceContext, entry.sinkContext];
  return (
    ends.some((context) => context !== null && context.secrecy.length > 0) &&
    ends.every((context) => context !== null && isCleared(authority, caller, context)) &&
    isClearedFor(authority, caller, entry.shadow?.secrecy ?? [])
  );
}

export function matches(entry: Entry, query: LogQuery, book: TagBook): boolean {
  if (query.refused && verdictOf(entry) !== "refused") return false;
  if (query.observed && verdictOf(entry) !== "observed") return false;
  if (query.tag === undefined) return true;
  const id = book.tagNamed(query.tag)?.id;
  return [entry.sourceContext, entry.sinkContext].some(
    (context) =>
      context !== null &&
      id !== undefined &&
      [context.secrecy, context.integrity].some((label) => !isAll(label) && label.includes(id)),
  );
}

const RULES: Record<string, string> = {
  "FLOW-1": "data may go only where all its secrecy tags are also carried",
  "FLOW-2": "what demands integrity tags takes data only from what has them",
  "CTX-5": "the context of one side could not be found out, and what is not known is refused",
  "OP-12": "this door is closed to labelled programs: csn does not mediate what is behind it",
  "OBJ-3": "the object would get another label by its new place than it has",
  "AUD-3":
    "the rules allow it, but there was no room for its record, and this host refuses what it cannot record",
  "CHG-1": "who started a program changes its context only by tags that he owns",
  "CHG-3": "a program changes its context only if all that it holds is legal under the new one",
  "OP-10": "only a process of the same context may control another",
};

export function explain(
  entry: Entry,
  called: Called,
  book: TagBook,
  names: Names,
  offers: Offers,
): Explanation {
  const record = logEntry(entry, called, book, names, offers);
  const tags = record.tags.join(", ");
  const remedy: string[] = [];
  const owners = [
    ...new Set(
      tagsAgainst(entry)
        .map((id) => book.tag(id)?.owner)
        .filter((o) => o !== undefined),
    ),
  ];
  for (const name of record.gates)
    remedy.push(
      `[GATE-4] let it pass through gate ${name}: \`csn run --via ${name}\`, or \`csn gate run ${name}\``,
    );
  const address = [record.source, record.sink].find(({ kind }) => kind === "address");
  if (address !== undefined && (record.rule === "FLOW-1" || record.rule === "FLOW-2")) {
    const other = address === record.sink ? record.source : record.sink;
    remedy.push(
      `who owns the tags of the program gives the address exactly its context: \`csn network set ${address.name} ${options(other.context)}\``,
    );
  } else if (record.rule === "FLOW-1") {
    remedy.push(
      `run the reader with \`--secrecy ${record.tags.join(",")}\`, or write to a place labelled so`,
    );
    remedy.push(
      `or the owner of ${tags} (${owners.join(", ")}) takes the label off: \`csn label clear\`, or shows output with \`csn run --release\``,
    );
  } else if (record.rule === "FLOW-2") {
    remedy.push(`take the input from something that carries ${tags}`);
    remedy.push(
      `or the owner of ${tags} (${owners.join(", ")}) vouches for it: \`csn label set --integrity ${record.tags.join(",")}\``,
    );
  } else if (record.rule === "OP-12") {
    remedy.push("nothing yet: `csn status` lists which channels are mediated and which are refused outright");
  } else if (record.rule === "OBJ-3") {
    remedy.push("copy it instead: the copy gets the label of the program that makes it");
  } else if (record.rule === "OP-10") {
    remedy.push("start both with the same `--secrecy` and `--integrity`");
  } else if (record.rule === "CHG-3") {
    remedy.push("the answer to the program names what it holds; let it be closed first");
  } else if (record.rule === "AUD-3") {
    remedy.push("try again: the daemon empties the rings many times a second");
    remedy.push("or let such flows happen, counted: `csn up --on-full count`");
  } else if (record.rule === "CHG-1") {
    remedy.push("the owner of the tags starts the program");
  } else if (record.rule === "CTX-5") {
    remedy.push("reach the file through its directory; if that fails too, `csn doctor`");
  }
  if (record.gate !== undefined)
    return { record, rule: "GATE-2", text: gateText(record.gate), tags: changed(record.gate), remedy };
  const rule = record.rule ? `[${record.rule}] ${RULES[record.rule] ?? ""}` : "the rules allow it";
  const text =
    record.verdict === "observed"
      ? `[SUBJ-5] observed: it happened, and enforcing would refuse it: ${rule}`
      : rule;
  return { record, rule: record.rule, text, tags: record.tags, remedy };
}

/** A run of a gate in words: which tags, by whose grant, for what, from what to what. */
function gateText({
  gate,
  purpose,
  user,
  tags,
  started,
  ended,
  exit,
  failure,
  input,
  output,
}: GateRunView): string {
  const how = tags.map(({ change, privilege, tag, by, grants }) => {
    const chain = grants.map((grant) => `${grant.by}'s grant ${grant.id.slice(0, 8)}`).join(", then ");
    const right = chain || (by === "gate" ? `${privilege} open to everybody` : `the right of its ${by}`);
    return `${change} ${tag} by ${right}`;
  });
  const end = exit === null ? `it did not start: ${failure}` : `exit ${exit}`;
  const when = ended === "" ? `begun ${started}` : `${started} to ${ended}, ${end}`;
  const stream = ({ what, bytes, digest }: GateRunView["input"]) =>
    `${what}, ${bytes} bytes, sha256 ${digest}`;
  return [
    `[GATE-2] gate ${gate}, run by ${user}${purpose === "" ? "" : ` for ${purpose}`}, ${when}`,
    ...how,
    ...(ended === "" ? [] : [`input: ${stream(input)}`, `output: ${stream(output)}`]),
  ].join("; ");
}

function changed({ tags }: GateRunView): string[] {
  return tags.filter(({ change }) => change !== "carries").map(({ tag }) => tag);
}

/** A context as the command line takes it. */
function options(context: ContextView | null): string {
  const part = (option: string, label: ContextView["secrecy"] = []) =>
    label === "ALL" || label.length === 0 ? [] : [`${option} ${label.join(",")}`];
  return [...part("--secrecy", context?.secrecy), ...part("--integrity", context?.integrity)].join(" ");
}
