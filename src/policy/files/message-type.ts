/**
 * MessageType documents: checked, and as they are kept.
 *
 * Guarantee: what is kept can be compiled by the bus: topic, paths and schema are read, tags exist, no attribute claims a trust that it
 * can't have [MSG-1], and of the types that a topic has one is narrower than all others.
 */
import { MAX_TAGS } from "../../label/index.ts";
import { encloses, parseAttributePath } from "../message/attribute-path.ts";
import { compileSchema, type JsonSchema } from "../message/payload-schema.ts";
import { requiredBy } from "../message/required.ts";
import { messageTypeSpec } from "../message/spec.ts";
import { filterFault, filtersOverlap, isNarrower } from "../message/topic-filter.ts";
import { ContextShape } from "../shape.ts";
import type { ContextText } from "../statement.ts";
import type { Contexts, PlanOptions } from "./plan.ts";
import { quote } from "./problem.ts";
import type { PolicyDocumentOf } from "./read.ts";
import { tagsIn } from "./tags-in.ts";
import type { Trial } from "./trial.ts";

type Document = PolicyDocumentOf<"MessageType">;
type Attribute = { readonly path: string; readonly context: ContextText };

/** As it is kept: contexts are written out. */
export type MessageTypeText = {
  readonly topic: string;
  readonly format: "json" | "cbor" | "bytes";
  readonly withheld: "remove" | "refuse";
  readonly attributes: readonly Attribute[];
  readonly schema?: JsonSchema | undefined;
  readonly context?: ContextText | undefined;
};

/** Types in force at once: each is held against each. */
const MAX_TYPES = 1000;
const TEXT = messageTypeSpec(ContextShape);

/** What `keptMessageType` wrote; null: something else did. */
export function readMessageType(text: string): MessageTypeText | null {
  const read = TEXT.safeParse(JSON.parse(text));
  return read.success ? read.data : null;
}

/** The text that is kept of a document; null: it has problems, which are noted. */
export function keptMessageType(trial: Trial, document: Document, contexts: Contexts): string | null {
  const before = trial.problems.length;
  const { spec } = document;
  const topicFault = filterFault(spec.topic);
  if (topicFault !== null) problem(["topic"], topicFault, quote(spec.topic), "as in MQTT: `home/+/presence`");
  // numbers that JSON does not have are not kept as such
  const schema =
    spec.schema === undefined ? undefined : (JSON.parse(JSON.stringify(spec.schema)) as JsonSchema);
  checkSchema(schema);
  if (spec.format === "bytes" && spec.attributes.length > 0)
    problem(
      ["attributes"],
      "none with the format `bytes`",
      "some",
      "`format: json` or `cbor` is looked into",
    );
  const context = spec.context === undefined ? undefined : contexts.read(spec.context, document, "context");
  const attributes = spec.attributes.map((attribute, i) => ({
    path: attribute.path,
    context: contexts.read(attribute.context, document, "attributes", i, "context"),
  }));
  requireTags(context, "context");
  for (const [i, attribute] of attributes.entries())
    requireTags(attribute.context, "attributes", i, "context");
  checkAttributes();
  if (trial.problems.length > before) return null;
  const { topic, format, withheld } = spec;
  return sortedJson({ topic, format, withheld, schema, context, attributes } satisfies MessageTypeText);

  function checkSchema(given: JsonSchema | undefined): void {
    if (given === undefined) return;
    if (spec.format === "bytes") problem(["schema"], "none with the format `bytes`", "one", "leave it out");
    const compiled = compileSchema(given);
    if ("fault" in compiled)
      problem(["schema"], "a JSON Schema (2020-12) that stands alone", quote(compiled.fault), "patterns are RE2's; `format` is not checked, so leave it out");
  } // prettier-ignore

  function checkAttributes(): void {
    const read = attributes.flatMap((attribute, i) => {
      const parsed = parseAttributePath(attribute.path);
      if ("steps" in parsed) return [{ ...attribute, i, steps: parsed.steps }];
      problem(["attributes", i, "path"], parsed.expected, parsed.found, "such as `rooms[*].presence` or `/rooms/hall`");
      return [];
    });
    for (const one of read) {
      const around = read.filter((other) => other !== one && encloses(other.steps, one.steps));
      const isRepeated = around.some((other) => other.i < one.i && encloses(one.steps, other.steps));
      if (isRepeated)
        problem(["attributes", one.i, "path"], "each path once", `${quote(one.path)} again`, "give both contexts' tags to one");
      checkJoin(one.i, one, context === undefined ? around : [{ path: "", context }, ...around]);
      if (schema !== undefined && spec.withheld === "remove" && requiredBy(schema, one.steps))
        note(["attributes", one.i, "path"], `${document.name} requires ${quote(one.path)}: from a sender who may not send it, the whole message is refused`);
    }
  } // prettier-ignore

  /** [MSG-1] In what it is in, it has all that secrecy, and no more trust. */
  function checkJoin(i: number, { path, context: own }: Attribute, outer: readonly Attribute[]): void {
    for (const around of outer) {
      const claimed = own.integrity.find((tag) => !around.context.integrity.includes(tag));
      const what = around.path === "" ? "the message" : quote(around.path);
      if (claimed !== undefined)
        problem(["attributes", i, "context"], `[MSG-1] no integrity that ${what} does not have`, quote(claimed), `${quote(path)} is part of it, and at most as trusted: leave the tag out, or add it there`);
    }
    const all = new Set([own, ...outer.map((around) => around.context)].flatMap(({ secrecy }) => secrecy));
    if (all.size > MAX_TAGS)
      problem(["attributes", i, "context"], `[CTX-1] at most ${MAX_TAGS} tags together with what it is in`, String(all.size), "use fewer tags");
  } // prettier-ignore

  function requireTags(given: ContextText | undefined, ...path: PropertyKey[]): void {
    for (const tag of [...(given?.secrecy ?? []), ...(given?.integrity ?? [])])
      if (!trial.state.tags.has(tag))
        problem(
          path,
          "tags that there are",
          quote(tag),
          "`csn tag list` shows them; a Tag document makes one",
        );
  }

  function problem(path: readonly PropertyKey[], expected: string, found: string, hint: string): void {
    trial.problem(document.placeOf("spec", ...path), expected, found, hint);
  }

  function note(path: readonly PropertyKey[], words: string): void {
    const { file, line } = document.placeOf("spec", ...path);
    trial.notes.push(`${file}:${line}: ${words}`);
  }
}

/** Which type a topic has must not depend on an order: of two that match, one is narrower. It is said which wins. */
export function requireOneTypePerTopic(trial: Trial, documents: readonly Document[], { mayKnow }: PlanOptions): void {
  const types = [...trial.state.documents.values()].filter(({ type }) => type === "MessageType");
  const [first] = documents;
  if (first === undefined) return;
  if (types.length > MAX_TYPES)
    trial.problem(first.place, `at most ${MAX_TYPES} message types in force`, String(types.length), "let one type have several topics: `a/+/b`");
  const inForce = types.slice(0, MAX_TYPES).flatMap(({ name, spec }) => {
    const text = readMessageType(spec);
    if (text === null) return [];
    const isKnown = mayKnow === undefined || [...tagsIn(text)].every(mayKnow);
    return [{ name, topic: text.topic, shown: isKnown ? `${name} (${quote(text.topic)})` : "one that is in force" }];
  });
  const placeOf = new Map(documents.map((document) => [document.name, document.placeOf("spec", "topic")]));
  for (const [i, a] of inForce.entries())
    for (const b of inForce.slice(i + 1)) {
      const place = placeOf.get(b.name) ?? placeOf.get(a.name);
      if (place === undefined || !filtersOverlap(a.topic, b.topic)) continue;
      const [winner, other] = isNarrower(a.topic, b.topic) ? [a, b] : [b, a];
      if (isNarrower(winner.topic, other.topic))
        trial.notes.push(`${place.file}:${place.line}: where both match, ${winner.shown} wins over ${other.shown}`);
      else
        trial.problem(place, "a topic that no other type has, or that is narrower or wider than the other's", `${a.shown} and ${b.shown}`, "the type of a message must not depend on an order");
    }
} // prettier-ignore

/** Keys in one order, so that two texts are equal when the values are. A schema has numbers that statements don't. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}
