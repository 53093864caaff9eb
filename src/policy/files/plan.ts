/**
 * What has to be said so that the world is as the documents say: a list of statements, each with who must sign it,
 * in an order that applies.
 *
 * Guarantee: every step was taken by the rules on a copy of the world, so what is planned applies as a whole, unless
 * the world changes meanwhile. Documents say what there is, not how: a second plan after the first was applied is empty.
 * What is in the world and in no document is left alone; a grant that an earlier apply made from a document that is gone is
 * revoked with `prune`.
 */
import { randomBytes } from "node:crypto";
import { tagIdFromBytes, type TagName } from "../../label/index.ts";
import { ownerOf, type Pattern } from "../pattern.ts";
import { MAX_TAGS_AT_ONCE } from "../rules.ts";
import type { State } from "../state.ts";
import { canonical, type ContextText, type GateText, PLATFORM, PRIVILEGES } from "../statement.ts";
import { planGrants } from "./grants.ts";
import { keptMessageType, requireOneTypePerTopic } from "./message-type.ts";
import { type Problem, quote } from "./problem.ts";
import type { AnyDocument, PolicyDocumentOf } from "./read.ts";
import type { ContextSpec, Kind } from "./schema.ts";
import { tagsIn } from "./tags-in.ts";
import { type Step, Trial } from "./trial.ts";
import { contextWords, list } from "./words.ts";

/** granted: ids of the grants that documents account for. */
export type Plan = {
  readonly steps: Step[];
  readonly problems: Problem[];
  readonly notes: string[];
  readonly granted: ReadonlySet<string>;
  readonly after: State;
};

export type PlanOptions = {
  /** Which set of files this is: `prune` revokes only what the same set once granted. */
  readonly set?: string;
  readonly prune?: boolean;
  /** Nothing is known but the files: who and what they name is taken to exist. */
  readonly assume?: boolean;
  /** sha256 of a file, for `digest: auto`. @throws Error, whose message says why not */
  readonly digestOf?: (path: string) => string;
  /** May whoever plans know of this tag? What he may not is as if it did not exist. */
  readonly mayKnow?: (tag: string) => boolean;
};

/** Documents that other parts of csn obey. */
const KEPT = ["Network", "Host", "MessageType"] as const;
type Kept = Extract<AnyDocument, { kind: (typeof KEPT)[number] }>;

export function planPolicy(
  state: State,
  documents: readonly AnyDocument[],
  now: Date,
  options: PlanOptions = {},
): Plan {
  const trial = new Trial(state, now);
  const of = <K extends Kind>(kind: K) =>
    documents.filter((document) => document.kind === kind) as unknown as PolicyDocumentOf<K>[];
  const contexts = new Contexts(trial, of("Context"));
  if (mayKnowAll(trial, documents, options)) {
    planTags(trial, of("Tag"));
    for (const document of of("Context")) planContext(trial, document);
    for (const document of of("Conflict")) planConflict(trial, document);
    for (const document of of("Gate")) planGate(trial, document, contexts, options);
    planOpen(trial, of("Tag"));
    planGrants(trial, of("Grant"), options);
    for (const kind of KEPT) for (const document of of(kind)) planKept(trial, document as Kept, contexts);
    requireOneTypePerTopic(trial, of("MessageType"), options);
  }
  const { steps, problems, notes, granted } = trial;
  return { steps, problems, notes, granted, after: trial.state };
}

/** What a document says a context is, by its name or written out. */
export class Contexts {
  readonly #trial: Trial;
  readonly #documents: ReadonlyMap<string, PolicyDocumentOf<"Context">>;

  constructor(trial: Trial, documents: readonly PolicyDocumentOf<"Context">[]) {
    this.#trial = trial;
    this.#documents = new Map(documents.map((document) => [document.name, document]));
  }

  read(spec: ContextSpec, document: AnyDocument, ...path: PropertyKey[]): ContextText {
    if (typeof spec !== "string") return textOf(spec);
    if (spec === "unlabelled") return { secrecy: [], integrity: [] };
    const named = this.#documents.get(spec)?.spec ?? this.#trial.state.contexts.get(spec)?.context;
    if (named !== undefined) return textOf(named);
    this.#trial.problem(
      document.placeOf("spec", ...path),
      "the name of a Context in these files or in force",
      quote(spec),
      "write a Context document of this name, or `{secrecy: [...], integrity: [...]}`",
    );
    return { secrecy: [], integrity: [] };
  }
}

export function textOf(spec: { secrecy: readonly string[]; integrity: readonly string[] }): ContextText {
  const sorted = (tags: readonly string[]) => [...new Set(tags)].sort();
  return { secrecy: sorted(spec.secrecy), integrity: sorted(spec.integrity) };
}

function mayKnowAll(trial: Trial, documents: readonly AnyDocument[], { mayKnow }: PlanOptions): boolean {
  if (mayKnow === undefined) return true;
  for (const document of documents) {
    const named = tagsIn(document.spec);
    if (document.kind === "Tag") named.add(document.name);
    for (const tag of named)
      if (!mayKnow(tag))
        trial.problem(
          document.place,
          "the names of tags that you may use",
          quote(tag),
          "`csn tag list` shows them; only its owner makes a tag",
        );
  }
  return trial.problems.length === 0;
}

function planTags(trial: Trial, documents: readonly PolicyDocumentOf<"Tag">[]): void {
  const missing = documents.filter(({ name }) => !name.endsWith(":*") && !trial.state.tags.has(name));
  for (const owner of new Set(missing.map(({ name }) => ownerOf(name as TagName)))) {
    const mine = missing.filter(({ name }) => ownerOf(name as TagName) === owner);
    if (!trial.requirePrincipal(owner, mine[0]!.placeOf("metadata", "name"))) continue;
    for (let from = 0; from < mine.length; from += MAX_TAGS_AT_ONCE) {
      const part = mine.slice(from, from + MAX_TAGS_AT_ONCE);
      const tags = part.map(({ name }) => ({ name: name as TagName, id: tagIdFromBytes(randomBytes(16)) }));
      trial.say(
        owner,
        { kind: "tag", tags },
        `make ${list(
          part.map(({ name }) => name),
          "tag",
        )}`,
        part[0]!.place,
      );
    }
  }
}

function planOpen(trial: Trial, documents: readonly PolicyDocumentOf<"Tag">[]): void {
  for (const { name, spec, place } of documents) {
    const tag = name as Pattern;
    const before = trial.state.opened.get(tag);
    for (const privilege of PRIVILEGES) {
      const [is, shall] = [before?.has(privilege) === true, spec.open.includes(privilege)];
      if (is !== shall)
        trial.say(
          ownerOf(tag),
          { kind: "open", tag, privilege, open: shall },
          shall ? `open ${privilege} on ${tag} to everybody` : `close ${privilege} on ${tag}`,
          place,
        );
    }
  }
}

function planContext(trial: Trial, { name, spec, place }: PolicyDocumentOf<"Context">): void {
  const context = textOf(spec);
  const before = trial.state.contexts.get(name);
  if (before !== undefined && canonical(before.context) === canonical(context)) return;
  const words = `${before === undefined ? "name" : "change"} the context ${name}: ${contextWords(context)}`;
  trial.say(ownerOf(name as Pattern), { kind: "context", name, context }, words, place);
}

function planConflict(trial: Trial, { name, spec, place }: PolicyDocumentOf<"Conflict">): void {
  const tags = [...spec.tags].sort() as Pattern[];
  const before = trial.state.conflicts.get(name);
  if (before !== undefined && canonical([...before.tags].sort()) === canonical(tags)) return;
  if (before !== undefined)
    trial.say(before.by, { kind: "unconflict", name }, `end the conflict set ${name} as it was`, place);
  const owner = ownerOf(name as Pattern);
  const by = tags.every((tag) => ownerOf(tag) === owner) ? owner : PLATFORM;
  trial.say(by, { kind: "conflict", name, tags }, `keep apart, as ${name}: ${tags.join(", ")}`, place);
}

function planGate(
  trial: Trial,
  document: PolicyDocumentOf<"Gate">,
  contexts: Contexts,
  options: PlanOptions,
): void {
  const { name, spec, place } = document;
  const digest = (text: string, path: string, ...at: PropertyKey[]): string => {
    if (text !== "auto") return text;
    if (options.digestOf === undefined) return "0".repeat(64); // the files alone: nothing depends on it
    try {
      return options.digestOf(path);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      trial.problem(
        document.placeOf("spec", ...at),
        `a readable file ${quote(path)}`,
        why,
        "give its sha256, or mend the path",
      );
      return "0".repeat(64);
    }
  };
  const gate: GateText = {
    program: spec.program,
    digest: digest(spec.digest, spec.program, "digest"),
    args: spec.args,
    files: spec.files.map(({ path, digest: text }, i) => ({
      path,
      digest: digest(text, path, "files", i, "digest"),
    })),
    in: contexts.read(spec.in, document, "in"),
    out: contexts.read(spec.out, document, "out"),
    consent: [...spec.consent].sort(),
    purpose: spec.purpose,
  };
  const users = [...spec.users].sort();
  const before = trial.state.gates.get(name);
  const same = before !== undefined && canonical(before.gate) === canonical(gate);
  if (same && canonical([...before.users].sort()) === canonical(users)) return;
  const flow = `${contextWords(gate.in)} -> ${contextWords(gate.out)}`;
  const words =
    before === undefined
      ? `offer the gate ${name}: ${flow}`
      : same
        ? `let ${users.join(", ")} run the gate ${name}`
        : `define the gate ${name} anew: ${flow}; what was granted to it ends`;
  trial.say(ownerOf(name as Pattern), { kind: "gate", name, gate, users }, words, place);
}

function planKept(trial: Trial, document: Kept, contexts: Contexts): void {
  const { kind, name, place } = document;
  const spec = keptSpec(trial, document, contexts);
  if (spec === null) return;
  const before = trial.state.documents.get(`${kind} ${name}`);
  if (before?.spec === spec) return;
  const words = `${before === undefined ? "set" : "change"} ${kind} ${name}`;
  trial.say(PLATFORM, { kind: "document", type: kind, name, spec }, words, place);
}

/** As it is kept: contexts written out, so that nothing changes with a name's meaning. null: it makes no sense. */
function keptSpec(trial: Trial, document: Kept, contexts: Contexts): string | null {
  if (document.kind === "MessageType") return keptMessageType(trial, document, contexts);
  if (document.kind === "Host") return canonical(document.spec);
  return canonical({ ...document.spec, context: contexts.read(document.spec.context, document, "context") });
}
