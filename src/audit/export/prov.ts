/**
 * W3C PROV, as JSON and in its own notation, and SPADE's JSON: the same graph three times, with CamFlow's names of
 * things (task, file, link, char, …) and of what was done.
 *
 * An edge of PROV leads from effect to cause: a program that reads `used` the file; a file that is written
 * `wasGeneratedBy` the program.
 */
import type { EntityText } from "../ask/entity.ts";
import type { Row } from "./rows.ts";

/** CamFlow's names. */
const TYPES: Readonly<Record<string, string>> = {
  process: "task",
  file: "file",
  directory: "directory",
  symlink: "link",
  pipe: "pipe",
  socket: "socket",
  device: "char",
  address: "address",
  ipc: "msg",
};
export const typeOf = (kind: string): string => TYPES[kind] ?? kind;

type Relation = { name: string; effect: string; cause: string; spade: string };
const RELATIONS = {
  used: { name: "used", effect: "prov:activity", cause: "prov:entity", spade: "Used" },
  generated: { name: "wasGeneratedBy", effect: "prov:entity", cause: "prov:activity", spade: "WasGeneratedBy" },
  informed: { name: "wasInformedBy", effect: "prov:informed", cause: "prov:informant", spade: "WasTriggeredBy" },
  derived: { name: "wasDerivedFrom", effect: "prov:generatedEntity", cause: "prov:usedEntity", spade: "WasDerivedFrom" },
  influenced: { name: "wasInfluencedBy", effect: "prov:influencee", cause: "prov:influencer", spade: "WasControlledBy" },
} as const satisfies Record<string, Relation>; // prettier-ignore

type Class = "activity" | "agent" | "entity";
const classOf = ({ kind }: EntityText): Class =>
  kind === "process" ? "activity" : kind === "principal" ? "agent" : "entity";

function relationOf({ from, to }: Row): Relation {
  const [cause, effect] = [classOf(from), classOf(to)];
  if (cause === "agent" || effect === "agent") return RELATIONS.influenced;
  if (effect === "activity") return cause === "activity" ? RELATIONS.informed : RELATIONS.used;
  return cause === "activity" ? RELATIONS.generated : RELATIONS.derived;
}

/** Letters, digits and `_` with a number: a local name in every notation, different for different things. */
export function idOf({ kind, id }: EntityText): string {
  return `${kind}_${id.replace(/[^0-9a-zA-Z]/g, (c) => `_${c.charCodeAt(0).toString(16)}_`)}`;
}

/** Sections, each entity once: rows are gone through once for them and once for the relations. */
export function* provJson(rows: () => Iterable<Row>): Generator<string> {
  yield '{"prefix":{"csn":"urn:csn:"}';
  const all = thingsOf(rows());
  for (const section of ["entity", "activity", "agent"] as const) {
    const own = [...all].filter(([, thing]) => classOf(thing) === section);
    if (own.length === 0) continue;
    yield `,${JSON.stringify(section)}:{`;
    yield* joined(
      own,
      ([id, thing]) => `${JSON.stringify(`csn:${id}`)}:${JSON.stringify(attributesOf(thing))}`,
    );
    yield "}";
  }
  for (const relation of Object.values(RELATIONS)) {
    const own = (function* () {
      let number = 0;
      for (const row of rows()) if (relationOf(row) === relation) yield { row, number: number++ };
    })();
    yield `,${JSON.stringify(relation.name)}:{`;
    yield* joined(
      own,
      ({ row, number }) => `"_:${relation.name}${number}":${JSON.stringify(edgeOf(row, relation))}`,
    );
    yield "}";
  }
  yield "}\n";
}

export function* provN(rows: () => Iterable<Row>): Generator<string> {
  yield "document\n  prefix csn <urn:csn:>\n";
  for (const [id, thing] of thingsOf(rows())) {
    const attributes = Object.entries(attributesOf(thing)).map(([key, value]) => `${key}=${quoted(value)}`);
    const time = classOf(thing) === "activity" ? ", -, -" : "";
    yield `  ${classOf(thing)}(csn:${id}${time}, [${attributes.join(", ")}])\n`;
  }
  for (const row of rows()) {
    const relation = relationOf(row);
    const hasTime = relation === RELATIONS.used || relation === RELATIONS.generated;
    const time = hasTime ? `, ${row.time}` : "";
    const more = relation === RELATIONS.derived ? ", -, -, -" : "";
    const attributes = flowAttributes(row).map(([key, value]) => `${key}=${quoted(value)}`);
    yield `  ${relation.name}(csn:${idOf(row.to)}, csn:${idOf(row.from)}${more}${time}, [${attributes.join(", ")}])\n`;
  }
  yield "endDocument\n";
}

const SPADE = { activity: "Process", agent: "Agent", entity: "Artifact" } as const;

export function* spadeJson(rows: () => Iterable<Row>): Generator<string> {
  yield "[";
  let between = "";
  for (const [id, thing] of thingsOf(rows())) {
    const annotations = { name: thing.name, subtype: typeOf(thing.kind), id: thing.id };
    yield `${between}${JSON.stringify({ id, type: SPADE[classOf(thing)], annotations })}`;
    between = ",\n";
  }
  for (const row of rows()) {
    const annotations = { operation: row.op, time: row.time, allowed: String(row.verdict !== "refused"), record: row.record }; // prettier-ignore
    yield `${between}${JSON.stringify({ from: idOf(row.to), to: idOf(row.from), type: relationOf(row).spade, annotations })}`;
    between = ",\n";
  }
  yield "]\n";
}

function thingsOf(rows: Iterable<Row>): Map<string, EntityText> {
  const found = new Map<string, EntityText>();
  for (const { from, to } of rows) for (const thing of [from, to]) found.set(idOf(thing), thing);
  return found;
}

function attributesOf(thing: EntityText): Record<string, string> {
  return { "prov:type": typeOf(thing.kind), "prov:label": thing.name, "csn:id": thing.id };
}

function flowAttributes({ op, verdict, rule, record }: Row): [string, string][] {
  return [
    ["prov:type", op],
    ["csn:allowed", String(verdict !== "refused")],
    ...(rule === null ? [] : ([["csn:rule", rule]] as [string, string][])),
    ["csn:record", record],
  ];
}

function edgeOf(row: Row, relation: Relation): Record<string, string> {
  const hasTime = relation === RELATIONS.used || relation === RELATIONS.generated;
  return {
    [relation.effect]: `csn:${idOf(row.to)}`,
    [relation.cause]: `csn:${idOf(row.from)}`,
    ...(hasTime ? { "prov:time": row.time } : {}),
    ...Object.fromEntries(flowAttributes(row)),
  };
}

function* joined<T>(items: Iterable<T>, text: (item: T) => string): Generator<string> {
  let between = "";
  for (const item of items) {
    yield between + text(item);
    between = ",\n";
  }
}

/** A string of PROV-N: what JSON escapes is escaped alike. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
